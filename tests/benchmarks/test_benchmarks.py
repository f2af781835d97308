"""Each benchmark runs, at a size at which its figures mean nothing, and says what it found in the agreed form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import growth, plots, report
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.grow import Step
from benchmarks.harness import Row
from benchmarks.marks import MARKS, at_least, at_most
from tests.architecture.tree import ROOT

NEEDS_MORE = {name for name in MARKS if name.endswith(("million", "million leaves", "100,000 leaves"))} | {
    "reopening a 10-million-leaf log, beyond a small one",
}
"""Marks of sizes that no test reaches."""
ONE_KIND = {name for name in MARKS if "two cores" in name or "Ed25519" in name} - {"licence cards, two cores"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one run of everything."""
    folder = tmp_path_factory.mktemp("bench-out")
    # As it is run: what other people's libraries warn of is not ours to answer for.
    command = [sys.executable, "-m", "benchmarks", "--tiny", "--out", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def results(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((out / "results.json").read_text())
    return found


def test_each_row_has_the_agreed_form(results: list[dict[str, Any]]) -> None:
    for row in results:
        assert set(row) == {"name", "value", "unit", "mark", "met", "peers", "note", "machine", "versions"}
        assert isinstance(row["name"], str)
        assert isinstance(row["unit"], str)
        assert all(isinstance(figure, float) and figure > 0 for figure in row["peers"].values()), row
        assert row["value"] is None or row["value"] >= 0, row
        assert (row["met"] is None) == (row["mark"] is None or row["value"] is None), row
        assert row["machine"]
        assert {"tallystick", "SQLite", "pymerkle", "merkletools", "hypercore", "Node"} <= set(row["versions"])
    assert len({row["name"] for row in results}) == len(results)


def test_each_mark_has_a_row_and_only_known_ones_have_no_figure(results: list[dict[str, Any]]) -> None:
    by_name = {row["name"]: row for row in results}
    assert set(MARKS) <= set(by_name)
    without = {name for name in MARKS if by_name[name]["value"] is None}
    assert without == NEEDS_MORE | ONE_KIND
    assert all(by_name[name]["note"] for name in without)


def test_peers_and_limits_stand_in_the_same_run(results: list[dict[str, Any]]) -> None:
    (append,) = [row for row in results if row["name"] == "library append"]
    assert set(append["peers"]) == {
        "bare SQLite inserts",
        "bare SQLite inserts, UNIQUE hash",
        "bare hashlib",
        "pymerkle",
        "pymerkle with roots",
        "hypercore",
        "merkletools (memory)",
    }


def test_nothing_of_the_run_is_left_but_its_results(out: Path) -> None:
    drawn = {"append-memory.svg", "append-peers.svg", "append-rate.svg"}
    assert {path.name for path in out.iterdir()} == {"results.json", *drawn}
    assert all((out / name).read_text().startswith("<?xml") for name in drawn)


# --- without running anything ---------------------------------------------------------------


def test_a_log_of_ten_million_answers_the_marks_of_its_sizes() -> None:
    """What no test can afford to run: a line every half million, and the three sizes of the marks."""
    sizes = [100_000, *range(500_000, 10_000_001, 500_000)]
    steps = [Step(size, size / 50_000 if size <= 9_000_000 else 180 + (size - 9_000_000) / 25_000, 9) for size in sizes]
    rows = {row.name: row.value for unique in (False, True) for row in growth._speed(steps, unique)}
    assert rows["library append, unique statement hash, to 1 million"] == 50_000
    assert rows["library append, unique statement hash, at 10 million"] == 25_000
    told = {row.name for row in growth._memory(steps, unique=False)}
    assert told == {name for name in MARKS if name.startswith("resident memory appending")}


def test_a_log_with_an_index_answers_the_mark_of_its_size() -> None:
    steps = [Step(size, size / 25_000, 70_000_000, 90_000_000) for size in (100_000, 9_500_000, 10_000_000)]
    rows = {row.name: row for row in growth._indexed_rows(steps, 5_000_000_000)}
    assert {name for name in rows if name in MARKS} == {name for name in MARKS if name.startswith("peak memory")}
    ten = rows["peak memory with an index, 10 million leaves"]
    assert (ten.value, ten.met, ten.note) == (90, True, "70.0 resident just then")
    assert rows["entries stored with an index, to 10 million"].value == 25_000
    assert rows["entries stored with an index, to 10 million"].note == "the last 500,000; the database 5,000 MB"


def test_a_mark_is_a_least_or_a_most() -> None:
    assert (at_least(5, "s").met(5), at_least(5, "s").met(4.9)) == (True, False)
    assert (at_most(5, "s").met(5), at_most(5, "s").met(5.1)) == (True, False)
    assert (str(at_least(250_000, "s")), str(at_most(0.6, "s"))) == ("≥ 250,000", "≤ 0.6")


def test_a_missed_mark_is_told() -> None:
    row = Row("library append", 249_999.0, "leaves/s", {"pymerkle": 1.0})
    assert row.met is False
    assert "| library append | 249,999 leaves/s | ≥ 250,000 | NOT MET | pymerkle 1.00 |" in report.as_markdown(
        [row], "a machine", {"SQLite": "3"}
    )


def test_the_same_figures_make_the_same_pictures(tmp_path: Path) -> None:
    rows = [Row("library append", 2.0, "leaves/s", {"pymerkle": 1.0})]
    series = {"append-rate": {"plain": [(1.0, 2.0), (2.0, 3.0)]}}
    pictures = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pictures.append([path.read_bytes() for path in plots.draw(rows, series, tmp_path / name)])
    assert pictures[0] == pictures[1]
    assert all(b"<dc:date>" not in picture for picture in pictures[0])


def test_a_benchmark_that_fails_is_told_and_the_others_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(bench: object) -> Any:
        raise RuntimeError("the disk is gone")

    monkeypatch.setitem(BENCHMARKS, "hashing", broken)
    assert main(["--tiny", "--only", "hashing,proofs", "--out", str(tmp_path)]) == 1
    assert "hashing failed: RuntimeError('the disk is gone')" in capsys.readouterr().err
    found = {row["name"]: row["value"] for row in json.loads((tmp_path / "results.json").read_text())}
    assert found["inclusion proof verified, 24 nodes"] > 0


def test_the_table_goes_between_its_marks_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.put_into(page, "new\n")
    assert page.read_text() == f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n"
