"""COSE receipts (RFC 9942) over the log's tree, verifiable data structure 1 = RFC9162_SHA256.

A receipt is signed by the log's Ed25519 key over the root alone, which is detached:
whoever verifies works it out from the proof and from bytes that he has himself.
Protected header {1: alg, 4: kid, 15: {1: iss, 2: sub, -65538: place}, 395: 1},
unprotected header {396: {-1 or -2: [one proof]}}.

RFC 9943 §6 demands kid, iss and sub. The place is ours: it repeats the integers of
the proof where the signature covers them. A root does not fix the size of its tree,
so that one path leads to one root for several pairs of size and index: without the
place, whoever passes a receipt on could move its leaf towards the beginning of the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tallystick import cose
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import ORIGIN
from tallystick.keys import COSE_ALGORITHMS, PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import (
    HASH_SIZE,
    MAX_PROOF_HASHES,
    MAX_SIZE,
    leaf_hash,
    root_from_inclusion,
    roots_from_consistency,
    verify_consistency,
    verify_inclusion,
)
from tallystick.schema import text

VDS, VDP = 395, 396
RFC9162_SHA256 = 1
INCLUSION, CONSISTENCY = -1, -2
PLACE = -65538
"""Private-use CWT claim: [tree size, leaf index], or [older size, newer size]."""

MAX_RECEIPT_BYTES = 8192
"""A path of 64 hashes and the longest names take less."""

_ISS, _SUB = 1, 2
_SUBJECT = text(255)


@dataclass(frozen=True)
class Included:
    """The log ``origin`` signed with key ``kid``: ``leaf`` stands at ``index`` of its tree of ``size``, ``root``."""

    origin: str
    kid: bytes
    leaf: bytes
    index: int
    size: int
    root: bytes


@dataclass(frozen=True)
class Extended:
    """The log ``origin`` signed with key ``kid``: its tree of ``size``, ``root``, begins with the older tree."""

    origin: str
    kid: bytes
    old_size: int
    old_root: bytes
    size: int
    root: bytes


@dataclass(frozen=True)
class InclusionReceipt:
    """An inclusion receipt that was read, not verified. ``subject`` is that of the statement."""

    envelope: cose.Sign1
    origin: str
    subject: str
    kid: bytes
    size: int
    index: int
    path: tuple[bytes, ...]

    def verify(self, entry: bytes, origin: str, key: PublicKey) -> Included:
        """What the log ``origin`` says of ``entry`` (the bytes of a Signed Statement). Raises ``VerificationFailed``.

        ``key`` is the log's, as the caller knows it: never from where the receipt came from.
        """
        _check_log(self, origin, key)
        leaf = leaf_hash(entry)
        root = root_from_inclusion(leaf, self.index, self.size, self.path)
        self.envelope.verify(key, detached=root)
        if self.subject != subject_of(entry):
            raise VerificationFailed(f"the receipt is about {self.subject!r}, the statement is not")
        return Included(self.origin, self.kid, leaf, self.index, self.size, root)


@dataclass(frozen=True)
class ConsistencyReceipt:
    """A consistency receipt that was read, not verified."""

    envelope: cose.Sign1
    origin: str
    kid: bytes
    old_size: int
    size: int
    path: tuple[bytes, ...]

    def verify(self, old_root: bytes, origin: str, key: PublicKey) -> Extended:
        """What the log ``origin`` says extends ``old_root``, which the caller knows as its root of ``old_size`` leaves.

        Raises ``VerificationFailed``.
        """
        _check_log(self, origin, key)
        derived, root = roots_from_consistency(self.old_size, old_root, self.size, self.path)
        if derived != old_root:
            raise VerificationFailed(f"the proof leads to old root {derived.hex()}, expected {old_root.hex()}")
        self.envelope.verify(key, detached=root)
        return Extended(self.origin, self.kid, self.old_size, old_root, self.size, root)


# --- signing --------------------------------------------------------------------


def sign_inclusion(signer: Signer, head: Checkpoint, entry: bytes, index: int, path: Sequence[bytes]) -> bytes:
    """The receipt for ``entry`` at ``index`` of ``head``, a checkpoint that was published: nothing else may be signed.

    Raises ``ProofFailed`` when the path does not lead to its root, ``MalformedInput`` for a tree of one leaf.
    """
    verify_inclusion(leaf_hash(entry), index, head.size, path, head.root)
    return _sign(signer, head, subject_of(entry), INCLUSION, [head.size, index], path)


def sign_consistency(signer: Signer, old: Checkpoint, head: Checkpoint, path: Sequence[bytes]) -> bytes:
    """The receipt that ``head``, a published checkpoint, extends ``old``, of the same log and smaller.

    Raises ``ProofFailed`` when the path does not show it, ``MalformedInput`` for an empty path.
    """
    if old.origin != head.origin:
        raise MalformedInput(f"a checkpoint of {head.origin!r} cannot extend one of {old.origin!r}")
    verify_consistency(old.size, old.root, head.size, head.root, path)
    return _sign(signer, head, head.origin, CONSISTENCY, [old.size, head.size], path)


def _sign(signer: Signer, head: Checkpoint, subject: str, kind: int, place: list[int], path: Sequence[bytes]) -> bytes:
    if not path:
        raise MalformedInput("RFC 9942 has no receipt with an empty path: the tree must have grown")
    protected = {
        cose.KID: signer.public.kid,
        cose.CWT_CLAIMS: {_ISS: head.origin, _SUB: subject, PLACE: place},
        VDS: RFC9162_SHA256,
    }
    proof = cose.dump([*place, list(path)])
    return cose.sign1(signer, protected, head.root, detached=True, unprotected={VDP: {kind: [proof]}})


# --- reading --------------------------------------------------------------------


def parse_receipt(data: bytes) -> InclusionReceipt | ConsistencyReceipt:
    """Read a receipt of this profile; every rule of form is checked, no signature. Raises ``MalformedInput``."""
    envelope = cose.parse_sign1(data, MAX_RECEIPT_BYTES)
    if envelope.payload is not None:
        raise MalformedInput("the payload of a receipt must be detached: its root is worked out, never believed")
    kid, claims = _read_protected(envelope.protected)
    kind, first, second, path = _read_proof(envelope.unprotected)
    if claims[PLACE] != [first, second]:
        raise MalformedInput(f"the proof has the integers {first} and {second}, the signed place {claims[PLACE]}")
    origin, subject = claims[_ISS], claims[_SUB]
    if kind == INCLUSION:
        if not 0 <= second < first <= MAX_SIZE:
            raise MalformedInput(f"leaf index {second} is outside a tree of {first} leaves")
        return InclusionReceipt(envelope, origin, subject, kid, first, second, path)
    if not 0 < first < second <= MAX_SIZE:
        raise MalformedInput(f"a tree of {second} leaves has no consistency receipt from one of {first}")
    if subject != origin:
        raise MalformedInput("a consistency receipt is about the log itself: sub must equal iss")
    return ConsistencyReceipt(envelope, origin, kid, first, second, path)


def parse_inclusion(data: bytes) -> InclusionReceipt:
    """As ``parse_receipt``, for the one kind."""
    found = parse_receipt(data)
    if not isinstance(found, InclusionReceipt):
        raise MalformedInput("this is a consistency receipt (-2), expected one of inclusion (-1)")
    return found


def parse_consistency(data: bytes) -> ConsistencyReceipt:
    """As ``parse_receipt``, for the other kind."""
    found = parse_receipt(data)
    if not isinstance(found, ConsistencyReceipt):
        raise MalformedInput("this is an inclusion receipt (-1), expected one of consistency (-2)")
    return found


def subject_of(entry: bytes) -> str:
    """The ``sub`` of a Signed Statement, whatever its payload. Raises ``MalformedInput``."""
    claims = cose.parse_sign1(entry).protected.get(cose.CWT_CLAIMS)
    if not isinstance(claims, dict) or not isinstance(claims.get(_SUB), str):
        raise MalformedInput("the entry names no subject (CWT claim 2)")
    cose.check_labels(claims)
    subject: str = claims[_SUB]
    return subject


def key_set(keys: Iterable[PublicKey]) -> bytes:
    """COSE Key Set (RFC 9052 §7) of keys that sign receipts, as ``/.well-known/scitt-keys`` gives it."""
    return cose.dump([key_members(key) for key in keys])


def key_members(key: PublicKey) -> dict[int, Any]:
    """One COSE_Key: type, kid, algorithm and the key itself."""
    return {**key.cose_key(), 2: key.kid, 3: COSE_ALGORITHMS[key.alg]}


def _read_protected(header: dict[Any, Any]) -> tuple[bytes, dict[Any, Any]]:
    """kid and claims."""
    if set(header) != {cose.ALG, cose.KID, cose.CWT_CLAIMS, VDS}:
        raise MalformedInput(f"the protected header has labels {sorted(map(str, header))}, expected 1, 4, 15 and 395")
    if header[cose.ALG] != COSE_ALGORITHMS["ed25519"]:
        raise MalformedInput(f"a receipt is signed with EdDSA (-8), found {header[cose.ALG]!r}")
    if type(header[VDS]) is not int or header[VDS] != RFC9162_SHA256:
        raise MalformedInput(f"the verifiable data structure is {header[VDS]!r}, expected 1 (RFC9162_SHA256)")
    kid, claims = header[cose.KID], header[cose.CWT_CLAIMS]
    if not isinstance(kid, bytes) or len(kid) != 32:
        raise MalformedInput("the key identifier is not an RFC 9679 thumbprint of 32 bytes")
    if not isinstance(claims, dict) or set(claims) != {_ISS, _SUB, PLACE}:
        raise MalformedInput("the CWT claims must be iss (1), sub (2) and the place (-65538)")
    cose.check_labels(claims)
    for rule, label in ((ORIGIN, _ISS), (_SUBJECT, _SUB)):
        if not isinstance(claims[label], str):
            raise MalformedInput(f"the CWT claim {label} is not text")
        rule.check(claims[label])
    place = claims[PLACE]
    if not isinstance(place, list) or any(type(number) is not int for number in place):
        raise MalformedInput("the place (CWT claim -65538) is not a list of integers")
    return kid, claims


def _read_proof(header: dict[Any, Any]) -> tuple[int, int, int, tuple[bytes, ...]]:
    """Kind, the two integers and the path of the one proof."""
    proofs = header.get(VDP)
    if set(header) != {VDP} or not isinstance(proofs, dict):
        raise MalformedInput(f"the unprotected header has labels {sorted(map(str, header))}, expected 396, a map")
    cose.check_labels(proofs)
    if set(proofs) not in ({INCLUSION}, {CONSISTENCY}):
        raise MalformedInput(f"the proofs are of kinds {sorted(map(str, proofs))}, expected -1 or -2")
    ((kind, found),) = proofs.items()
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], bytes):
        raise MalformedInput("a receipt holds one proof, as a byte string in an array")
    proof = cose.load(found[0], MAX_RECEIPT_BYTES)
    if not isinstance(proof, list) or len(proof) != 3 or any(type(number) is not int for number in proof[:2]):
        raise MalformedInput("a proof is two integers and a path")
    first, second, path = proof
    if not isinstance(path, list) or not 1 <= len(path) <= MAX_PROOF_HASHES + 1:
        raise MalformedInput(f"a path has 1 to {MAX_PROOF_HASHES + 1} hashes")
    if any(not isinstance(node, bytes) or len(node) != HASH_SIZE for node in path):
        raise MalformedInput(f"each hash of a path has {HASH_SIZE} bytes")
    return kind, first, second, tuple(path)


def _check_log(receipt: InclusionReceipt | ConsistencyReceipt, origin: str, key: PublicKey) -> None:
    if receipt.origin != origin:
        raise VerificationFailed(f"the receipt is of log {receipt.origin!r}, expected {origin!r}")
    if receipt.kid != key.kid:
        raise VerificationFailed(f"the receipt names the key {receipt.kid.hex()}, given is {key.kid.hex()}")
