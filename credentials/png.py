"""Pictures of sixteen colours as PNG, made fast: what many have in common is compressed once.

Rows that stay, and rows that were in a picture made before, stand in the file as pieces of deflate that were kept: each
ends on a whole byte and looks back at nothing (RFC 1951, a full flush of zlib). Of the others, a row that is as the one
before it is said to be so, and only the rest is compressed.
"""

from __future__ import annotations

import functools
import hashlib
import threading
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS, _BITS = 16, 4
MARGIN = 8 // _BITS
"""Pixels on the left that take the place of the byte before each row, which says how it is filtered: not at all."""
_ROWS = 20
"""Rows that stay are compressed, and kept, so many together."""
_LEVEL = 2
_ADLER = 65521
_LAST = b"\x03\x00"
"""The block that ends a deflate stream: empty, with fixed codes."""

Rows: TypeAlias = tuple[int, int]
"""From the first to the one behind the last."""


class _Piece(NamedTuple):
    """Some rows, deflated; their Adler-32, and how many bytes they are."""

    deflated: bytes
    adler: int
    length: int


class Background:
    """A picture (mode P, an even width, sixteen colours) from which others of its size and palette are drawn.

    Before it stand `MARGIN` columns of the colour 0, which nobody sees and nobody may draw on.
    """

    def __init__(self, picture: Image.Image, changing: Sequence[Rows] | None = None) -> None:
        """`changing`: rows that are drawn on, in their order; left out: all."""
        self._picture, self._palette = picture, bytes(picture.getpalette() or ())[: 3 * _COLOURS]
        self._changing = [(0, picture.height)] if changing is None else list(changing)
        ends = [0, *(end for _, end in self._changing)]
        starts = [*(start for start, _ in self._changing), picture.height]
        self._staying = [
            functools.reduce(_after, map(_piece, _bands(picture, rows)), _Piece(b"", 1, 0))
            for rows in zip(ends, starts, strict=True)
        ]

    def canvas(self) -> Image.Image:
        """To draw on where it may change, this thread's, good until the next is asked for: fresh memory takes longer.

        What it shows elsewhere counts for nothing.
        """
        kept: Image.Image | None = getattr(_canvases, "kept", None)
        if kept is None or kept.size != self._picture.size:
            kept = _canvases.kept = self._picture.copy()
        for first, last in self._changing:
            box = (0, first, kept.width, last)
            kept.paste(self._picture.crop(box), box)
        return kept

    def encode(self, canvas: Image.Image) -> bytes:
        """PNG bytes of what was drawn on a canvas of this one."""
        width, height = self._picture.width - MARGIN, self._picture.height
        deflated, adler = [b"\x78\x01", self._staying[0].deflated], self._staying[0].adler
        for rows, below in zip(self._changing, self._staying[1:], strict=True):
            raw = _packed(canvas, rows)
            deflated += [*_deflated(raw, _stride(canvas)), below.deflated]
            adler = _joined(zlib.adler32(raw, adler), below.adler, below.length)
        deflated += [_LAST, adler.to_bytes(4)]
        head = width.to_bytes(4) + height.to_bytes(4) + bytes([_BITS, 3, 0, 0, 0])
        chunks = [(b"IHDR", head), (b"PLTE", self._palette), (b"IDAT", b"".join(deflated)), (b"IEND", b"")]
        return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


_canvases = threading.local()


def _stride(picture: Image.Image) -> int:
    return picture.width * _BITS // 8


def _packed(picture: Image.Image, rows: Rows) -> bytes:
    """Rows, each after the number of its filter, which is none."""
    return picture.crop((0, rows[0], picture.width, rows[1])).tobytes("raw", f"P;{_BITS}")


def _bands(picture: Image.Image, rows: Rows) -> Iterator[bytes]:
    """Some rows at a time, always divided at the same places."""
    for first in range(rows[0] - rows[0] % _ROWS, rows[1], _ROWS):
        yield _packed(picture, (max(first, rows[0]), min(first + _ROWS, rows[1])))


@functools.lru_cache(maxsize=512)
def _piece(raw: bytes) -> _Piece:
    return _Piece(_compressed(raw, _deflater()), zlib.adler32(raw), len(raw))


def _after(first: _Piece, second: _Piece) -> _Piece:
    adler = _joined(first.adler, second.adler, second.length)
    return _Piece(first.deflated + second.deflated, adler, first.length + second.length)


def _deflated(raw: bytes, stride: int) -> Iterator[bytes]:
    """Deflate of rows, piece by piece: those that are as the row before them are no more than that."""
    deflater, begun, at = _deflater(), 0, stride
    while at < len(raw):
        row, end = raw[at - stride : at], at
        while raw[end : end + stride] == row:
            end += stride
        again = _again(stride, (end - at) // stride) if end - at > stride else None
        if again is not None:
            yield _compressed(raw[begun:at], deflater)
            yield again
            begun = end
        at = end + stride
    if begun < len(raw):
        yield _compressed(raw[begun:], deflater)


@functools.lru_cache(maxsize=64)
def _again(length: int, times: int) -> bytes | None:
    """Deflate of the last `length` bytes, `times` again, whatever they are; None where zlib does not say it so.

    Made twice, from bytes of which no two are alike: what comes out the same both times names none of them.
    """
    some = hashlib.shake_128(b"any bytes").digest(length)
    first, second = (_repeated(one, times) for one in (some, bytes(255 - byte for byte in some)))
    return first if first == second else None


def _repeated(row: bytes, times: int) -> bytes:
    # zlib finds nothing at the very beginning of what it is told to look back at.
    before = b"\0" + row
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, before)
    return deflater.compress(row * times) + deflater.flush(zlib.Z_FULL_FLUSH)


def _deflater() -> zlib._Compress:
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, 8)


def _compressed(raw: bytes, deflater: zlib._Compress) -> bytes:
    """A piece that looks back at nothing: a full flush forgets what was before."""
    return deflater.compress(raw) + deflater.flush(zlib.Z_FULL_FLUSH)


def _joined(first: int, second: int, length: int) -> int:
    """Adler-32 of two things one after the other; `length`: bytes of the second."""
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)
    return (high % _ADLER) << 16 | low % _ADLER


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
