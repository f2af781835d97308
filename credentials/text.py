"""Type for cards and certificates: the embedded fonts, and the refusal of any character that they lack."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from credentials.errors import TextNotPrintable

if TYPE_CHECKING:
    from PIL import ImageFont

FONTS = Path(__file__).with_name("fonts")
KAI, MONO = "TallystickKai-Regular", "TallystickKaiMono-Regular"
"""Chinese and Latin text; Latin of equal width, for digests and identifiers."""


@functools.cache
def characters(font: str) -> frozenset[int]:
    """Code points that a font can show. Registers the font for PDF."""
    # PDF and pictures take a fifth of a second to load: when one is made, not when the service starts.
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    face = TTFont(font, FONTS / f"{font}.ttf")
    pdfmetrics.registerFont(face)
    return frozenset(face.face.charToGlyph)


@functools.lru_cache(maxsize=64)
def pixels(font: str, size: int) -> ImageFont.FreeTypeFont:
    """A font for pictures, `size` pixels high."""
    from PIL import ImageFont

    return ImageFont.truetype(FONTS / f"{font}.ttf", size, layout_engine=ImageFont.Layout.BASIC)


def require_printable(texts: Iterable[str], font: str = KAI) -> None:
    """Refuse text that would come out as an empty box, or that would turn the line around (bidirectional controls)."""
    known = characters(font)
    for text in texts:
        if known.issuperset(map(ord, text)):
            continue
        for character in text:
            if ord(character) not in known:
                name = unicodedata.name(character, "a control character")
                raise TextNotPrintable(
                    f"{text!r} holds U+{ord(character):04X} ({name}), which the embedded font {font} cannot print"
                )
