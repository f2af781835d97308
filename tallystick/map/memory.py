"""A map in memory, from entries: for whoever has all of them at hand, and as the measure of every other."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

from tallystick import cose, layout
from tallystick.errors import MalformedInput
from tallystick.map.about import NAMED, OWN, About, about, read_json
from tallystick.map.proof import EMPTY_ROOT, FIRST_LINK, KEY_BITS, NODES, Leaf, MapProof, bit_of, key_of, link
from tallystick.merkle import leaf_hash

_MOST = 65_535


def about_entry(entry: bytes, read: Callable[[bytes], Any] = read_json) -> About:
    """What an entry is about. Bytes that are no statement are about nothing. ``read``: see ``about``."""
    parts = layout.read(entry)
    try:
        payload = parts.payload if parts else cose.parse_sign1(entry, _MOST).payload
        return about(payload or b"", read)
    # Whatever is wrong with bytes that somebody else's log holds, they name nothing.
    except (MalformedInput, ValueError, KeyError, TypeError, AttributeError):
        return About((), ())


class MemoryMap:
    """The map of the entries taken so far. Memory grows with the number of identifiers."""

    def __init__(self) -> None:
        self.size = 0
        self._leaves: dict[bytes, tuple[int, bytes]] = {}

    def take(self, entry: bytes) -> About:
        """The next entry of the log; what it is about."""
        found, index = about_entry(entry), self.size
        self.size += 1
        if found.own or found.named:
            leaf = leaf_hash(entry)
            for relation, texts in ((OWN, found.own), (NAMED, found.named)):
                for text in texts:
                    self.add(key_of(relation, text), index, leaf)
        return found

    def add(self, key: bytes, index: int, leaf: bytes) -> None:
        """One more entry in the history under ``key``."""
        count, chain = self._leaves.get(key, (0, FIRST_LINK))
        self._leaves[key] = count + 1, link(chain, index, leaf)

    def root(self) -> bytes:
        """Of all that was taken."""
        keys = sorted(self._leaves)
        return root_of(keys, [self._leaf(key).digest() for key in keys])

    def prove(self, key: bytes) -> MapProof:
        """The proof for a key, present or not."""
        keys = sorted(self._leaves)
        if not keys:
            return MapProof(None)
        path: list[tuple[int, bytes]] = []
        while len(keys) > 1:
            bit = first_difference(keys[0], keys[-1])
            at = bisect_left(keys, 1, key=lambda one: bit_of(one, bit))
            taken, other = (keys[at:], keys[:at]) if bit_of(key, bit) else (keys[:at], keys[at:])
            path.append((bit, root_of(other, [self._leaf(one).digest() for one in other])))
            keys = taken
        return MapProof(self._leaf(keys[0]), tuple(path))

    def _leaf(self, key: bytes) -> Leaf:
        return Leaf(key, *self._leaves[key])


def first_difference(low: bytes, high: bytes) -> int:
    """The first bit in which two keys differ."""
    return KEY_BITS - (int.from_bytes(low, "big") ^ int.from_bytes(high, "big")).bit_length()


def root_of(keys: Sequence[bytes], digests: Sequence[bytes]) -> bytes:
    """The root over subtrees in the order of their keys; of each subtree any of its keys serves (docs/map.md §3)."""
    if not keys:
        return EMPTY_ROOT
    # Neighbours are told apart by one bit; a node closes when a bit above its own comes.
    numbers = [int.from_bytes(key, "big") for key in keys]
    bits = [KEY_BITS - (one ^ other).bit_length() for one, other in pairwise(numbers)]
    waiting: list[tuple[int, bytes]] = []
    digest = digests[0]
    for bit, following in zip(bits, digests[1:], strict=True):
        while waiting and waiting[-1][0] > bit:
            above, left = waiting.pop()
            digest = sha256(NODES[above] + left + digest).digest()
        waiting.append((bit, digest))
        digest = following
    for above, left in reversed(waiting):
        digest = sha256(NODES[above] + left + digest).digest()
    return digest
