"""docs/threat-model.md: every test that it names exists, every claim has its row, every mark its tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tallystick.verify import CLAIM_IDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[^`:]+)::([a-z_0-9]+)`", PAGE)


def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_it_names_exists() -> None:
    assert len(NAMED) >= 40
    assert [f"{path}::{name}" for path, name in NAMED if name not in functions(path)] == []


def test_every_claim_has_its_row() -> None:
    assert [claim for claim in CLAIM_IDS if f"\n| `{claim}` |" not in PAGE] == []


def test_every_mark_has_its_tests_and_is_used() -> None:
    table, _, tests = PAGE.partition("\n## Tests\n")
    assert set(re.findall(r"\[([a-zA-Z])\]", table)) == set(re.findall(r"^\| ([a-zA-Z]) \|", tests, re.M))
