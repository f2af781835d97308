"""A PDF as revisions (ISO 32000-2 §7.5), read strictly: what stands in the file is what its tables say.

Taken are files as our service writes them: cross-reference tables, no object or cross-reference streams, no comments,
no encryption, no gaps, no object twice in a revision. So nothing can be
hidden in a file that a later revision would show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.pdf.values import Dictionary, Number, Ref, Values

MAX_BYTES = 1 << 26
MAX_OBJECTS = 20_000
MAX_REVISIONS = 64

_HEADER = re.compile(rb"%PDF-(1\.7|2\.0)\n%[\x80-\xff]{4,8}\n")
_OBJECT = re.compile(rb"([1-9][0-9]{0,6}) 0 obj[ \n\r]")
_SECTION = re.compile(rb"(0|[1-9][0-9]{0,6}) ([1-9][0-9]{0,6}) ?\r?\n")
_ENTRY = re.compile(rb"([0-9]{10}) ([0-9]{5}) ([nf])(?: \r| \n|\r\n)")
_END = re.compile(rb"\n?startxref\r?\n([1-9][0-9]{0,9})\r?\n%%EOF(?:\r?\n)?")


@dataclass(frozen=True, slots=True)
class Object:
    """An indirect object: where it stands, its value, and the bytes of its stream if it is one."""

    start: int
    end: int
    value: object
    stream: bytes | None


@dataclass(frozen=True, slots=True)
class Revision:
    """What one revision adds. ``end``: offset after it; ``root``: number of the catalog."""

    start: int
    end: int
    objects: dict[int, Object]
    trailer: Dictionary
    root: int

    @property
    def size(self) -> int:
        """As the trailer says it: other readers pass over objects at or above it."""
        found = self.trailer[b"Size"]
        return int(found.text) if isinstance(found, Number) else 0


def parse_revisions(data: bytes) -> tuple[Revision, ...]:
    """The revisions of a file, first to last. Raises ``MalformedInput``."""
    if len(data) > MAX_BYTES:
        raise MalformedInput(f"the PDF has {len(data)} bytes, at most {MAX_BYTES} are read")
    header = _HEADER.match(data)
    if header is None:
        raise MalformedInput("the PDF does not begin as one of version 1.7 or 2.0 does")
    found: list[Revision] = []
    at, table = header.end(), None
    while at < len(data):
        if len(found) == MAX_REVISIONS:
            raise MalformedInput(f"the PDF has more than {MAX_REVISIONS} revisions")
        revision, table = _revision(data, at, table)
        if found and revision.root != found[0].root:
            raise MalformedInput("a revision of the PDF names another catalog")
        if found and revision.size < found[-1].size:
            raise MalformedInput("a revision of the PDF gives a smaller size than the one before")
        found.append(revision)
        at = revision.end
    if not found:
        raise MalformedInput("the PDF holds no objects")
    return tuple(found)


def _revision(data: bytes, start: int, before: int | None) -> tuple[Revision, int]:
    """One revision and the offset of its table. ``before``: that of the table of the revision before."""
    reader = Values(data, start)
    objects: dict[int, Object] = {}
    while True:
        reader.space()
        table = reader.at
        if reader.take(b"xref\n") or reader.take(b"xref\r\n"):
            break
        number, one = _object(data, reader)
        if number in objects or len(objects) == MAX_OBJECTS:
            raise MalformedInput(f"object {number} stands in one revision of the PDF twice, or there are too many")
        objects[number] = one
    _check_table(data, reader, {number: one.start for number, one in objects.items()})
    trailer = reader.value()
    end = _END.match(data, reader.at)
    if end is None or int(end[1]) != table:
        raise MalformedInput("a revision of the PDF does not end with the place of its own table")
    root = _check_trailer(trailer, objects, before)
    return Revision(start, end.end(), objects, trailer, root), table


def _object(data: bytes, reader: Values) -> tuple[int, Object]:
    head = _OBJECT.match(data, reader.at)
    if head is None:
        raise MalformedInput(f"something stands at byte {reader.at} of the PDF that is no object")
    reader.at = head.end()
    value = reader.value()
    reader.space()
    stream = None
    if reader.take(b"stream\n") or reader.take(b"stream\r\n"):
        stream = _stream(data, reader, value)
        reader.space()
    if not reader.take(b"endobj"):
        raise MalformedInput(f"object {int(head[1])} of the PDF does not end where its value does")
    return int(head[1]), Object(head.start(), reader.at, value, stream)


def _stream(data: bytes, reader: Values, value: object) -> bytes:
    length = value.get(b"Length") if isinstance(value, dict) else None
    if not isinstance(length, Number) or not length.text.isdigit():
        raise MalformedInput("a stream of the PDF does not say its length itself")
    held = data[reader.at : reader.at + int(length.text)]
    reader.at += int(length.text)
    reader.space()
    if not reader.take(b"endstream"):
        raise MalformedInput("a stream of the PDF is not as long as it says")
    return held


def _check_table(data: bytes, reader: Values, expected: dict[int, int]) -> None:
    """Exactly the objects of this revision, each once and where it stands; object 0 is the only free one."""
    listed: dict[int, int] = {}
    while not reader.take(b"trailer"):
        section = _SECTION.match(data, reader.at)
        if section is None:
            raise MalformedInput("a cross-reference table of the PDF is not of its form")
        reader.at = section.end()
        for number, offset in _entries(data, reader, int(section[1]), int(section[2])):
            if number in listed:
                raise MalformedInput(f"object {number} is listed twice in a table of the PDF")
            listed[number] = offset
    listed.pop(0, None)
    if listed != expected:
        raise MalformedInput("a table of the PDF lists other objects, or other places, than stand in its revision")


def _entries(data: bytes, reader: Values, first: int, count: int) -> Iterator[tuple[int, int]]:
    # A section that is passed over is one that others cannot read, and then they look for objects by themselves.
    if first + count > MAX_OBJECTS + 1:
        raise MalformedInput(f"a table of the PDF speaks of objects above {MAX_OBJECTS}")
    for number in range(first, first + count):
        entry = _ENTRY.match(data, reader.at)
        if entry is None:
            raise MalformedInput("a cross-reference table of the PDF is not of its form")
        reader.at = entry.end()
        if number == 0 and entry[0][:18] == b"0000000000 65535 f":
            yield 0, 0
        elif number != 0 and entry[3] == b"n" and entry[2] == b"00000":
            yield number, int(entry[1])
        else:
            raise MalformedInput(f"a table of the PDF says that object {number} is free")


def _check_trailer(trailer: object, objects: dict[int, Object], before: int | None) -> int:
    """The number of the catalog."""
    known = {b"Root", b"Info", b"ID", b"Size", b"Prev"}
    if not isinstance(trailer, dict) or not set(trailer) <= known:
        raise MalformedInput("a trailer of the PDF has members that are not known here (encryption, say)")
    root, size, prev = trailer.get(b"Root"), trailer.get(b"Size"), trailer.get(b"Prev")
    if b"Info" in trailer and not isinstance(trailer[b"Info"], Ref):
        raise MalformedInput("a trailer of the PDF holds the notes on the file itself, and does not name them")
    if not isinstance(root, Ref) or not isinstance(size, Number) or not size.text.isdigit():
        raise MalformedInput("a trailer of the PDF lacks the catalog or the size")
    if (b"Prev" in trailer) != (before is not None) or (before is not None and prev != Number(str(before).encode())):
        raise MalformedInput("a trailer of the PDF does not name the table before it")
    if objects and max(objects) >= int(size.text):
        raise MalformedInput("a trailer of the PDF gives a smaller size than its objects have")
    return root.number
