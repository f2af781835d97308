"""How a certificate looks on A4: frame, heading with QR code, sections of labelled rows. Knows no facts."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from html import escape
from typing import Any

import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table, TableStyle

from credentials.errors import TextNotPrintable
from credentials.text import KAI, MONO, characters

INK, SOFT, SEAL, LINE, TINT = (HexColor(c) for c in ("#1c2530", "#6b6f73", "#a8321f", "#d8cfba", "#fbf3ee"))
_EDGE, _INSET, _LABELS, _QR = 12 * mm, 20 * mm, 38 * mm, 34 * mm
_WIDTH = A4[0] - 2 * _INSET

_TITLE = ParagraphStyle("title", fontName=KAI, fontSize=21, leading=27, textColor=INK, wordWrap="CJK")
_SOFT = ParagraphStyle("soft", fontName=KAI, fontSize=9.5, leading=13, textColor=SOFT, wordWrap="CJK")
_HEAD = ParagraphStyle("head", fontName=KAI, fontSize=11.5, leading=15, textColor=SEAL, spaceBefore=9, spaceAfter=2)
_LABEL = ParagraphStyle("label", fontName=KAI, fontSize=9, leading=12, textColor=SOFT)
_VALUE = ParagraphStyle("value", fontName=KAI, fontSize=10, leading=13.5, textColor=INK, wordWrap="CJK")
_CODE = ParagraphStyle("code", fontName=MONO, fontSize=7.8, leading=10.5, textColor=INK, wordWrap="CJK")
_LATIN = ParagraphStyle("latin", fontName=KAI, fontSize=9, leading=12, textColor=INK)
_LONGEST_CODE, _KEPT_CODE = 200, 72
_CHINESE = re.compile(r"[\u2e80-\uffff]")
_DIGEST = re.compile(r"[0-9a-f]{40,}|[A-Za-z0-9+/=]{40,}|10\.\S+/\S+")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and rows of (Chinese label, English label, value); lines of a value are parted by line breaks."""

    zh: str
    en: str
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    warning: bool = False


def render(
    out: io.BytesIO, *, number: str, title: str, subtitle: str, qr: str, link: str, sections: list[Section]
) -> None:
    """Write the PDF. Invariant: no date, no random identifier, so that the same facts give the same bytes."""
    for font in (KAI, MONO):
        characters(font)  # registers it
    document = BaseDocTemplate(
        out, pagesize=A4, invariant=1, title=f"{number} {title}", author="tallystick", lang="zh-CN", pageCompression=1
    )
    frame = Frame(_INSET, 22 * mm, _WIDTH, A4[1] - 44 * mm, 0, 0, 0, 0)

    def decorate(canvas: Canvas, _document: Any) -> None:
        _page(canvas, number, link)

    document.addPageTemplates([PageTemplate("page", [frame], onPage=decorate)])
    story: list[Flowable] = [_heading(number, title, subtitle, qr), Spacer(1, 4 * mm)]
    for section in sections:
        story += [_section_head(section), _rows(section)]
    document.build(story)


def _page(canvas: Canvas, number: str, link: str) -> None:
    """Frame with the notches of a tally stick on the left edge, and a foot that names the certificate on every page."""
    canvas.saveState()
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.8)
    canvas.rect(_EDGE, _EDGE, A4[0] - 2 * _EDGE, A4[1] - 2 * _EDGE)
    canvas.setFillColor(SEAL)
    for step in range(22):
        base = _EDGE + 8 * mm + step * 12.2 * mm
        depth = (3.4 if step % 5 == 2 else 1.9) * mm
        notch = canvas.beginPath()
        notch.moveTo(_EDGE, base)
        notch.lineTo(_EDGE, base + 2.6 * mm)
        notch.lineTo(_EDGE + depth, base + 1.3 * mm)
        notch.close()
        canvas.drawPath(notch, stroke=0, fill=1)
    canvas.setFillColor(SOFT)
    canvas.setFont(KAI, 8)
    canvas.drawString(_INSET, 15.5 * mm, f"{number}  ·  {link}")
    canvas.drawRightString(A4[0] - _INSET, 15.5 * mm, f"第 {canvas.getPageNumber()} 页 page")
    canvas.restoreState()


def _heading(number: str, title: str, subtitle: str, qr: str) -> Table:
    kind = ParagraphStyle("kind", parent=_HEAD, fontSize=15, leading=20, spaceBefore=0)
    words = [
        Paragraph("登记证书  REGISTRATION CERTIFICATE", kind),
        Spacer(1, 2 * mm),
        Paragraph(escape(title), _TITLE),
        Spacer(1, 2 * mm),
        Paragraph(escape(number), ParagraphStyle("number", parent=_CODE, fontSize=12, leading=16)),
        Paragraph(escape(subtitle), _SOFT),
    ]
    table = Table([[words, _QrCode(qr)]], colWidths=[_WIDTH - _QR, _QR])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_NO_PADDING]))
    return table


_NO_PADDING = [(f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]


class _QrCode(Flowable):
    """A QR code as vector squares, error correction M."""

    def __init__(self, payload: str) -> None:
        super().__init__()
        try:
            self._rows = [bytes(row) for row in segno.make(payload, error="m", micro=False).matrix_iter(border=2)]
        except segno.DataOverflowError:
            raise TextNotPrintable(f"the QR payload has {len(payload.encode())} bytes, too many") from None
        if len(self._rows) > 90:
            raise TextNotPrintable(f"the QR payload has {len(payload.encode())} bytes, too many to be read from paper")
        self.width = self.height = _QR

    def draw(self) -> None:
        side = _QR / len(self._rows)
        self.canv.setFillColor(INK)
        for line, row in enumerate(self._rows):
            for column, dark in enumerate(row):
                if dark:
                    self.canv.rect(column * side, _QR - (line + 1) * side, side, side, stroke=0, fill=1)


def _section_head(section: Section) -> Paragraph:
    style = ParagraphStyle("sectionhead", parent=_HEAD, keepWithNext=1)
    return Paragraph(f'{escape(section.zh)}  <font size="9.5">{escape(section.en)}</font>', style)


def _rows(section: Section) -> Table:
    labels = 8 * mm if section.warning else _LABELS
    cells = [[_label(zh, en), [_line(text) for text in value.split("\n")]] for zh, en, value in section.rows]
    table = Table(cells, colWidths=[labels, _WIDTH - labels], splitInRow=1)
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEABOVE", (0, 0), (-1, -1), 0.4, LINE),
        ("LINEBELOW", (0, -1), (-1, -1), 0.4, LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]
    if section.warning:
        style += [("BACKGROUND", (0, 0), (-1, -1), TINT), ("BOX", (0, 0), (-1, -1), 0.8, SEAL)]
    table.setStyle(TableStyle(style))
    return table


def _label(zh: str, en: str) -> Paragraph:
    return Paragraph(f'{escape(zh)} <font size="7.5">{escape(en)}</font>' if en else escape(zh), _LABEL)


def _line(text: str) -> Paragraph:
    """Digests and identifiers in letters of equal width; Latin text by words, Chinese by characters."""
    if _DIGEST.search(text) and characters(MONO).issuperset(map(ord, text)):
        return Paragraph(escape(_shortened(text)), _CODE)
    return Paragraph(escape(text), _VALUE if _CHINESE.search(text) else _LATIN)


def _shortened(text: str) -> str:
    """A post-quantum signature fills a page and nobody reads it; what is left out is said, and is in the file."""
    if len(text) <= _LONGEST_CODE:
        return text
    return f"{text[:_KEPT_CODE]} ... ({len(text)} characters; the whole is in the signed file)"
