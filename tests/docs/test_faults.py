"""docs/faults.md: each cell names a test that there is, and each test of faults is named."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.docs.pages import page, section, table

FAULTS = page("faults.md")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# Every test of these files is a line of the page, or looks at the same as one that is.
WHOLE = (
    "test_append_faults.py",
    "test_disk_faults.py",
    "test_power_loss.py",
    "test_sign_and_clock_faults.py",
    "test_shared_damage.py",
    "test_shared_faults.py",
    "test_shared_locks.py",
    "test_shared_network.py",
)
SAME = {
    "test_the_table_has_every_step",
    "test_a_disk_that_fails_at_every_operation",
}


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_test_that_is_named_exists() -> None:
    named = TEST.findall(FAULTS)
    assert len(named) > 35
    assert [(path, name) for path, name in named if name not in names_in(path)] == []


@pytest.mark.parametrize("file", WHOLE)
def test_every_test_of_faults_is_named(file: str) -> None:
    path = f"tests/ledger/{file}"
    named = {name for where, name in TEST.findall(FAULTS) if where == path}
    assert names_in(path) - named - SAME == set()


def test_no_cell_of_the_table_is_empty_and_every_letter_has_its_test() -> None:
    text = section(FAULTS, "Steps and faults")
    cells = table(text)
    letters = table(text[text.index("| Letter |") :])
    known = {row[0] for row in letters}
    assert len(known) == len(letters)
    assert all(TEST.search(row[2]) for row in letters)
    used = set()
    for row in cells:
        assert len(row) == 7
        for cell in row[1:]:
            if cell != "nothing is written":
                assert set(cell.split()) <= known, (row[0], cell)
                used |= set(cell.split())
    assert used == known


def test_every_step_is_in_the_table() -> None:
    steps = [row[0] for row in table(section(FAULTS, "The steps"))]
    assert [row[0] for row in table(section(FAULTS, "Steps and faults"))][: len(steps)] == steps
    for row in table(section(FAULTS, "The steps")):
        for path in re.findall(r"`([^`]+)`", row[2]):
            assert Path(ROOT, path).is_file()
