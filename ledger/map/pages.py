"""Pages of the map's tree: up to ``CAPACITY`` leaves that share the first bits of their keys, or what is below.

A page of ``depth`` d stands for the leaves whose keys begin with its d bits. What a page is does not show in the root,
which is a function of the leaves alone (docs/map.md §3).

Each page keeps the digests of its uppermost nodes as a heap: node 1 is its root, 2n and 2n + 1 are below n. So a change
hashes its own way up, and no more. What a change or a proof uses of a page is hashed as it stood before: it leads to
the root that the page above has of it, or the page is damaged.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from hashlib import sha256
from struct import Struct
from typing import TypeAlias

from tallystick.map.memory import first_difference, root_of
from tallystick.map.proof import FIRST_LINK, HASH_SIZE, LEAF, LINK, NODES, Leaf, bit_of

CAPACITY = 256
DEEPEST = 56
"""A page this deep takes any number of leaves: its number must fit where SQLite keeps integers."""
WIDTH = 7
"""Bits that a page tells apart."""
SLOTS = 1 << WIDTH

TOP = 1
"""Number of the page of depth 0. What stands for the d bits p has the number 2^d + p."""
NONE = bytes(HASH_SIZE)
"""Digest of no leaves."""

_COUNT = 8
_RECORD = HASH_SIZE + _COUNT + HASH_SIZE
_LEAVES, _BRANCHES = 0, 1
_COUNTS = Struct(f">B{SLOTS}H")
_HEAP = Struct("32s" * 2 * SLOTS)
_RECORDS = _COUNTS.size + _HEAP.size
_PARTED = Struct(f">B{SLOTS}?")

Steps: TypeAlias = list[tuple[int, bytes]]
Changes: TypeAlias = Mapping[bytes, Sequence[bytes]]
"""By key, what comes to its history: u64 index ‖ leaf hash, in their order."""


class DamagedPage(ValueError):
    """What stands in a page does not lead to its root."""

    def __init__(self) -> None:
        super().__init__("a page of the map does not lead to its root")


def combine(bit: int, left: bytes, right: bytes) -> bytes:
    """The digest over two sides: where one has no leaves, no node stands."""
    if left == NONE:
        return right
    return left if right == NONE else sha256(NODES[bit] + left + right).digest()


def step(heap: Sequence[bytes], node: int, bit: int, key: bytes, path: Steps) -> int:
    """The node below ``node`` to which ``key`` leads; what stands beside it is added to the path."""
    left, right = heap[2 * node], heap[2 * node + 1]
    goes_right = bit_of(key, bit)
    if left != NONE and right != NONE:
        path.append((bit, left if goes_right else right))
    else:
        goes_right = left == NONE
    return 2 * node + goes_right


def neighbour(heap: Sequence[bytes], node: int) -> int:
    """The nearest node that has leaves, beside or above one that has none; 0: there is none."""
    while node > 1 and heap[node ^ 1] == NONE:
        node >>= 1
    return node ^ 1 if node > 1 else 0


def down(heap: Sequence[bytes], node: int, bit: int) -> int:
    """A node below ``node`` that has leaves, as it does. Raises ``DamagedPage``."""
    left, right = heap[2 * node], heap[2 * node + 1]
    if combine(bit, left, right) != heap[node]:
        raise DamagedPage
    return 2 * node + (left == NONE)


def place_of(key: bytes, depth: int) -> int:
    """Number of what stands for the first ``depth`` bits of a key."""
    return int.from_bytes(key[:8], "big") >> 64 - depth | 1 << depth


class Branches:
    """A page of pages. ``parted``: of its first ``SLOTS`` nodes, those that are no page of their own."""

    def __init__(self, parted: list[bool] | None = None, heap: list[bytes] | None = None) -> None:
        self.parted = parted or [False] * SLOTS
        self.heap = heap or [NONE] * 2 * SLOTS

    def is_parted(self, node: int) -> bool:
        """Whether what is below ``node`` stands here too."""
        return node < SLOTS and self.parted[node]

    def encode(self) -> bytes:
        """As it stands on disk."""
        return _PARTED.pack(_BRANCHES, *self.parted) + b"".join(self.heap)


class Leaves:
    """A page of leaves: key ‖ count ‖ chain of each by ascending key, in slots by the next bits of the key."""

    def __init__(
        self, counts: list[int] | None = None, heap: Sequence[bytes] | None = None, records: bytes = b""
    ) -> None:
        """``counts``: leaves of each slot."""
        self.counts = counts or [0] * SLOTS
        self.heap = heap or [NONE] * 2 * SLOTS
        self._records = records

    def __len__(self) -> int:
        return len(self._records) // _RECORD

    def change(self, keys: Sequence[bytes], changes: Changes, depth: int) -> None:
        """Make the changes under ``keys``, which are sorted and belong here."""
        shift = 64 - depth - WIDTH
        places = [int.from_bytes(key[:8], "big") >> shift for key in keys]
        counts, data, pieces = list(self.counts), self._records, list[bytes]()
        before, after = self.heap, list(self.heap)
        nodes: list[int] = []
        first = behind = passed = 0
        while first < len(keys):
            place, end = places[first], first + 1
            while end < len(keys) and places[end] == place:
                end += 1
            slot = place & SLOTS - 1
            node, start = SLOTS + slot, behind + _RECORD * sum(counts[passed:slot])
            pieces.append(data[behind:start])
            behind, passed = start + _RECORD * counts[slot], slot + 1
            held, digests = _held(data[start:behind], before[node])
            if not held:
                self._check_empty(node, keys[first], depth)
            elif [one for one in (held[0], held[-1]) if int.from_bytes(one[:8], "big") >> shift != place]:
                raise DamagedPage
            after[node] = _grow(held, digests, keys[first:end], changes)
            pieces += held
            counts[slot] = len(held)
            nodes.append(node)
            first = end
        pieces.append(data[behind:])
        for bit in range(depth + WIDTH - 1, depth - 1, -1):
            nodes = _hashed(before, after, nodes, bit)
        self.counts, self.heap, self._records = counts, after, b"".join(pieces)

    def _check_empty(self, node: int, key: bytes, depth: int) -> None:
        """Where one side has no leaves, those of the other lead to the same root from both: a key of theirs is read."""
        near = neighbour(self.heap, node)
        if near and place_of(key, depth) != place_of(self.some(near, depth), depth):
            raise DamagedPage

    def some(self, node: int, depth: int) -> bytes:
        """A key of those below ``node``, which stands where it belongs in this page. Raises ``DamagedPage``."""
        while node < SLOTS:
            node = down(self.heap, node, depth + node.bit_length() - 1)
        slot = node - SLOTS
        held, _ = _held(self._slot(slot), self.heap[node])
        if not held or place_of(held[0], depth + WIDTH) & SLOTS - 1 != slot:
            raise DamagedPage
        return held[0][:HASH_SIZE]

    def _slot(self, slot: int) -> bytes:
        start = _RECORD * sum(self.counts[:slot])
        return self._records[start : start + _RECORD * self.counts[slot]]

    def way(self, key: bytes, depth: int, path: Steps) -> Leaf:
        """The leaf to which ``key`` leads from here, where there is one; the way is added to the path.

        Whether it leads to the root is for the proof to show. Raises ``DamagedPage``.
        """
        node = 1
        for bit in range(depth, depth + WIDTH):
            node = step(self.heap, node, bit, key, path)
        records, digests = _held(self._slot(node - SLOTS), self.heap[node])
        if not records:
            raise DamagedPage
        while len(records) > 1:
            bit = first_difference(records[0][:HASH_SIZE], records[-1][:HASH_SIZE])
            at = bisect_left(records, 1, key=lambda one: bit_of(one, bit))
            near, far = (slice(at, None), slice(at)) if bit_of(key, bit) else (slice(at), slice(at, None))
            path.append((bit, _root_of(records[far], digests[far])))
            records, digests = records[near], digests[near]
        return Leaf(records[0][:HASH_SIZE], *_standing(records[0]))

    def split(self, number: int, depth: int) -> tuple[Leaves, Leaves]:
        """The pages below this one, which has this number, by the next bit of their keys. Raises ``DamagedPage``."""
        left, right = self.heap[2], self.heap[3]
        if combine(depth, left, right) != self.heap[1]:
            raise DamagedPage
        # As in ``_check_empty``: of two sides that are not empty, the node that they make tells the bit.
        alone = 2 if right == NONE else 3
        if (left == NONE) != (right == NONE) and place_of(
            self.some(alone, depth), depth + 1
        ) != number << 1 | alone & 1:
            raise DamagedPage
        end = _RECORD * sum(self.counts[: SLOTS // 2])
        return self._half(0, depth, self._records[:end]), self._half(1, depth, self._records[end:])

    def _half(self, side: int, depth: int, records: bytes) -> Leaves:
        """Its nodes are those from one below; what its slots hold shows when they are changed."""
        heap, counts = [NONE] * 2 * SLOTS, [0] * SLOTS
        for level in range(WIDTH):
            above = (2 | side) << level
            heap[1 << level : 2 << level] = self.heap[above : above + (1 << level)]
        bit = depth + WIDTH
        at, mask, start = bit >> 3, 0x80 >> (bit & 7), 0
        for slot, count in enumerate(self.counts[side * SLOTS // 2 :][: SLOTS // 2]):
            if not count:
                continue
            node, end = SLOTS + 2 * slot, start + _RECORD * count
            if count == 1:
                node += bool(records[start + at] & mask)
                heap[node], counts[node - SLOTS] = heap[SLOTS // 2 + slot], 1
            else:
                held = _cut(records[start:end])
                cut = bisect_left(held, 1, key=lambda one: bit_of(one, bit))
                for number, part in ((node, held[:cut]), (node + 1, held[cut:])):
                    if part:
                        heap[number] = _root_of(part, [sha256(LEAF + record).digest() for record in part])
                        counts[number - SLOTS] = len(part)
            start = end
        return Leaves(counts, heap, records)

    def encode(self) -> bytes:
        """As it stands on disk."""
        return b"".join((_COUNTS.pack(_LEAVES, *self.counts), *self.heap, self._records))


Page: TypeAlias = Leaves | Branches


def _hashed(before: Sequence[bytes], after: list[bytes], nodes: list[int], bit: int) -> list[int]:
    """Hash what is above changed nodes, as it was and as it is; those above."""
    label, last, above = NODES[bit], 0, list[int]()
    for node in nodes:
        over = node >> 1
        if over == last:
            continue
        last = over
        above.append(over)
        node = over + over
        left, right = before[node], before[node + 1]
        # ``combine``, spelled out twice: here most of the time is spent.
        if before[over] != (
            right if left == NONE else left if right == NONE else sha256(label + left + right).digest()
        ):
            raise DamagedPage
        left, right = after[node], after[node + 1]
        after[over] = right if left == NONE else left if right == NONE else sha256(label + left + right).digest()
    return above


def _held(records: bytes, told: bytes) -> tuple[list[bytes], list[bytes]]:
    """The records of a slot and their digests; ``told``: what they lead to. Raises ``DamagedPage``."""
    if not records:
        held, digests, root = list[bytes](), list[bytes](), NONE
    elif len(records) == _RECORD:
        root = sha256(LEAF + records).digest()
        held, digests = [records], [root]
    else:
        held = _cut(records)
        digests = [sha256(LEAF + record).digest() for record in held]
        root = _root_of(held, digests)
    if root != told:
        raise DamagedPage
    return held, digests


def _grow(records: list[bytes], digests: list[bytes], keys: Sequence[bytes], changes: Changes) -> bytes:
    """Make the changes under ``keys`` in the records of a slot; their root."""
    for key in keys:
        at, added = bisect_left(records, key), changes[key]
        if at < len(records) and records[at].startswith(key):
            count, chain = _standing(records[at])
        else:
            count, chain = 0, FIRST_LINK
            records.insert(at, key)
            digests.insert(at, key)
        for one in added:
            chain = sha256(LINK + chain + one).digest()
        records[at] = record = key + (count + len(added)).to_bytes(_COUNT, "big") + chain
        digests[at] = sha256(LEAF + record).digest()
    return _root_of(records, digests)


def _cut(records: bytes) -> list[bytes]:
    return [records[at : at + _RECORD] for at in range(0, len(records), _RECORD)]


def _standing(record: bytes) -> tuple[int, bytes]:
    """Count and chain."""
    return int.from_bytes(record[HASH_SIZE : HASH_SIZE + _COUNT], "big"), record[HASH_SIZE + _COUNT :]


def _root_of(records: list[bytes], digests: list[bytes]) -> bytes:
    """As ``root_of``; nearly always there are one, two or three, and the first 64 bits tell them apart."""
    if len(digests) == 1:
        return digests[0]
    if len(digests) < 4:
        heads = [int.from_bytes(record[:8], "big") for record in records]
        first, last = heads[0] ^ heads[1], heads[-2] ^ heads[-1]
        if first and last:
            above, below = NODES[64 - first.bit_length()], NODES[64 - last.bit_length()]
            if len(digests) == 2:
                return sha256(above + digests[0] + digests[1]).digest()
            if first > last:
                return sha256(above + digests[0] + sha256(below + digests[1] + digests[2]).digest()).digest()
            return sha256(below + sha256(above + digests[0] + digests[1]).digest() + digests[2]).digest()
    return root_of([record[:HASH_SIZE] for record in records], digests)


def decode(data: bytes) -> Page:
    """Inverse of ``encode``. Raises ``ValueError`` for what no page looks like."""
    if data[:1] == b"\x00" and len(data) >= _RECORDS:
        _, *counts = _COUNTS.unpack_from(data)
        if _RECORDS + _RECORD * sum(counts) == len(data):
            return Leaves(counts, _HEAP.unpack_from(data, _COUNTS.size), data[_RECORDS:])
    if data[:1] == b"\x01" and len(data) == _PARTED.size + _HEAP.size:
        return Branches(list(_PARTED.unpack_from(data)[1:]), list(_HEAP.unpack_from(data, _PARTED.size)))
    raise ValueError(f"no page of a map begins with {data[:1]!r} and has {len(data)} bytes")
