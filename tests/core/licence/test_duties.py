"""Duties of the licences above a sublicence: who uses the work keeps them too, however little its own licence says."""

from __future__ import annotations

import pytest

from tallystick.licence.answer import Effect, Verdict
from tallystick.licence.chain import Link, answer_chain
from tallystick.licence.question import parse_question

from .examples import WITHIN, disclosed

SILENT = {
    **dict.fromkeys(("attribution", "channel", "consent", "count", "payment", "contract")),
    "sublicensing": {"allowed": False, "max_depth": 0},
    "derivatives": "permitted",
}
"""A sublicence that demands nothing of its own."""


def conditions(use: str) -> dict[str, set[str]]:
    """What is left to be kept, by licence, of a use that is permitted."""
    links = [Link("parent", disclosed()), Link("child", disclosed(**SILENT))]
    found = answer_chain(links, parse_question(f"{use} in DE on theatrical"), WITHIN)
    assert found.verdict is Verdict.PERMITTED
    left: dict[str, set[str]] = {"parent": set(), "child": set()}
    for one in found.reasons:
        if one.reason.effect is Effect.CONDITION:
            left[one.licence].add(one.reason.term)
    return left


@pytest.mark.parametrize("term", ["attribution", "channel", "consent", "count"])
def test_a_duty_of_the_parent_is_told(term: str) -> None:
    left = conditions("play")
    assert term in left["parent"]
    assert term not in left["child"]


def test_the_parents_approval_of_derivatives_is_told() -> None:
    assert "derivatives" in conditions("adapt")["parent"]
    assert "derivatives" not in conditions("play")["parent"]


def test_what_the_parents_parties_owe_each_other_is_theirs() -> None:
    assert conditions("play")["parent"] == {"attribution", "channel", "consent", "count"}
