"""Inclusion proofs in Ethereum's hexary Merkle-Patricia trie (yellow paper, appendix D).

A proof is the list of nodes from the root to the value. Each is named by its
hash in the one before; nodes shorter than 32 bytes stand inside their parent and
are not listed. A proof of absence is never accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm import rlp
from tallystick.evm.keccak import keccak256

# Keys are 32-byte hashes or the RLP of a small index; every node below the root consumes at least one nibble.
MAX_NODES = 65
_LISTED = 32
"""Bytes from which on a node is named by its hash, not put inside its parent."""


class TrieProofFailed(VerificationFailed):
    """The nodes do not lead from the root to a value at the key."""


def prove_value(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes:
    """The value at ``key`` in the trie with ``root`` (32 bytes), proved by ``nodes``, root node first.

    Raises ``TrieProofFailed`` when the nodes do not lead there or some are left
    over, ``MalformedInput`` when a node is not canonical RLP of a trie node.
    """
    if len(nodes) > MAX_NODES:
        raise TrieProofFailed(f"a trie proof has at most {MAX_NODES} nodes, found {len(nodes)}")
    path = [nibble for byte in key for nibble in (byte >> 4, byte & 15)]
    remaining = iter(nodes)
    reference: rlp.Item = root
    while True:
        node = _resolve(reference, remaining, reference is root)
        if len(node) == 2:
            prefix, is_leaf = _unpack(rlp.as_bytes(node[0], "a trie path"))
            if path[: len(prefix)] != prefix:
                raise TrieProofFailed(f"the trie holds nothing at key {key.hex()}: another key stands there")
            path = path[len(prefix) :]
            if is_leaf:
                return _value(node[1], path, remaining, key)
            reference = node[1]
        elif not path:
            return _value(node[16], path, remaining, key)
        else:
            reference = node[path[0]]
            path = path[1:]


def _resolve(reference: rlp.Item, remaining: Iterator[bytes], is_root: bool) -> list[rlp.Item]:
    """The node that ``reference`` names: the next of the proof by its hash, or the one embedded in its parent."""
    if isinstance(reference, list):
        if len(rlp.encode(reference)) >= _LISTED:
            raise MalformedInput("a trie node of 32 bytes or more stands inside its parent")
        return _shape(reference)
    if len(reference) != 32:
        raise TrieProofFailed("the trie holds nothing at the key: its path ends in an empty branch")
    data = next(remaining, None)
    if data is None:
        raise TrieProofFailed(f"the trie proof ends before node {reference.hex()}")
    if keccak256(data) != reference:
        raise TrieProofFailed(f"a trie node hashes to {keccak256(data).hex()}, expected {reference.hex()}")
    if len(data) < _LISTED and not is_root:
        raise MalformedInput(f"a trie node of {len(data)} bytes is listed: it stands inside its parent")
    return _shape(rlp.as_list(rlp.decode(data), "a trie node"))


def _shape(node: list[rlp.Item]) -> list[rlp.Item]:
    if len(node) not in (2, 17):
        raise MalformedInput(f"a trie node has 2 or 17 items, found {len(node)}")
    return node


def _unpack(encoded: bytes) -> tuple[list[int], bool]:
    """Nibbles of a hex-prefix path, and whether it is a leaf's."""
    if not encoded or encoded[0] >> 4 > 3:
        raise MalformedInput("a trie path has no hex-prefix flag")
    flag = encoded[0] >> 4
    nibbles = [nibble for byte in encoded for nibble in (byte >> 4, byte & 15)]
    if flag & 1 == 0 and nibbles[1] != 0:
        raise MalformedInput("a trie path has a stray padding nibble")
    nibbles = nibbles[1:] if flag & 1 else nibbles[2:]
    if flag < 2 and not nibbles:
        raise MalformedInput("an extension node has an empty path")
    return nibbles, flag >= 2


def _value(item: rlp.Item, rest: list[int], remaining: Iterator[bytes], key: bytes) -> bytes:
    value = rlp.as_bytes(item, "a trie value")
    if rest or not value:
        raise TrieProofFailed(f"the trie holds nothing at key {key.hex()}")
    if next(remaining, None) is not None:
        raise TrieProofFailed("nodes are left over after the trie proof reached its value")
    return value
