"""The one layout of a statement's bytes: written by hand, and read by hand where it is as written.

A statement is tag 18 around [protected, {}, payload, signature], its protected header {1: alg, 3: content type, 4: kid,
15: {1: iss, 2: sub}}; in deterministic CBOR nothing but the four values, payload and signature vary. ``read`` takes
these bytes and no others: what it does not take is either no statement, or the general reader says so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tallystick import cose

CONTENT_TYPE = "application/vnd.tallystick.event+json"
KID_BYTES = 32

_START, _FREE, _SUBJECT = b"\xd2\x84", 0xA0, 2
_BYTES, _TEXT = 0x40, 0x60
_USUAL, _SHORT, _LONG, _SIGNED, _SIGNATURE = _START + b"\x58", b"\xa0\x58", b"\xa0\x59", b"\x58\x40", 66


class Parts(NamedTuple):
    """A statement taken apart, nothing verified and the payload not looked at."""

    protected: bytes
    alg: int
    kid: bytes
    issuer: str
    subject: str
    payload: bytes
    signature: bytes


def header(alg: int, kid: bytes, issuer: str, subject: str) -> bytes:
    """The protected header of a statement."""
    return _to_subject(alg, kid, issuer) + cose.text_item(subject)


@lru_cache(maxsize=1024)
def _to_subject(alg: int, kid: bytes, issuer: str) -> bytes:
    """As far as it is the same for all statements of a speaker."""
    return b"".join((_to_issuer(alg, kid), cose.text_item(issuer), b"\x02"))


@lru_cache(maxsize=1024)
def _to_issuer(alg: int, kid: bytes) -> bytes:
    """As far as it is the same for all statements of a key."""
    first = cose.dump({cose.ALG: alg, cose.CONTENT_TYPE: CONTENT_TYPE, cose.KID: kid, cose.CWT_CLAIMS: {1: "", 2: ""}})
    return first.removesuffix(b"\x60\x02\x60")


_CLAIMS = b"\x0f\xa2\x01"
_HEADS = {_to_issuer(alg, bytes(KID_BYTES)).removesuffix(bytes(KID_BYTES) + _CLAIMS): alg for alg in (-8, -7)}
(_HEAD_BYTES,) = {len(head) for head in _HEADS}


def read(entry: bytes) -> Parts | None:
    """The parts, or ``None`` for bytes of any other layout."""
    if not entry.startswith(_START):
        return None
    try:
        protected, at = _string(entry, len(_START), _BYTES)
        payload, end = _string(entry, at + 1, _BYTES)
        signature, end = _string(entry, end, _BYTES)
        if entry[at] != _FREE or end != len(entry):
            return None
        return _read_header(protected, payload, signature)
    # Cut short, of another type, or not UTF-8.
    except (IndexError, ValueError):
        return None


def payload(entry: bytes) -> bytes | None:
    """The payload alone of an entry laid out as a statement is, whatever its header says; ``None``: of any other.

    For who takes entries as they are, and looks at nothing else of them.
    """
    spans = usual(entry)
    if spans:
        return entry[spans[1] : spans[2]]
    parts = read(entry)
    return parts.payload if parts else None


def usual(entry: bytes) -> tuple[int, int, int] | None:
    """Where the header ends, where the payload begins and ends; ``None`` where it is not seen at once.

    As nearly all are: header and payload have 24 bytes or more, the header fewer than 256, both in shortest form.
    """
    try:
        at = 4 + entry[3]
        heads, size, start, least = entry[at : at + 2], entry[at + 2], at + 3, 24
        if heads == _LONG:
            size, start, least = size << 8 | entry[start], at + 4, 256
        elif heads != _SHORT:
            return None
    except IndexError:
        return None
    end = start + size
    if size >= least and at > 27 and entry[:3] == _USUAL and entry[end : end + 2] == _SIGNED:
        return (at, start, end) if end + _SIGNATURE == len(entry) else None
    return None


def payload_at(parts: Parts) -> int:
    """Where the payload begins in the entry that has these parts."""
    return len(_START) + _sized(parts.protected) + 1 + cose.head_size(len(parts.payload))


def _sized(data: bytes) -> int:
    return cose.head_size(len(data)) + len(data)


def _read_header(protected: bytes, payload: bytes, signature: bytes) -> Parts | None:
    alg, end = _HEADS.get(protected[:_HEAD_BYTES]), _HEAD_BYTES + KID_BYTES
    issuer, at = _string(protected, end + len(_CLAIMS), _TEXT)
    subject, last = _string(protected, at + 1, _TEXT)
    claims = protected[end : end + len(_CLAIMS)]
    if alg is None or claims != _CLAIMS or protected[at] != _SUBJECT or last != len(protected):
        return None
    return Parts(protected, alg, protected[_HEAD_BYTES:end], issuer.decode(), subject.decode(), payload, signature)


def _string(data: bytes, at: int, major: int) -> tuple[bytes, int]:
    """A string whose length is in its shortest form, and where it ends. Raises ``ValueError`` or ``IndexError``."""
    head, least = data[at] - major, 0
    if 0 <= head < 24:
        start, size = at + 1, head
    elif head == 24:
        start, size, least = at + 2, data[at + 1], 24
    elif head == 25:
        start, size, least = at + 3, int.from_bytes(data[at + 1 : at + 3], "big"), 256
    else:
        raise ValueError
    end = start + size
    if size < least or end > len(data):
        raise ValueError
    return data[start:end], end
