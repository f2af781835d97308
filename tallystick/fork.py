"""Fork evidence: two signed checkpoints of one log that cannot both be true, in one file that anybody can check.

Three kinds, as the contract ForkCourt judges them, but by all keys of the log:

- *roots*: one size, two roots;
- *history*: a consistency proof that leads to the larger signed root opens the root that this tree had at the
  smaller size, and it is not the one that was signed;
- *leaves*: two different leaves at one index of two signed trees.

``verify_fork`` needs the log's keys alone. Why an honest log cannot be convicted: docs/contracts.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from tallystick import canonical
from tallystick.base64s import from_base64, to_base64
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import MAX_PROOF_HASHES, roots_from_consistency, verify_inclusion
from tallystick.note import MAX_NOTE_BYTES, Note, parse_note, verify_note
from tallystick.schema import COUNT, HEX32, base64_bytes, items, read, record, write
from tallystick.tree_head import SIGNATURE_KINDS, CheckpointKeys
from tallystick.versions import check_version

VERSION: Literal[1] = 1
MAX_FORK_BYTES = 1 << 18

_Note = Annotated[str, base64_bytes(MAX_NOTE_BYTES)]
# One hash a level, and the seed.
_Proof = Annotated[tuple[Annotated[str, HEX32], ...], items(MAX_PROOF_HASHES + 1)]

Kind = Literal["roots", "history", "leaves"]


@record
class ShownLeaf:
    """A leaf hash and its inclusion proof in one of the trees."""

    leaf: Annotated[str, HEX32]
    proof: _Proof


@record
class TwoLeaves:
    """What stands at ``index`` in the first tree, and in the second."""

    index: Annotated[int, COUNT]
    first: ShownLeaf
    second: ShownLeaf


@record
class ForkEvidence:
    """The file. ``first``, ``second``: signed notes, of which the first is not the larger one.

    history: a consistency proof as contracts take it, the first subtree always sent. With neither ``history`` nor
    ``leaves`` the notes themselves are the contradiction.
    """

    v: Literal[1]
    kind: Literal["fork"]
    first: _Note
    second: _Note
    history: Annotated[tuple[Annotated[str, HEX32], ...], items(MAX_PROOF_HASHES + 1, 1)] | None = None
    leaves: TwoLeaves | None = None


@dataclass(frozen=True)
class ForkFact:
    """A proved fork. ``signed_by``: the kinds of signature of the log that both checkpoints bear.

    opened: the root that the second tree had at the first one's size (history). index: where the leaves differ.
    """

    kind: Kind
    origin: str
    first: Checkpoint
    second: Checkpoint
    signed_by: tuple[str, ...]
    opened: bytes | None = None
    index: int | None = None


def accuse(
    first: bytes, second: bytes, *, history: Sequence[bytes] | None = None, leaves: TwoLeaves | None = None
) -> bytes:
    """Canonical bytes of the evidence. It is not judged: call ``verify_fork`` on it.

    ``history``: an RFC 6962 consistency proof, before it the first subtree where the smaller size is a power of two.
    """
    proof = None if history is None else tuple(one.hex() for one in history)
    return encode(ForkEvidence(VERSION, "fork", to_base64(first), to_base64(second), proof, leaves))


def encode(evidence: ForkEvidence) -> bytes:
    """Canonical JSON."""
    return canonical.encode(write(evidence))


def decode(data: bytes) -> ForkEvidence:
    """Inverse of ``encode``. Raises ``MalformedInput``, ``UnknownVersion`` among it."""
    value = canonical.decode(data, MAX_FORK_BYTES)
    check_version(value, "fork evidence", VERSION)
    evidence = read(ForkEvidence, value)
    check_form(evidence)
    return evidence


def check_form(evidence: ForkEvidence) -> None:
    """Raise ``MalformedInput`` for evidence of two kinds at once."""
    if evidence.history is not None and evidence.leaves is not None:
        raise MalformedInput("fork evidence shows a history or two leaves, not both")


def origin_of(evidence: ForkEvidence) -> str:
    """The log that is accused. Raises ``MalformedInput``."""
    return parse_body(parse_note(from_base64(evidence.first)).text).origin


def verify_fork(evidence: ForkEvidence, keys: CheckpointKeys) -> ForkFact:
    """What the evidence proves against the log that signs by ``keys``.

    1. Both notes are checkpoints of this log, and some kind of its keys signed both: at each size the one in force.
    2. They contradict each other, by themselves or by the proofs shown.

    Raises ``VerificationFailed`` with the step that does not hold, or ``MalformedInput``.
    """
    notes = [parse_note(from_base64(text)) for text in (evidence.first, evidence.second)]
    first, second = (parse_body(note.text) for note in notes)
    for checkpoint in (first, second):
        if checkpoint.origin != keys.origin:
            raise VerificationFailed(
                f"step 1: the checkpoint is of log {checkpoint.origin!r}, the keys are of {keys.origin!r}"
            )
    signed_by = _signed_by(notes, (first, second), keys)
    if evidence.leaves is not None:
        _check_leaves(evidence.leaves, first, second)
        return ForkFact("leaves", keys.origin, first, second, signed_by, index=evidence.leaves.index)
    if evidence.history is not None:
        opened = _opened(evidence.history, first, second)
        return ForkFact("history", keys.origin, first, second, signed_by, opened=opened)
    if first.size != second.size:
        raise VerificationFailed(
            f"step 2: sizes {first.size} and {second.size} contradict each other by a proof only, and none is shown"
        )
    if first.root == second.root:
        raise VerificationFailed("step 2: both checkpoints have the same size and root")
    return ForkFact("roots", keys.origin, first, second, signed_by)


def fork_facts(fact: ForkFact) -> dict[str, object]:
    """For programs: JSON values."""
    found: dict[str, object] = {
        "kind": fact.kind,
        "log": fact.origin,
        "first": {"size": fact.first.size, "root": fact.first.root.hex()},
        "second": {"size": fact.second.size, "root": fact.second.root.hex()},
        "signed_by": list(fact.signed_by),
    }
    if fact.opened is not None:
        found["root_of_second_at_first_size"] = fact.opened.hex()
    if fact.index is not None:
        found["index"] = fact.index
    return found


def _signed_by(notes: Sequence[Note], heads: Sequence[Checkpoint], keys: CheckpointKeys) -> tuple[str, ...]:
    signed = []
    for note, head in zip(notes, heads, strict=True):
        verifiers = keys.at(head.size).verifiers()
        try:
            found = verify_note(note, verifiers)
        except VerificationFailed as error:
            raise VerificationFailed(f"step 1: the checkpoint of size {head.size}: {error}") from None
        signed.append({kind for kind, one in zip(SIGNATURE_KINDS, verifiers, strict=True) if one in found})
    both = tuple(kind for kind in SIGNATURE_KINDS if kind in signed[0] & signed[1])
    if not both:
        raise VerificationFailed("step 1: no kind of the log's keys signed both checkpoints")
    return both


def _opened(history: Sequence[str], first: Checkpoint, second: Checkpoint) -> bytes:
    if not 0 < first.size < second.size:
        raise VerificationFailed(
            f"step 2: a history leads from a tree to a larger one, not from {first.size} to {second.size}"
        )
    path = [bytes.fromhex(one) for one in history]
    # A power of two is its own first subtree: what the proof opens is the root that stands before it.
    whole = first.size.bit_count() == 1
    opened, reached = _roots(first.size, path[0], second.size, path[1:] if whole else path)
    if reached != second.root:
        raise VerificationFailed(f"step 2: the history leads to root {reached.hex()}, signed is {second.root.hex()}")
    if opened == first.root:
        raise VerificationFailed("step 2: the checkpoints are consistent: the second extends the first")
    return opened


def _roots(old_size: int, seed: bytes, new_size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    try:
        return roots_from_consistency(old_size, seed, new_size, path)
    except VerificationFailed as error:
        raise VerificationFailed(f"step 2: {error}") from None


def _check_leaves(leaves: TwoLeaves, first: Checkpoint, second: Checkpoint) -> None:
    if leaves.first.leaf == leaves.second.leaf:
        raise VerificationFailed(f"step 2: both trees have the same leaf at index {leaves.index}")
    for shown, head in ((leaves.first, first), (leaves.second, second)):
        proof = [bytes.fromhex(one) for one in shown.proof]
        try:
            verify_inclusion(bytes.fromhex(shown.leaf), leaves.index, head.size, proof, head.root)
        except VerificationFailed as error:
            raise VerificationFailed(f"step 2: the leaf in the tree of size {head.size}: {error}") from None
