"""The report as one self-contained HTML page: no script, no link, nothing fetched; every value escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tallystick.report.content import Document, Section, document
from tallystick.report.phrases import Language
from tallystick.report.time_section import Bar, Chart
from tallystick.verify.outcome import Report

_STYLE = """
body{font:16px/1.6 serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1c2530;background:#fff}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .4rem;border-bottom:1px solid #bbb}
.verdict{font-weight:bold;font-size:1.2rem;padding:.6rem .8rem;border-left:.4rem solid;margin:1rem 0}
.proved{border-color:#2c6e49;background:#eef6f0}.not_proved,.malformed{border-color:#a8321f;background:#fbefec}
.lead p{margin:.2rem 0}table{border-collapse:collapse;width:100%}
td{border-bottom:1px solid #ddd;padding:.3rem .6rem .3rem 0;vertical-align:top;overflow-wrap:anywhere}
td:first-child{min-width:10em}td:nth-child(2):not(:last-child){min-width:7em}
p{margin:.3rem 0;overflow-wrap:anywhere}.alarm{color:#a8321f;font-weight:bold}
.chart{font-size:.8rem}.chart th{text-align:left;font-weight:normal;color:#5a6570;vertical-align:bottom}
.chart td:last-child,.chart th:last-child{width:28%;min-width:12em;padding-right:0}
.chart td:nth-child(3),.chart td:nth-child(4){white-space:nowrap}
.ends{display:flex;justify-content:space-between;font-size:.7rem}.ends span{width:6em}
.ends span:last-child{text-align:right}
.axis{position:relative;height:1.3em;background:#f3f4f5}
.axis div{position:absolute;top:.3em;bottom:.3em;min-width:2px;box-sizing:border-box;background:#b9bfc6}
.axis .from{border-left:3px solid}.axis .until{border-right:3px solid}
.independent .axis div{background:#9fcdb0;color:#2c6e49}.operator .axis div{color:#5a6570}
.party .axis div{background:#e0dccb;color:#8a7a3a}
.axis .crossed,.independent .axis .crossed{background:#e2a79b;color:#a8321f}
@media print{body{margin:0;font-size:11pt}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html_report(report: Report, language: Language) -> str:
    """One HTML page."""
    return "".join(_page(document(report, language), report.verdict))


def _page(shown: Document, verdict: str) -> Iterable[str]:
    lang = "zh-Hans" if shown.language == "zh" else "en"
    yield f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield f"<title>{escape(shown.title)}</title><style>{_STYLE}</style></head><body>"
    yield f'<h1>{escape(shown.title)}</h1><p class="verdict {verdict}">{escape(shown.verdict)}</p><div class="lead">'
    yield from (f"<p>{escape(line)}</p>" for line in shown.lead)
    yield "</div>"
    for section in shown.sections:
        yield from _section(section)
    yield "</body></html>\n"


def _section(section: Section) -> Iterable[str]:
    yield f"<h2>{escape(section.heading)}</h2>"
    yield from (f'<p class="alarm">{escape(line)}</p>' for line in section.alarms)
    yield from (f"<p>{escape(line)}</p>" for line in section.paragraphs)
    if section.chart is not None:
        yield from _chart(section.chart)
    if section.rows:
        yield "<table>"
        for row in section.rows:
            yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        yield "</table>"


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
