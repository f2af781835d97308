"""Pages of the map's tree: up to ``CAPACITY`` leaves that share the first bits of their keys, or what is below.

A page of ``depth`` d stands for the leaves whose keys begin with its d bits. What a page is does not show in the root,
which is a function of the leaves alone (docs/map.md §3).

Each page keeps the digests of its uppermost nodes as a heap: node 1 is its root, 2n and 2n + 1 are below n. So a change
hashes its own way up, and no more. What a change or a proof uses of a page is hashed as it stood before: it leads to
the root that the page above has of it, or the page is damaged.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import partial
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
_KEY_HEAD, _RECORD_HEAD = Struct(f">Q{HASH_SIZE - 8}x"), Struct(f">Q{_RECORD - 8}x")
_PARTED = Struct(f">B{SLOTS}?")

# Hashes as they begin, to be copied: cheaper than to begin one anew and to put its parts together.
_begin_link = sha256(LINK).copy
_BEGIN_NODE = [sha256(label).copy for label in NODES]
_head = partial(int.from_bytes, byteorder="big")

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
        heads = _heads(keys, _KEY_HEAD)
        places = [head >> shift for head in heads]
        counts, data, pieces = list(self.counts), self._records, list[bytes]()
        before, after = self.heap, list(self.heap)
        nodes = [SLOTS + (place & SLOTS - 1) for place in dict.fromkeys(places)]
        spans = self._spans(nodes)
        # All at once, for each has few: what stands in the slots that change.
        records = [data[at : at + _RECORD] for start, end in spans for at in range(start, end, _RECORD)]
        digests, tops = [sha256(LEAF + record).digest() for record in records], _heads(records, _RECORD_HEAD)
        last = start = behind = 0
        for node, (at, passed) in zip(nodes, spans, strict=True):
            first, place, end = last, places[last], start + (passed - at) // _RECORD
            held: Slot = records[start:end], tops[start:end], digests[start:end]
            if _root_of(*held) != before[node]:
                raise DamagedPage
            if start == end:
                self._check_empty(node, place, depth)
            elif tops[start] >> shift != place or tops[end - 1] >> shift != place:
                raise DamagedPage
            start, last = end, bisect_right(places, place, first)
            for number in range(first, last):
                key = keys[number]
                _grow(held, key, heads[number], changes[key])
            after[node] = _root_of(*held)
            counts[node - SLOTS] = len(held[0])
            pieces.append(data[behind:at])
            pieces += held[0]
            behind = passed
        pieces.append(data[behind:])
        for bit in range(depth + WIDTH - 1, depth - 1, -1):
            nodes = _hashed(before, after, nodes, bit)
        self.counts, self.heap, self._records = counts, after, b"".join(pieces)

    def _spans(self, nodes: Sequence[int]) -> list[tuple[int, int]]:
        """From where to where the records of these slots stand; the slots by their nodes, in order."""
        counts, spans, slot, end = self.counts, list[tuple[int, int]](), 0, 0
        for node in nodes:
            start = end + _RECORD * sum(counts[slot : node - SLOTS])
            slot = node - SLOTS + 1
            end = start + _RECORD * counts[slot - 1]
            spans.append((start, end))
        return spans

    def _check_empty(self, node: int, place: int, depth: int) -> None:
        """Where one side has no leaves, those of the other lead to the same root from both: a key of theirs is read."""
        near = neighbour(self.heap, node)
        if near and place >> WIDTH != _head(self.some(near, depth)[:8]) >> 64 - depth:
            raise DamagedPage

    def some(self, node: int, depth: int) -> bytes:
        """A key of those below ``node``, which stands where it belongs in this page. Raises ``DamagedPage``."""
        while node < SLOTS:
            node = down(self.heap, node, depth + node.bit_length() - 1)
        slot = node - SLOTS
        held, _, _ = _held(self._slot(slot), self.heap[node])
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
        records, tops, digests = _held(self._slot(node - SLOTS), self.heap[node])
        if not records:
            raise DamagedPage
        while len(records) > 1:
            bit = first_difference(records[0][:HASH_SIZE], records[-1][:HASH_SIZE])
            at = bisect_left(records, 1, key=lambda one: bit_of(one, bit))
            near, far = (slice(at, None), slice(at)) if bit_of(key, bit) else (slice(at), slice(at, None))
            path.append((bit, _root_of(records[far], tops[far], digests[far])))
            records, tops, digests = records[near], tops[near], digests[near]
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
        counts, digests = self._finer(depth)
        end = sum(counts[:SLOTS])
        return (
            Leaves(counts[:SLOTS], self._nodes_below(0) + digests[:SLOTS], self._records[: end * _RECORD]),
            Leaves(counts[SLOTS:], self._nodes_below(1) + digests[SLOTS:], self._records[end * _RECORD :]),
        )

    def _finer(self, depth: int) -> tuple[list[int], list[bytes]]:
        """By one bit more: leaves and digests of slots. What these hold shows when they are changed."""
        data, heap, shift = self._records, self.heap, 64 - depth - 1 - WIDTH
        counts, digests = [0] * 2 * SLOTS, [NONE] * 2 * SLOTS
        tops = [top for (top,) in _RECORD_HEAD.iter_unpack(data)]
        bits = [top >> shift & 1 for top in tops]
        start = 0
        for slot, count in enumerate(self.counts):
            end, finer = start + count, 2 * slot
            if count == 1:
                finer += bits[start]
                counts[finer], digests[finer] = 1, heap[SLOTS + slot]
            elif count:
                cut = bisect_left(bits, 1, start, end)
                for number, first, last in ((finer, start, cut), (finer + 1, cut, end)):
                    if first < last:
                        records = [data[at : at + _RECORD] for at in range(first * _RECORD, last * _RECORD, _RECORD)]
                        below = [sha256(LEAF + record).digest() for record in records]
                        counts[number], digests[number] = last - first, _root_of(records, tops[first:last], below)
            start = end
        return counts, digests

    def _nodes_below(self, side: int) -> list[bytes]:
        """Those of the page on that side, but for its slots."""
        found = [NONE]
        for level in range(WIDTH):
            above = (2 | side) << level
            found += self.heap[above : above + (1 << level)]
        return found

    def encode(self) -> bytes:
        """As it stands on disk."""
        return b"".join((_COUNTS.pack(_LEAVES, *self.counts), *self.heap, self._records))


Page: TypeAlias = Leaves | Branches


def _hashed(before: Sequence[bytes], after: list[bytes], nodes: list[int], bit: int) -> list[int]:
    """Hash what is above changed nodes, as it was and as it is; those above."""
    begin, last, above, none = _BEGIN_NODE[bit], 0, list[int](), NONE
    for node in nodes:
        over = node >> 1
        if over == last:
            continue
        last = over
        above.append(over)
        node = over + over
        # ``combine``, spelled out twice: here most of the time is spent.
        left, right = before[node], before[node + 1]
        if left == none:
            left = right
        elif right != none:
            hashed = begin()
            hashed.update(left)
            hashed.update(right)
            left = hashed.digest()
        if left != before[over]:
            raise DamagedPage
        left, right = after[node], after[node + 1]
        if left == none:
            left = right
        elif right != none:
            hashed = begin()
            hashed.update(left)
            hashed.update(right)
            left = hashed.digest()
        after[over] = left
    return above


Slot: TypeAlias = tuple[list[bytes], list[int], list[bytes]]
"""The records of a slot, the first 64 bits of their keys, and their digests."""


def _held(records: bytes, told: bytes) -> Slot:
    """What a slot holds; ``told``: what it leads to. Raises ``DamagedPage``."""
    found = _cut(records)
    if _root_of(*found) != told:
        raise DamagedPage
    return found


def _grow(slot: Slot, key: bytes, head: int, added: Sequence[bytes]) -> None:
    """Make the changes under ``key`` in what a slot holds."""
    records, tops, digests = slot
    at = bisect_left(records, key) if records else 0
    if at < len(records) and tops[at] == head and records[at].startswith(key):
        count, chain = _standing(records[at])
    else:
        count, chain = 0, FIRST_LINK
        records.insert(at, key)
        tops.insert(at, head)
        digests.insert(at, key)
    for one in added:
        hashed = _begin_link()
        hashed.update(chain)
        hashed.update(one)
        chain = hashed.digest()
    records[at] = record = key + (count + len(added)).to_bytes(_COUNT, "big") + chain
    digests[at] = sha256(LEAF + record).digest()


def _cut(data: bytes) -> Slot:
    records = [data[at : at + _RECORD] for at in range(0, len(data), _RECORD)]
    return records, _heads(records, _RECORD_HEAD), [sha256(LEAF + record).digest() for record in records]


def _heads(all_of_them: Sequence[bytes], layout: Struct) -> list[int]:
    """The first 64 bits of each."""
    return [head for (head,) in layout.iter_unpack(b"".join(all_of_them))]


def _standing(record: bytes) -> tuple[int, bytes]:
    """Count and chain."""
    return int.from_bytes(record[HASH_SIZE : HASH_SIZE + _COUNT], "big"), record[HASH_SIZE + _COUNT :]


def _root_of(records: Sequence[bytes], tops: Sequence[int], digests: Sequence[bytes]) -> bytes:
    """As ``root_of``; nearly always there are one, two or three, and the first 64 bits tell them apart."""
    count = len(digests)
    if count < 2:
        return digests[0] if count else NONE
    apart = tops[0] ^ tops[1]
    if count == 2 and apart:
        hashed = _BEGIN_NODE[64 - apart.bit_length()]()
        hashed.update(digests[0])
        hashed.update(digests[1])
        return hashed.digest()
    # As ``root_of`` does it.
    waiting, digest, top = list[tuple[int, bytes]](), digests[0], tops[0]
    for number in range(1, count):
        bit, top = 64 - (top ^ tops[number]).bit_length(), tops[number]
        if bit == 64:
            return root_of([record[:HASH_SIZE] for record in records], digests)
        while waiting and waiting[-1][0] > bit:
            above, left = waiting.pop()
            hashed = _BEGIN_NODE[above]()
            hashed.update(left)
            hashed.update(digest)
            digest = hashed.digest()
        waiting.append((bit, digest))
        digest = digests[number]
    for above, left in reversed(waiting):
        hashed = _BEGIN_NODE[above]()
        hashed.update(left)
        hashed.update(digest)
        digest = hashed.digest()
    return digest


def decode(data: bytes) -> Page:
    """Inverse of ``encode``. Raises ``ValueError`` for what no page looks like."""
    if data[:1] == b"\x00" and len(data) >= _RECORDS:
        _, *counts = _COUNTS.unpack_from(data)
        if _RECORDS + _RECORD * sum(counts) == len(data):
            return Leaves(counts, _HEAP.unpack_from(data, _COUNTS.size), data[_RECORDS:])
    if data[:1] == b"\x01" and len(data) == _PARTED.size + _HEAP.size:
        return Branches(list(_PARTED.unpack_from(data)[1:]), list(_HEAP.unpack_from(data, _PARTED.size)))
    raise ValueError(f"no page of a map begins with {data[:1]!r} and has {len(data)} bytes")
