"""Writing JUMBF boxes (ISO/IEC 19566-5) as far as C2PA uses them; the core reads them."""

from __future__ import annotations

from hashlib import sha256

_TAIL = bytes.fromhex("00110010800000aa00389b71")
STORE, MANIFEST, UPDATE = b"c2pa", b"c2ma", b"c2um"
ASSERTIONS, CLAIM, SIGNATURE = b"c2as", b"c2cl", b"c2cs"
CBOR, JSON = b"cbor", b"json"
_REQUESTABLE, _LABELLED = 0x01, 0x02


def box(kind: bytes, payload: bytes) -> bytes:
    """One plain box of less than 4 GiB."""
    return (len(payload) + 8).to_bytes(4) + kind + payload


def superbox(kind: bytes, label: str, *contents: bytes) -> bytes:
    """A labelled superbox. `kind`: the four letters that begin its type; `contents`: whole boxes."""
    description = kind + _TAIL + bytes([_REQUESTABLE | _LABELLED]) + label.encode() + b"\0"
    return box(b"jumb", box(b"jumd", description) + b"".join(contents))


def digest(whole: bytes) -> bytes:
    """SHA-256 of a superbox as a hashed URI has it: without the eight bytes of its own header (C2PA 8.4.2.3)."""
    return sha256(whole[8:]).digest()
