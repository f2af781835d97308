"""docs/licence.md says what the code says."""

from __future__ import annotations

import re

import pytest

from tallystick.c2pa.verdict import MAX_PAYLOAD
from tallystick.commands.license import EXITS
from tallystick.licence import status_list, vocabulary
from tallystick.licence.question import parse_question
from tallystick.licence.terms import MANDATORY, NAMES
from tests.architecture.tree import ROOT

PAGE = (ROOT / "docs" / "licence.md").read_text(encoding="utf-8")


def paragraph(start: str) -> set[str]:
    """The words in code type of the first sentence of the paragraph that begins so."""
    text = next(each for each in PAGE.split("\n\n") if each.startswith(start))
    return set(re.findall(r"`([^`]+)`", text.split("`. ")[0].split(":", 1)[1] + "`"))


@pytest.mark.parametrize(
    ("start", "known"),
    [
        ("Uses:", vocabulary.USES),
        ("AI uses", vocabulary.AI_USES),
        ("Media:", vocabulary.MEDIA),
        ("Formats:", vocabulary.FORMATS),
        ("Count units:", vocabulary.COUNT_UNITS),
    ],
)
def test_the_vocabularies_are_those_of_the_code(start: str, known: dict[str, object]) -> None:
    assert paragraph(start) == set(known)


def test_the_terms_are_those_of_the_code_in_their_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (yes)? ?\|$", PAGE, re.M)
    assert tuple(name for name, _ in rows) == NAMES
    assert tuple(name for name, mandatory in rows if mandatory) == MANDATORY


def test_numbers_and_the_example_are_those_of_the_code() -> None:
    assert f"at most {MAX_PAYLOAD // 1024} KiB" in PAGE
    assert status_list.MAX_STATUSES == 2**20
    assert f"| {status_list.LOG} (private use) |" in PAGE
    assert sorted(EXITS.values()) == [0, 1, 3]
    assert parse_question("play in DE on streaming").text in PAGE
