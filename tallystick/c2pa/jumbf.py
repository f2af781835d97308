"""A bounded reader of JUMBF boxes (ISO/IEC 19566-5), as far as C2PA uses them.

It exists because c2pa-python gives neither the certificate chain of a claim signature nor the exact bytes of an
assertion. It reads what is there and judges nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

MAX_STORE = 32 * 1024 * 1024
"""Bytes of the largest manifest store that is read."""
MAX_DEPTH = 8
MAX_BOXES = 8192

STORE_TYPE = bytes.fromhex("6332706100110010800000aa00389b71")
MANIFEST = bytes.fromhex("63326d6100110010800000aa00389b71")
"""c2ma, a standard manifest."""
UPDATE_MANIFEST = bytes.fromhex("6332756d00110010800000aa00389b71")
"""c2um: says more about a file that the manifest below it binds. Others (compressed, timestamps) are not known here."""
_HAS_LABEL, _HAS_ID, _HAS_HASH, _HAS_PRIVATE = 0x02, 0x04, 0x08, 0x10
_REQUESTABLE = 0x01


@dataclass(frozen=True, slots=True)
class SuperBox:
    """One labelled superbox: `children` are its nested superboxes, `contents` its plain boxes (type, payload)."""

    type: bytes
    label: str
    body: bytes
    """The payload of the superbox: what a C2PA hashed URI hashes (section 8.4.2.3)."""
    children: tuple[SuperBox, ...]
    contents: tuple[tuple[bytes, bytes], ...]

    def child(self, label: str) -> SuperBox:
        """The only child with `label`. Two of one name would let two readers see two things."""
        found = [box for box in self.children if box.label == label]
        if len(found) != 1:
            raise MalformedInput(f"JUMBF box {self.label!r} holds {len(found)} boxes {label!r}, expected exactly one")
        return found[0]

    def content(self, box_type: bytes) -> bytes:
        """The payload of the only content box, which must have `box_type`."""
        if len(self.contents) != 1 or self.contents[0][0] != box_type:
            kinds = [kind.decode("latin-1") for kind, _ in self.contents]
            raise MalformedInput(f"JUMBF box {self.label!r} holds {kinds}, expected one {box_type.decode()!r}")
        return self.contents[0][1]

    def digest(self, algorithm: str) -> bytes:
        """The hash that a hashed URI to this box must carry."""
        if algorithm not in ("sha256", "sha384", "sha512"):
            raise MalformedInput(f"hash algorithm {algorithm!r} of box {self.label!r} is not one of sha256/384/512")
        return hashlib.new(algorithm, self.body).digest()


def parse_store(data: bytes) -> SuperBox:
    """Read a whole manifest store. Raises MalformedInput unless `data` is exactly one C2PA superbox."""
    if len(data) > MAX_STORE:
        raise MalformedInput(f"manifest store of {len(data)} bytes is over the limit of {MAX_STORE}")
    budget = [MAX_BOXES]
    found = list(_boxes(data, budget))
    if len(found) != 1 or found[0][0] != b"jumb":
        raise MalformedInput("a manifest store must be exactly one JUMBF superbox")
    store = _superbox(found[0][1], 0, budget)
    if store.type != STORE_TYPE or store.label != "c2pa":
        raise MalformedInput("the JUMBF superbox is not a C2PA manifest store")
    return store


def _boxes(data: bytes, budget: list[int]) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position < len(data):
        budget[0] -= 1
        if budget[0] < 0:
            raise MalformedInput(f"more than {MAX_BOXES} JUMBF boxes")
        header, length = 8, int.from_bytes(data[position : position + 4])
        if length == 1:
            header, length = 16, int.from_bytes(data[position + 8 : position + 16])
        if length < header or position + length > len(data):
            raise MalformedInput(f"JUMBF box at byte {position} has length {length}, which does not fit")
        yield data[position + 4 : position + 8], data[position + header : position + length]
        position += length


def _superbox(body: bytes, depth: int, budget: list[int]) -> SuperBox:
    if depth > MAX_DEPTH:
        raise MalformedInput(f"JUMBF boxes are nested deeper than {MAX_DEPTH}")
    inner = _boxes(body, budget)
    first = next(inner, None)
    if first is None or first[0] != b"jumd":
        raise MalformedInput("a JUMBF superbox must begin with its description box")
    box_type, label = _description(first[1])
    children: list[SuperBox] = []
    contents: list[tuple[bytes, bytes]] = []
    for kind, payload in inner:
        if kind == b"jumb":
            children.append(_superbox(payload, depth + 1, budget))
        elif kind == b"jumd":
            raise MalformedInput(f"JUMBF box {label!r} holds a second description box")
        elif kind != b"free":
            contents.append((kind, payload))
    return SuperBox(box_type, label, body, tuple(children), tuple(contents))


def _description(payload: bytes) -> tuple[bytes, str]:
    """Type and label of a description box; identifier, hash and private box (a salt, say) are stepped over."""
    if len(payload) < 17:
        raise MalformedInput("a JUMBF description box is shorter than 17 bytes")
    toggles = payload[16]
    if toggles & ~(_REQUESTABLE | _HAS_LABEL | _HAS_ID | _HAS_HASH | _HAS_PRIVATE):
        raise MalformedInput(f"JUMBF description toggles {toggles:#x} are unknown")
    label, rest = "", payload[17:]
    if toggles & _HAS_LABEL:
        raw, end, rest = rest.partition(b"\0")
        try:
            label = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedInput("a JUMBF label is not UTF-8") from None
        if not end or not label:
            raise MalformedInput("a JUMBF label is empty or not terminated")
    rest = rest[4 if toggles & _HAS_ID else 0 :]
    rest = rest[32 if toggles & _HAS_HASH else 0 :]
    if rest and not toggles & _HAS_PRIVATE:
        raise MalformedInput(f"JUMBF description of {label!r} has {len(rest)} bytes too many")
    return payload[:16], label
