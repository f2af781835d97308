"""Trie proofs against the ``trie`` package, which builds the tries and their proofs here."""

from __future__ import annotations

import random

import pytest
import rlp as oracle_rlp
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie

from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.evm import rlp
from tallystick.evm.keccak import keccak256
from tallystick.evm.trie import MAX_NODES, TrieProofFailed, prove_value


def build(items: dict[bytes, bytes]) -> HexaryTrie:
    trie = HexaryTrie({})
    for key, value in items.items():
        trie[key] = value
    return trie


def nodes(trie: HexaryTrie, key: bytes) -> list[bytes]:
    """The proof as eth_getProof lists it: nodes that stand inside their parent are left out."""
    encoded = [oracle_rlp.encode(node) for node in trie.get_proof(key)]
    return [node for i, node in enumerate(encoded) if i == 0 or len(node) >= 32]


def sample(count: int, seed: int, key_bytes: int = 32, value_bytes: int = 40) -> dict[bytes, bytes]:
    chance = random.Random(seed)
    return {chance.randbytes(key_bytes): chance.randbytes(value_bytes) for _ in range(count)}


@pytest.mark.parametrize("count", [1, 2, 3, 17, 200])
def test_every_key_of_a_state_like_trie(count: int) -> None:
    items = sample(count, seed=count)
    trie = build(items)
    for key, value in items.items():
        assert prove_value(trie.root_hash, key, nodes(trie, key)) == value


@pytest.mark.parametrize("count", [1, 2, 16, 17, 127, 128, 129, 300])
def test_every_key_of_a_block_like_trie(count: int) -> None:
    """Keys are rlp(index), of one to three bytes; the key of index 0 (0x80) and of 1 share no nibble."""
    items = {rlp.encode_int(index): bytes([index % 251]) * 110 for index in range(count)}
    trie = build(items)
    for key, value in items.items():
        assert prove_value(trie.root_hash, key, nodes(trie, key)) == value


@given(st.dictionaries(st.binary(min_size=1, max_size=3), st.binary(min_size=1, max_size=6), min_size=1, max_size=12))
def test_tries_with_values_in_branches_and_nodes_inside_their_parents(items: dict[bytes, bytes]) -> None:
    trie = build(items)
    for key, value in items.items():
        assert prove_value(trie.root_hash, key, nodes(trie, key)) == value


@given(
    st.dictionaries(st.binary(min_size=1, max_size=3), st.binary(min_size=1, max_size=6), min_size=1, max_size=12),
    st.binary(min_size=1, max_size=3),
)
def test_absence_is_never_taken_for_a_value(items: dict[bytes, bytes], key: bytes) -> None:
    items.pop(key, None)
    trie = build(items)
    with pytest.raises(TrieProofFailed):
        prove_value(trie.root_hash, key, nodes(trie, key))


def test_every_flipped_byte_and_every_missing_node_is_refused() -> None:
    items = sample(60, seed=5)
    trie = build(items)
    key = next(iter(items))
    good = nodes(trie, key)
    assert len(good) >= 3
    for i, node in enumerate(good):
        for at in range(len(node)):
            flipped = node[:at] + bytes([node[at] ^ 1]) + node[at + 1 :]
            with pytest.raises(VerificationFailed):
                prove_value(trie.root_hash, key, [*good[:i], flipped, *good[i + 1 :]])
        with pytest.raises(VerificationFailed):
            prove_value(trie.root_hash, key, good[:i] + good[i + 1 :])
        with pytest.raises(VerificationFailed):
            prove_value(trie.root_hash, key, [*good[: i + 1], *good[i:]])


def test_a_proof_does_not_serve_another_key_root_or_trie() -> None:
    items = sample(60, seed=6)
    trie = build(items)
    one, two = list(items)[:2]
    with pytest.raises(TrieProofFailed):
        prove_value(trie.root_hash, two, nodes(trie, one))
    with pytest.raises(TrieProofFailed):
        prove_value(keccak256(b"other"), one, nodes(trie, one))
    with pytest.raises(TrieProofFailed):
        prove_value(trie.root_hash, one[:31], nodes(trie, one))
    with pytest.raises(TrieProofFailed):
        prove_value(trie.root_hash, one + b"\x00", nodes(trie, one))


def test_left_over_and_too_many_nodes_are_refused() -> None:
    items = sample(3, seed=7)
    trie = build(items)
    key = next(iter(items))
    with pytest.raises(TrieProofFailed, match="left over"):
        prove_value(trie.root_hash, key, [*nodes(trie, key), b"\xc0"])
    with pytest.raises(TrieProofFailed, match="at most"):
        prove_value(trie.root_hash, key, [b"\xc0"] * (MAX_NODES + 1))
    with pytest.raises(TrieProofFailed, match="ends before"):
        prove_value(trie.root_hash, key, [])


def _leaf(path: bytes, value: bytes) -> list[rlp.Item]:
    return [path, value]


CRAFTED: dict[str, rlp.Item] = {
    "not a list": b"\x01" * 40,
    "three items": [b"\x20", b"v" * 40, b""],
    "a path without flag": _leaf(b"", b"v" * 40),
    "an unknown flag": _leaf(b"\x40", b"v" * 40),
    "a stray padding nibble": _leaf(b"\x21" + b"\xab", b"v" * 40),
    "an extension with an empty path": [b"\x00", b"h" * 32],
    "a list for a path": [[], b"v" * 40],
    "a list for a value": [b"\x20\xab", [b"v" * 40]],
    "a large node inside its parent": [b"\x1a", [b"\x3b", b"v" * 40]],
}


def test_a_small_node_stands_inside_its_parent_and_nowhere_else() -> None:
    """No chain's proof lists one, and the second verifier takes none (appendix D)."""
    small: rlp.Item = [b"\x32", b"v"]
    inside: rlp.Item = [b"", small, *[b""] * 15]
    listed: rlp.Item = [b"", keccak256(rlp.encode(small)), *[b""] * 15]
    root = rlp.encode(inside)
    assert prove_value(keccak256(root), b"\x12", [root]) == b"v"
    alone = rlp.encode([b"\x20\x12", b"v"])
    assert prove_value(keccak256(alone), b"\x12", [alone]) == b"v"
    root = rlp.encode(listed)
    with pytest.raises(MalformedInput, match="a trie node of 3 bytes is listed"):
        prove_value(keccak256(root), b"\x12", [root, rlp.encode(small)])


@pytest.mark.parametrize("name", CRAFTED)
def test_a_node_of_another_shape_is_malformed(name: str) -> None:
    """The root is the attacker's too, so that nothing but the shape can refuse it."""
    node = rlp.encode(CRAFTED[name])
    with pytest.raises(MalformedInput):
        prove_value(keccak256(node), b"\xab", [node])


@given(st.lists(st.binary(max_size=60), max_size=4), st.binary(max_size=4))
def test_rubbish_gives_a_clear_answer(proof: list[bytes], key: bytes) -> None:
    root = keccak256(proof[0]) if proof else bytes(32)
    with pytest.raises(TallystickError):
        prove_value(root, key, proof)
