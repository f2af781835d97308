"""How a certificate looks on A4: frame, heading with QR code, sections of labelled rows. Knows no facts."""

from __future__ import annotations

import io
import re
from dataclasses import field
from html import escape

import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    HRFlowable,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from credentials.errors import TextNotPrintable
from credentials.numbering import numbered
from credentials.text import KAI, MONO, characters
from tallystick.lazy_dataclass import dataclass

INK, SOFT, SEAL, LINE, TINT = (HexColor(c) for c in ("#1c2530", "#6b6f73", "#a8321f", "#d8cfba", "#fbf3ee"))
_EDGE, _INSET, _FOOT, _LABELS, _QR, _PROOF = 12 * mm, 20 * mm, 25 * mm, 40 * mm, 27 * mm, 62 * mm
_FINEST = 0.42 * mm
"""The side of a square that printers and phones still tell apart."""
_WIDTH = A4[0] - 2 * _INSET

_TITLE = ParagraphStyle("title", fontName=KAI, fontSize=21, leading=27, textColor=INK, wordWrap="CJK")
_SOFT = ParagraphStyle("soft", fontName=KAI, fontSize=9.5, leading=13, textColor=SOFT, wordWrap="CJK")
_HEAD = ParagraphStyle("head", fontName=KAI, fontSize=11.5, leading=15, textColor=SEAL, spaceBefore=9, spaceAfter=2)
_LABEL = ParagraphStyle("label", fontName=KAI, fontSize=9, leading=12, textColor=SOFT)
_VALUE = ParagraphStyle("value", fontName=KAI, fontSize=10, leading=13.5, textColor=INK, wordWrap="CJK")
_CODE = ParagraphStyle("code", fontName=MONO, fontSize=7.8, leading=10.5, textColor=INK, wordWrap="CJK")
_LATIN = ParagraphStyle("latin", fontName=KAI, fontSize=9, leading=12, textColor=INK)
_CENTRED = ParagraphStyle("centred", parent=_VALUE, fontSize=11.5, leading=16, alignment=TA_CENTER)
_CENTRED_SOFT = ParagraphStyle("centredsoft", parent=_SOFT, alignment=TA_CENTER)
_RIGHT = ParagraphStyle("right", parent=_VALUE, fontSize=11, leading=16, alignment=TA_RIGHT)
_RIGHT_SOFT = ParagraphStyle("rightsoft", parent=_SOFT, fontSize=8.5, leading=12, alignment=TA_RIGHT)
_TINY = ParagraphStyle("tiny", parent=_SOFT, fontSize=7, leading=9, alignment=TA_CENTER)
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


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands on top of the first page and at the foot of each. Lines are parted by line breaks."""

    number: str
    certificate: str
    title: str
    authority: str
    issued: str
    link: str
    preamble: str
    signature: str


def render(out: io.BytesIO, heading: Heading, sections: list[Section], proof: str) -> None:
    """Write the PDF; ``proof`` becomes the large QR code. No date, no chance: the same facts give the same bytes."""
    for font in (KAI, MONO):
        characters(font)  # registers it
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        invariant=1,
        title=f"{heading.number} {heading.title}",
        author=heading.authority,
        subject="登记证书 Certificate of registration",
        creator="tallystick",
        lang="zh-CN",
        pageCompression=1,
        displayDocTitle=True,
    )
    frame = Frame(_INSET, _FOOT, _WIDTH, A4[1] - _FOOT - _INSET, 0, 0, 0, 0)
    document.addPageTemplates([PageTemplate("page", [frame])])
    story: list[Flowable] = [*_front(heading)]
    for section in sections:
        head, rows = _section_head(section), _rows(section)
        story += [KeepTogether([head, rows])] if section.warning else [head, rows]
    story += [Spacer(1, 4 * mm), KeepTogether(_offline(proof)), Spacer(1, 5 * mm), KeepTogether(_end(heading))]
    document.build(story, canvasmaker=numbered(lambda canvas, pages: _page(canvas, heading, pages)))


def _page(canvas: Canvas, heading: Heading, pages: int) -> None:
    """A double frame with the notches of a tally stick on the left edge; the foot names the certificate."""
    canvas.saveState()
    canvas.setStrokeColor(SEAL)
    canvas.setLineWidth(1.4)
    canvas.rect(_EDGE, _EDGE, A4[0] - 2 * _EDGE, A4[1] - 2 * _EDGE)
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    inner = _EDGE + 1.6 * mm
    canvas.rect(inner, inner, A4[0] - 2 * inner, A4[1] - 2 * inner)
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
    page = f"第 {canvas.getPageNumber()} 页，共 {pages} 页  page {canvas.getPageNumber()} of {pages}"
    canvas.setFont(KAI, 8)
    canvas.drawRightString(A4[0] - _INSET, 16 * mm, page)
    room = _WIDTH - canvas.stringWidth(page, KAI, 8) - 6 * mm
    _fitted(canvas, f"登记号 No. {heading.number}", 19.5 * mm, _WIDTH)
    _fitted(canvas, heading.certificate, 16 * mm, room)
    canvas.restoreState()


def _fitted(canvas: Canvas, text: str, height: float, room: float) -> None:
    """One line at the left, in smaller type where it is long."""
    size = min(8.0, 8.0 * room / max(canvas.stringWidth(text, KAI, 8), 1))
    canvas.setFont(KAI, size)
    canvas.drawString(_INSET, height, text)


def _front(heading: Heading) -> list[Flowable]:
    """Authority, the name of the document, its number, the title; the code that leads to the page on it."""
    size = 26 if len(heading.title) <= 24 else 20 if len(heading.title) <= 60 else 14
    title = ParagraphStyle("title", parent=_TITLE, fontSize=size, leading=size * 1.3, alignment=TA_CENTER)
    words = [
        Paragraph(escape(heading.authority), _CENTRED),
        Spacer(1, 3 * mm),
        Paragraph("登 记 证 书", ParagraphStyle("name", parent=_CENTRED, fontSize=30, leading=38, textColor=SEAL)),
        Paragraph("CERTIFICATE OF REGISTRATION", ParagraphStyle("latinname", parent=_CENTRED, textColor=SEAL)),
        Spacer(1, 3 * mm),
        Paragraph(f"登记号 No. {escape(heading.number)}", ParagraphStyle("number", parent=_CENTRED, fontSize=12)),
    ]
    side = [_QrCode(heading.link, _QR), Paragraph("查询现状<br/>how it stands now", _TINY)]
    table = Table([["", words, side]], colWidths=[_QR, _WIDTH - 2 * _QR, _QR])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_NO_PADDING]))
    preamble = [Paragraph(escape(line), _CENTRED_SOFT) for line in heading.preamble.split("\n")]
    return [
        table,
        Spacer(1, 6 * mm),
        HRFlowable(width="100%", thickness=0.8, color=SEAL),
        Spacer(1, 4 * mm),
        Paragraph(escape(heading.title), title),
        Spacer(1, 3 * mm),
        *preamble,
        Spacer(1, 2 * mm),
    ]


def _offline(proof: str) -> list[Flowable]:
    words = [
        Paragraph("离线核验码", _HEAD),
        *(
            Paragraph(line, _VALUE if _CHINESE.search(line) else _LATIN)
            for line in (
                "用手机扫描所得文字，可在断网情况下凭信任文件核验：tallystick verify-certificate。",
                "What a phone reads from this code can be verified without a network: tallystick verify-certificate.",
                "它证明：登记机构以此号码签发了此证书，且该记录在所示检查点时已在日志中。",
                "It proves that the registrar issued a certificate of this number, and that its record stood in the "
                "log at the checkpoint shown.",
                "它不证明纸上文字未被改动，也不证明证书此后仍然有效。",
                "It proves neither that the words on paper are unchanged, nor that the certificate is still in force.",
            )
        ),
    ]
    table = Table([[_QrCode(proof, _PROOF), words]], colWidths=[_PROOF + 6 * mm, _WIDTH - _PROOF - 6 * mm])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE"), *_NO_PADDING]))
    return [table]


def _end(heading: Heading) -> list[Flowable]:
    lines = [heading.authority, f"签发日期 issued {heading.issued}", *heading.signature.split("\n"), heading.link]
    return [Paragraph(escape(line), _RIGHT if number < 2 else _RIGHT_SOFT) for number, line in enumerate(lines)]


_NO_PADDING = [(f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]


class _QrCode(Flowable):
    """A QR code as vector squares, error correction M; L where it would be too fine for paper otherwise."""

    def __init__(self, payload: str, side: float) -> None:
        super().__init__()
        self._rows = next(filter(None, (_modules(payload, error, side) for error in "ml")), [])
        if not self._rows:
            raise TextNotPrintable(f"the QR payload has {len(payload.encode())} bytes, too many to be read from paper")
        self.width = self.height = side

    def draw(self) -> None:
        side = self.width / len(self._rows)
        self.canv.setFillColor(INK)
        for line, row in enumerate(self._rows):
            for column, dark in enumerate(row):
                if dark:
                    self.canv.rect(column * side, self.height - (line + 1) * side, side, side, stroke=0, fill=1)


def _modules(payload: str, error: str, side: float) -> list[bytes]:
    """The squares, or none where there are more than can be told apart on paper."""
    try:
        rows = [bytes(row) for row in segno.make(payload, error=error, micro=False).matrix_iter(border=2)]
    except segno.DataOverflowError:
        return []
    return rows if side / len(rows) >= _FINEST else []


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
