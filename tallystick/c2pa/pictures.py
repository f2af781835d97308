"""Where SVG and TIFF files keep their manifest store (C2PA specification, annex A)."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import BinaryIO

from tallystick.errors import MalformedInput

_SVG_STORE = re.compile(rb"<c2pa:manifest>([A-Za-z0-9+/=]*)</c2pa:manifest>")
_SVG_OPENED = re.compile(rb"<\s*[A-Za-z0-9_.:-]*manifest[\s>/]")
_SVG_UNREAD = (b"<!DOCTYPE", b"<!ENTITY", b"<![CDATA[", b"<!--")
TIFF_TAG = 0xCD41
MAX_DIRECTORIES = 1024


def svg_store(data: bytes) -> tuple[bytes | None, tuple[int, int], int]:
    """The store, the span of its base64, and where the picture ends; ``None`` where there is no store.

    Only the plain element that C2PA describes is read. Where a store could also stand in a way that another reader
    sees and this one does not (entities, sections, comments, other prefixes), the file is refused.
    Raises MalformedInput.
    """
    end = data.rfind(b"</svg>") + 6
    if b"<svg" not in data[:65536] or end < 6:
        raise MalformedInput("not an SVG file")
    found = list(_SVG_STORE.finditer(data))
    if len(found) > 1 or len(_SVG_OPENED.findall(data)) != len(found):
        raise MalformedInput("the SVG file holds elements `manifest` other than one plain <c2pa:manifest>")
    end += len(data[end:]) - len(data[end:].lstrip())
    if not found:
        return None, (0, 0), end
    if any(mark in data for mark in _SVG_UNREAD):
        raise MalformedInput("the SVG file with a manifest store has a DOCTYPE, CDATA section or comment")
    try:
        store = base64.b64decode(found[0][1], validate=True)
    except binascii.Error:
        store = b""
    if base64.b64encode(store) != found[0][1] or not store:
        raise MalformedInput("the manifest store of the SVG file is not base64")
    return store, found[0].span(1), end


def tiff_store(stream: BinaryIO, size: int) -> tuple[int, int, tuple[int, int]] | None:
    """Start and length of the store's place, and the span of the number that says its length.

    Every directory is walked: the store stands in the first, and once. Raises MalformedInput.
    """
    head = stream.read(8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None or len(head) != 8:
        raise MalformedInput("not a TIFF file (BigTIFF is not read)")
    found: list[tuple[int, int, tuple[int, int]]] = []
    seen: set[int] = set()
    (offset,) = struct.unpack(order + "I", head[4:])
    while offset:
        if offset in seen or len(seen) >= MAX_DIRECTORIES:
            raise MalformedInput("the directories of the TIFF file go in a circle, or are too many")
        seen.add(offset)
        entries, offset, at = _directory(stream, size, offset, order)
        for number, (tag, kind, count, value) in enumerate(entries):
            if tag == TIFF_TAG:
                if kind not in (1, 7) or count <= 4 or value + count > size or len(seen) > 1 or found:
                    raise MalformedInput("the manifest store of the TIFF file does not fit, or stands twice")
                found.append((value, count, (at + 12 * number + 4, at + 12 * number + 8)))
    return found[0] if found else None


def _directory(
    stream: BinaryIO, size: int, offset: int, order: str
) -> tuple[list[tuple[int, int, int, int]], int, int]:
    """Entries (tag, type, count, value), the offset of the next directory, and where the first entry stands."""
    stream.seek(offset)
    (count,) = struct.unpack(order + "H", _read(stream, 2))
    data = _read(stream, 12 * count)
    (following,) = struct.unpack(order + "I", _read(stream, 4))
    if following >= size:
        raise MalformedInput("a directory of the TIFF file lies outside it")
    return [tuple(entry) for entry in struct.iter_unpack(order + "HHII", data)], following, offset + 2


def _read(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise MalformedInput("a directory of the TIFF file does not fit in it")
    return data
