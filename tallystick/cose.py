"""COSE_Sign1 (RFC 9052 §4.2), tagged 18, in deterministic CBOR only.

Signed bytes are kept as received; an envelope whose re-encoding differs is malformed.
"""

from __future__ import annotations

from typing import Any

import cbor2

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import COSE_ALGORITHMS, PublicKey, Signer
from tallystick.lazy_dataclass import dataclass

TAG_SIGN1 = 18
ALG, CONTENT_TYPE, KID, CWT_CLAIMS, TYPE = 1, 3, 4, 15, 16
MAX_BYTES = 1 << 20

# Major types (RFC 8949 §3.1).
_BYTES, _TEXT, _TAG = 2, 3, 6

# What never varies in an envelope is written by hand, which takes a tenth of the time; a test holds it against cbor2.
_SIGN1 = b"\xd2\x84"  # tag 18, an array of four
_SIGNATURE1 = b"\x84\x6aSignature1"
_EMPTY, _NO_MAP, _NULL = b"\x40", b"\xa0", b"\xf6"


@dataclass(frozen=True)
class Sign1:
    """A decoded envelope. ``payload`` is ``None`` when detached; ``protected_bytes`` is what is signed."""

    protected_bytes: bytes
    protected: dict[Any, Any]
    unprotected: dict[Any, Any]
    payload: bytes | None
    signature: bytes

    def to_be_signed(self, detached: bytes | None = None) -> bytes:
        """Sig_structure (RFC 9052 §4.4), external_aad empty."""
        payload = self.payload if detached is None else detached
        if payload is None or (self.payload is not None and detached is not None):
            raise MalformedInput("a COSE_Sign1 payload is either attached or given, not both and not neither")
        return sig_structure(self.protected_bytes, payload)

    def verify(self, key: PublicKey, detached: bytes | None = None) -> None:
        """Raise ``VerificationFailed`` unless ``key`` made this signature under the algorithm the header names."""
        verify(key, self.protected.get(ALG), self.to_be_signed(detached), self.signature)


def verify(key: PublicKey, alg: Any, to_be_signed: bytes, signature: bytes) -> None:
    """As ``Sign1.verify``, of an envelope that was taken apart; ``alg``: as its header names it."""
    if alg != COSE_ALGORITHMS[key.alg]:
        raise VerificationFailed(f"the header names algorithm {alg}, the key is {key.alg}")
    key.verify(to_be_signed, signature)


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """The bytes that are signed: the deterministic CBOR of ["Signature1", protected, h'', payload]."""
    return _SIGNATURE1 + bytes_item(protected) + _EMPTY + bytes_item(payload)


def frames(protected: bytes, payload: bytes) -> tuple[bytes, bytes]:
    """``sig_structure``, and an envelope with nothing unprotected, up to the signature, which is its last item."""
    first, last = bytes_item(protected), bytes_item(payload)
    return b"".join((_SIGNATURE1, first, _EMPTY, last)), b"".join((_SIGN1, first, _NO_MAP, last))


def sign1(
    signer: Signer,
    protected: dict[Any, Any],
    payload: bytes,
    *,
    detached: bool = False,
    unprotected: dict[Any, Any] | None = None,
) -> bytes:
    """A signed envelope; the algorithm header is set from the signer's key."""
    header = dump({ALG: COSE_ALGORITHMS[signer.public.alg], **protected})
    signature = signer.sign(sig_structure(header, payload))
    return envelope(header, None if detached else payload, signature, unprotected)


def envelope(
    protected: bytes, payload: bytes | None, signature: bytes, unprotected: dict[Any, Any] | None = None
) -> bytes:
    """The bytes of an envelope of these parts."""
    free = dump(unprotected) if unprotected else _NO_MAP
    content = _NULL if payload is None else bytes_item(payload)
    return b"".join((_SIGN1, bytes_item(protected), free, content, bytes_item(signature)))


def parse_sign1(data: bytes, limit: int = MAX_BYTES) -> Sign1:
    """Decode an envelope without verifying it. Raises ``MalformedInput``."""
    value = load(data, limit)
    if not isinstance(value, cbor2.CBORTag) or value.tag != TAG_SIGN1:
        raise MalformedInput("not a COSE_Sign1: expected CBOR tag 18")
    parts = value.value
    if not isinstance(parts, list) or len(parts) != 4:
        raise MalformedInput("not a COSE_Sign1: expected an array of four")
    protected, unprotected, payload, signature = parts
    if not isinstance(protected, bytes) or not isinstance(unprotected, dict) or not isinstance(signature, bytes):
        raise MalformedInput("not a COSE_Sign1: a member has the wrong type")
    if not isinstance(payload, bytes | None):
        raise MalformedInput("not a COSE_Sign1: the payload is neither bytes nor null")
    header = load(protected, limit)
    if not isinstance(header, dict):
        raise MalformedInput("the protected header is not a map")
    check_labels(header)
    check_labels(unprotected)
    if type(header.get(ALG)) is not int:
        raise MalformedInput("the protected header names no algorithm (label 1)")
    return Sign1(protected, header, unprotected, payload, signature)


def bytes_item(data: bytes) -> bytes:
    """A byte string in deterministic CBOR."""
    if 255 < len(data) < 1 << 16:
        return (0x590000 | len(data)).to_bytes(3, "big") + data
    return _head(_BYTES, len(data)) + data


def text_item(value: str) -> bytes:
    """A text in deterministic CBOR."""
    data = value.encode()
    return _head(_TEXT, len(data)) + data


def _head(major: int, argument: int) -> bytes:
    """The shortest head (RFC 8949 §4.2.1)."""
    if argument < 24:
        return bytes((major << 5 | argument,))
    if argument < 1 << 8:
        return bytes((major << 5 | 24, argument))
    if argument < 1 << 16:
        return bytes((major << 5 | 25, argument >> 8, argument & 255))
    info = 2 if argument < 1 << 32 else 3
    return bytes((major << 5 | 24 + info,)) + argument.to_bytes(1 << info, "big")


def head_size(argument: int) -> int:
    """How many bytes stand before as many bytes or characters."""
    return 1 if argument < 24 else 2 if argument < 1 << 8 else 3 if argument < 1 << 16 else 5


def check_labels(header: dict[Any, Any]) -> None:
    """Raise ``MalformedInput`` unless all labels are integers or text; ``true`` and ``1.0`` equal 1 in Python."""
    if any(type(label) not in (int, str) for label in header):
        raise MalformedInput("a header label is neither an integer nor text")


def dump(value: Any) -> bytes:
    """Deterministic CBOR (RFC 8949 §4.2); map keys shorter first, which for every map of ours is also byte order."""
    return cbor2.dumps(value, canonical=True)


def load(data: bytes, limit: int) -> Any:
    """The value of which ``data`` is the deterministic CBOR. Raises ``MalformedInput``."""
    if len(data) > limit:
        raise MalformedInput(f"the CBOR has {len(data)} bytes, at most {limit} are read")
    check_tags(data, frozenset({TAG_SIGN1}))
    try:
        value = cbor2.loads(data)
        again = dump(value)
    # What cbor2 raises for bad UTF-8, depth or unhashable keys differs between its versions.
    except Exception as error:
        raise MalformedInput(f"not CBOR: {type(error).__name__}: {error}") from None
    if again != data:
        raise MalformedInput("the CBOR is not deterministic (RFC 8949 §4.2), or bytes follow it")
    return value


def check_tags(data: bytes, allowed: frozenset[int]) -> None:
    """Raise ``MalformedInput`` for any tag but those ``allowed``, before cbor2 sees it.

    cbor2 turns tags into Python objects: a few hundred bytes of shared references
    (tags 28 and 29) into more items than fit in memory, ten bytes of a decimal
    into an error that nobody expects.
    """
    at = 0
    while at < len(data):
        major, argument = data[at] >> 5, data[at] & 31
        at += 1
        if 24 <= argument <= 27:
            width = 1 << argument - 24
            argument = int.from_bytes(data[at : at + width], "big")
            at += width
        elif argument > 27:
            # A string of indefinite length is the definite ones that follow; cbor2 refuses what is reserved.
            argument = 0
        if major == _TAG and argument not in allowed:
            raise MalformedInput(f"the CBOR has the tag {argument}, expected {_tags(allowed)} or none")
        if major in (_BYTES, _TEXT):
            at += argument


def _tags(allowed: frozenset[int]) -> str:
    return "CBOR tag " + ", ".join(map(str, sorted(allowed)))
