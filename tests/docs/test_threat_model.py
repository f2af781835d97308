"""docs/threat-model.md names every claim, and every test and attack that it names exists."""

from __future__ import annotations

import ast
import re

from tallystick.verify.outcome import CLAIM_IDS
from tests.architecture.tree import files, parse, relative
from tests.core.verify import attacks_on_facts
from tests.core.verify.attacks import ATTACKS
from tests.docs.pages import column, page, section, words

PAGE = page("threat-model.md")

assert attacks_on_facts  # its attacks stand in the same table


def test_every_claim_is_there_in_order() -> None:
    assert [claim for claim in column(section(PAGE, "Claims")) if claim] == list(CLAIM_IDS)


def test_every_test_that_is_named_exists() -> None:
    named = {word for word in words(PAGE) if word.startswith("test_")}
    known = {
        node.name
        for path in files(".py")
        if relative(path).startswith("tests/")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef)
    }
    assert len(named) > 50
    assert named - known == set()


def test_every_attack_that_is_named_exists() -> None:
    named = {name for text in re.findall(r"[Aa]ttacks? (`[^;|.]*)", PAGE) for name in words(text) if "-" in name}
    assert len(named) > 15
    unknown = {name for name in named if not any(one.startswith(name.rstrip("…")) for one in ATTACKS)}
    assert unknown == set()


def test_every_row_names_a_test_or_says_that_it_is_possible() -> None:
    for heading in ("Claims", "The licence check", "The ledger"):
        for line in section(PAGE, heading).splitlines():
            if line.startswith("| ") and not line.startswith(("| Claim |", "| Adversary |", "| Threat |")):
                assert "test_" in line or "ttack" in line or "**" in line, line
