"""The table of docs/licence.md that a lawyer reads is what the code answers."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.licence.chain import Link, answer_chain
from tallystick.licence.question import parse_question
from tallystick.licence.within import Containment, within
from tests.core.licence.examples import TERMS, disclosed
from tests.docs.pages import page

NARROW: dict[str, Any] = {
    "use": {"include": ["play"], "exclude": ["advertise"]},
    "territory": {"include": ["CH", "DE"], "exclude": []},
    "media": {"include": ["streaming-svod", "theatrical"], "exclude": []},
    "sublicensing": {"allowed": False, "max_depth": 0},
}
WIDE: dict[str, Any] = {
    **NARROW,
    "use": {"include": ["play", "print"], "exclude": []},
    "territory": {"include": ["CH", "DE", "IT"], "exclude": []},
    "media": {"include": ["broadcast-pay", "streaming-svod", "theatrical"], "exclude": []},
    "ai_use": dict.fromkeys(TERMS["ai_use"], "permitted"),
}


def rows() -> list[tuple[str, str, str, str, str]]:
    """Which sublicence, question, instant, answer, whose clause; of both tables."""
    text = page("licence.md").split("### A table to read")[1].split("\n## ")[0]
    parts = text.split("Should the sublicence say more")
    first, second = ([_cells(line) for line in part.splitlines() if line[:3] == "| `"] for part in parts)
    assert (len(first), len(second)) == (15, 5)
    return [(name, *row) for name, part in (("narrow", first), ("wide", second)) for row in part]  # type: ignore[misc]


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(("which", "question", "day", "answer", "whose"), rows())
def test_the_table(which: str, question: str, day: str, answer: str, whose: str) -> None:
    child = disclosed(**(NARROW if which == "narrow" else WIDE))
    found = answer_chain(
        [Link("parent", disclosed()), Link("sublicence", child)], parse_question(question), f"{day}T00:00:00Z"
    )
    assert (found.verdict.value, f"{found.deciding.licence}: {found.deciding.reason.term}") == (answer, whose)


def test_the_first_sublicence_is_within_its_parent_and_the_second_is_not() -> None:
    assert within(disclosed(), disclosed(**NARROW)).containment is Containment.WITHIN
    found = within(disclosed(), disclosed(**WIDE))
    assert found.containment is Containment.EXCEEDS
    assert {one.term for one in found.findings if one.containment is Containment.EXCEEDS} == {
        "use", "territory", "media", "ai_use"
    }  # fmt: skip
