"""The chain of custody of the bytes: from the digest that was logged, over the export, to what was read here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tallystick.report.layout import Row, Section, plain
from tallystick.report.phrase import Language
from tallystick.report.rules import stands
from tallystick.report.speakers import called, names_of, proved_statements
from tallystick.report.words import words
from tallystick.times import format_time
from tallystick.verify.outcome import Report

_MOST = 40
_LAST = 15
"""Rows, of those, that are the last ones: who has the bytes now."""
_OUTCOMES = (
    ("content.bad", "contradicted"),
    ("content.good", "proved"),
    ("content.chunks", "parts"),
    ("content.lines", "parts"),
)


def custody_section(report: Report, language: Language) -> Section:
    """Each original: registered, exported, compared here. What lies between, no log shows."""
    w = words(language)
    record: Sequence[Mapping[str, Any]] = report.facts.get("custody", ()) if stands(report, "custody") else ()
    stations, kept = list(_rows(report, language)), list(_handed_over(report, record, language))
    rows = (*stations, *kept)
    if not rows:
        return Section(w.custody, paragraphs=(w.custody_none, w.custody_gap))
    marks = ("",) * len(stations) + tuple("" if one["continuous"] else "contradicted" for one in record)
    faults = [at for at, one in enumerate(record, len(stations)) if not one["continuous"] or one["outcome"] != "suc"]
    told = _told(len(rows), faults)
    more = (w.more_custody.format(count=len(rows) - len(told)),) if len(told) < len(rows) else ()
    return Section(
        w.custody,
        paragraphs=(w.custody_lead,),
        heads=w.custody_heads,
        widths=(14, 26, 24, 36),
        rows=tuple(rows[at] for at in told),
        marks=tuple(marks[at] for at in told),
        notes=(*more, w.custody_gap),
    )


def _told(count: int, faults: Iterable[int]) -> list[int]:
    """Which of so many rows there is room for: every fault, the last ones, then from the first on."""
    chosen = {*faults, *range(max(0, count - _LAST), count)}
    rest = [at for at in range(count) if at not in chosen]
    return sorted([*chosen, *rest[: max(0, _MOST - len(chosen))]])


def _rows(report: Report, language: Language) -> Iterable[Row]:
    originals = report.facts.get("originals", ()) if not report.claim("content").rests_on else ()
    registered = {one["subject"]: one for one in proved_statements(report) if one["type"] == "object.register"}
    for one in originals:
        if one["object"] in registered:
            yield from _stations(report, one, registered[one["object"]], language)


def _stations(report: Report, one: Mapping[str, Any], said: Mapping[str, Any], language: Language) -> Iterable[Row]:
    """Deposit, export, examination."""
    w = words(language)
    form = w.file_digest if one["form"] == "file" else w.folder_digest
    party = called(said.get("recorded_for", said["signed_by"]), names_of(report))
    told = form.format(**one)
    yield plain(said["admitted_at"]), w.deposited.format(object=one["object"], position=said["position"]), party, told
    exporter = str(report.facts["exporter"]["name"])
    yield plain(report.facts["exported_at"]), w.exported_at, exporter, w.given[one["mode"]]
    yield plain(format_time(report.at)), w.examined, w.examiner, w.compared[_found(report, one["object"])]


def _handed_over(report: Report, record: Sequence[Mapping[str, Any]], language: Language) -> Iterable[Row]:
    """What the custody record says, each line with the signer's word for it and whether the digests join."""
    w, names = words(language), names_of(report)
    for one in record:
        place = "" if one["position"] is None else w.entry.format(position=one["position"])
        who = one["agent"] if one["party"] is None else called(one["party"], names)
        if one["receiver"] is not None:
            who = f"{who} → {called(one['receiver'], names)}"
        joined = w.joined if one["continuous"] else w.not_joined
        event = w.custody_events.get(one["event"], one["event"])
        event = event if one["outcome"] == "suc" else w.failed.format(event=event)
        agent = "" if one["party"] is None else one["agent"]
        what = w.custody_event.format(event=event, agent=agent, object=one["object"], place=place)
        what = " ".join(what.split())
        yield (
            plain(one["at"]),
            what,
            who if one["signed"] else w.recorded.format(who=who),
            f"{joined}: {one['before'] or '—'} → {one['after'] or '—'}",
        )


def _found(report: Report, of: str) -> str:
    """What step 8 found of this object."""
    keys = {line.key for line in report.claim("content").evidence if line.values.get("object") == of}
    for key, outcome in _OUTCOMES:
        if key in keys:
            return outcome
    return "needs_external_fact"
