"""The status of many licences in one signed list: Token Status List (draft-ietf-oauth-status-list §4, §5.2, §8.3).

CWT form, ``application/statuslist+cwt``: a COSE_Sign1 by the log operator's *status*
key, two bits for each licence, zlib-compressed. Our profile is narrower than the
draft: expiry and lifetime are there, and a private claim says which checkpoint of
the log the list was computed from and how many indices it speaks for. So a
licensee knows "as of size n", and padding is never read as *valid*.

The compressed bytes are verified as they stand and never recomputed: zlib
implementations differ in their output, so recompressing proves nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from tallystick import cose
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.licence import MAX_STATUS_INDEX
from tallystick.keys import PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import HASH_SIZE, MAX_SIZE
from tallystick.times import UnixSeconds, format_time

MEDIA_TYPE = "application/statuslist+cwt"
BITS = 2
MAX_STATUSES = MAX_STATUS_INDEX + 1
MAX_TOKEN_BYTES = 400_000
"""A full list of 2^20 statuses packs into 256 KiB, which zlib lengthens by less than a thousandth."""
MAX_URI = 200

# CWT claim keys: RFC 8392 §4, draft-ietf-oauth-status-list §14.3; below -65536 is private use (RFC 8392 §9.1).
SUB, EXP, IAT, STATUS_LIST, TTL, LOG = 2, 4, 6, 65533, 65534, -65537

_PER_BYTE = 8 // BITS
_MASK = (1 << BITS) - 1
_LAST_SECOND = 253402300799


class Status(IntEnum):
    """Status types (draft §7.1). 3 is application-specific: for us, a licence that the log records as expired."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2
    EXPIRED = 3


STATUS_OF_STANDING = {
    "valid": Status.VALID,
    "revoked": Status.INVALID,
    "suspended": Status.SUSPENDED,
    "expired": Status.EXPIRED,
}
"""From what the admission rules remember of a licence (``LicenceState.status``) to what a list says of it."""


class StatusRefused(VerificationFailed):
    """The list is well formed and says nothing about the licence: wrong key, wrong list, index outside it."""


class StatusStale(StatusRefused):
    """The list is genuine and too old for the verifier's policy."""


class StatusFromFuture(StatusRefused):
    """The list says that it was issued after the instant of the check."""


@dataclass(frozen=True)
class FreshnessPolicy:
    """The verifier's own limit, in seconds; the list's expiry and lifetime (ttl) bind as well, the nearest wins."""

    max_age: int = 7 * 86_400


@dataclass(frozen=True)
class StatusList:
    """One list. ``ttl``: seconds; ``checkpoint``: the tree that it shows; ``packed``: ``count`` statuses (``pack``)."""

    uri: str
    issued_at: UnixSeconds
    expires_at: UnixSeconds
    ttl: int
    checkpoint: Checkpoint
    count: int
    packed: bytes

    def status(self, index: int) -> Status:
        """Status at ``index``. Raises ``StatusRefused`` outside the list: no statement can be made (draft §8.3)."""
        if not 0 <= index < self.count:
            raise StatusRefused(f"status index {index} is outside the list of {self.count} at {self.uri}")
        return Status(self.packed[index // _PER_BYTE] >> index % _PER_BYTE * BITS & _MASK)

    def stale_from(self, policy: FreshnessPolicy) -> int:
        """First second at which the list is no longer fresh."""
        return min(self.expires_at, self.issued_at + self.ttl, self.issued_at + policy.max_age)

    def check_fresh(self, at: UnixSeconds, policy: FreshnessPolicy) -> None:
        """Raise ``StatusFromFuture`` or ``StatusStale`` unless the list speaks for the instant ``at``."""
        if at < self.issued_at:
            raise StatusFromFuture(
                f"the status list was issued at {format_time(self.issued_at)}, after the instant of the check, "
                f"{format_time(at)}"
            )
        stale_from = self.stale_from(policy)
        if at >= stale_from:
            raise StatusStale(
                f"the status list of {format_time(self.issued_at)} (log size {self.checkpoint.size}) was fresh until "
                f"{format_time(stale_from)}; the check is at {format_time(at)}: get a new one"
            )


def sign_status_list(found: StatusList, signer: Signer) -> bytes:
    """The signed token. ``signer`` holds the log's status key, which signs nothing else."""
    claims = _claims(found, zlib.compress(found.packed, 9))
    _read_claims(claims)  # what a verifier would refuse is never signed
    return cose.sign1(signer, {cose.KID: signer.public.kid, cose.TYPE: MEDIA_TYPE}, cose.dump(claims))


def verify_status_list(token: bytes, key: PublicKey, uri: str) -> StatusList:
    """The list at ``uri``, signed by ``key``. Freshness is a question of its own (``check_fresh``).

    Nothing is decompressed before the signature holds. Raises ``MalformedInput``
    or ``StatusRefused``.
    """
    envelope = cose.parse_sign1(token, MAX_TOKEN_BYTES)
    _check_header(envelope)
    if envelope.protected[cose.KID] != key.kid:
        raise StatusRefused(
            f"the status list names key {envelope.protected[cose.KID].hex()}, the trusted status key is {key.kid.hex()}"
        )
    try:
        envelope.verify(key)
    except VerificationFailed as error:
        raise StatusRefused(f"status list: {error}") from None
    found = _read_claims(cose.load(envelope.payload or b"", MAX_TOKEN_BYTES))
    if found.uri != uri:
        raise StatusRefused(f"the status list is {found.uri}, the licence points to {uri}")
    return found


def _check_header(envelope: cose.Sign1) -> None:
    header = envelope.protected
    if envelope.unprotected:
        raise MalformedInput("the unprotected header of a status list must be empty: nothing signs it")
    if set(header) != {cose.ALG, cose.KID, cose.TYPE}:
        raise MalformedInput(
            f"the protected header of a status list has labels {sorted(map(str, header))}, expected 1, 4 and 16"
        )
    if header[cose.TYPE] != MEDIA_TYPE:
        raise MalformedInput(f"the type of the token is {str(header[cose.TYPE])[:60]!r}, expected {MEDIA_TYPE!r}")
    if not isinstance(header[cose.KID], bytes) or len(header[cose.KID]) != HASH_SIZE:
        raise MalformedInput("the key identifier is not an RFC 9679 thumbprint of 32 bytes")
    if envelope.payload is None:
        raise MalformedInput("the payload of a status list must be attached")


# --- claims -------------------------------------------------------------------


def _claims(found: StatusList, packed: bytes) -> dict[int, Any]:
    return {
        SUB: found.uri,
        EXP: found.expires_at,
        IAT: found.issued_at,
        TTL: found.ttl,
        STATUS_LIST: {"bits": BITS, "lst": packed},
        LOG: {
            "count": found.count,
            "origin": found.checkpoint.origin,
            "root": found.checkpoint.root,
            "size": found.checkpoint.size,
        },
    }


def _read_claims(value: Any) -> StatusList:
    claims = _map(value, (SUB, EXP, IAT, TTL, STATUS_LIST, LOG), "the claims")
    uri = _text(claims[SUB], "sub")
    issued, expires = (_integer(claims[key], 0, _LAST_SECOND, name) for key, name in ((IAT, "iat"), (EXP, "exp")))
    if expires <= issued:
        raise MalformedInput(f"the status list expires at {expires}, not after its issue at {issued}")
    ttl = _integer(claims[TTL], 1, _LAST_SECOND, "ttl")
    log = _map(claims[LOG], ("count", "origin", "root", "size"), f"claim {LOG}")
    root = log["root"]
    if not isinstance(root, bytes) or len(root) != HASH_SIZE:
        raise MalformedInput(f"claim {LOG}: root is not {HASH_SIZE} bytes")
    checkpoint = Checkpoint(_text(log["origin"], "origin"), _integer(log["size"], 1, MAX_SIZE, "size"), root)
    count = _integer(log["count"], 0, MAX_STATUSES, "count")
    packed = _packed(claims[STATUS_LIST])
    check_padding(packed, count)
    return StatusList(uri, UnixSeconds(issued), UnixSeconds(expires), ttl, checkpoint, count, packed)


def _map(value: Any, keys: tuple[Any, ...], what: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise MalformedInput(f"{what} of the status list are not a map")
    cose.check_labels(value)
    if set(value) != set(keys):
        raise MalformedInput(
            f"{what} of the status list have keys {', '.join(sorted(map(str, value)))}; "
            f"expected {', '.join(sorted(map(str, keys)))}"
        )
    return value


def _integer(value: Any, least: int, most: int, what: str) -> int:
    # type() and not isinstance(): CBOR true is a Python int, and is no number.
    if type(value) is not int or not least <= value <= most:
        raise MalformedInput(
            f"{what} of the status list: expected an integer from {least} to {most}, found {value!r:.40}"
        )
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_URI or not value.isprintable():
        raise MalformedInput(f"{what} of the status list: expected 1 to {MAX_URI} printable characters")
    return value


def _packed(value: Any) -> bytes:
    found = _map(value, ("bits", "lst"), f"claim {STATUS_LIST}")
    if type(found["bits"]) is not int or found["bits"] != BITS:
        raise MalformedInput(f"bits of the status list: expected {BITS}, found {found['bits']!r:.40}")
    if not isinstance(found["lst"], bytes):
        raise MalformedInput("lst of the status list is not a byte string")
    return inflate(found["lst"])


def inflate(data: bytes) -> bytes:
    """zlib (RFC 1950), ending exactly where ``data`` ends, at most a full list; else ``MalformedInput``."""
    limit = MAX_STATUSES // _PER_BYTE
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        raise MalformedInput(f"lst of the status list is not zlib data: {error}") from None
    if len(raw) > limit:
        raise MalformedInput(f"lst of the status list expands to more than {limit} bytes")
    if not inflater.eof or inflater.unused_data:
        raise MalformedInput("lst of the status list is cut short, or bytes follow it")
    return raw


# --- bits ---------------------------------------------------------------------


def pack(statuses: Sequence[Status]) -> bytes:
    """Two bits each, the first in the least significant bits (draft §4.1); the last byte is filled with zeros."""
    packed = bytearray(-(-len(statuses) // _PER_BYTE))
    for index, status in enumerate(statuses):
        packed[index // _PER_BYTE] |= status << index % _PER_BYTE * BITS
    return bytes(packed)


def check_padding(packed: bytes, count: int) -> None:
    """Raise ``MalformedInput`` unless ``packed`` is as long as ``count`` statuses are, and zero after them."""
    expected = -(-count // _PER_BYTE)
    if len(packed) != expected:
        raise MalformedInput(f"{count} statuses of the status list take {expected} bytes, found {len(packed)}")
    if count % _PER_BYTE and packed[-1] >> count % _PER_BYTE * BITS:
        raise MalformedInput(f"the status list holds statuses after its {count}")
