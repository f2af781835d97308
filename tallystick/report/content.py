"""What a report says and in which order, for a judge: what speaks against the case, one page of conclusions by
carrier, data and content; then time, custody, who said what, what is not proved, the rules, the technical annex.
Text, HTML and PDF only lay it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tallystick import __version__
from tallystick.report.annex import annex_sections
from tallystick.report.conclusions import adverse_lines, alarms, divisions, in_short, lead
from tallystick.report.custody import custody_section
from tallystick.report.event_names import event_name, kind_name, told_of
from tallystick.report.layout import Document, Row, Section, at_hand, plain, shown
from tallystick.report.phrase import Language
from tallystick.report.rules import rules_section
from tallystick.report.speakers import who_section
from tallystick.report.time_section import time_part
from tallystick.report.unproved import unproved_section
from tallystick.report.words import VERDICTS, words
from tallystick.verify.outcome import Report


def document(report: Report, language: Language, *, enclosed: bool = False) -> Document:
    """Lay out ``report`` in one language; ``enclosed``: as the exporter puts it into the bundle that it is about."""
    w = words(language)
    warned = (w.enclosed,) if enclosed else ()
    sections = (
        *divisions(report, language),
        Section(w.about, rows=tuple(_about(report, language, enclosed)), widths=(24, 76), fresh=True),
        *_adverse(report, language),
        _when(report, language),
        custody_section(report, language),
        who_section(report, language),
        unproved_section(report, language),
        rules_section(report, language),
        *annex_sections(report, language),
    )
    return shown(
        Document(
            title=w.title,
            verdict=VERDICTS[report.verdict][language],
            mark=report.verdict,
            about=in_short(report, language),
            alarms=(*warned, *alarms(report, language)),
            lead=tuple(lead(report, language)),
            sections=sections,
            language=language,
            foot=w.foot,
        )
    )


def _about(report: Report, language: Language, enclosed: bool) -> Iterable[Row]:
    w, facts = words(language), report.facts
    if facts:
        yield w.subject, f"{kind_name(facts['kind'], language)} {facts['subject']}"
        yield w.log, str(facts["log"])
        yield w.exporter, f"{facts['exporter']['name']} ({facts['exporter']['key']})"
        yield w.exported, plain(facts["exported_at"])
    yield w.as_of, at_hand(report.at, language)
    yield w.trust, f"{report.trust_publisher}: sha256 {report.trust_fingerprint}"
    yield w.bundle, w.own_digest if enclosed else f"sha256 {report.bundle_sha256}"
    if facts:
        yield w.covers, f"sha256 {facts['covers']}"
    yield w.made_by, f"tallystick {__version__}"


def _adverse(report: Report, language: Language) -> Iterable[Section]:
    """All of them: the first page has room for a few."""
    w, lines = words(language), adverse_lines(report)
    if lines:
        rows = tuple(_adverse_row(line.values, language) for line in lines)
        marks = ("contradicted",) * len(rows)
        yield Section(w.adverse_events, heads=w.adverse_heads, rows=rows, marks=marks, widths=(16, 24, 30, 22, 8))


def _adverse_row(one: Mapping[str, Any], language: Language) -> Row:
    told = told_of(one, language)
    return plain(one["time"]), event_name(one["type"], language), str(one["about"]), told, str(one["position"])


def _when(report: Report, language: Language) -> Section:
    part = time_part(report, language)
    heads, rows = (part.entries[0], part.entries[1:]) if part.entries else ((), ())
    widths = (34, 22, 22, 22)[: len(heads)]
    return Section(part.heading, part.paragraphs, rows, part.alarms, part.chart, heads=heads, widths=widths)
