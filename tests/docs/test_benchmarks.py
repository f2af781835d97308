"""docs/benchmarks.md has a row for each mark and names every benchmark."""

from __future__ import annotations

import re

from benchmarks.__main__ import BENCHMARKS
from benchmarks.marks import MARKS
from benchmarks.report import BEGIN, END
from tests.architecture.tree import ROOT

PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def test_each_mark_has_its_row() -> None:
    table = PAGE[PAGE.index(BEGIN) : PAGE.index(END)]
    rows = {
        cells[0].strip(): cells[2].strip() for cells in (line.split("|")[1:] for line in table.splitlines()) if cells
    }
    assert {name: rows.get(name) for name in MARKS} == {name: str(mark) for name, mark in MARKS.items()}


def test_each_benchmark_is_named() -> None:
    assert set(re.findall(r"`(\w+)`", PAGE)) >= set(BENCHMARKS)
