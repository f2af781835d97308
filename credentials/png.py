"""Pictures of sixteen colours as PNG, made fast: what they have in common with a background is compressed once.

Rows that are as in the background, or in a picture made before, stand in the file as pieces of deflate that were kept:
each ends on a whole byte and looks back at nothing (RFC 1951, a full flush of zlib). Only the others are compressed.
"""

from __future__ import annotations

import functools
import threading
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS, _BITS = 16, 4
MARGIN = 8 // _BITS
"""Pixels on the left that take the place of the byte before each row, which says how it is filtered: not at all."""
_ROWS = 20
"""Rows that are compared, and compressed, together."""
_LEVEL = 2
_ADLER = 65521
_LAST = b"\x03\x00"
"""The block that ends a deflate stream: empty, with fixed codes."""


class _Piece(NamedTuple):
    """Some rows: as they are, deflated, and their Adler-32."""

    raw: bytes
    deflated: bytes
    adler: int


class Background:
    """A picture (mode P, an even width, sixteen colours) from which others of its size and palette are drawn.

    Before it stand `MARGIN` columns of the colour 0, which nobody sees and nobody may draw on.
    """

    def __init__(self, picture: Image.Image) -> None:
        self._picture, self._palette = picture, bytes(picture.getpalette() or ())[: 3 * _COLOURS]
        self._kept = threading.local()
        self._pieces = [_piece(raw) for raw in _bands(picture)]

    def canvas(self) -> Image.Image:
        """A copy to draw on, this thread's, good until the next is asked for: fresh memory would take longer."""
        kept: Image.Image | None = getattr(self._kept, "canvas", None)
        if kept is None:
            kept = self._kept.canvas = self._picture.copy()
        else:
            kept.paste(self._picture, (0, 0))
        return kept

    def encode(self, canvas: Image.Image) -> bytes:
        """PNG bytes of what was drawn on a canvas of this one."""
        width, height = canvas.width - MARGIN, canvas.height
        deflated, adler = [b"\x78\x01"], 1
        for band, known in zip(_bands(canvas), self._pieces, strict=True):
            piece = known if band == known.raw else _piece(band)
            deflated.append(piece.deflated)
            adler = _joined(adler, piece.adler, len(band))
        deflated += [_LAST, adler.to_bytes(4)]
        head = width.to_bytes(4) + height.to_bytes(4) + bytes([_BITS, 3, 0, 0, 0])
        chunks = [(b"IHDR", head), (b"PLTE", self._palette), (b"IDAT", b"".join(deflated)), (b"IEND", b"")]
        return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _bands(canvas: Image.Image) -> Iterator[bytes]:
    """Some rows at a time, each row after the number of its filter, which is none."""
    raw, stride = canvas.tobytes("raw", f"P;{_BITS}"), _ROWS * canvas.width * _BITS // 8
    return (raw[at : at + stride] for at in range(0, len(raw), stride))


@functools.lru_cache(maxsize=512)
def _piece(raw: bytes) -> _Piece:
    deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, 9)
    return _Piece(raw, deflater.compress(raw) + deflater.flush(zlib.Z_FULL_FLUSH), zlib.adler32(raw))


def _joined(first: int, second: int, length: int) -> int:
    """Adler-32 of two things one after the other; `length`: bytes of the second."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)
    return (high % _ADLER) << 16 | low % _ADLER


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
