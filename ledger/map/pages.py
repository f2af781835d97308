"""Pages of the map's tree: up to ``CAPACITY`` leaves that share the first bits of their keys, or 16 pages below.

A page of ``depth`` d stands for the leaves whose keys begin with its d bits; d is a multiple of 4. What a page is
does not show in the root, which is a function of the leaves alone (docs/map.md §3).
"""

from __future__ import annotations

from bisect import bisect_left
from hashlib import sha256
from typing import TypeAlias

from tallystick.map.memory import first_difference, root_of
from tallystick.map.proof import BITS, FIRST_LINK, HASH_SIZE, LEAF, NODE, Leaf, bit_of

STEP = 4
FAN = 1 << STEP
CAPACITY = 16
DEEPEST = 56
"""A page this deep takes any number of leaves: its number must fit where SQLite keeps integers."""

TOP = 1
"""Number of the page of depth 0. The page of the d bits p has the number 2^d + p."""

_COUNT = 8
_RECORD = HASH_SIZE + _COUNT + HASH_SIZE
_LEAVES, _CHILDREN = b"\x00", b"\x01"
_NONE = bytes(HASH_SIZE)

Steps: TypeAlias = list[tuple[int, bytes]]


class Leaves:
    """A page of leaves: count ‖ chain by key."""

    def __init__(self, held: dict[bytes, bytes]) -> None:
        self.held = held

    def add(self, key: bytes, index: bytes, leaf: bytes) -> None:
        """One more entry (u64 index, leaf hash) in the history under ``key``."""
        told = self.held.get(key)
        count, chain = (int.from_bytes(told[:_COUNT], "big"), told[_COUNT:]) if told else (0, FIRST_LINK)
        chain = sha256(b"tallystick/map/link\n" + chain + index + leaf).digest()
        self.held[key] = (count + 1).to_bytes(_COUNT, "big") + chain

    def root(self) -> bytes:
        """Of these leaves."""
        keys = sorted(self.held)
        return root_of(keys, [sha256(LEAF + key + self.held[key]).digest() for key in keys])

    def leaf(self, key: bytes) -> Leaf:
        """The leaf under ``key``."""
        told = self.held[key]
        return Leaf(key, int.from_bytes(told[:_COUNT], "big"), told[_COUNT:])

    def way(self, key: bytes) -> tuple[Leaf, Steps]:
        """The leaf to which ``key`` leads from here, and the way."""
        keys, path = sorted(self.held), Steps()
        while len(keys) > 1:
            bit = first_difference(keys[0], keys[-1])
            at = bisect_left(keys, 1, key=lambda one: bit_of(one, bit))
            keys, other = (keys[at:], keys[:at]) if bit_of(key, bit) else (keys[:at], keys[at:])
            path.append((bit, root_of(other, [self.leaf(one).digest() for one in other])))
        return self.leaf(keys[0]), path

    def split(self, depth: int) -> dict[int, Leaves]:
        """The pages below this one, by the next bits of their keys."""
        found: dict[int, Leaves] = {}
        for key, told in self.held.items():
            slot = key[depth >> 3] >> (STEP if depth % 8 == 0 else 0) & FAN - 1
            found.setdefault(slot, Leaves({})).held[key] = told
        return found

    def encode(self) -> bytes:
        """As it stands on disk."""
        return _LEAVES + b"".join([key + self.held[key] for key in sorted(self.held)])


class Children:
    """A page of pages: the root of each of the 16 below, or nothing. It never has leaves of less than two of them."""

    def __init__(self, roots: list[bytes]) -> None:
        self.roots = roots

    def root(self, depth: int) -> bytes:
        """Of all leaves below."""
        return _combine(self.roots, depth + STEP - 1)

    def way(self, key: bytes, depth: int) -> tuple[int, Steps]:
        """The slot to which ``key`` leads, and the way: where one side has no leaves, no node stands."""
        first, path = 0, Steps()
        for bit in range(depth, depth + STEP):
            half = FAN >> (bit - depth + 1)
            left, right = self.roots[first : first + half], self.roots[first + half : first + 2 * half]
            if any(left) and any(right):
                goes_right = bool(bit_of(key, bit))
                path.append((bit, _combine(left if goes_right else right, depth + STEP - 1)))
            else:
                goes_right = any(right)
            first += half if goes_right else 0
        return first, path

    def encode(self) -> bytes:
        """As it stands on disk."""
        return _CHILDREN + b"".join([root or _NONE for root in self.roots])


Page: TypeAlias = Leaves | Children


def _combine(roots: list[bytes], bit: int) -> bytes:
    """The root over neighbours that ``bit`` tells apart in pairs, the bit above it pairs of pairs, and so on."""
    while len(roots) > 1:
        label = NODE + BITS[bit]
        pairs = zip(roots[::2], roots[1::2], strict=True)
        roots = [sha256(label + left + right).digest() if left and right else left or right for left, right in pairs]
        bit -= 1
    return roots[0]


def decode(data: bytes) -> Page:
    """Inverse of ``encode``. Raises ``ValueError`` for what no page looks like."""
    kind, body = data[:1], data[1:]
    if kind == _CHILDREN and len(body) == FAN * HASH_SIZE:
        roots = [body[at : at + HASH_SIZE] for at in range(0, len(body), HASH_SIZE)]
        return Children([b"" if root == _NONE else root for root in roots])
    if kind == _LEAVES and len(body) % _RECORD == 0:
        cut = HASH_SIZE
        return Leaves({body[at : at + cut]: body[at + cut : at + _RECORD] for at in range(0, len(body), _RECORD)})
    raise ValueError(f"no page of a map begins with {kind!r} and has {len(data)} bytes")
