"""The map against a second one made of dictionaries, and every way in which a proof must fail."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick import canonical
from tallystick.errors import MalformedInput
from tallystick.map import EMPTY_ROOT, Leaf, MapProof, MapProofFailed, MemoryMap, key_of, prove_answer
from tallystick.map.proof import FIRST_LINK, decode_proof, link, node, read_proof
from tests.core.map import naive

NAMES = [f"10.5555/{number}" for number in range(40)]
# Few names, so that histories grow; keys with long common beginnings come from ``close_keys``.
EVENTS = st.lists(st.tuples(st.sampled_from(["own", "named"]), st.sampled_from(NAMES)), max_size=60)


def leaf_of(index: int) -> bytes:
    return hashlib.sha256(b"%d" % index).digest()


def both(events: list[tuple[Any, str]]) -> tuple[MemoryMap, dict[bytes, list[tuple[int, bytes]]]]:
    found, model = MemoryMap(), dict[bytes, list[tuple[int, bytes]]]()
    for index, (relation, name) in enumerate(events):
        found.add(key_of(relation, name), index, leaf_of(index))
        model.setdefault(naive.key_of(relation, name), []).append((index, leaf_of(index)))
    return found, model


@given(EVENTS)
def test_the_root_is_that_of_the_words(events: list[tuple[Any, str]]) -> None:
    found, model = both(events)
    assert found.root() == naive.root(model)


@given(EVENTS, st.sampled_from(["own", "named"]), st.sampled_from(NAMES))
def test_every_answer_is_proved_and_no_other(events: list[tuple[Any, str]], relation: Any, name: str) -> None:
    found, model = both(events)
    key = key_of(relation, name)
    proof = found.prove(key)
    answer = prove_answer(found.root(), relation, name, proof)
    history = model.get(key)
    assert answer == (Leaf(key, len(history), naive.chain(history)) if history else None)
    if model:
        reached, path = naive.path(model, key)
        assert proof.leaf is not None
        assert (proof.leaf.key, list(proof.path)) == (reached, path)


@given(st.sets(st.integers(0, 2**12 - 1), min_size=2, max_size=12), st.integers(0, 244))
def test_keys_that_differ_late(numbers: set[int], shift: int) -> None:
    keys = [(number << shift).to_bytes(32, "big") for number in numbers]
    found = MemoryMap()
    for index, key in enumerate(keys):
        found.add(key, index, leaf_of(index))
    model = {key: [(index, leaf_of(index))] for index, key in enumerate(keys)}
    assert found.root() == naive.root(model)
    for key in keys:
        assert list(found.prove(key).path) == naive.path(model, key)[1]


@given(EVENTS.filter(bool), st.randoms(use_true_random=False))
def test_the_order_between_identifiers_does_not_matter_within_one_it_does(events: list[Any], random: Any) -> None:
    _, model = both(events)
    shuffled = list(model.items())
    random.shuffle(shuffled)
    again = MemoryMap()
    for key, history in shuffled:
        for index, leaf in history:
            again.add(key, index, leaf)
    assert again.root() == naive.root(model)
    key, history = max(model.items(), key=lambda one: len(one[1]))
    if len(history) > 1:
        assert naive.chain(history[::-1]) != naive.chain(history)


def test_the_empty_map() -> None:
    assert MemoryMap().root() == EMPTY_ROOT == hashlib.sha256(b"tallystick/map/empty\n").digest()
    assert prove_answer(EMPTY_ROOT, "own", NAMES[0], MapProof(None)) is None
    with pytest.raises(MapProofFailed):
        prove_answer(bytes(32), "own", NAMES[0], MapProof(None))
    with pytest.raises(MapProofFailed):
        prove_answer(EMPTY_ROOT, "own", NAMES[0], MapProof(None, ((1, bytes(32)),)))


FOUND, MODEL = both([("own", NAMES[0]), ("own", NAMES[1]), ("named", NAMES[0]), *(("own", one) for one in NAMES)])
ROOT, PROOF = FOUND.root(), FOUND.prove(key_of("own", NAMES[0]))
LEAF = PROOF.leaf
assert LEAF is not None


def test_every_bit_of_a_proof_counts() -> None:
    """Flipped in its bytes, a proof is malformed, or it is of another leaf, bit or digest and fails."""
    encoded = PROOF.encode()
    assert prove_answer(ROOT, "own", NAMES[0], decode_proof(encoded)) == LEAF
    for at in range(len(encoded) * 8):
        flipped = bytearray(encoded)
        flipped[at >> 3] ^= 1 << (at & 7)
        with pytest.raises((MalformedInput, MapProofFailed)):
            prove_answer(ROOT, "own", NAMES[0], decode_proof(bytes(flipped)))


@pytest.mark.parametrize(
    ("relation", "name"), [("named", NAMES[0]), ("own", NAMES[1]), ("own", "10.5555/never")], ids=str
)
def test_the_proof_of_another_is_refused(relation: Any, name: str) -> None:
    with pytest.raises(MapProofFailed):
        prove_answer(ROOT, relation, name, PROOF)


def test_absence_of_what_is_present_cannot_be_shown() -> None:
    """Whatever other leaf is shown on whatever way there is in this tree."""
    others = [FOUND.prove(key) for key in MODEL if key != LEAF.key]
    for other in others:
        with pytest.raises(MapProofFailed):
            prove_answer(ROOT, "own", NAMES[0], other)
        assert other.leaf is not None
        with pytest.raises(MapProofFailed):
            prove_answer(ROOT, "own", NAMES[0], MapProof(other.leaf, PROOF.path))


def test_presence_of_what_is_absent_cannot_be_shown() -> None:
    proof = FOUND.prove(key_of("own", "10.5555/never"))
    assert prove_answer(ROOT, "own", "10.5555/never", proof) is None
    with pytest.raises(MapProofFailed):
        prove_answer(ROOT, "own", "10.5555/never", MapProof(Leaf(key_of("own", "10.5555/never"), 1, bytes(32)), ()))
    assert proof.leaf is not None
    claimed = Leaf(key_of("own", "10.5555/never"), proof.leaf.count, proof.leaf.chain)
    with pytest.raises(MapProofFailed):
        prove_answer(ROOT, "own", "10.5555/never", MapProof(claimed, proof.path))


def test_a_history_cut_short_extended_or_reordered_has_another_chain() -> None:
    history = [(3, leaf_of(3)), (5, leaf_of(5)), (9, leaf_of(9))]
    told = naive.chain(history)
    for other in (history[:2], history[1:], [*history, (10, leaf_of(10))], [history[1], history[0], history[2]]):
        assert naive.chain(other) != told
    moved = [history[0], (6, leaf_of(5)), history[2]]
    assert naive.chain(moved) != told
    assert link(link(link(FIRST_LINK, *history[0]), *history[1]), *history[2]) == told


def test_a_proof_against_an_older_root_does_not_hold_under_a_newer_one() -> None:
    newer, _ = both([("own", NAMES[0])])
    older = newer.root()
    proof = newer.prove(key_of("own", NAMES[0]))
    newer.add(key_of("own", NAMES[0]), 7, leaf_of(7))
    assert prove_answer(older, "own", NAMES[0], proof)
    with pytest.raises(MapProofFailed):
        prove_answer(newer.root(), "own", NAMES[0], proof)


def test_digests_of_one_kind_are_none_of_another() -> None:
    """A node is no leaf, a leaf no link: else part of a tree could be shown as something else."""
    left, right = leaf_of(1), leaf_of(2)
    assert len({node(0, left, right), node(1, left, right), node(0, right, left), link(left, 0, right)}) == 4
    assert Leaf(left, 1, right).digest() not in (node(0, left, right), link(left, 1, right))


@pytest.mark.parametrize("position", range(len(PROOF.path)))
def test_a_step_left_out_doubled_or_out_of_order_is_refused(position: int) -> None:
    path = list(PROOF.path)
    for wrong in (
        [*path[:position], *path[position + 1 :]],
        [*path[: position + 1], *path[position:]],
        [*path[:position], (path[position][0] ^ 1, path[position][1]), *path[position + 1 :]],
    ):
        with pytest.raises(MapProofFailed):
            prove_answer(ROOT, "own", NAMES[0], MapProof(LEAF, tuple(wrong)))


def _value(**changes: Any) -> dict[str, Any]:
    value = PROOF.value()
    assert value is not None
    return value | changes


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        "proof",
        _value(more=1),
        _value(count=0),
        _value(count=-1),
        _value(count=True),
        _value(count="1"),
        _value(count=1 << 53),
        _value(key="AA=="),
        _value(key="A" * 64),
        _value(chain=None),
        _value(path=None),
        _value(path=[[0]]),
        _value(path=[["0", "A" * 44]]),
        _value(path=[[True, _value()["chain"]]]),
        _value(path=[[-1, _value()["chain"]]]),
        _value(path=[[256, _value()["chain"]]]),
        _value(path=[[0, "AA=="]]),
        _value(path=[[0, 1]]),
        _value(path=[[1, _value()["chain"]], [1, _value()["chain"]]]),
        _value(path=[[2, _value()["chain"]], [1, _value()["chain"]]]),
        _value(path=[[0, _value()["chain"]]] * 257),
    ],
)
def test_what_is_no_proof(value: Any) -> None:
    with pytest.raises(MalformedInput):
        read_proof(value)


def test_a_proof_has_one_form() -> None:
    assert decode_proof(PROOF.encode()) == PROOF
    assert decode_proof(b"null") == MapProof(None)
    with pytest.raises(MalformedInput):
        decode_proof(canonical.encode(PROOF.value()) + b" ")
    with pytest.raises(MalformedInput):
        decode_proof(b" " * (1 << 17))


def test_a_proof_is_as_long_as_the_map_is_deep() -> None:
    """Some 2 log₂ n steps for the deepest of n random keys; the mean is log₂ n + 1 or so."""
    found = MemoryMap()
    keys = [leaf_of(number) for number in range(4096)]
    for index, key in enumerate(keys):
        found.add(key, index, key)
    lengths = [len(found.prove(key).path) for key in keys[::64]]
    assert max(lengths) <= 24
    assert sum(lengths) / len(lengths) <= 14
