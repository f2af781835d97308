"""RFC 6962 §2.1 / RFC 9162 §2 Merkle trees over SHA-256.

A proof is a list of hashes and nothing else: index, sizes and roots come from
the caller, who has them from a signed checkpoint. Verification raises
``ProofFailed`` or returns ``None``; it never returns a bool.

Proof *generation* reads the tree through a ``NodeReader``, so that the same
routine serves memory, tiles, a database, HTTP or a bundle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol

from tallystick.errors import VerificationFailed

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
# A path is never longer than the tree is high; sizes are u64, so no honest proof exceeds this.
MAX_PROOF_HASHES = 64
# A consistency proof may hold one hash more than the height.
MAX_SIZE = 1 << 63

_LEAF = b"\x00"
_NODE = b"\x01"
# Hashes as they begin, to be copied: cheaper than to begin one anew and to put its parts together.
_BEGUN_LEAF = hashlib.sha256(_LEAF)
_BEGUN_NODE = hashlib.sha256(_NODE)


class ProofFailed(VerificationFailed):
    """A Merkle proof does not lead to the expected root."""


class NodeReader(Protocol):
    """Gives the hashes of complete subtrees: node (level, index) covers leaves [index·2^level, (index+1)·2^level)."""

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return one 32-byte hash for each (level, index), in order."""
        ...


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry): RFC 6962 §2.1."""
    return hashlib.sha256(_LEAF + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """``leaf_hash`` of each entry; spelled out, for every entry of a log comes this way."""
    begin, found = _BEGUN_LEAF.copy, []
    for entry in entries:
        hashed = begin()
        hashed.update(entry)
        found.append(hashed.digest())
    return found


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right): RFC 6962 §2.1."""
    return hashlib.sha256(_NODE + left + right).digest()


def node_hashes(pairs: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """``node_hash`` of each pair; spelled out, for every node of a log comes this way as it grows."""
    begin, found = _BEGUN_NODE.copy, []
    for left, right in pairs:
        hashed = begin()
        hashed.update(left)
        hashed.update(right)
        found.append(hashed.digest())
    return found


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root of a whole tree given its leaf hashes, in O(n) time and O(log n) memory."""
    edge = CompactRange()
    for leaf in leaf_hashes:
        edge.append(leaf)
    return edge.root()


class CompactRange:
    """The right edge of a tree: one complete subtree for each set bit of ``size``, largest first."""

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        if len(edge) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} edge hashes, got {len(edge)}")
        self.size = size
        self.edge = list(edge)

    @staticmethod
    def coordinates(size: int) -> list[tuple[int, int]]:
        """(level, index) of each edge node of a tree of ``size`` leaves, largest subtree first."""
        found = []
        start = 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                found.append((level, start >> level))
                start += 1 << level
        return found

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        size, node = self.size, leaf
        while size & 1:
            node = node_hash(self.edge.pop(), node)
            size >>= 1
        self.edge.append(node)
        self.size += 1

    def graft(self, level: int, node: bytes) -> None:
        """Add a complete subtree of 2^level leaves by its root. Raises ``ValueError`` where none can begin."""
        if self.size & ((1 << level) - 1):
            raise ValueError(f"no subtree of {1 << level} leaves begins at leaf {self.size}")
        size = self.size >> level
        while size & 1:
            node = node_hash(self.edge.pop(), node)
            size >>= 1
        self.edge.append(node)
        self.size += 1 << level

    def root(self) -> bytes:
        """Root of the tree so far; the empty root for size 0."""
        if not self.edge:
            return EMPTY_ROOT
        node = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            node = node_hash(left, node)
        return node


def covering(first: int, count: int) -> list[int]:
    """Levels of the largest complete subtrees that cover leaves ``first`` to ``first + count - 1``, left to right.

    At most two for each level of the tree.
    """
    found = []
    at, end = first, first + count
    while at < end:
        level = (end - at).bit_length() - 1
        if at:
            level = min(level, (at & -at).bit_length() - 1)
        found.append(level)
        at += 1 << level
    return found


# --- generation -------------------------------------------------------------


def root_at(reader: NodeReader, size: int) -> bytes:
    """Root of the first ``size`` leaves, read through ``reader`` in O(log n) nodes."""
    return CompactRange(size, reader.nodes(CompactRange.coordinates(size))).root()


def prove_inclusion(reader: NodeReader, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1, leaf side first.

    Raises ``ValueError`` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    # A walk from the leaf up, for this is done for every receipt: ``last`` is the last node of its level.
    wanted: list[tuple[int, int]] = []
    rest: tuple[int, int] | None = None
    node, last, level = index, size - 1, 0
    while last:
        if node & 1:
            wanted.append((level, node - 1))
        elif node + 2 << level <= size:
            wanted.append((level, node + 1))
        elif node < last:
            # What stands to the right up to the end of the tree; from here on up it is part of this side.
            rest = len(wanted), last << level
            wanted += _subtrees(last << level, size)
        node, last, level = node >> 1, last >> 1, level + 1
    proof = reader.nodes(wanted)
    if rest:
        at, length = rest[0], size - rest[1]
        end = at + length.bit_count()
        proof[at:end] = [CompactRange(length, proof[at:end]).root()]
    return proof


def prove_consistency(reader: NodeReader, old_size: int, new_size: int) -> list[bytes]:
    """PROOF(old_size, D[new_size]) of RFC 6962 §2.1.2; empty when the sizes are equal or the old one is 0.

    Raises ``ValueError`` unless 0 <= old_size <= new_size.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"no consistency proof from {old_size} to {new_size}")
    if old_size in (0, new_size):
        return []
    return _gather(reader, _consistency_ranges(old_size, 0, new_size, whole=True))


def _split(length: int) -> int:
    """Largest power of two smaller than ``length``."""
    return 1 << ((length - 1).bit_length() - 1)


def _consistency_ranges(old: int, start: int, end: int, whole: bool) -> list[tuple[int, int]]:
    if old == end:
        return [] if whole else [(start, end)]
    middle = start + _split(end - start)
    if old <= middle:
        return [*_consistency_ranges(old, start, middle, whole), (middle, end)]
    return [*_consistency_ranges(old, middle, end, False), (start, middle)]


def _subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """The complete subtrees of a range of leaves; ``start`` is aligned to its length's power of two."""
    return [(level, (start >> level) + index) for level, index in CompactRange.coordinates(end - start)]


def _gather(reader: NodeReader, ranges: list[tuple[int, int]]) -> list[bytes]:
    """Hash of each leaf range; every start is aligned to its length's power of two, so each is an edge of its own."""
    wanted: list[tuple[int, int]] = []
    counts = []
    for start, end in ranges:
        nodes = _subtrees(start, end)
        wanted += nodes
        counts.append(len(nodes))
    hashes = reader.nodes(wanted)
    proof = []
    at = 0
    for (start, end), count in zip(ranges, counts, strict=True):
        proof.append(CompactRange(end - start, hashes[at : at + count]).root())
        at += count
    return proof


# --- verification -------------------------------------------------------------


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that ``leaf`` (a leaf hash) stands at ``index`` in the tree of ``size`` leaves with ``root``.

    RFC 9162 §2.1.3.2. Raises ``ProofFailed``.
    """
    node = root_from_inclusion(leaf, index, size, proof)
    if node != root:
        _check_hashes((), root)
        raise ProofFailed(f"leaf {index} of {size} leads to root {node.hex()}, expected {root.hex()}")


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that ``proof`` leads to from ``leaf``: worth nothing until the caller knows it to be the log's.

    Raises ``ProofFailed`` when ``index`` is outside the tree or the number of hashes is not the one these demand.
    """
    _check_hashes(proof, leaf)
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofFailed(f"leaf index {index} is outside a tree of {size} leaves")
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    if len(proof) != inner + border:
        raise ProofFailed(
            f"an inclusion proof for leaf {index} of {size} has {inner + border} hashes, found {len(proof)}"
        )
    # Node hashes spelled out. Above the inner part the path is the tree's right edge: always a right child.
    node, side, begin = leaf, index | (-1 << inner), _BEGUN_NODE.copy
    for sibling in proof:
        hashed = begin()
        if side & 1:
            hashed.update(sibling)
            hashed.update(node)
        else:
            hashed.update(node)
            hashed.update(sibling)
        node, side = hashed.digest(), side >> 1
    return node


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree (new_size, new_root) extends the tree (old_size, old_root).

    RFC 9162 §2.1.4.2. An empty old tree is extended by every tree, and its root
    must be the empty root. Raises ``ProofFailed``.
    """
    _check_hashes(proof, old_root, new_root)
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise ProofFailed(f"a tree of {new_size} leaves cannot extend one of {old_size}")
    if old_size == 0 or old_size == new_size:
        _check_trivial(old_size, old_root, new_size, new_root, proof)
        return
    derived_old, derived_new = roots_from_consistency(old_size, old_root, new_size, proof)
    if derived_old != old_root:
        raise ProofFailed(f"the proof leads to old root {derived_old.hex()}, expected {old_root.hex()}")
    if derived_new != new_root:
        raise ProofFailed(f"the proof leads to new root {derived_new.hex()}, expected {new_root.hex()}")


def roots_from_consistency(
    old_size: int, old_root: bytes, new_size: int, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Both roots that ``proof`` leads to, for 0 < old_size < new_size (the caller compares both).

    Raises ``ProofFailed`` when the number of hashes is not the one these sizes demand.
    """
    shift = (old_size & -old_size).bit_length() - 1
    inner = ((old_size - 1) ^ (new_size - 1)).bit_length() - shift
    border = ((old_size - 1) >> (inner + shift)).bit_count()
    # A power of two is its own first subtree: its root seeds the walk and is not sent.
    seeded = old_size == 1 << shift
    expected = inner + border + (0 if seeded else 1)
    if len(proof) != expected:
        raise ProofFailed(
            f"a consistency proof from {old_size} to {new_size} has {expected} hashes, found {len(proof)}"
        )
    seed, path = (old_root, proof) if seeded else (proof[0], proof[1:])
    mask = (old_size - 1) >> shift
    old = new = seed
    for level, sibling in enumerate(path[:inner]):
        if mask >> level & 1:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    for sibling in path[inner:]:
        old, new = node_hash(sibling, old), node_hash(sibling, new)
    return old, new


def _check_trivial(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    if proof:
        raise ProofFailed(f"a consistency proof from {old_size} to {new_size} is empty, found {len(proof)} hashes")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ProofFailed(f"the root of the empty tree is {EMPTY_ROOT.hex()}, found {old_root.hex()}")
    if old_size == new_size and old_root != new_root:
        raise ProofFailed(f"two trees of {new_size} leaves with roots {old_root.hex()} and {new_root.hex()}: a fork")
    if new_size == 0 and new_root != EMPTY_ROOT:
        raise ProofFailed(f"the root of the empty tree is {EMPTY_ROOT.hex()}, found {new_root.hex()}")


def _check_hashes(proof: Sequence[bytes], *roots: bytes) -> None:
    if len(proof) > MAX_PROOF_HASHES + 1:
        raise ProofFailed(f"a proof has at most {MAX_PROOF_HASHES + 1} hashes, found {len(proof)}")
    # Two plain loops: every proof that is verified comes this way.
    size = HASH_SIZE
    for one in proof:
        if len(one) != size:
            raise _no_hash(one)
    for one in roots:
        if len(one) != size:
            raise _no_hash(one)


def _no_hash(found: bytes) -> ProofFailed:
    return ProofFailed(f"a hash has {HASH_SIZE} bytes, found {len(found)}")
