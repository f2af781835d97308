"""Pictures of a run as SVG: the same figures give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

from benchmarks.harness import Row

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "tallystick", "svg.fonttype": "none", "font.size": 9})

Series = Mapping[str, Sequence[tuple[float, float]]]

TITLES = {
    "append-rate": ("How the rate of appending changes as a log grows", "leaves", "leaves a second"),
    "append-memory": ("Resident memory of a process that appends", "leaves", "MB"),
}


def draw(rows: Sequence[Row], series: Mapping[str, Series], out: Path) -> list[Path]:
    """One file for each series, and one in which the library stands beside its peers."""
    made = [_lines(name, lines, out) for name, lines in series.items()]
    append = next((row for row in rows if row.name == "library append"), None)
    return [*made, *([_bars(append, out)] if append is not None and append.value is not None else [])]


def _lines(name: str, lines: Series, out: Path) -> Path:
    from matplotlib.figure import Figure

    title, across, up = TITLES[name]
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for label, points in lines.items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker=".", label=label)
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend()
    axes.grid(alpha=0.3)
    return _save(figure, out / f"{name}.svg")


def _bars(append: Row, out: Path) -> Path:
    from matplotlib.figure import Figure

    figures = {"tallystick": append.value or 0.0, **append.peers}
    names = sorted(figures, key=lambda name: figures[name])
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    colours = ["#a8321f" if name == "tallystick" else "#9aa5ad" for name in names]
    bars = axes.barh(names, [figures[name] for name in names], color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set(title="Appending 300-byte entries in batches of 1,000", xlabel="leaves a second")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.margins(x=0.15)
    return _save(figure, out / "append-peers.svg")


def _save(figure: matplotlib.figure.Figure, path: Path) -> Path:
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    return path
