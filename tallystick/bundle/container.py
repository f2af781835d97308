"""The container: a zip file with one byte string for each content, so that no zip trick has room.

Members are stored, sorted by the UTF-8 bytes of their names, dated 1980-01-01,
with no extra field, no comment and no gap; version 1 has no ZIP64 (a bundle is
below 4 GiB; larger originals are given by reference). The reader rebuilds every
header from name, CRC and size and compares it with what it finds, so overlap,
hidden members, symbolic links, deflated members, bytes before, between or after,
and two headers that disagree are all malformed. Sizes are known before anything is read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from tallystick.content import check_path
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass

MAX_FILE_BYTES = (1 << 32) - 1
MAX_MEMBERS = 20_000
MAX_NAME_BYTES = 1024
BLOCK_BYTES = 1 << 20

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_UTF8_NAMES = 0x0800
_VERSION = 20
_MADE_BY_UNIX = 3 << 8 | _VERSION
_DATE_1980 = 0x21
_REGULAR_FILE = 0o100644 << 16

_CARD = "a licence is checked by `tallystick license check`, a certificate by `tallystick verify-certificate`"
_OTHERS = (
    (b"\x89PNG", "a PNG picture", _CARD),
    (b"%PDF-", "a PDF", _CARD),
    (b"\xff\xd8\xff", "a JPEG picture", _CARD),
    (b"{", "JSON", "an evidence bundle is the .zip that `tallystick export` or POST /v1/evidence made"),
)
"""What people give instead of a bundle: how it begins, what it is, what to do with it."""


@dataclass(frozen=True)
class Member:
    """One member: its name, CRC-32, size, and where its local header starts."""

    name: str
    crc: int
    size: int
    offset: int

    def local_header(self) -> bytes:
        """The one local header that this member may have (PKWARE APPNOTE 4.3.7)."""
        name = self.name.encode()
        return (
            _LOCAL.pack(
                b"PK\3\4", _VERSION, _UTF8_NAMES, 0, 0, _DATE_1980, self.crc, self.size, self.size, len(name), 0
            )
            + name
        )

    def central_header(self) -> bytes:
        """The one central directory header that this member may have (4.3.12)."""
        name = self.name.encode()
        return (
            _CENTRAL.pack(
                b"PK\1\2",
                _MADE_BY_UNIX,
                _VERSION,
                _UTF8_NAMES,
                0,
                0,
                _DATE_1980,
                self.crc,
                self.size,
                self.size,
                len(name),
                0,
                0,
                0,
                0,
                _REGULAR_FILE,
                self.offset,
            )
            + name
        )

    @property
    def start(self) -> int:
        """Where the data starts."""
        return self.offset + _LOCAL.size + len(self.name.encode())

    @property
    def end(self) -> int:
        """Where the data ends, and the next header starts."""
        return self.start + self.size


def end_record(count: int, size: int, offset: int) -> bytes:
    """The end of central directory record (4.3.16), without comment."""
    return _END.pack(b"PK\5\6", 0, 0, count, count, size, offset, 0)


def read_directory(file: BinaryIO) -> dict[str, Member]:
    """All members by name, in order. Raises ``MalformedInput`` unless ``file`` is exactly the form above."""
    length = file.seek(0, 2)
    if not _END.size <= length <= MAX_FILE_BYTES:
        raise MalformedInput(f"the bundle has {length} bytes, expected {_END.size} to {MAX_FILE_BYTES}")
    tail = _read(file, length - _END.size, _END.size)
    magic, _, _, _, count, size, offset, _ = _END.unpack(tail)
    if magic != b"PK\5\6" or tail != end_record(count, size, offset) or offset + size != length - _END.size:
        raise MalformedInput(_no_bundle(_read(file, 0, 8)))
    if count > MAX_MEMBERS or size > count * (_CENTRAL.size + MAX_NAME_BYTES):
        raise MalformedInput(f"the bundle lists {count} members in {size} bytes, at most {MAX_MEMBERS} are read")
    members = _parse_central(_read(file, offset, size), count)
    _check_layout(file, members, offset)
    return {member.name: member for member in members}


def _no_bundle(start: bytes) -> str:
    """What is said of a file that is no bundle: most often somebody gave another file that he was handed."""
    for magic, what, command in _OTHERS:
        if start.startswith(magic):
            return f"not a bundle but {what}: {command}"
    return "not a bundle: the file does not end in a plain zip directory record (is it whole, was anything added?)"


def _parse_central(data: bytes, count: int) -> list[Member]:
    members = []
    at = 0
    for _ in range(count):
        if at + _CENTRAL.size > len(data):
            raise MalformedInput("the zip directory is shorter than the members it counts")
        fields = _CENTRAL.unpack_from(data, at)
        crc, size, name_bytes, offset = fields[7], fields[8], fields[10], fields[16]
        member = Member(_name(data[at + _CENTRAL.size : at + _CENTRAL.size + name_bytes]), crc, size, offset)
        header = member.central_header()
        if data[at : at + len(header)] != header:
            raise MalformedInput(
                f"the zip directory entry of {member.name!r} is not of the plain form "
                "(stored, regular file, 1980-01-01, no extra field): was it unpacked and packed again?"
            )
        members.append(member)
        at += len(header)
    if at != len(data):
        raise MalformedInput("the zip directory is longer than the members it counts")
    return members


def _name(raw: bytes) -> str:
    if not 1 <= len(raw) <= MAX_NAME_BYTES:
        raise MalformedInput(f"a member name has 1 to {MAX_NAME_BYTES} bytes, found {len(raw)}")
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise MalformedInput("a member name is not UTF-8") from None
    check_path(name)
    return name


def _check_layout(file: BinaryIO, members: list[Member], directory: int) -> None:
    """Local headers stand one after the other from byte 0, in name order, and equal what the directory says."""
    at, previous, folded = 0, b"", set()
    for member in members:
        name = member.name.encode()
        if name <= previous:
            raise MalformedInput(f"the member {member.name!r} is out of order or stands twice")
        if member.name.casefold() in folded:
            raise MalformedInput(f"the member {member.name!r} differs from another by case alone")
        if member.offset != at or member.end > directory:
            raise MalformedInput(f"the member {member.name!r} does not start where the one before it ends")
        header = member.local_header()
        if _read(file, at, len(header)) != header:
            raise MalformedInput(f"the local header of {member.name!r} differs from the zip directory")
        at, previous = member.end, name
        folded.add(member.name.casefold())
    if at != directory:
        raise MalformedInput("bytes stand between the last member and the zip directory")


def stream(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """The member's bytes in blocks. Raises ``VerificationFailed`` when they do not have the CRC of the header."""
    at, end, crc = member.start, member.end, 0
    while at < end:
        block = _read(file, at, min(BLOCK_BYTES, end - at))
        crc = zlib.crc32(block, crc)
        at += len(block)
        yield block
    if crc != member.crc:
        raise VerificationFailed(
            f"the bytes of {member.name!r} do not have the CRC-32 of its header: they were changed"
        )


def write_container(file: BinaryIO, members: Iterable[tuple[Member, Iterable[bytes]]]) -> None:
    """Write members, whose names are sorted and whose ``offset`` follow on one another, then the directory."""
    headers, at = [], 0
    for member, blocks in members:
        file.write(member.local_header())
        for block in blocks:
            file.write(block)
        headers.append(member.central_header())
        at = member.end
    directory = b"".join(headers)
    file.write(directory)
    file.write(end_record(len(headers), len(directory), at))


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise MalformedInput("the bundle ends early")
    return data
