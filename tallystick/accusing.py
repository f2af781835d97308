"""Makes fork evidence of what somebody was shown: two notes, two proofs of entries, or what a mirror or witness kept.

Nothing is judged here: ``fork.verify_fork`` says whether it holds.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.checkpoint import parse_body, parse_hash, parse_size
from tallystick.errors import MalformedInput
from tallystick.fork import ShownLeaf, TwoLeaves, accuse
from tallystick.merkle import MAX_PROOF_HASHES, leaf_hash
from tallystick.note import parse_note
from tallystick.tlog_proof import TlogProof

SMALLER, LARGER, PROOF = "smaller", "larger", "proof"
"""Files of a folder of evidence, as mirrors, monitors and witnesses keep it; without ``proof`` both have one size."""


def of_notes(first: bytes, second: bytes) -> bytes:
    """Evidence of two signed notes, which must be of one size. Raises ``MalformedInput``."""
    sizes = [_size(note) for note in (first, second)]
    if sizes[0] != sizes[1]:
        raise MalformedInput(
            f"the checkpoints are of {sizes[0]} and {sizes[1]} entries: two sizes contradict each other by a proof "
            "only; give the folder in which a mirror or monitor kept one, or two proofs of entries at one index"
        )
    return accuse(first, second)


def of_kept(files: Mapping[str, bytes]) -> bytes:
    """Evidence of what a mirror, a monitor or a witness kept: ``SMALLER``, ``LARGER`` and, of two sizes, ``PROOF``.

    The proof: the two sizes, the root that the larger tree had at the smaller size, and the consistency proof from
    there to the larger root, one a line. Raises ``MalformedInput``.
    """
    for name in (SMALLER, LARGER):
        if name not in files:
            raise MalformedInput(f"a folder of evidence holds the file {name!r}, and this one does not")
    smaller, larger = files[SMALLER], files[LARGER]
    sizes = _size(smaller), _size(larger)
    if PROOF not in files or sizes[0] == sizes[1]:
        return of_notes(smaller, larger)
    stated, opened, path = _proof(files[PROOF])
    if stated != sizes:
        raise MalformedInput(
            f"the proof is for sizes {stated[0]} and {stated[1]}, the notes say {sizes[0]} and {sizes[1]}"
        )
    # A power of two is its own first subtree: its root goes before the path.
    return accuse(smaller, larger, history=[opened, *path] if sizes[0].bit_count() == 1 else path)


def of_entries(proofs: tuple[TlogProof, TlogProof], entries: tuple[bytes, bytes]) -> bytes:
    """Evidence of two entries (exact bytes) at one index, each with its proof. Raises ``MalformedInput``."""
    first, second = proofs
    if first.index != second.index:
        raise MalformedInput(f"the proofs are for indexes {first.index} and {second.index}: one index is wanted")
    shown = [
        ShownLeaf(leaf_hash(entry).hex(), tuple(one.hex() for one in proof.path))
        for entry, proof in zip(entries, proofs, strict=True)
    ]
    notes = (one.note.encode().encode() for one in proofs)
    return accuse(*notes, leaves=TwoLeaves(first.index, *shown))


def _size(note: bytes) -> int:
    return parse_body(parse_note(note).text).size


def _proof(data: bytes) -> tuple[tuple[int, int], bytes, list[bytes]]:
    """Sizes, opened root and path, as ``ledger mirror`` writes them."""
    try:
        sizes, opened, *path = data.decode("ascii").removesuffix("\n").split("\n")
        old, new = sizes.split(" ")
    except ValueError:
        raise MalformedInput("a kept proof is a line with two sizes, then hashes, one a line") from None
    if len(path) > MAX_PROOF_HASHES:
        raise MalformedInput(f"a kept proof has at most {MAX_PROOF_HASHES} hashes, found {len(path)}")
    return (parse_size(old), parse_size(new)), parse_hash(opened), [parse_hash(one) for one in path]
