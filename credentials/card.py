"""The licence card: a picture that a person can read, with the licence signed into it (C2PA)."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from credentials.errors import TextNotPrintable
from credentials.manifests import Actor, Stamper
from credentials.png import MARGIN, Background
from credentials.sign import DIGITAL_CREATION, Ingredient, Manifest, appearing, signed_pictures
from credentials.signer import ClaimSigner
from credentials.text import KAI, MONO, pixels, require_printable
from credentials.together import each
from tallystick.c2pa.verdict import LICENCE
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.clauses import AiUse

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

WIDTH, HEIGHT = 1600, 1010
"""Pixels; the proportions of an ID-1 card."""
PAPER, INK, SOFT, SEAL, LINE = "#f8f4ea", "#1c2530", "#6b6f73", "#a8321f", "#d8cfba"
_BAND, _LEFT, _QR_SIDE, _MARGIN = 92, 150, 300, 60
_LABEL_SIZE, _VALUE_SIZE, _SMALLEST = 21, 34, 22
_TOP, _ROW, _COLUMN = 256, 78, (WIDTH - _LEFT - _MARGIN) // 2
"""Five rows end above the QR code."""
_LOWER_ROW = 92
_LOWER_WIDTH = WIDTH - _LEFT - _MARGIN - _QR_SIDE - 40
_QR_BORDER = 2


class _Colour(NamedTuple):
    """What letters are made of: shades from nearly paper to full, one after another in the palette."""

    first: int
    shades: int

    @property
    def full(self) -> int:
        return self.first + self.shades - 1


# Sixteen colours: a pixel takes half a byte, and a card half the time.
_INK, _SEAL, _SOFT = _Colour(1, 7), _Colour(8, 3), _Colour(11, 3)
_PAPER, _LINE, _WHITE = 0, 14, 15
_QR_INK = bytes.maketrans(b"\0\1", bytes([_WHITE, _INK.full]))
_SMALL_PRINT = (
    "本卡是许可，不是所有权凭证。完整条款已签入本文件；截图和打印件没有签名。状态以最新核验结果为准。",
    "A licence, never ownership. The terms are signed into this file; a screenshot or print carries no signature.",
)


@dataclass(frozen=True, slots=True)
class LicenceCard:
    """What the card shows. Texts are shown as given; times are RFC 3339 UTC; territories ISO 3166 codes."""

    licence: str
    asset: str
    title: str
    licensor: str
    licensee: str
    use: str
    media: str
    territory: str
    term: str
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
    (("use", "用途", "use"), ("media", "媒介", "media")),
    (("territory", "地域", "territory"), ("term", "期限", "term")),
    (("exclusivity", "专有性", "exclusivity"), ("AI use", "人工智能使用", "ai_use")),
)
_LOWER = (("status", "状态查询", "status"), ("log entry", "日志记录", "log"))

_OWN = frozenset({"licence", "status", "log", "qr"})
"""What each card has for itself: to keep such a line would help no other."""
_OWN_ROWS = ((_TOP + 26, _TOP + 70), (HEIGHT - 62 - _QR_SIDE, HEIGHT - 62))
"""Where that stands: a line of the largest type, with what is above and below its letters; and beside the QR code."""


def _places() -> dict[str, tuple[tuple[int, int], int]]:
    """Where each field stands, and how wide it may be."""
    places, lower = {}, _TOP + len(_ROWS) * _ROW
    for line, row in enumerate(_ROWS):
        for number, (_, _, name) in enumerate(row):
            places[name] = (_LEFT + number * _COLUMN, _TOP + line * _ROW), _COLUMN - 40
    for number, (_, _, name) in enumerate(_LOWER):
        places[name] = (_LEFT, lower + 16 + number * _LOWER_ROW), _LOWER_WIDTH
    return places


_PLACES = _places()
_SHARED = tuple(field.name for field in fields(LicenceCard) if field.name not in _OWN)
_shared = attrgetter(*_SHARED)


def render_card(card: LicenceCard) -> bytes:
    """The card as PNG bytes, unsigned. Raises TextNotPrintable where a text does not fit even in small type."""
    sheet = _sheet(_shared(card))
    picture = sheet.canvas()
    for name in ("licence", "status", "log"):
        _field(picture, name, getattr(card, name))
    _qr(picture, card.qr)
    return sheet.encode(picture)


@functools.lru_cache(maxsize=4)
def _sheet(shared: tuple[str, ...]) -> Background:
    """What cards of one order, granted in the same second, have in common; `shared`: the values of `_SHARED`."""
    picture, values = _background().copy(), dict(zip(_SHARED, shared, strict=True))
    issued = f"签发 issued {values['issued']}"
    _write(picture, (WIDTH - _MARGIN - round(_length(issued, KAI, 21)), 96), issued, KAI, 21, _SOFT)
    _fitted(picture, (_LEFT, 142), WIDTH - _LEFT - _MARGIN, values["title"], KAI, 62, 34)
    for name in _PLACES.keys() - _OWN:
        _field(picture, name, values[name])
    return Background(picture, _OWN_ROWS)


@dataclass(frozen=True, slots=True)
class Said:
    """What is signed into a card: the licence's JSON (or its canonical bytes), the licensed asset, when, what machines
    may do, who stands by, and who dates the signature.
    """

    payload: Mapping[str, Any] | bytes
    asset: Ingredient
    when: datetime
    training: AiUse | None = None
    identities: Sequence[Actor] = ()
    stamper: Stamper | None = None


def signed_cards(signer: ClaimSigner, cards: Sequence[tuple[LicenceCard, Said]]) -> list[bytes | TallystickError]:
    """Of each the signed card, read back, or why there is none (TextNotPrintable, SigningFailed, MalformedInput)."""
    drawn = each(lambda one: (render_card(one[0]), _manifest(*one)), cards)
    signed = iter(signed_pictures(signer, [one for one in drawn if isinstance(one, tuple)]))
    return [next(signed) if isinstance(one, tuple) else one for one in drawn]


def issue_card(signer: ClaimSigner, card: LicenceCard, said: Said, out: Path) -> None:
    """Write the signed card to `out`, on disk when this returns. Raises what `signed_cards` may give."""
    (made,) = signed_cards(signer, [(card, said)])
    if not isinstance(made, bytes):
        raise made
    with appearing(out) as (_, target):
        target.write(made)
        target.flush()
        os.fsync(target.fileno())


def _manifest(card: LicenceCard, said: Said) -> Manifest:
    return Manifest(
        title=f"{card.licence} {card.title}",
        assertions={LICENCE: said.payload},
        when=said.when,
        source_type=DIGITAL_CREATION,
        published=True,
        ingredients=(said.asset,),
        training=said.training,
        identities=said.identities,
        stamper=said.stamper,
    )


def _ramp(colour: str, shades: int) -> list[int]:
    """Red, green, blue of each shade between paper and a colour, which is the last."""
    low, high = (bytes.fromhex(one[1:]) for one in (PAPER, colour))
    return [a + (b - a) * at // shades for at in range(1, shades + 1) for a, b in zip(low, high, strict=True)]


@functools.cache
def _background() -> Image.Image:
    """All that is the same on every card, drawn once: an image of few colours, `_INK` and `_SEAL` and so on."""
    # Loaded when a card is drawn, not when the service starts.
    from PIL import Image, ImageDraw

    picture = Image.new("P", (MARGIN + WIDTH, HEIGHT), _PAPER)
    ramps = [(INK, _INK), (SEAL, _SEAL), (SOFT, _SOFT)]
    shades = [value for name, colour in ramps for value in _ramp(name, colour.shades)]
    picture.putpalette([*bytes.fromhex(PAPER[1:]), *shades, *bytes.fromhex(LINE[1:]), 255, 255, 255])
    draw = ImageDraw.Draw(picture)
    _tally(draw)
    _write(picture, (_LEFT, 44), "使用许可", KAI, 54, _SEAL)
    _write(picture, (_LEFT + 236, 62), "LICENCE", KAI, 38, _SEAL)
    _write(picture, (WIDTH - _MARGIN - round(_length("tallystick", KAI, 30)), 56), "tallystick", KAI, 30, _INK)
    draw.line((MARGIN + _LEFT, 240, MARGIN + WIDTH - _MARGIN, 240), fill=_LINE, width=2)
    top = _TOP
    for row in _ROWS:
        for number, (english, chinese, _) in enumerate(row):
            _write(picture, (_LEFT + number * _COLUMN, top), f"{chinese} {english}", KAI, _LABEL_SIZE, _SOFT)
        top += _ROW
    draw.line((MARGIN + _LEFT, top + 2, MARGIN + _LEFT + _LOWER_WIDTH, top + 2), fill=_LINE, width=2)
    for number, (english, chinese, _) in enumerate(_LOWER):
        _write(picture, (_LEFT, top + 16 + number * _LOWER_ROW), f"{chinese} {english}", KAI, _LABEL_SIZE, _SOFT)
    for number, line in enumerate(_SMALL_PRINT):
        _write(picture, (_LEFT, HEIGHT - 72 + number * 28), line, KAI, 20, _SOFT)
    return picture


def _tally(draw: ImageDraw.ImageDraw) -> None:
    """The band is one half of a tally stick: notches of different depth, cut where the halves were split."""
    edge = MARGIN + _BAND
    draw.rectangle((MARGIN, 0, edge, HEIGHT), fill=_INK.full)
    for number, depth in enumerate((34, 18, 18, 34, 18, 52, 18, 34, 18, 18, 52, 34, 18, 34)):
        top = 58 + number * 66
        draw.polygon([(edge + 1, top), (edge + 1, top + 26), (edge - depth, top + 13)], fill=_PAPER)
    draw.rectangle((edge + 14, 0, edge + 18, HEIGHT), fill=_SEAL.full)


def _field(picture: Image.Image, name: str, value: str) -> None:
    place, width = _PLACES[name]
    font = MONO if name in ("licence", "asset") and value.isascii() else KAI
    _fitted(picture, (place[0], place[1] + 28), width, value, font, _VALUE_SIZE, _SMALLEST, name in _OWN)


def _length(text: str, font: str, size: int) -> float:
    return sum(_advance(font, size, character) for character in text)


@functools.lru_cache(maxsize=1 << 14)
def _advance(font: str, size: int, character: str) -> float:
    return pixels(font, size).getlength(character)


def _write(
    picture: Image.Image, place: tuple[int, int], text: str, font: str, size: int, colour: _Colour, own: bool = False
) -> None:
    """Text in shades of one colour on paper. Cards of one order share most of their lines: those are kept."""
    if own:
        for at, letter in _letters(text, font, size, colour):
            letter.put(picture.im, MARGIN + place[0] + at, place[1])
        return
    line = _line(text, font, size, colour)
    if line is not None:
        line.put(picture.im, MARGIN + place[0], place[1])


@functools.lru_cache(maxsize=256)
def _line(text: str, font: str, size: int, colour: _Colour) -> _Glyph | None:
    """A line from letters that are kept, its place counted from where the pen begins."""
    from PIL import Image

    placed = list(_letters(text, font, size, colour))
    if not placed:
        return None
    left, top = min(at + one.left for at, one in placed), min(one.top for _, one in placed)
    right = max(at + one.left + one.width for at, one in placed)
    bottom = max(one.top + one.height for _, one in placed)
    width, height = right - left, bottom - top
    line = _Glyph(Image.new("P", (width, height), _PAPER).im, Image.new("L", (width, height), 0).im, left, top)
    for at, one in placed:
        one.put(line.shades, at - left, -top)
        one.put_cover(line.covers, at - left, -top)
    return line


def _letters(text: str, font: str, size: int, colour: _Colour) -> Iterator[tuple[int, _Glyph]]:
    """Where the pen is, and what it writes there."""
    x = 0.0
    for character in text:
        glyph = _glyph(font, size, character, colour)
        if glyph is not None:
            yield round(x), glyph
        x += _advance(font, size, character)


class _Glyph:
    """One letter, or a line: the numbers of its shades, where it is written at all, and its place from the pen.

    Without the checks of `Image.paste`, which take longer than it.
    """

    __slots__ = ("covers", "height", "left", "shades", "top", "width")

    def __init__(self, shades: Any, covers: Any, left: int, top: int) -> None:
        self.shades, self.covers, self.left, self.top = shades, covers, left, top
        self.width, self.height = shades.size

    def put(self, target: Any, x: int, y: int) -> None:
        """On what is written already. ``target``: the core of an image, as ``shades`` and ``covers`` are."""
        target.paste(self.shades, self._box(x, y), self.covers)

    def put_cover(self, target: Any, x: int, y: int) -> None:
        """On another cover."""
        target.paste(self.covers, self._box(x, y), self.covers)

    def _box(self, x: int, y: int) -> tuple[int, int, int, int]:
        left, top = x + self.left, y + self.top
        return left, top, left + self.width, top + self.height


@functools.lru_cache(maxsize=1 << 13)
def _glyph(font: str, size: int, character: str, colour: _Colour) -> _Glyph | None:
    from PIL import Image, ImageDraw

    face = pixels(font, size)
    left, top, right, bottom = (int(one) for one in face.getbbox(character))
    if right <= left or bottom <= top:
        return None
    letter = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(letter).text((-left, -top), character, font=face, fill=255)
    shades = [round(value * colour.shades / 255) for value in range(256)]
    numbers = letter.point([colour.first + shade - 1 if shade else _PAPER for shade in shades])
    covers = letter.point([255 if shade else 0 for shade in shades])
    return _Glyph(Image.frombytes("P", letter.size, numbers.tobytes()).im, covers.im, left, top)


def _fitted(
    picture: Image.Image,
    place: tuple[int, int],
    width: int,
    text: str,
    font: str,
    size: int,
    smallest: int,
    own: bool = False,
) -> None:
    """One line in the largest type that fits. Nothing is cut off: a licence with half a territory is another one."""
    length = _length(text, font, size)
    likely = size if length <= width else min(size, int(size * width / length) + 1)
    for pixel in range(likely, smallest - 1, -1):
        if _length(text, font, pixel) <= width:
            _write(picture, (place[0], place[1] + (size - pixel) // 2), text, font, pixel, _INK, own)
            return
    raise TextNotPrintable(f"{text!r} does not fit on its line of the card; say it shorter")


def _qr(picture: Image.Image, payload: str) -> None:
    """Error correction M; one module is a whole number of pixels, so that every reader finds the edges."""
    from PIL import Image

    from credentials.qr import qr_modules

    try:
        count, modules = qr_modules(payload)
    except ValueError:
        raise TextNotPrintable(f"the QR payload has {len(payload.encode())} bytes, more than a QR code holds") from None
    side = count + 2 * _QR_BORDER
    scale = _QR_SIDE // side
    if scale < 3:
        raise TextNotPrintable(f"the QR payload has {len(payload.encode())} bytes, too many to be read from this card")
    image = Image.new("P", (side, side), _WHITE)
    inked = modules.translate(_QR_INK)
    image.paste(Image.frombytes("P", (count, count), inked), (_QR_BORDER, _QR_BORDER))
    image = image.resize((side * scale, side * scale), Image.Resampling.NEAREST)
    picture.paste(image, (MARGIN + WIDTH - _MARGIN - image.width, HEIGHT - 62 - image.height))
