"""Transparent Statements (RFC 9943 §7): a Signed Statement that carries its receipts in the unprotected header.

The entry itself has an empty one, so what the log hashed is this statement without
its receipts. Deterministic CBOR leaves one way to put them in and to take them out.
"""

from __future__ import annotations

from collections.abc import Sequence

import cbor2

from tallystick import cose
from tallystick.checkpoint import parse_body
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.note import parse_note
from tallystick.receipt import MAX_RECEIPT_BYTES, Included, parse_inclusion
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.tree_head import SignedCheckpoint, signing_time, verify_tree_head
from tallystick.trust import Trust

RECEIPTS = 394
MAX_RECEIPTS = 16
MAX_TRANSPARENT_BYTES = MAX_ENTRY_BYTES + MAX_RECEIPTS * (MAX_RECEIPT_BYTES + 8)


@dataclass(frozen=True)
class Confirmed:
    """The log published a checkpoint of the very tree that a receipt names, cosigned by these trusted ``witnesses``."""

    included: Included
    signed: SignedCheckpoint
    witnesses: tuple[str, ...]


@dataclass(frozen=True)
class Proved:
    """What trusted logs say of ``entry``, one for each receipt that verified, and which of it checkpoints confirm.

    ``unread``: why other receipts were not used.
    """

    entry: bytes
    included: tuple[Included, ...]
    confirmed: tuple[Confirmed, ...]
    unread: tuple[str, ...]


def attach(entry: bytes, receipts: Sequence[bytes]) -> bytes:
    """The Transparent Statement of ``entry`` with ``receipts`` (most wanted first). Raises ``MalformedInput``."""
    envelope = _parse(entry, MAX_ENTRY_BYTES)
    if envelope.unprotected:
        raise MalformedInput("the statement has an unprotected header already; split it first")
    _check(list(receipts))
    return _encode(envelope, {RECEIPTS: list(receipts)})


def split(data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Inverse of ``attach``: the entry as the log hashed it, and the receipts. Raises ``MalformedInput``."""
    envelope = _parse(data, MAX_TRANSPARENT_BYTES)
    if set(envelope.unprotected) != {RECEIPTS}:
        labels = sorted(map(str, envelope.unprotected))
        raise MalformedInput(f"a transparent statement carries receipts (394) alone, found {labels}")
    receipts = envelope.unprotected[RECEIPTS]
    _check(receipts)
    entry = _encode(envelope, {})
    if len(entry) > MAX_ENTRY_BYTES:
        raise MalformedInput(f"the statement has {len(entry)} bytes, an entry at most {MAX_ENTRY_BYTES}")
    return entry, tuple(receipts)


def verify_receipts(
    entry: bytes, receipts: Sequence[bytes], trust: Trust, notes: Sequence[bytes] = (), at: int = 0
) -> Proved:
    """Verify ``receipts`` of ``entry`` by the logs that ``trust`` names; ``notes``: checkpoints of the same trees.

    ``at``: Unix seconds, the time of this check; a checkpoint or cosignature that is signed later does not
    count, and a receipt tells no time. Receipts of other logs and of other forms are left unread and named,
    for a statement may be registered with several services. Raises ``VerificationFailed`` when a receipt in
    the name of a trusted log does not verify, when none is of a trusted log, when one log contradicts itself,
    and when the trust file demands witnesses, which a receipt never bears, and no checkpoint that they
    cosigned is given.
    """
    included, unread = [], []
    for number, data in enumerate(receipts, 1):
        try:
            receipt = parse_inclusion(data)
        except MalformedInput as error:
            unread.append(f"receipt {number}: {error}")
            continue
        log = trust.logs.get(receipt.origin)
        if log is None:
            unread.append(f"receipt {number}: the trust file names no log {receipt.origin!r}")
            continue
        included.append(receipt.verify(entry, receipt.origin, log.history.at(receipt.size).ed25519))
    if not included:
        raise VerificationFailed("no receipt is of a log that the trust file names: " + "; ".join(unread))
    _check_agree(included)
    confirmed = tuple(_confirm(note, included, trust, at) for note in notes)
    _check_witnessed(included, confirmed, trust)
    return Proved(entry, tuple(included), confirmed, tuple(unread))


def _confirm(note: bytes, included: Sequence[Included], trust: Trust, at: int) -> Confirmed:
    named = parse_body(parse_note(note).text)
    log = trust.logs.get(named.origin)
    if log is None:
        raise VerificationFailed(f"the checkpoint is of log {named.origin!r}, which the trust file does not name")
    signed = verify_tree_head(note, log.history)
    for one in included:
        if one.origin == named.origin and one.size == named.size:
            if one.root != named.root:
                raise VerificationFailed(
                    f"{one.origin} signed two roots of {one.size} leaves: {named.root.hex()} in the checkpoint, "
                    f"{one.root.hex()} in the receipt: a fork; keep both as evidence"
                )
            if (signed_at := signing_time(signed.note, log.history)) > at:
                raise VerificationFailed(
                    f"the checkpoint was signed at {signed_at}, after the time of this check, {at}"
                )
            return Confirmed(one, signed, log.require_quorum(signed.note, at))
    raise VerificationFailed(
        f"the checkpoint of {named.origin} has {named.size} leaves, no receipt has: ask for both again, together"
    )


def _check_witnessed(included: Sequence[Included], confirmed: Sequence[Confirmed], trust: Trust) -> None:
    seen = [one.included for one in confirmed]
    for one in included:
        quorum = trust.logs[one.origin].quorum
        if quorum and one not in seen:
            raise VerificationFailed(
                f"the trust file demands a quorum of {quorum} witnesses, a receipt bears none: "
                f"give the checkpoint of {one.origin} at {one.size} leaves too"
            )


def _check_agree(included: Sequence[Included]) -> None:
    """Two signed words of one log that cannot both be true convict it: say so rather than choose one."""
    for number, one in enumerate(included):
        for other in included[:number]:
            if one.origin == other.origin and one.size == other.size and one.root != other.root:
                raise VerificationFailed(
                    f"{one.origin} signed two roots of {one.size} leaves: {other.root.hex()} and {one.root.hex()}: "
                    "a fork; keep both receipts as evidence"
                )
            if one.origin == other.origin and one.index != other.index:
                raise VerificationFailed(
                    f"{one.origin} signed two places of one statement, {other.index} and {one.index}: "
                    "keep both receipts as evidence"
                )


def _parse(data: bytes, limit: int) -> cose.Sign1:
    envelope = cose.parse_sign1(data, limit)
    if envelope.payload is None:
        raise MalformedInput("the payload of a statement must be attached")
    return envelope


def _check(receipts: object) -> None:
    if not isinstance(receipts, list) or not 1 <= len(receipts) <= MAX_RECEIPTS:
        raise MalformedInput(f"receipts (394) are an array of 1 to {MAX_RECEIPTS}")
    if any(not isinstance(one, bytes) or len(one) > MAX_RECEIPT_BYTES for one in receipts):
        raise MalformedInput(f"each receipt is a byte string of at most {MAX_RECEIPT_BYTES} bytes")
    if len(set(receipts)) != len(receipts):
        raise MalformedInput("one receipt stands twice")


def _encode(envelope: cose.Sign1, unprotected: dict[int, list[bytes]]) -> bytes:
    parts = [envelope.protected_bytes, unprotected, envelope.payload, envelope.signature]
    return cose.dump(cbor2.CBORTag(cose.TAG_SIGN1, parts))
