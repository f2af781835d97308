"""A file with another manifest store in the place of its own: all that is not the store stays byte for byte.

An update manifest makes a store longer. Where the format can, its place grows with it; MP4 and PDF files, in which
other bytes would move, keep zeros after their store for that. Putting the shorter store back gives the very file
that there was before, so the digest that a log knows can be computed again from an updated file.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from tallystick.c2pa.containers import Container
from tallystick.errors import MalformedInput

_BLOCK = 1 << 20
_PACKET = 12
"""Bytes of an APP11 segment before the data of its box: marker, length, JP, box number, packet number."""
_HEADER = 8
"""Bytes of the box's own header, which each packet repeats."""
_PACKET_DATA = 64000 - 4
"""Data of a box in one APP11 segment, as c2pa-python divides it."""


def rewritten(stream: BinaryIO, size: int, media_type: str, held: Container, store: bytes) -> Iterator[bytes]:
    """The bytes of the file, `store` instead of `held.store`. Raises MalformedInput where there is no room for it."""
    if held.store is None:
        raise MalformedInput("the file has no manifest store whose place another could take")
    start, end = held.span
    stream.seek(start)
    before = stream.read(end - start)
    after = embed(before, held, media_type, store)
    grown = len(after) - len(before)
    patches = _PATCHES.get(media_type, _nothing)(stream, size, held, grown)
    position = 0
    for at, patch in [*patches, (start, None)]:
        yield from pieces(stream, position, at)
        if patch is not None:
            yield patch
            position = at + len(patch)
    yield after
    yield from pieces(stream, end, size)


def embed(before: bytes, held: Container, media_type: str, store: bytes) -> bytes:
    """What stands in `held.span` (now: `before`) when the file holds `store`. Raises MalformedInput."""
    return _EMBED[media_type](before, held, store)


def pieces(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """These bytes of a file. Raises MalformedInput where it ends before them."""
    stream.seek(start)
    while start < end:
        block = stream.read(min(_BLOCK, end - start))
        if not block:
            raise MalformedInput("the file ends before its size")
        start += len(block)
        yield block


def _fixed(before: bytes, held: Container, store: bytes) -> bytes:
    """In one piece, with zeros after it."""
    old = held.store or b""
    length = len(old) + held.room
    if len(store) > length:
        raise MalformedInput(f"the manifest store has {len(store)} bytes, and the file has room for {length}")
    at = before.index(old)
    return before[:at] + store.ljust(length, b"\0") + before[at + length :]


def _png(before: bytes, held: Container, store: bytes) -> bytes:
    """Length, kind, data, CRC."""
    return len(store).to_bytes(4) + b"caBX" + store + zlib.crc32(b"caBX" + store).to_bytes(4)


def _riff(before: bytes, held: Container, store: bytes) -> bytes:
    """Kind, length, data, and a byte where the length is odd."""
    return b"C2PA" + len(store).to_bytes(4, "little") + store + bytes(len(store) & 1)


def _svg(before: bytes, held: Container, store: bytes) -> bytes:
    return base64.b64encode(store)


def _tiff(before: bytes, held: Container, store: bytes) -> bytes:
    return store


def _jpeg(before: bytes, held: Container, store: bytes) -> bytes:
    """APP11 packets (ISO/IEC 19566-5, annex D) under the box number that stood there."""
    number, header, out = before[6:8], store[:_HEADER], bytearray()
    for count, at in enumerate(range(_HEADER, len(store), _PACKET_DATA), 1):
        data = store[at : at + _PACKET_DATA]
        length = _PACKET + _HEADER + len(data) - 2
        out += b"\xff\xeb" + length.to_bytes(2) + b"JP" + number + count.to_bytes(4) + header + data
    return bytes(out)


def _nothing(stream: BinaryIO, size: int, held: Container, grown: int) -> list[tuple[int, bytes]]:
    return []


def _riff_size(stream: BinaryIO, size: int, held: Container, grown: int) -> list[tuple[int, bytes]]:
    stream.seek(4)
    return [(4, (int.from_bytes(stream.read(4), "little") + grown).to_bytes(4, "little"))]


def _tiff_count(stream: BinaryIO, size: int, held: Container, grown: int) -> list[tuple[int, bytes]]:
    """What stands after the store would move; c2pa-python writes it last."""
    if grown and held.span[1] != size:
        raise MalformedInput("other data follow the manifest store of the TIFF file: its place cannot grow")
    ((start, end),) = held.lengths
    stream.seek(0)
    order = "little" if stream.read(2) == b"II" else "big"
    count = held.span[1] - held.span[0] + grown
    return [(start, count.to_bytes(end - start, "little" if order == "little" else "big"))]


_EMBED: dict[str, Callable[[bytes, Container, bytes], bytes]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/webp": _riff,
    "audio/wav": _riff,
    "video/mp4": _fixed,
    "application/pdf": _fixed,
    "image/svg+xml": _svg,
    "image/tiff": _tiff,
}
FIXED = frozenset(media_type for media_type, embed in _EMBED.items() if embed is _fixed)
"""Media types whose files need room from the beginning."""
_PATCHES: dict[str, Callable[[BinaryIO, int, Container, int], list[tuple[int, bytes]]]] = {
    "image/webp": _riff_size,
    "audio/wav": _riff_size,
    "image/tiff": _tiff_count,
}


def first_manifests(store: bytes, count: int) -> bytes:
    """The store with its first `count` manifests alone, as it was before the others were added."""
    outer = 16 if int.from_bytes(store[:4]) == 1 else 8
    position, end = outer + int.from_bytes(store[outer : outer + 4]), 0
    for _ in range(count):
        length = int.from_bytes(store[position : position + 4])
        if length < 8 or position + length > len(store):
            raise MalformedInput(f"the manifest store holds fewer than {count} manifests of a plain form")
        position += length
        end = position
    return (end - outer + 8).to_bytes(4) + store[4:8] + store[outer:end]
