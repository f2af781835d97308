"""The report as plain text."""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.report.content import document
from tallystick.report.layout import Document, Section
from tallystick.report.phrase import Language
from tallystick.verify.outcome import Report


def text_report(report: Report, language: Language) -> str:
    """Plain text, ending in a newline; the verdict is the first line."""
    return "\n".join(_lines(document(report, language))) + "\n"


def _lines(shown: Document) -> Iterable[str]:
    yield shown.verdict
    yield from (f"! {line}" for line in shown.alarms)
    yield from shown.lead
    yield shown.about
    for section in shown.sections:
        yield ""
        yield from _section(section)


def _section(section: Section) -> Iterable[str]:
    yield f"{'==' if section.level == 2 else '--'} {section.heading}"
    yield from (f"! {line}" for line in section.alarms)
    yield from section.paragraphs
    if section.chart is not None:
        yield " | ".join(section.chart.heads)
        yield from (" | ".join(bar.cells) for bar in section.chart.bars)
    if section.heads:
        yield " | ".join(section.heads)
    yield from (" | ".join(row) for row in section.rows)
    yield from section.notes
