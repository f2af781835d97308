"""What a report or a form consists of, before anybody lays it out as text, HTML or PDF."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from tallystick.lazy_dataclass import dataclass
from tallystick.printing import printable
from tallystick.report.phrase import Language
from tallystick.verify.outcome import time_text

_DIGEST = re.compile(r"\b(?:0x)?([0-9a-f]{40,})\b")
_KEPT = 10
_BEIJING = 8 * 3600
Row = tuple[str, ...]


@dataclass(frozen=True)
class Bar:
    """One row of the chart. ``start``, ``end``: per cent of the axis, ``None`` for an open end; ``word``: whose."""

    cells: Row
    start: float | None
    end: float | None
    word: str


@dataclass(frozen=True)
class Chart:
    """Rows under one axis; ``heads``: of the columns, the last one being the axis with its two ends."""

    heads: Row
    first: str
    last: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, in this order: alarms (in red), paragraphs, chart, table, notes.

    level: 2, or 3 for a part of the section before it. heads, widths (per cent): of the table's columns. marks: for
    each row the outcome that colours it, or none at all. fresh: begins a page on paper; kept: stands on
    one.
    """

    heading: str
    paragraphs: Row = ()
    rows: tuple[Row, ...] = ()
    alarms: Row = ()
    chart: Chart | None = None
    heads: Row = ()
    widths: tuple[int, ...] = ()
    marks: Row = ()
    notes: Row = ()
    level: int = 2
    fresh: bool = False
    kept: bool = False


@dataclass(frozen=True)
class Document:
    """The whole. verdict: a sentence, or nothing; mark: its word. about: what it is about, in one line. lead: the first
    lines. foot: said on every page.
    """

    title: str
    verdict: str
    lead: Row
    sections: tuple[Section, ...]
    language: Language
    foot: str = ""
    about: str = ""
    mark: str = ""
    alarms: Row = ()


def shown(document: Document) -> Document:
    """The document with nothing in it that a terminal or a page would obey."""
    return replace(
        document,
        verdict=printable(document.verdict),
        about=printable(document.about),
        lead=_clean(document.lead),
        alarms=_clean(document.alarms),
        sections=tuple(map(_section, document.sections)),
    )


def plain(time: object) -> str:
    """A time for people: its two halves part where a line ends."""
    return str(time).replace("T", " ")


def at_hand(seconds: int, language: Language) -> str:
    """The instant of the verification; in Chinese by Beijing's clock too, whose date may be the next one."""
    told = plain(time_text(seconds))
    return f"{told}（北京时间 {plain(time_text(seconds + _BEIJING))[:-1]}）" if language == "zh" else told


def shortened(text: str) -> str:
    """Long digests and keys by their beginning: the annex has the whole."""
    return _DIGEST.sub(lambda found: f"{found[1][:_KEPT]}…", text)


def ranges(positions: Iterable[int]) -> str:
    """``3–5, 9``."""
    found: list[list[int]] = []
    for position in sorted(positions):
        if found and position == found[-1][1] + 1:
            found[-1][1] = position
        else:
            found.append([position, position])
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in found)


def _section(one: Section) -> Section:
    return replace(
        one,
        heading=printable(one.heading),
        paragraphs=_clean(one.paragraphs),
        rows=tuple(map(_clean, one.rows)),
        alarms=_clean(one.alarms),
        notes=_clean(one.notes),
        chart=one.chart and replace(one.chart, bars=tuple(replace(b, cells=_clean(b.cells)) for b in one.chart.bars)),
    )


def _clean(texts: Iterable[str]) -> Row:
    return tuple(map(printable, texts))
