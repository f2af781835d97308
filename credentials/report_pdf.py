"""A report as PDF on A4, with its fonts in it: the same document as the HTML page, the same bytes for the same facts.

It is unsigned text, and says so on every page and in its metadata.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from html import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from credentials.numbering import numbered
from credentials.text import KAI, MONO, characters
from tallystick.report.layout import Bar, Chart, Document, Section

INK, SOFT, GOOD, BAD, OPEN, LINE = (
    HexColor(c) for c in ("#1c2530", "#5a6570", "#2c6e49", "#a8321f", "#8a5a00", "#d9dcdf")
)
_TINTS = {"proved": HexColor("#eef6f0")}
_ALARM_TINT, _TRACK = HexColor("#fbefec"), HexColor("#f3f4f5")
_BARS = {"independent": HexColor("#9fcdb0"), "operator": HexColor("#b9bfc6"), "party": HexColor("#e0dccb")}
_MARKS = {"proved": GOOD, "contradicted": BAD}
_INSET, _FOOT = 17 * mm, 19 * mm
_WIDTH = A4[0] - 2 * _INSET
_CHART = (0.27, 0.18, 0.17, 0.17, 0.21)
_CHINESE = re.compile(r"[\u2e80-\uffff]")
_CODE = re.compile(r"[0-9a-f]{40,}")

_BODY = ParagraphStyle("body", fontName=KAI, fontSize=9, leading=12.2, textColor=INK, spaceAfter=2)
_CELL = ParagraphStyle("cell", parent=_BODY, fontSize=8.4, leading=11, spaceAfter=0)
_HEAD = ParagraphStyle("head", parent=_CELL, fontSize=7.8, textColor=SOFT)
_NOTE = ParagraphStyle("note", parent=_BODY, fontSize=7.8, leading=10.4, textColor=SOFT)
_ALARM = ParagraphStyle("alarm", parent=_BODY, textColor=BAD)
_TITLE = ParagraphStyle("title", parent=_BODY, fontSize=17, leading=22)
_VERDICT = ParagraphStyle("verdict", parent=_BODY, fontSize=11.5, leading=15, spaceAfter=0)
_TOP = ParagraphStyle("top", parent=_BODY, fontSize=12, leading=15, spaceBefore=9, spaceAfter=2)
_PART = ParagraphStyle("part", parent=_BODY, fontSize=10, leading=13, spaceBefore=6, spaceAfter=1, textColor=SOFT)


def render_report(document: Document) -> bytes:
    """PDF bytes, unsigned. No date, no chance. A character that the font lacks stands as its code."""
    for font in (KAI, MONO):
        characters(font)  # registers it
    out = io.BytesIO()
    template = BaseDocTemplate(
        out,
        pagesize=A4,
        invariant=1,
        title=document.title,
        author="tallystick",
        subject=_known(document.about),
        keywords="unsigned, 未签名",
        creator="tallystick",
        lang="zh-CN" if document.language == "zh" else "en",
        pageCompression=1,
        displayDocTitle=True,
    )
    frame = Frame(_INSET, _FOOT, _WIDTH, A4[1] - _FOOT - _INSET, 0, 0, 0, 0)
    template.addPageTemplates([PageTemplate("page", [frame])])
    template.build(list(_story(document)), canvasmaker=numbered(lambda canvas, pages: _foot(canvas, document, pages)))
    return out.getvalue()


def _foot(canvas: Canvas, document: Document, pages: int) -> None:
    """What the text is worth, and which page of how many."""
    canvas.saveState()
    canvas.setFillColor(SOFT)
    number = f"{canvas.getPageNumber()} / {pages}"
    canvas.setFont(KAI, 7.5)
    canvas.drawRightString(A4[0] - _INSET, 11 * mm, number)
    room = _WIDTH - 18 * mm
    size = min(7.5, 7.5 * room / max(canvas.stringWidth(document.foot, KAI, 7.5), 1))
    canvas.setFont(KAI, size)
    canvas.drawString(_INSET, 11 * mm, _known(document.foot))
    canvas.restoreState()


def _story(document: Document) -> Iterator[Flowable]:
    yield _text(document.title, _TITLE)
    if document.about:
        yield _text(document.about, _BODY)
    if document.verdict:
        tint = _TINTS.get(document.mark, _ALARM_TINT)
        yield _box([_text(document.verdict, _VERDICT)], tint, GOOD if document.mark == "proved" else BAD)
    if document.alarms:
        yield _box([_text(line, _ALARM) for line in document.alarms], _ALARM_TINT, BAD)
    yield from (_text(line, _BODY) for line in document.lead)
    for section in document.sections:
        if section.fresh:
            yield PageBreak()
        parts = list(_section(section))
        yield from [KeepTogether(parts)] if section.kept else parts


def _section(section: Section) -> Iterator[Flowable]:
    style = _TOP if section.level == 2 else _PART
    yield _text(section.heading, ParagraphStyle("heading", parent=style, keepWithNext=1))
    before = section.rows or section.chart
    kept = ParagraphStyle("kept", parent=_BODY, keepWithNext=1) if before else _BODY
    yield from (_text(line, _ALARM) for line in section.alarms)
    yield from (_text(line, kept) for line in section.paragraphs)
    if section.chart is not None:
        yield _chart(section.chart)
    if section.rows:
        yield _table(section)
    yield from (_text(line, _NOTE) for line in section.notes)
    yield Spacer(1, 1.5 * mm)


def _table(section: Section) -> Table:
    count = len(section.rows[0])
    shares = section.widths or (100 // count,) * count
    rows = [[_text(cell, _HEAD) for cell in section.heads]] if section.heads else []
    for number, row in enumerate(section.rows):
        mark = section.marks[number] if section.marks else ""
        rows.append([_text(cell, _marked(mark) if mark and at == 1 else _CELL) for at, cell in enumerate(row)])
    widths = [share * _WIDTH / sum(shares) for share in shares]
    table = Table(rows, colWidths=widths, repeatRows=1 if section.heads else 0, splitInRow=1)
    table.setStyle(_GRID)
    return table


def _marked(outcome: str) -> ParagraphStyle:
    return ParagraphStyle(outcome, parent=_CELL, textColor=_MARKS.get(outcome, OPEN))


def _chart(chart: Chart) -> Table:
    """As on the page: the last column is one common axis."""
    ends = _text(f"{chart.first} — {chart.last}", ParagraphStyle("ends", parent=_HEAD, fontSize=6.4, leading=8))
    rows: list[list[Flowable]] = [[*(_text(head, _HEAD) for head in chart.heads), ends]]
    small = ParagraphStyle("small", parent=_CELL, fontSize=7.6, leading=10)
    widths = [share * _WIDTH for share in _CHART]
    rows += [[*(_text(cell, small) for cell in bar.cells), _Span(bar, widths[-1] - 4)] for bar in chart.bars]
    table = Table(rows, colWidths=widths, repeatRows=1)
    table.setStyle(_GRID)
    return table


class _Span(Flowable):
    """From its start to its end; an open end runs into the edge and has no mark."""

    def __init__(self, bar: Bar, width: float) -> None:
        super().__init__()
        self._bar = bar
        self.width, self.height = width, 8.0

    def draw(self) -> None:
        bar, canvas = self._bar, self.canv
        canvas.setFillColor(_TRACK)
        canvas.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        if bar.start is None and bar.end is None:
            return
        left, right = bar.start or 0.0, 100.0 if bar.end is None else bar.end
        crossed = right < left
        low, high = sorted((left * self.width / 100, right * self.width / 100))
        canvas.setFillColor(BAD if crossed else _BARS.get(bar.word, SOFT))
        canvas.rect(low, 1.5, max(high - low, 1.2), self.height - 3, stroke=0, fill=1)
        canvas.setFillColor(INK)
        for end, at in ((bar.start, left), (bar.end, right)):
            if end is not None:
                canvas.rect(min(at * self.width / 100, self.width - 1.2), 0.5, 1.2, self.height - 1, stroke=0, fill=1)


def _box(content: Sequence[Flowable], tint: HexColor, edge: HexColor) -> Table:
    table = Table([[list(content)]], colWidths=[_WIDTH], spaceBefore=3, spaceAfter=4)
    table.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), tint),
                ("LINEBEFORE", (0, 0), (0, -1), 2.5, edge),
                ("TOPPADDING", (0, 0), (-1, -1), 4),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
            ]
        )
    )
    return table


_GRID = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 5),
    ]
)


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    """Chinese wraps by characters, Latin by words; a digest, which has no words, anywhere."""
    wraps = "CJK" if _CHINESE.search(text) or _CODE.search(text) else None
    return Paragraph(escape(_known(text)), ParagraphStyle("wrapped", parent=style, wordWrap=wraps))


def _known(text: str) -> str:
    """What the font can show; anything else as its code, so that a reader sees that something stands there."""
    known = characters(KAI)
    return "".join(c if ord(c) in known else _code(ord(c)) for c in text)


def _code(point: int) -> str:
    return f"\\u{point:04x}" if point < 1 << 16 else f"\\U{point:08x}"
