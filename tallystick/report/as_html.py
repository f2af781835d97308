"""A document as one self-contained HTML page: no script, no link, nothing fetched; every value escaped.

On paper (A4): pages are numbered, headings keep with what follows, rows are not torn, each page says that the text is
unsigned.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tallystick.report.content import document
from tallystick.report.layout import Bar, Chart, Document, Section
from tallystick.report.page_style import STYLE
from tallystick.report.phrase import Language
from tallystick.verify.outcome import Report

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html_report(report: Report, language: Language) -> str:
    """One HTML page."""
    return html_page(document(report, language))


def html_page(shown: Document) -> str:
    """Any document as one HTML page."""
    return "".join(_page(shown))


def _page(shown: Document) -> Iterable[str]:
    lang = "zh-Hans" if shown.language == "zh" else "en"
    yield f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield f"<title>{escape(shown.title)}</title><style>{STYLE}</style></head><body>"
    yield f'<h1>{escape(shown.title)}</h1><p class="foot">{escape(shown.foot)}</p>'
    if shown.about:
        yield f"<p>{escape(shown.about)}</p>"
    if shown.verdict:
        yield f'<p class="verdict {shown.mark}">{escape(shown.verdict)}</p>'
    if shown.alarms:
        yield '<div class="alarms">' + "".join(f"<p>{escape(line)}</p>" for line in shown.alarms) + "</div>"
    yield '<div class="lead">' + "".join(f"<p>{escape(line)}</p>" for line in shown.lead) + "</div>"
    for section in shown.sections:
        yield from _section(section)
    yield "</body></html>\n"


def _section(section: Section) -> Iterable[str]:
    if section.kept:
        yield '<div class="kept">'
    fresh = ' class="fresh"' if section.fresh else ""
    yield f"<h{section.level}{fresh}>{escape(section.heading)}</h{section.level}>"
    yield from (f'<p class="alarm">{escape(line)}</p>' for line in section.alarms)
    yield from (f"<p>{escape(line)}</p>" for line in section.paragraphs)
    if section.chart is not None:
        yield from _chart(section.chart)
    if section.rows:
        yield from _table(section)
    yield from (f'<p class="note">{escape(line)}</p>' for line in section.notes)
    if section.kept:
        yield "</div>"


def _table(section: Section) -> Iterable[str]:
    yield "<table>"
    if section.widths:
        cols = "".join(f'<col style="width:{width}%">' for width in section.widths)
        yield f"<colgroup>{cols}</colgroup>"
    if section.heads:
        yield "<thead><tr>" + "".join(f"<th>{escape(head)}</th>" for head in section.heads) + "</tr></thead>"
    yield "<tbody>"
    for number, row in enumerate(section.rows):
        outcome = section.marks[number] if section.marks else ""
        mark = f' class="{outcome}"' if outcome else ""
        yield f"<tr{mark}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</tbody></table>"


def _chart(chart: Chart) -> Iterable[str]:
    """A table whose last column is one common axis."""
    heads = "".join(f"<th>{escape(head)}</th>" for head in chart.heads)
    ends = f'<div class="ends"><span>{escape(chart.first)}</span><span>{escape(chart.last)}</span></div>'
    yield f'<table class="chart"><tr>{heads}<th>{ends}</th></tr>'
    for bar in chart.bars:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in bar.cells)
        yield f'<tr class="{escape(bar.word)}">{cells}<td><div class="axis">{_bar(bar)}</div></td></tr>'
    yield "</table>"


def _bar(bar: Bar) -> str:
    """From its start to its end; an open end runs into the edge and has no mark."""
    if bar.start is None and bar.end is None:
        return ""
    left, right = bar.start or 0.0, 100.0 if bar.end is None else bar.end
    marks = " ".join(name for name, end in (("from", bar.start), ("until", bar.end)) if end is not None)
    if right < left:
        left, right, marks = right, left, f"{marks} crossed"
    return f'<div class="{marks}" style="left:{left}%;width:{round(right - left, 2)}%"></div>'
