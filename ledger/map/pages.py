"""Pages of the map's tree: up to ``CAPACITY`` leaves that share the first bits of their keys, or 4 pages below.

A page of ``depth`` d stands for the leaves whose keys begin with its d bits; d is a multiple of 2. What a page is
does not show in the root, which is a function of the leaves alone (docs/map.md §3).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import accumulate, pairwise
from struct import Struct
from typing import TypeAlias
from zlib import crc32

from tallystick.map.memory import first_difference, root_of
from tallystick.map.proof import FIRST_LINK, HASH_SIZE, KEY_BITS, LEAF, LINK, NODES, Leaf, bit_of

STEP = 2
FAN = 1 << STEP
CAPACITY = 128
DEEPEST = 56
"""A page this deep takes any number of leaves: its number must fit where SQLite keeps integers."""
NARROW = 4
"""Bits by which a page of leaves tells its slots apart."""
SLOTS = 1 << NARROW

TOP = 1
"""Number of the page of depth 0. The page of the d bits p has the number 2^d + p."""

_COUNT = 8
_SUM = 4
_RECORD = HASH_SIZE + _COUNT + HASH_SIZE
_LEAVES, _CHILDREN = b"\x00", b"\x01"
_NONE = bytes(HASH_SIZE)
_ENDS = Struct(f">{SLOTS}I")
_SLOT_ROOTS = 1 + _ENDS.size
_RECORDS = _SLOT_ROOTS + SLOTS * HASH_SIZE

Steps: TypeAlias = list[tuple[int, bytes]]
Changes: TypeAlias = Mapping[bytes, Sequence[bytes]]
"""By key, what comes to its history: u64 index ‖ leaf hash, in their order."""


class Leaves:
    """A page of leaves: key ‖ count ‖ chain of each by ascending key, in slots by the next bits of the key.

    The root of each slot is kept, so that a change has to hash one slot again, and what combines them.
    """

    def __init__(self, slots: list[bytes] | None = None, roots: list[bytes] | None = None) -> None:
        self.slots = slots or [b""] * SLOTS
        self.roots = roots or [b""] * SLOTS

    def __len__(self) -> int:
        return sum(map(len, self.slots)) // _RECORD

    def add(self, keys: Sequence[bytes], changes: Changes, depth: int) -> None:
        """Make the changes under ``keys``, which belong here."""
        opened: dict[int, list[bytes]] = {}
        for key in keys:
            slot = _bits(key, depth, NARROW)
            records = opened.get(slot)
            if records is None:
                records = opened[slot] = _cut(self.slots[slot])
            at = bisect_left(records, key)
            if at == len(records) or not records[at].startswith(key):
                records.insert(at, key + bytes(_COUNT) + FIRST_LINK)
            count, chain = _standing(records[at])
            for added in changes[key]:
                chain = sha256(LINK + chain + added).digest()
                count += 1
            records[at] = key + count.to_bytes(_COUNT, "big") + chain
        for slot, records in opened.items():
            self._fill(slot, records)

    def _fill(self, slot: int, records: list[bytes]) -> None:
        self.slots[slot] = b"".join(records)
        self.roots[slot] = _root_of(records)

    def root(self, depth: int) -> bytes:
        """Of these leaves; empty where there are none."""
        return _combine(self.roots, depth + NARROW - 1)

    def way(self, key: bytes, depth: int) -> tuple[Leaf, Steps]:
        """The leaf to which ``key`` leads from here, and the way."""
        slot, path = _way(self.roots, key, depth, NARROW)
        records = _cut(self.slots[slot])
        while len(records) > 1:
            bit = first_difference(records[0][:HASH_SIZE], records[-1][:HASH_SIZE])
            at = bisect_left(records, 1, key=lambda one: bit_of(one, bit))
            records, other = (records[at:], records[:at]) if bit_of(key, bit) else (records[:at], records[at:])
            path.append((bit, _root_of(other)))
        return Leaf(records[0][:HASH_SIZE], *_standing(records[0])), path

    def split(self, depth: int) -> list[Leaves]:
        """The pages below this one, by the next bits of their keys."""
        parts: list[list[bytes]] = [[] for _ in range(FAN * SLOTS)]
        for record in _cut(b"".join(self.slots)):
            parts[_bits(record, depth, STEP + NARROW)].append(record)
        below = [Leaves() for _ in range(FAN)]
        for part, records in enumerate(parts):
            if records:
                below[part >> NARROW]._fill(part & SLOTS - 1, records)
        return below

    def encode(self) -> bytes:
        """As it stands on disk."""
        ends = _ENDS.pack(*accumulate(map(len, self.slots)))
        return _summed(b"".join([_LEAVES, ends, *[root or _NONE for root in self.roots], *self.slots]))


class Children:
    """A page of pages: the root of each of those below, or nothing."""

    def __init__(self, roots: list[bytes]) -> None:
        self.roots = roots

    def root(self, depth: int) -> bytes:
        """Of all leaves below."""
        return _combine(self.roots, depth + STEP - 1)

    def way(self, key: bytes, depth: int) -> tuple[int, Steps]:
        """The slot to which ``key`` leads, and the way."""
        return _way(self.roots, key, depth, STEP)

    def encode(self) -> bytes:
        """As it stands on disk."""
        return _summed(_CHILDREN + b"".join([root or _NONE for root in self.roots]))


Page: TypeAlias = Leaves | Children


def parted(keys: list[bytes], number: int, depth: int) -> Iterator[tuple[int, list[bytes]]]:
    """Sorted keys that belong to page ``number``, by the slots to which they go."""
    first = 0
    for slot in range(FAN):
        if slot == FAN - 1:
            end = len(keys)
        else:
            beyond = (number << STEP | slot) + 1 - (1 << depth + STEP)
            end = bisect_left(keys, (beyond << KEY_BITS - depth - STEP).to_bytes(HASH_SIZE, "big"), first)
        if first < end:
            yield slot, keys[first:end]
        first = end


def _bits(key: bytes, depth: int, width: int) -> int:
    """``width`` bits of a key, at most 8, after its first ``depth``."""
    at = depth >> 3
    return (key[at] << 8 | key[at + 1]) >> 16 - (depth & 7) - width & (1 << width) - 1


def _cut(records: bytes) -> list[bytes]:
    return [records[at : at + _RECORD] for at in range(0, len(records), _RECORD)]


def _standing(record: bytes) -> tuple[int, bytes]:
    """Count and chain."""
    return int.from_bytes(record[HASH_SIZE : HASH_SIZE + _COUNT], "big"), record[HASH_SIZE + _COUNT :]


def _root_of(records: list[bytes]) -> bytes:
    digests = [sha256(LEAF + record).digest() for record in records]
    if len(digests) == 1:
        return digests[0]
    return root_of([record[:HASH_SIZE] for record in records], digests)


def _way(roots: list[bytes], key: bytes, depth: int, width: int) -> tuple[int, Steps]:
    """The slot to which ``key`` leads, and the way: where one side has no leaves, no node stands."""
    first, path = 0, Steps()
    for bit in range(depth, depth + width):
        half = len(roots) >> (bit - depth + 1)
        left, right = roots[first : first + half], roots[first + half : first + 2 * half]
        if any(left) and any(right):
            goes_right = bool(bit_of(key, bit))
            path.append((bit, _combine(left if goes_right else right, depth + width - 1)))
        else:
            goes_right = any(right)
        first += half if goes_right else 0
    return first, path


def _combine(roots: list[bytes], bit: int) -> bytes:
    """The root over neighbours that ``bit`` tells apart in pairs, the bit above it pairs of pairs, and so on."""
    while len(roots) > 1:
        label = NODES[bit]
        pairs = zip(roots[::2], roots[1::2], strict=True)
        roots = [sha256(label + left + right).digest() if left and right else left or right for left, right in pairs]
        bit -= 1
    return roots[0]


def _summed(data: bytes) -> bytes:
    """With a sum behind: leaves that rotted do not show in the roots that are kept, until they are hashed again."""
    return data + crc32(data).to_bytes(_SUM, "big")


def decode(data: bytes) -> Page:
    """Inverse of ``encode``. Raises ``ValueError`` for what no page looks like."""
    data, told = data[:-_SUM], data[-_SUM:]
    if crc32(data).to_bytes(_SUM, "big") != told:
        raise ValueError(f"the sum of a page of {len(data)} bytes is not {told.hex()}")
    kind = data[:1]
    if kind == _CHILDREN and len(data) == 1 + FAN * HASH_SIZE:
        return Children(_roots(data, 1, len(data)))
    if kind == _LEAVES and len(data) >= _RECORDS:
        ends = _ENDS.unpack_from(data, 1)
        bounds = (_RECORDS, *[_RECORDS + end for end in ends])
        if bounds[-1] == len(data) and ends[-1] % _RECORD == 0:
            return Leaves([data[start:end] for start, end in pairwise(bounds)], _roots(data, _SLOT_ROOTS, _RECORDS))
    raise ValueError(f"no page of a map begins with {kind!r} and has {len(data)} bytes")


def _roots(data: bytes, start: int, end: int) -> list[bytes]:
    roots = [data[at : at + HASH_SIZE] for at in range(start, end, HASH_SIZE)]
    return [b"" if root == _NONE else root for root in roots]
