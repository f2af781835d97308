"""The licence card: a picture that a person can read, with the licence signed into it (C2PA)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credentials.errors import TextNotPrintable
from credentials.manifests import Actor
from credentials.sign import DIGITAL_CREATION, Ingredient, Manifest, Signed, sign_asset
from credentials.signer import ClaimSigner
from credentials.text import KAI, MONO, pixels, require_printable
from tallystick.c2pa.verdict import LICENCE
from tallystick.licence.clauses import AiUse

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

WIDTH, HEIGHT = 1600, 1010
"""Pixels; the proportions of an ID-1 card."""
PAPER, INK, SOFT, SEAL, LINE = "#f8f4ea", "#1c2530", "#6b6f73", "#a8321f", "#d8cfba"
_BAND, _LEFT, _QR_SIDE, _MARGIN = 92, 150, 300, 60
_LABEL_SIZE, _VALUE_SIZE, _SMALLEST = 21, 34, 22


@dataclass(frozen=True, slots=True)
class LicenceCard:
    """What the card shows. Texts are shown as given; times are RFC 3339 UTC; territories ISO 3166 codes."""

    licence: str
    asset: str
    title: str
    licensor: str
    licensee: str
    territory: str
    term: str
    media: str
    exclusivity: str
    ai_use: str
    status: str
    issued: str
    log: str
    qr: str

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name):
                raise TextNotPrintable(f"the field {field.name} of the card is empty; say «—» where nothing applies")
        require_printable(getattr(self, field.name) for field in fields(self) if field.name != "qr")


_ROWS = (
    (("object", "标的", "asset"), ("licence", "许可编号", "licence")),
    (("licensor", "许可人", "licensor"), ("licensee", "被许可人", "licensee")),
    (("territory", "地域", "territory"), ("term", "期限", "term")),
    (("media", "媒介", "media"), ("exclusivity", "专有性", "exclusivity")),
)
_LOWER = (("AI use", "人工智能使用", "ai_use"), ("status", "状态查询", "status"), ("log entry", "日志记录", "log"))


def render_card(card: LicenceCard) -> bytes:
    """The card as PNG bytes, unsigned. Raises TextNotPrintable where a text does not fit even in small type."""
    # Loaded when a card is drawn, not when the service starts.
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(picture)
    _tally(draw)
    _heading(draw, card)
    top, column = 262, (WIDTH - _LEFT - _MARGIN) // 2
    for row in _ROWS:
        for number, (english, chinese, name) in enumerate(row):
            place = (_LEFT + number * column, top)
            _field(draw, place, column - 40, f"{chinese} {english}", name, getattr(card, name))
        top += 97
    lower = WIDTH - _LEFT - _MARGIN - _QR_SIDE - 40
    draw.line((_LEFT, top - 6, _LEFT + lower, top - 6), fill=LINE, width=2)
    for number, (english, chinese, name) in enumerate(_LOWER):
        _field(draw, (_LEFT, top + 10 + number * 82), lower, f"{chinese} {english}", name, getattr(card, name))
    _small_print(draw, card)
    _qr(picture, card.qr)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Said:
    """What is signed into a card: the licence's JSON, the licensed asset, when, what machines may do, who stands by."""

    payload: Mapping[str, Any]
    asset: Ingredient
    when: datetime
    training: AiUse | None = None
    identities: Sequence[Actor] = ()


def issue_card(signer: ClaimSigner, card: LicenceCard, said: Said, out: Path) -> Signed:
    """Write the signed card to `out`."""
    manifest = Manifest(
        title=f"{card.licence} {card.title}",
        assertions={LICENCE: said.payload},
        when=said.when,
        source_type=DIGITAL_CREATION,
        published=True,
        ingredients=(said.asset,),
        training=said.training,
        identities=said.identities,
    )
    return sign_asset(signer, render_card(card), out, manifest, "image/png")


def _tally(draw: ImageDraw.ImageDraw) -> None:
    """The band is one half of a tally stick: notches of different depth, cut where the halves were split."""
    draw.rectangle((0, 0, _BAND, HEIGHT), fill=INK)
    for number, depth in enumerate((34, 18, 18, 34, 18, 52, 18, 34, 18, 18, 52, 34, 18, 34)):
        top = 58 + number * 66
        draw.polygon([(_BAND + 1, top), (_BAND + 1, top + 26), (_BAND - depth, top + 13)], fill=PAPER)
    draw.rectangle((_BAND + 14, 0, _BAND + 18, HEIGHT), fill=SEAL)


def _heading(draw: ImageDraw.ImageDraw, card: LicenceCard) -> None:
    draw.text((_LEFT, 44), "使用许可", font=pixels(KAI, 54), fill=SEAL)
    draw.text((_LEFT + 236, 62), "LICENCE", font=pixels(KAI, 38), fill=SEAL)
    text, size = "tallystick", 30
    draw.text((WIDTH - _MARGIN - draw.textlength(text, pixels(KAI, size)), 56), text, font=pixels(KAI, size), fill=INK)
    issued = f"签发 issued {card.issued}"
    draw.text((WIDTH - _MARGIN - draw.textlength(issued, pixels(KAI, 21)), 96), issued, font=pixels(KAI, 21), fill=SOFT)
    _fitted(draw, (_LEFT, 142), WIDTH - _LEFT - _MARGIN, card.title, KAI, 62, 34)
    draw.line((_LEFT, 240, WIDTH - _MARGIN, 240), fill=LINE, width=2)


def _field(draw: ImageDraw.ImageDraw, place: tuple[int, int], width: int, label: str, name: str, value: str) -> None:
    left, top = place
    draw.text((left, top), label, font=pixels(KAI, _LABEL_SIZE), fill=SOFT)
    font = MONO if name in ("licence", "asset") and value.isascii() else KAI
    _fitted(draw, (left, top + 28), width, value, font, _VALUE_SIZE, _SMALLEST)


def _fitted(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], width: int, text: str, font: str, size: int, smallest: int
) -> None:
    """One line in the largest type that fits. Nothing is cut off: a licence with half a territory is another one."""
    for pixel in range(size, smallest - 1, -1):
        if draw.textlength(text, pixels(font, pixel)) <= width:
            draw.text((place[0], place[1] + (size - pixel) // 2), text, font=pixels(font, pixel), fill=INK)
            return
    raise TextNotPrintable(f"{text!r} does not fit on its line of the card; say it shorter")


def _small_print(draw: ImageDraw.ImageDraw, card: LicenceCard) -> None:
    lines = (
        "本卡是许可，不是所有权凭证。完整条款已签入本文件；截图和打印件没有签名。状态以最新核验结果为准。",
        "A licence, never ownership. The terms are signed into this file; a screenshot or print carries no signature.",
    )
    for number, line in enumerate(lines):
        draw.text((_LEFT, HEIGHT - 72 + number * 28), line, font=pixels(KAI, 20), fill=SOFT)


def _qr(picture: Image.Image, payload: str) -> None:
    """Error correction M; one module is a whole number of pixels, so that every reader finds the edges."""
    import segno
    from PIL import Image

    try:
        code = segno.make(payload, error="m", micro=False)
    except segno.DataOverflowError:
        raise TextNotPrintable(f"the QR payload has {len(payload.encode())} bytes, more than a QR code holds") from None
    rows = [bytes(row) for row in code.matrix_iter(border=2)]
    scale = _QR_SIDE // len(rows)
    if scale < 3:
        raise TextNotPrintable(f"the QR payload has {len(payload.encode())} bytes, too many to be read from this card")
    image = Image.frombytes("L", (len(rows), len(rows)), b"".join(bytes(0 if x else 255 for x in row) for row in rows))
    image = image.resize((len(rows) * scale, len(rows) * scale), Image.Resampling.NEAREST)
    picture.paste(image, (WIDTH - _MARGIN - image.width, HEIGHT - 62 - image.height))
