"""Where each file format keeps its C2PA manifest store (C2PA specification, annex A), and what lies outside it.

Every format gives exactly one store or none. Two stores are refused: one reader could judge the first, another the
second. Sizes come from the file, so each is checked against the file's end before anything is read.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

from tallystick.c2pa.jumbf import MAX_STORE, STORE_TYPE
from tallystick.c2pa.pictures import svg_store, tiff_store
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

MAX_IN_MEMORY = 512 * 1024 * 1024
"""Bytes of the largest JPEG or PDF: their structure has to be searched in memory."""
MAX_PARTS = 1_000_000
"""Chunks, segments or boxes of one file."""
BMFF_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


@dataclass(frozen=True, slots=True)
class Container:
    """What the walk of one file found. `span` is the byte range [start, end) that embeds the store and its room."""

    store: bytes | None
    span: tuple[int, int]
    leading: int = 0
    """Bytes before the container begins."""
    trailing: int = 0
    """Bytes after the container ends."""
    room: int = 0
    """Zero bytes after the store in its place (MP4, PDF): a longer store fits without moving anything."""
    loose: int = 0
    """Bytes of boxes that a BMFF hash leaves out (free space, random access) and that are not all zero."""
    lengths: tuple[tuple[int, int], ...] = ()
    """Byte ranges outside `span` that say how long the store is (RIFF, TIFF): a data hash may leave them out."""
    brands: tuple[str, ...] = ()
    """What a film calls itself in its first box, which a BMFF hash leaves out, if that is unusual."""


def locate(stream: BinaryIO, size: int, media_type: str) -> Container:
    """Walk the container of `media_type` and take its manifest store. Raises MalformedInput."""
    walker = _WALKERS.get(media_type)
    if walker is None:
        raise MalformedInput(f"{media_type} has no embedded manifest store that we read; give its sidecar")
    stream.seek(0)
    return walker(stream, size)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise MalformedInput(f"the file ends where {count} more bytes were announced")
    return data


def _whole(stream: BinaryIO, size: int) -> bytes:
    if size > MAX_IN_MEMORY:
        raise MalformedInput(f"file of {size} bytes is over the limit of {MAX_IN_MEMORY} for its format")
    return _exactly(stream, size)


def _place(stream: BinaryIO, length: int) -> bytes:
    if length > MAX_STORE:
        raise MalformedInput(f"manifest store of {length} bytes is over the limit of {MAX_STORE}")
    return _exactly(stream, length)


def _roomy(place: bytes, span: tuple[int, int]) -> Container:
    """The store at the beginning of its place. What is left of it is room, and zero: nothing hides there."""
    length = int.from_bytes(place[:4])
    if any(place[length:]):
        raise MalformedInput("the padding after the manifest store is not zero")
    return Container(place[:length], span, room=max(0, len(place) - length))


def _single(found: list[Container], end: int, size: int) -> Container:
    if len(found) > 1:
        raise MalformedInput(f"the file holds {len(found)} manifest stores, expected at most one")
    return replace(found[0] if found else Container(None, (0, 0)), trailing=size - end)


def _png(stream: BinaryIO, size: int) -> Container:
    if _exactly(stream, 8) != b"\x89PNG\r\n\x1a\n":
        raise MalformedInput("not a PNG file")
    found: list[Container] = []
    position = 8
    for _ in range(MAX_PARTS):
        header = _exactly(stream, 8)
        length, kind = int.from_bytes(header[:4]), header[4:]
        end = position + 12 + length
        if end > size:
            raise MalformedInput(f"PNG chunk at byte {position} does not fit in the file")
        if kind == b"caBX":
            data = _place(stream, length)
            if zlib.crc32(kind + data) != int.from_bytes(_exactly(stream, 4)):
                raise MalformedInput("the PNG chunk of the manifest store has a wrong CRC")
            found.append(Container(data, (position, end)))
        stream.seek(end)
        position = end
        if kind == b"IEND":
            return _single(found, end, size)
    raise MalformedInput(f"more than {MAX_PARTS} PNG chunks")


def _riff(form: bytes) -> Callable[[BinaryIO, int], Container]:
    def walk(stream: BinaryIO, size: int) -> Container:
        header = _exactly(stream, 12)
        end = 8 + int.from_bytes(header[4:8], "little")
        if header[:4] != b"RIFF" or header[8:] != form or end > size:
            raise MalformedInput(f"not a RIFF file of form {form.decode()}")
        found: list[Container] = []
        position = 12
        for _ in range(MAX_PARTS):
            if position >= end:
                return _single(found, end, size)
            header = _exactly(stream, 8)
            length = int.from_bytes(header[4:], "little")
            after = position + 8 + length + (length & 1)
            if after > end:
                raise MalformedInput(f"RIFF chunk at byte {position} does not fit in the file")
            if header[:4] == b"C2PA":
                found.append(Container(_place(stream, length), (position, after), lengths=((4, 8),)))
                if length & 1 and _exactly(stream, 1) != b"\0":
                    raise MalformedInput("the pad byte of the RIFF chunk of the manifest store is not zero")
            stream.seek(after)
            position = after
        raise MalformedInput(f"more than {MAX_PARTS} RIFF chunks")

    return walk


_BMFF_FREE = (b"free", b"skip", b"mfra")
_BLOCK = 1 << 20


def _bmff(stream: BinaryIO, size: int) -> Container:
    found: list[Container] = []
    position = loose = 0
    brands: tuple[str, ...] = ()
    for _ in range(MAX_PARTS):
        if position and position >= size:
            return replace(_single(found, size, size), loose=loose, brands=brands)
        header = _exactly(stream, 8)
        head, length, kind = 8, int.from_bytes(header[:4]), header[4:]
        if length == 1:
            head, length = 16, int.from_bytes(_exactly(stream, 8))
        elif length == 0:
            length = size - position
        if length < head or position + length > size:
            raise MalformedInput(f"BMFF box at byte {position} does not fit in the file")
        if position == 0:
            if kind != b"ftyp":
                raise MalformedInput("not an ISO BMFF file: it does not begin with ftyp")
            brands = _strange_brands(_exactly(stream, min(length - head, _MAX_TYPE)))
        if kind == b"uuid" and length >= head + 16 and _exactly(stream, 16) == BMFF_C2PA:
            body = _place(stream, length - head - 16)
            found.append(_roomy(_bmff_place(body), (position, position + length)))
        elif kind in _BMFF_FREE and not _is_zero(stream, length - head):
            loose += length
        position += length
        stream.seek(position)
    raise MalformedInput(f"more than {MAX_PARTS} BMFF boxes")


_MAX_TYPE = 4096
_BRANDS = frozenset(
    b"isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 isoa isob isoc mp41 mp42 mp71 avc1 hvc1 hev1 av01 vp09 dash msdh "
    b"msix cmfc cmf2 cmfs cmff 3gp4 3gp5 3gp6 3gp7 3gp8 3gp9 3g2a MSNV NDAS dby1".split()
) | {b"M4V ", b"M4A ", b"M4B ", b"M4P ", b"qt  ", b"f4v ", b"XAVC", b"mqt "}
"""How films call themselves: as whatever of these one is read, it is the same film."""


def _strange_brands(body: bytes) -> tuple[str, ...]:
    """ISO/IEC 14496-12, 4.3: the major brand, its version, compatible brands, four bytes each."""
    brands = [body[:4], *(body[at : at + 4] for at in range(8, len(body), 4))]
    strange = dict.fromkeys(one for one in brands if one not in _BRANDS and one != bytes(4))
    return tuple(one.decode("latin-1") for one in strange)


def _is_zero(stream: BinaryIO, count: int) -> bool:
    while count:
        block = _exactly(stream, min(_BLOCK, count))
        if any(block):
            return False
        count -= len(block)
    return True


def _bmff_place(body: bytes) -> bytes:
    """Annex A.5: full-box header (4), purpose (zero-terminated), offset of a Merkle box (8), store, padding."""
    purpose, end, rest = body[4:].partition(b"\0")
    if body[:4] != bytes(4) or not end or purpose != b"manifest" or len(rest) < 16:
        raise MalformedInput("the C2PA box of the BMFF file is not a plain manifest box")
    if rest[:8] != bytes(8):
        raise MalformedInput("the C2PA box of the BMFF file points to a Merkle box, which this verifier does not read")
    return rest[8:]


# A whole run of fill bytes at once, whatever follows it: nothing is looked at twice.
_JPEG_MARKER = re.compile(rb"\xff++(.?)", re.DOTALL)
_JPEG_DATA = frozenset({b"", b"\x00", *(bytes([code]) for code in range(0xD0, 0xD8))})
"""What follows the fill bytes where no marker stands: a stuffed byte or a restart of the scan."""


def _jpeg(stream: BinaryIO, size: int) -> Container:
    data = _whole(stream, size)
    if data[:2] != b"\xff\xd8":
        raise MalformedInput("not a JPEG file")
    packets: list[tuple[int, int, bytes]] = []
    position, in_scan = 2, False
    for _ in range(MAX_PARTS):
        marker = next((m for m in _JPEG_MARKER.finditer(data, position) if m[1] not in _JPEG_DATA), None)
        if marker is None or (marker.start() != position and not in_scan):
            raise MalformedInput(f"the JPEG file has no marker at byte {position}, or no end of image")
        start, code, body = marker.start(), marker.group(1)[0], marker.end()
        if code == 0xD9:
            return _jpeg_container(packets, body, size)
        length = int.from_bytes(data[body : body + 2])
        if length < 2 or body + length > size:
            raise MalformedInput(f"JPEG segment at byte {start} does not fit in the file")
        if code == 0xEB:
            packets.append((start, body + length, data[body + 2 : body + length]))
        position, in_scan = body + length, code == 0xDA
    raise MalformedInput(f"more than {MAX_PARTS} JPEG segments")


def _jpeg_container(packets: list[tuple[int, int, bytes]], end: int, size: int) -> Container:
    """Join APP11 packets (ISO/IEC 19566-5, annex D): 'JP', box number, packet number, the box header again, data."""
    found: list[Container] = []
    joined: dict[bytes, tuple[int, int, int, bytes, bytearray]] = {}
    for start, after, body in packets:
        if body[:2] != b"JP" or len(body) < 16:
            continue
        number, packet, header = body[2:4], int.from_bytes(body[4:8]), body[8:16]
        if packet == 1:
            if number in joined:
                raise MalformedInput("two JUMBF boxes of the JPEG file have the same number")
            joined[number] = (start, after, 1, header, bytearray(body[8:]))
            continue
        first, last, count, known, data = joined.get(number, (0, 0, 0, b"", bytearray()))
        if packet != count + 1 or start != last or header != known or len(data) > MAX_STORE:
            raise MalformedInput(f"APP11 packet {packet} of the JPEG file does not continue its JUMBF box")
        data += body[16:]
        joined[number] = (first, after, packet, known, data)
    for first, last, _, _, data in joined.values():
        if data[4:8] == b"jumb" and data[16:32] == STORE_TYPE:
            found.append(Container(bytes(data), (first, last)))
    return _single(found, end, size)


_PDF_STORE = re.compile(rb"jumb(?s:....)jumd" + re.escape(STORE_TYPE))
_PDF_ROOM = re.compile(rb"(\x00*+)\r?\n?endstream")


def _pdf(stream: BinaryIO, size: int) -> Container:
    """The store is the uncompressed embedded file of annex A.4; it is found by its JUMBF header."""
    data = _whole(stream, size)
    leading = data.find(b"%PDF-", 0, 1024)
    tail = data.rfind(b"%%EOF")
    if leading < 0 or tail < 0:
        raise MalformedInput("not a PDF file")
    found: list[Container] = []
    for match in _PDF_STORE.finditer(data):
        if found:
            raise MalformedInput("the file holds two manifest stores, expected at most one")
        start = match.start() - 4
        length = int.from_bytes(data[max(start, 0) : match.start()])
        if start < 0 or length > MAX_STORE or start + length > size:
            raise MalformedInput("the manifest store of the PDF file does not fit")
        room = _PDF_ROOM.match(data, start + length)
        end = room.end(1) if room else start + length
        found.append(_roomy(data[start:end], (start, end)))
    end = tail + 5
    end += len(data[end : end + 2]) - len(data[end : end + 2].lstrip(b"\r\n"))
    return replace(_single(found, end, size), leading=leading)


def _svg(stream: BinaryIO, size: int) -> Container:
    store, span, end = svg_store(_whole(stream, size))
    return Container(store, span, trailing=size - end)


def _tiff(stream: BinaryIO, size: int) -> Container:
    found = tiff_store(stream, size)
    if found is None:
        return Container(None, (0, 0))
    start, length, counted = found
    stream.seek(start)
    return Container(_place(stream, length), (start, start + length), lengths=(counted,))


_WALKERS: dict[str, Callable[[BinaryIO, int], Container]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/webp": _riff(b"WEBP"),
    "audio/wav": _riff(b"WAVE"),
    "video/mp4": _bmff,
    "application/pdf": _pdf,
    "image/svg+xml": _svg,
    "image/tiff": _tiff,
}
EMBEDDED = frozenset(_WALKERS)
"""Media types whose files can carry their own manifest store; all others take a sidecar."""

_BY_SUFFIX = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}


def media_type_of(name: str) -> str:
    """Media type by file name; whatever we do not know is plain bytes with a sidecar."""
    dot = name.rfind(".")
    return _BY_SUFFIX.get(name[dot:].lower() if dot >= 0 else "", "application/octet-stream")
