"""The part of a report about time: contradictions first, then the interval on each word, and every source as a row.

A row has a bar on one common axis: an open end means that nobody bounds that side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from tallystick.lazy_dataclass import dataclass
from tallystick.report.event_names import event_name
from tallystick.report.layout import Bar, Chart
from tallystick.report.lines import sentence
from tallystick.report.phrases import Language
from tallystick.report.time_words import TIME, TimeWords, source_name, word_name
from tallystick.time_interval import Source, Word
from tallystick.times import parse_time
from tallystick.verify.outcome import Claim, Report, time_text

CONTRADICTIONS = (
    "time.bad-cosignature",
    "time.dated-back",
    "time.dated-late",
    "time.claimed-late",
    "time.crossed",
    "time.backwards",
)
_MOST = 24
"""Sources, and entries, that get a row; the annex has all of them."""
_MARGIN = 0.08


@dataclass(frozen=True)
class TimePart:
    """``alarms``: contradictions. ``entries``: rows of a table, one for each entry about the case."""

    heading: str
    alarms: tuple[str, ...]
    paragraphs: tuple[str, ...]
    chart: Chart | None
    entries: tuple[tuple[str, ...], ...]


def time_part(report: Report, language: Language) -> TimePart:
    """What the report shows about time; without a chart where the steps do not hold on which all times rest."""
    told, claim = TIME[language], report.claim("time")
    alarms = tuple(sentence(line, language) for line in claim.evidence if line.key in CONTRADICTIONS)
    if claim.rests_on or "time" not in report.facts:
        return TimePart(told.heading, alarms, (told.nothing,), None, ())
    facts: Mapping[str, Any] = report.facts["time"]
    return TimePart(
        told.heading,
        alarms,
        tuple(_limits(claim, told)),
        _chart(claim, facts, told, language),
        tuple(_entries(facts, told, language)),
    )


def _limits(claim: Claim, told: TimeWords) -> Iterable[str]:
    yield told.zone
    if not any(line.key == "time.not-after" for line in claim.evidence):
        yield told.alone
    elif any(line.key == "time.no-start" for line in claim.evidence):
        yield told.no_start
    yield told.never


def _chart(claim: Claim, facts: Mapping[str, Any], told: TimeWords, language: Language) -> Chart:
    sources = [line.values["source"] for line in claim.evidence if line.key == "time.source"]
    claimed = {"not_before": facts["claimed"]["first"], "not_after": facts["claimed"]["last"]}
    rows: list[_Row] = [
        ((told.all_independent, ""), "independent", _ends(facts["independent"])),
        ((told.all_operator, ""), "operator", _ends(facts["operator"])),
        ((told.all_claimed, ""), "party", _ends(claimed)),
    ]
    rows += list(_source_rows(sources, language))[:_MOST]
    low, high = _axis(ends for _, _, ends in rows)
    bars = tuple(
        Bar((*cells, _text(ends[0]), _text(ends[1])), _at(ends[0], low, high), _at(ends[1], low, high), word)
        for cells, word, ends in rows
    )
    return Chart(told.heads, _text(low), _text(high), bars)


_Ends: TypeAlias = tuple[int | None, int | None]
_Row: TypeAlias = tuple[tuple[str, str], Word, _Ends]


def _source_rows(sources: list[Source], language: Language) -> Iterable[_Row]:
    """A row for each; a batch entry says both ends of one thing."""
    ends: dict[tuple[str, str, Word], _Ends] = {}
    for source in sources:
        key = (source_name(source, language), word_name(source.word, language), source.word)
        start, end = ends.get(key, (None, None))
        ends[key] = (source.limit, end) if source.bound == "not_before" else (start, source.limit)
    for (name, speaker, word), both in ends.items():
        yield (name, speaker), word, both


def _ends(given: Mapping[str, str | None]) -> _Ends:
    start, end = given["not_before"], given["not_after"]
    return (parse_time(start) if start else None, parse_time(end) if end else None)


def _axis(rows: Iterable[_Ends]) -> tuple[int, int]:
    known = [end for ends in rows for end in ends if end is not None]
    low, high = min(known), max(known)
    margin = max(60, int((high - low) * _MARGIN))
    return low - margin, high + margin


def _at(seconds: int | None, low: int, high: int) -> float | None:
    return None if seconds is None else round(100 * (seconds - low) / (high - low), 2)


def _text(seconds: int | None) -> str:
    return "—" if seconds is None else _plain(time_text(seconds))


def _plain(time: str) -> str:
    return time.replace("T", " ")


def _entries(facts: Mapping[str, Any], told: TimeWords, language: Language) -> Iterable[tuple[str, ...]]:
    if len(facts["entries"]) < 2:
        return
    yield told.entry_heads
    for one in facts["entries"][:_MOST]:
        alone = one["independent"]
        name = f"{event_name(one['type'], language)} ({one['position']})"
        yield name, *(_plain(time or "—") for time in (alone["not_before"], alone["not_after"], one["claimed"]))
