"""Trees for the contract tests: small ones with real leaves, and large ones that exist only as hashes."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick import merkle


class RealTree:
    """A tree over distinct leaves; ``seed`` tells one history from another."""

    def __init__(self, size: int, seed: bytes = b"") -> None:
        level = [merkle.leaf_hash(seed + index.to_bytes(8, "big")) for index in range(size)]
        self._levels = [level]
        while len(level) > 1:
            level = [merkle.node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            self._levels.append(level)

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self._levels[level][index] for level, index in coordinates]


class UniformTree:
    """Every leaf the same, so any size up to 2^63 costs 63 hashes."""

    def __init__(self, leaf: bytes = b"leaf") -> None:
        self._levels = [merkle.leaf_hash(leaf)]
        for _ in range(63):
            self._levels.append(merkle.node_hash(self._levels[-1], self._levels[-1]))

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self._levels[level] for level, _ in coordinates]


def wire(old_size: int, old_root: bytes, proof: Sequence[bytes]) -> list[bytes]:
    """A consistency proof as the contract takes it: a power of two is its own seed, so its root comes first."""
    return [old_root, *proof] if old_size.bit_count() == 1 else list(proof)


def step(tree: merkle.NodeReader, old_size: int, new_size: int) -> tuple[bytes, bytes, list[bytes]]:
    """Old root, new root and RFC 6962 consistency proof."""
    old_root = merkle.root_at(tree, old_size)
    return old_root, merkle.root_at(tree, new_size), merkle.prove_consistency(tree, old_size, new_size)
