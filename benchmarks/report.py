"""The table that people read, and ``results.json`` for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.harness import Row
from benchmarks.marks import MARKS

BEGIN, END = "<!-- figures: make bench ARGS=--docs -->", "<!-- end of figures -->"
MET = {True: "met", False: "NOT MET", None: ""}


def completed(rows: Sequence[Row]) -> list[Row]:
    """The rows, and one for each mark that this run could not hold anything against."""
    measured = {row.name for row in rows}
    missing = [name for name in MARKS if name not in measured]
    return [*rows, *(Row(name, None, MARKS[name].unit, note=_why(name)) for name in missing)]


def _why(name: str) -> str:
    return "make bench ARGS=--large" if "10" in name and "million" in name else "not part of this run"


def as_json(rows: Sequence[Row], machine: str, versions: Mapping[str, str]) -> str:
    """A list; each row stands by itself."""
    found = [
        {
            "name": row.name,
            "value": row.value,
            "unit": row.unit,
            "mark": str(row.mark) if row.mark else None,
            "met": row.met,
            "peers": dict(row.peers),
            "note": row.note,
            "machine": machine,
            "versions": dict(versions),
        }
        for row in rows
    ]
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def write(rows: Sequence[Row], machine: str, versions: Mapping[str, str], out: Path) -> None:
    """``results.json`` in ``out``."""
    (out / "results.json").write_text(as_json(rows, machine, versions), encoding="utf-8")


def show(rows: Sequence[Row], machine: str, versions: Mapping[str, str], console: Console) -> None:
    """One table."""
    table = Table(show_edge=False, pad_edge=False, title=machine, title_justify="left", title_style="dim")
    columns: tuple[tuple[str, dict[str, Any]], ...] = (
        ("", {"overflow": "fold"}),
        ("figure", {"justify": "right", "no_wrap": True}),
        ("mark", {"justify": "right", "no_wrap": True}),
        ("", {"no_wrap": True}),
        ("beside it, in the same run", {"overflow": "fold", "style": "dim"}),
    )
    for header, options in columns:
        table.add_column(header, **options)
    for row in rows:
        table.add_row(row.name, figure(row), str(row.mark or ""), _verdict(row), _beside(row))
    console.print(table)
    console.print(" ".join(f"{name} {version}" for name, version in versions.items()), style="dim")


def figure(row: Row) -> str:
    """The value with its unit; a dash when there is none."""
    return "—" if row.value is None else f"{number(row.value)} {row.unit}"


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _verdict(row: Row) -> str:
    return {True: "[green]met[/]", False: "[red]NOT MET[/]", None: ""}[row.met]


def _beside(row: Row) -> str:
    peers = [f"{name} {number(value)}" for name, value in row.peers.items()]
    return "; ".join([*peers, *([row.note] if row.note else [])])


def put_into(page: Path, table: str) -> None:
    """Replace what stands between the two marks of a page."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table}{END}{after}", encoding="utf-8")


def as_markdown(rows: Sequence[Row], machine: str, versions: Mapping[str, str]) -> str:
    """The same table for docs/benchmarks.md."""
    lines = ["| What | Figure | Mark | | Beside it, in the same run |", "|---|---|---|---|---|"]
    for row in rows:
        cells = (row.name, figure(row), str(row.mark or ""), MET[row.met], _beside(row))
        lines.append("| " + " | ".join(cells) + " |")
    used = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "\n".join([f"{machine}.", "", *lines, "", f"{used}.", ""])
