"""The certificate of registration as a picture: its main lines, its code, and what it does not prove.

The proof is signed into the file (C2PA), and stands in the code as on paper. The PDF says all that is left out here.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credentials.certificate import certificate_manifest
from credentials.certificate_facts import CertificateFacts
from credentials.errors import TextNotPrintable
from credentials.manifests import Stamper
from credentials.sign import Ingredient, Signed, sign_asset
from credentials.signer import ClaimSigner
from credentials.text import KAI, MONO, pixels

if TYPE_CHECKING:
    from PIL import ImageDraw

WIDTH, HEIGHT = 1600, 1180
"""Pixels."""
_PAPER, _INK, _SOFT, _SEAL, _LINE = "#f8f4ea", "#1c2530", "#6b6f73", "#a8321f", "#d8cfba"
_LEFT, _MARGIN, _QR_SIDE = 90, 60, 480
_COLUMN = WIDTH - _LEFT - 2 * _MARGIN - _QR_SIDE
_LARGEST, _SMALLEST = 34, 20
_TOP, _ROW = 262, 82
_ELLIPSIS = "…"
_SMALL_PRINT = (
    "本图不证明作品内容真实、合法或归谁所有，也不证明签发之后没有撤销、更正或争议；完整事项见PDF证书，状态请按编号查询。",
    "Not proved: that the content is true or lawful, who owns it, or that nothing followed: ask for the status.",
    "须核对本文件的签名：截图和打印件只有二维码可以离线核验。The PDF says the rest; of a print, verify the code.",
)


def render_certificate_card(facts: CertificateFacts) -> bytes:
    """The card as PNG bytes, unsigned; the same facts give the same bytes. What is too long is cut, and ends in ….

    Raises TextNotPrintable where the code is too large to be read.
    """
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((14, 14, WIDTH - 15, HEIGHT - 15), outline=_SEAL, width=3)
    _write(draw, (_LEFT, 44), "登记证书", 54, _SEAL)
    _write(draw, (_LEFT + 240, 62), "CERTIFICATE OF REGISTRATION", 32, _SEAL)
    _fitted(draw, (_LEFT, 128), WIDTH - _LEFT - _MARGIN, facts.title, 60, 28)
    draw.line((_LEFT, 236, WIDTH - _MARGIN, 236), fill=_LINE, width=2)
    for number, (label, value) in enumerate(_rows(facts)):
        top = _TOP + number * _ROW
        _write(draw, (_LEFT, top), label, 20, _SOFT)
        _fitted(draw, (_LEFT, top + 26), _COLUMN, value, _LARGEST, _SMALLEST)
    _code(picture, facts.qr)
    _write(draw, (WIDTH - _MARGIN - _QR_SIDE, _TOP + _QR_SIDE + 12), "离线核验 verify offline: tallystick", 22, _SOFT)
    _write(draw, (WIDTH - _MARGIN - _QR_SIDE, _TOP + _QR_SIDE + 44), "verify-certificate", 22, _SOFT)
    _write(draw, (WIDTH - _MARGIN - _QR_SIDE, _TOP + _QR_SIDE + 96), "最新状态 status now", 20, _SOFT)
    _fitted(draw, (WIDTH - _MARGIN - _QR_SIDE, _TOP + _QR_SIDE + 122), _QR_SIDE, facts.link, 22, 13)
    for number, line in enumerate(_SMALL_PRINT):
        _fitted(draw, (_LEFT, HEIGHT - 124 + number * 32), WIDTH - _LEFT - _MARGIN, line, 21, 16, _SOFT)
    out = io.BytesIO()
    picture.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", compress_level=6)
    return out.getvalue()


def issue_certificate_card(
    signer: ClaimSigner,
    facts: CertificateFacts,
    payload: Mapping[str, Any],
    asset: Ingredient,
    when: datetime,
    out: Path,
    stamper: Stamper | None = None,
) -> Signed:
    """Write the card, signed with C2PA, to `out`: `payload` becomes the assertion, `asset` its ingredient."""
    manifest = replace(certificate_manifest(facts, payload, asset, when), stamper=stamper)
    return sign_asset(signer, render_certificate_card(facts), out, manifest, "image/png")


def _rows(facts: CertificateFacts) -> Iterator[tuple[str, str]]:
    yield "登记号 registration number", facts.number
    yield "证书标识 certificate", facts.certificate
    yield "登记机构 registrar", facts.authority
    yield "作者 authors", _listed(facts.authors)
    yield "权利人 rights holders", _listed(tuple(f"{one.name} {one.share}".strip() for one in facts.holders))
    yield "登记时间 registered / 签发时间 issued", f"{facts.registered} / {facts.issued}"
    yield "作品 work", f"{facts.kind} · {facts.asset}"
    yield "日志 log", f"{facts.log} #{facts.leaf} / {facts.tree_size}"
    yield "争议 disputes", _listed(facts.disputes) if facts.disputes else "签发时未见 none known at issue"


def _listed(names: tuple[str, ...]) -> str:
    """As many names as one line holds; how many more there are is said."""
    if not names:
        return "—"
    for count in range(len(names), 0, -1):
        rest = len(names) - count
        text = "；".join(names[:count]) + (f" 等 and {rest} more" if rest else "")
        if pixels(KAI, _SMALLEST).getlength(text) <= _COLUMN:
            return text
    more = f"{_ELLIPSIS} 等 and {len(names) - 1} more" if len(names) > 1 else _ELLIPSIS
    text = names[0]
    while text and pixels(KAI, _SMALLEST).getlength(text + more) > _COLUMN:
        text = text[:-1]
    return text + more


def _write(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, colour: str = _INK) -> None:
    draw.text(place, text, font=pixels(KAI, size), fill=colour)


def _fitted(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    width: int,
    text: str,
    size: int,
    smallest: int,
    colour: str = _INK,
) -> None:
    """One line in the largest type that fits; what does not even in the smallest is cut, and seen to be."""
    font = MONO if text.startswith("10.") and text.isascii() else KAI
    for pixel in range(size, smallest - 1, -2):
        if pixels(font, pixel).getlength(text) <= width:
            draw.text((place[0], place[1] + (size - pixel) // 2), text, font=pixels(font, pixel), fill=colour)
            return
    cut = text
    while cut and pixels(font, smallest).getlength(cut + _ELLIPSIS) > width:
        cut = cut[:-1]
    draw.text(place, cut + _ELLIPSIS, font=pixels(font, smallest), fill=colour)


def _code(picture: Any, payload: str) -> None:
    """The proof, at the lowest correction: it is long, and on a screen nothing is worn off."""
    import segno
    from PIL import Image

    try:
        code = segno.make(payload, error="l", micro=False, boost_error=False)
    except segno.DataOverflowError:
        raise TextNotPrintable(f"the proof has {len(payload)} characters, more than a QR code holds") from None
    rows = [bytes(255 * (1 - module) for module in row) for row in code.matrix_iter(border=4)]
    scale = _QR_SIDE // len(rows)
    if scale < 3:
        raise TextNotPrintable(f"the proof has {len(payload)} characters, too many to be read from this card")
    image = Image.frombytes("L", (len(rows), len(rows)), b"".join(rows))
    image = image.resize((len(rows) * scale, len(rows) * scale), Image.Resampling.NEAREST)
    picture.paste(image.convert("RGB"), (WIDTH - _MARGIN - _QR_SIDE, _TOP))
