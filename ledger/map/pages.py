"""Pages of the map's tree: up to ``CAPACITY`` leaves that share the first bits of their keys, or what is below.

A page of ``depth`` d stands for the leaves whose keys begin with its d bits. What a page is does not show in the root,
which is a function of the leaves alone (docs/map.md §3).

Each page keeps the digests of its uppermost nodes as a heap: node 1 is its root, 2n and 2n + 1 are below n. So a change
hashes its own way up, and no more. Before a page of leaves is changed all of it is held against the root that the page
above has of it, or it bears the seal of the process that did so, and wrote it. What a change uses of a page of pages is
hashed as it stood before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import accumulate, pairwise
from struct import Struct
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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
_LEAVES, _BRANCHES, _SEALED = 0, 1, 2
_NONCE = 12
SEAL = _NONCE + 8 + 16
_WITHOUT_SEAL, _WITH_SEAL = bytes([_LEAVES]), bytes([_SEALED])
_COUNTS = Struct(f">B{SLOTS}H")
_HEAP = Struct("32s" * 2 * SLOTS)
_RECORDS = _COUNTS.size + _HEAP.size
_KEY_HEAD, _RECORD_HEAD = Struct(f">Q{HASH_SIZE - 8}x"), Struct(f">Q{_RECORD - 8}x")
_CUTS = [Struct(f"{_RECORD}s" * count) for count in range(9)]
_PARTED = Struct(f">B{SLOTS}?")

# Hashes as they begin, to be copied: cheaper than to begin one anew and to put its parts together.
_begin_link, _begin_leaf = sha256(LINK).copy, sha256(LEAF).copy
_BEGIN_NODE = [sha256(label).copy for label in NODES]
_number = int.from_bytes

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


class Seals:
    """Tells pages that this process wrote from all others: with a key that it made, and keeps nowhere.

    A seal is nonce ‖ the page's number, encrypted ‖ AES-GCM's tag over that and the page. That the page is the newest
    of this number it does not tell: its root does.
    """

    def __init__(self) -> None:
        self._key = AESGCM(AESGCM.generate_key(128))
        self._made = 0

    def seal(self, number: int, page: bytes) -> bytes:
        """The page with its seal."""
        self._made += 1
        nonce = self._made.to_bytes(_NONCE, "big")
        return b"".join((page, nonce, self._key.encrypt(nonce, number.to_bytes(8, "big"), page)))

    def holds(self, number: int, data: bytes) -> bool:
        """Whether this is what ``seal`` gave for that number."""
        seal = data[-SEAL:]
        try:
            told = self._key.decrypt(seal[:_NONCE], seal[_NONCE:], memoryview(data)[:-SEAL])
        except (InvalidTag, ValueError):
            return False
        return told == number.to_bytes(8, "big")


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

    def __init__(self, counts: list[int] | None = None, heap: list[bytes] | None = None, records: bytes = b"") -> None:
        """``counts``: leaves of each slot."""
        self.counts = counts or [0] * SLOTS
        self.heap = heap or [NONE] * 2 * SLOTS
        self._records = records

    def __len__(self) -> int:
        return len(self._records) // _RECORD

    def change(self, keys: Sequence[bytes], changes: Changes, depth: int) -> None:
        """Make the changes under ``keys``, which are sorted and belong here. The page is what ``check`` lets pass."""
        counts, heap, data, nodes, pieces = self.counts, self.heap, self._records, list[int](), list[bytes]()
        places = [head >> 64 - depth - WIDTH for head in _heads(b"".join(keys), _KEY_HEAD)]
        ends, first, behind, total = list(accumulate(counts)), 0, 0, len(keys)
        while first < total:
            place, last = places[first], first + 1
            while last < total and places[last] == place:
                last += 1
            slot = place & SLOTS - 1
            node, end = SLOTS + slot, ends[slot] * _RECORD
            start = end - counts[slot] * _RECORD
            records = _cut(data, start, end)
            heap[node] = _grow(records, heap[node], keys[first:last], changes)
            counts[slot] = len(records)
            pieces.append(data[behind:start])
            pieces += records
            nodes.append(node)
            first, behind = last, end
        pieces.append(data[behind:])
        for bit in range(depth + WIDTH - 1, depth - 1, -1):
            nodes = _hashed(heap, nodes, bit)
        self._records = b"".join(pieces)

    def check(self, number: int, depth: int) -> None:
        """That all of it leads to its root, and belongs where it stands: in page ``number``. Raises ``DamagedPage``.

        Digests alone do not tell: where one side has no leaves, those of the other lead to the same root from both.
        """
        records = _cut(self._records, 0, len(self._records))
        keys = [record[:HASH_SIZE] for record in records]
        slots = [number << WIDTH | slot for slot, count in enumerate(self.counts) for _ in range(count)]
        if keys != sorted(set(keys)) or [place_of(key, depth + WIDTH) for key in keys] != slots:
            raise DamagedPage
        digests, heap, start = list(map(_leaf, records)), self.heap, 0
        for slot, count in enumerate(self.counts, SLOTS):
            end = start + count
            if _root_of(records[start:end], digests[start:end]) != heap[slot]:
                raise DamagedPage
            start = end
        for node in range(1, SLOTS):
            if combine(depth + node.bit_length() - 1, heap[2 * node], heap[2 * node + 1]) != heap[node]:
                raise DamagedPage

    def way(self, key: bytes, depth: int, path: Steps) -> Leaf:
        """The leaf to which ``key`` leads from here, where there is one; the way is added to the path.

        Whether it leads to the root is for the proof to show. Raises ``DamagedPage``.
        """
        node, heap = 1, self.heap
        for bit in range(depth, depth + WIDTH):
            node = step(heap, node, bit, key, path)
        slot = node - SLOTS
        start = sum(self.counts[:slot])
        records = _cut(self._records, 0, len(self._records))[start : start + self.counts[slot]]
        digests = list(map(_leaf, records))
        if not records:
            raise DamagedPage
        while len(records) > 1:
            bit = first_difference(records[0][:HASH_SIZE], records[-1][:HASH_SIZE])
            at = bisect_left(records, 1, key=lambda one: bit_of(one, bit))
            near, far = (slice(at, None), slice(at)) if bit_of(key, bit) else (slice(at), slice(at, None))
            path.append((bit, _root_of(records[far], digests[far])))
            records, digests = records[near], digests[near]
        return Leaf(records[0][:HASH_SIZE], *_standing(records[0]))

    def split(self, depth: int) -> tuple[Leaves, Leaves]:
        """The pages below this one by the next bit of their keys. The page is what ``check`` lets pass."""
        counts, digests = self._finer(depth)
        end = sum(counts[:SLOTS]) * _RECORD
        return (
            Leaves(counts[:SLOTS], self._nodes_below(0) + digests[:SLOTS], self._records[:end]),
            Leaves(counts[SLOTS:], self._nodes_below(1) + digests[SLOTS:], self._records[end:]),
        )

    def _finer(self, depth: int) -> tuple[list[int], list[bytes]]:
        """By one bit more: leaves and digests of slots."""
        heap, shift = self.heap, 64 - depth - 1 - WIDTH
        counts, digests = [0] * 2 * SLOTS, [NONE] * 2 * SLOTS
        records = _cut(self._records, 0, len(self._records))
        bits = [top >> shift & 1 for top in _heads(self._records, _RECORD_HEAD)]
        start = 0
        for slot, count in enumerate(self.counts):
            if count:
                end, finer = start + count, 2 * slot
                cut = bisect_left(bits, 1, start, end)
                if cut in (start, end):
                    # All on one side: no node stands here.
                    finer += cut == start
                    counts[finer], digests[finer] = count, heap[SLOTS + slot]
                else:
                    for number, first, last in ((finer, start, cut), (finer + 1, cut, end)):
                        below = records[first:last]
                        counts[number], digests[number] = last - first, _root_of(below, list(map(_leaf, below)))
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
        """As it stands on disk, before its seal."""
        return b"".join((_COUNTS.pack(_SEALED, *self.counts), *self.heap, self._records))


Page: TypeAlias = Leaves | Branches


def _hashed(heap: list[bytes], nodes: list[int], bit: int) -> list[int]:
    """Hash what is above changed nodes; those above."""
    begin, none, above = _BEGIN_NODE[bit], NONE, list(dict.fromkeys([node >> 1 for node in nodes]))
    for node in above:
        left, right = heap[node + node], heap[node + node + 1]
        # ``combine``, spelled out: here most of the time is spent.
        if left == none:
            left = right
        elif right != none:
            hashed = begin()
            hashed.update(left + right)
            left = hashed.digest()
        heap[node] = left
    return above


def _grow(records: list[bytes], root: bytes, keys: Sequence[bytes], changes: Changes) -> bytes:
    """Make the changes under ``keys`` in what a slot holds; its root, which was ``root``, then."""
    held = len(records)
    # The root of one leaf is its digest.
    digests = [sha256(LEAF + record).digest() for record in records] if held > 1 else [root][:held]
    for key in keys:
        at, added = bisect_left(records, key) if records else 0, changes[key]
        if at < len(records) and records[at].startswith(key):
            count, chain = _standing(records[at])
        else:
            count, chain = 0, FIRST_LINK
            records.insert(at, key)
            digests.insert(at, key)
        for one in added:
            hashed = _begin_link()
            hashed.update(chain + one)
            chain = hashed.digest()
        records[at] = record = key + (count + len(added)).to_bytes(_COUNT, "big") + chain
        hashed = _begin_leaf()
        hashed.update(record)
        digests[at] = hashed.digest()
    return digests[0] if len(digests) == 1 else _root_of(records, digests)


def _leaf(record: bytes) -> bytes:
    hashed = _begin_leaf()
    hashed.update(record)
    return hashed.digest()


def _node(bit: int, left: bytes, right: bytes) -> bytes:
    hashed = _BEGIN_NODE[bit]()
    hashed.update(left + right)
    return hashed.digest()


def _cut(data: bytes, start: int, end: int) -> list[bytes]:
    """The records that stand there."""
    count = (end - start) // _RECORD
    if count < len(_CUTS):
        return list(_CUTS[count].unpack_from(data, start))
    return [data[at : at + _RECORD] for at in range(start, end, _RECORD)]


def _heads(data: bytes, layout: Struct) -> list[int]:
    """The first 64 bits of each key, or record."""
    return [head for (head,) in layout.iter_unpack(data)]


def _standing(record: bytes) -> tuple[int, bytes]:
    """Count and chain."""
    return int.from_bytes(record[HASH_SIZE : HASH_SIZE + _COUNT], "big"), record[HASH_SIZE + _COUNT :]


def _root_of(records: Sequence[bytes], digests: Sequence[bytes]) -> bytes:
    """As ``root_of``; nearly always there are one, two or three, and the first 64 bits tell them apart."""
    count = len(digests)
    if count < 2:
        return digests[0] if count else NONE
    first, second = _number(records[0][:8], "big"), _number(records[1][:8], "big")
    if count == 2 and first != second:
        hashed = _BEGIN_NODE[64 - (first ^ second).bit_length()]()
        hashed.update(digests[0] + digests[1])
        return hashed.digest()
    if count == 3 and first != second:
        left, middle, right = digests
        third = _number(records[2][:8], "big")
        upper, lower = 64 - (first ^ second).bit_length(), 64 - (second ^ third).bit_length()
        if upper < lower < 64:
            hashed = _BEGIN_NODE[lower]()
            hashed.update(middle + right)
            right = hashed.digest()
            hashed = _BEGIN_NODE[upper]()
            hashed.update(left + right)
            return hashed.digest()
        if lower < 64:
            hashed = _BEGIN_NODE[upper]()
            hashed.update(left + middle)
            left = hashed.digest()
            hashed = _BEGIN_NODE[lower]()
            hashed.update(left + right)
            return hashed.digest()
    tops = [_number(record[:8], "big") for record in records]
    bits = [64 - (low ^ high).bit_length() for low, high in pairwise(tops)]
    if 64 in bits:
        return root_of([record[:HASH_SIZE] for record in records], digests)
    # As ``root_of`` does it.
    waiting, digest = list[tuple[int, bytes]](), digests[0]
    for bit, following in zip(bits, digests[1:], strict=True):
        while waiting and waiting[-1][0] > bit:
            digest = _node(*waiting.pop(), digest)
        waiting.append((bit, digest))
        digest = following
    while waiting:
        digest = _node(*waiting.pop(), digest)
    return digest


def decode(data: bytes) -> Page:
    """Inverse of ``encode``, and of ``Seals.seal``. Raises ``ValueError`` for what no page looks like."""
    # Pages of leaves had no seal before there were any.
    seal = SEAL if data[:1] == _WITH_SEAL else 0
    if data[:1] in (_WITHOUT_SEAL, _WITH_SEAL) and len(data) >= _RECORDS + seal:
        _, *counts = _COUNTS.unpack_from(data)
        end = _RECORDS + _RECORD * sum(counts)
        if end + seal == len(data):
            return Leaves(counts, list(_HEAP.unpack_from(data, _COUNTS.size)), data[_RECORDS:end])
    if data[:1] == b"\x01" and len(data) == _PARTED.size + _HEAP.size:
        return Branches(list(_PARTED.unpack_from(data)[1:]), list(_HEAP.unpack_from(data, _PARTED.size)))
    raise ValueError(f"no page of a map begins with {data[:1]!r} and has {len(data)} bytes")
