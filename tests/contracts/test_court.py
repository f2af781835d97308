"""ForkCourt: what convicts, and everything that must not, above all no log that signs one growing list of leaves."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from eth_abi import encode

from tallystick import merkle
from tallystick.evm import conviction
from tallystick.evm.keccak import keccak256
from tests.contracts.chain import COURT, Evm, Outcome
from tests.contracts.keys import AuthorityKey, twin
from tests.contracts.trees import RealTree, step, wire

TREE = RealTree(40)
FORK = RealTree(40, seed=b"another history")
KEY, OTHER = AuthorityKey.of(0xA11CE), AuthorityKey.of(0xB0B)
ANYONE = b"\x99" * 20
ORIGIN, ELSEWHERE = b"\x01" * 32, b"\x02" * 32

Signed = tuple[int, bytes, bytes]


@pytest.fixture(scope="module")
def chain() -> Evm:
    return Evm(artefact=COURT)


@pytest.fixture
def court(chain: Evm) -> Evm:
    """The court with nobody convicted of those whom these tests accuse."""
    defendants = [conviction.defendant(key.address, origin) for key in (KEY, OTHER) for origin in (ORIGIN, ELSEWHERE)]
    for defendant in defendants:
        chain.set_slot(defendant, bytes(32))
    return chain


def signed(tree: RealTree, size: int, key: AuthorityKey = KEY, origin: bytes = ORIGIN) -> Signed:
    root = merkle.root_at(tree, size)
    return size, root, key.checkpoint(origin, size, root)


def leaf(tree: RealTree, index: int, size: int) -> tuple[bytes, list[bytes]]:
    return tree.nodes([(0, index)])[0], merkle.prove_inclusion(tree, index, size)


def history(tree: RealTree, old: int, new: int) -> list[bytes]:
    old_root, _, proof = step(tree, old, new)
    return wire(old, old_root, proof)


def held(court: Evm, key: AuthorityKey = KEY, origin: bytes = ORIGIN) -> bytes:
    return court.slot(conviction.defendant(key.address, origin))


def check_convicts(court: Evm, outcome: Outcome, first: Signed, second: Signed) -> None:
    assert outcome.succeeded, outcome.reason
    assert held(court) == conviction.commitment(first[:2], second[:2])
    ((address, topics, data),) = outcome.logs
    assert address == court.contract
    assert topics == tuple(int.from_bytes(topic, "big") for topic in conviction.event_topics(KEY.address, ORIGIN))
    assert data == conviction.event_data(ORIGIN, first[:2], second[:2])


def check_acquits(court: Evm, outcome: Outcome, reason: str) -> None:
    assert (outcome.succeeded, outcome.reason) == (False, reason)
    assert outcome.logs == ()
    assert held(court) == bytes(32)


# --- what convicts --------------------------------------------------------------------


def test_one_size_with_two_roots_convicts(court: Evm) -> None:
    first, second = signed(TREE, 20), signed(FORK, 20)
    check_convicts(court, court.call(ANYONE, "convict_roots", ORIGIN, first, second), first, second)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (7, 8), (8, 12), (13, 40), (16, 17)])
def test_a_root_that_the_larger_tree_never_had_convicts(court: Evm, old: int, new: int) -> None:
    first, second = signed(TREE, old), signed(FORK, new)
    outcome = court.call(ANYONE, "convict_history", ORIGIN, first, second, history(FORK, old, new))
    check_convicts(court, outcome, first, second)


@pytest.mark.parametrize(("one", "two", "index"), [(20, 20, 3), (9, 33, 8), (33, 9, 0), (1, 2, 0), (40, 39, 38)])
def test_two_leaves_at_one_index_convict(court: Evm, one: int, two: int, index: int) -> None:
    first, second = signed(TREE, one), signed(FORK, two)
    evidence = (*_leaf_side(first, TREE, index), *_leaf_side(second, FORK, index))
    check_convicts(court, court.call(ANYONE, "convict_leaves", ORIGIN, index, *evidence), first, second)


def _leaf_side(checkpoint: Signed, tree: RealTree, index: int) -> tuple[Any, ...]:
    return (checkpoint, *leaf(tree, index, checkpoint[0]))


def test_a_wrong_size_is_a_lie_of_the_signer_and_convicts(court: Evm) -> None:
    """Sizes 59 and 60 have trees of one shape for leaf 40; whoever signs a root under both is no honest log."""
    size, root, _ = signed(TREE, 40)
    first, second = (size, root, KEY.checkpoint(ORIGIN, size, root)), signed(TREE, 39)
    lie = (39, root, KEY.checkpoint(ORIGIN, 39, root))
    check_convicts(court, court.call(ANYONE, "convict_roots", ORIGIN, lie, second), lie, second)
    assert first[1] == lie[1]


def test_a_second_conviction_changes_nothing(court: Evm) -> None:
    first, second = signed(TREE, 20), signed(FORK, 20)
    assert court.call(ANYONE, "convict_roots", ORIGIN, first, second).succeeded
    before = held(court)
    for again in ((first, second), (second, first), (signed(TREE, 21), signed(FORK, 21))):
        outcome = court.call(OTHER.address, "convict_roots", ORIGIN, *again)
        assert outcome.succeeded
        assert outcome.logs == ()
        assert held(court) == before


def test_a_convicted_log_is_still_accused_with_evidence_only(court: Evm) -> None:
    """A call that succeeds has judged evidence that holds, also when there was nothing left to do."""
    first, second = signed(TREE, 20), signed(FORK, 20)
    assert court.call(ANYONE, "convict_roots", ORIGIN, first, second).succeeded
    assert not court.call(ANYONE, "convict_roots", ORIGIN, first, signed(FORK, 21)).succeeded


# --- what does not --------------------------------------------------------------------


def test_the_same_checkpoint_twice_is_no_crime(court: Evm) -> None:
    one = signed(TREE, 20)
    check_acquits(court, court.call(ANYONE, "convict_roots", ORIGIN, one, one), "the roots are the same")
    malleable = (*one[:2], twin(one[2]))
    check_acquits(court, court.call(ANYONE, "convict_roots", ORIGIN, one, malleable), "the roots are the same")
    outcome = court.call(ANYONE, "convict_history", ORIGIN, one, one, [one[1]])
    check_acquits(court, outcome, "size must grow")
    side = _leaf_side(one, TREE, 3)
    check_acquits(court, court.call(ANYONE, "convict_leaves", ORIGIN, 3, *side, *side), "the leaves are the same")


def test_two_sizes_are_no_two_roots_of_one(court: Evm) -> None:
    outcome = court.call(ANYONE, "convict_roots", ORIGIN, signed(TREE, 20), signed(TREE, 21))
    check_acquits(court, outcome, "the sizes differ")


def test_growth_is_no_crime(court: Evm) -> None:
    outcome = court.call(ANYONE, "convict_history", ORIGIN, signed(TREE, 13), signed(TREE, 40), history(TREE, 13, 40))
    check_acquits(court, outcome, "the checkpoints are consistent")


def test_checkpoints_of_two_logs_of_one_authority_are_no_fork(court: Evm) -> None:
    """Each signature names its origin, so that no one origin fits both."""
    here, there = signed(TREE, 20), signed(FORK, 20, origin=ELSEWHERE)
    for origin in (ORIGIN, ELSEWHERE):
        outcome = court.call(ANYONE, "convict_roots", origin, here, there)
        assert (outcome.succeeded, outcome.reason) == (False, "two authorities signed")
        assert held(court, origin=origin) == bytes(32)


def test_two_authorities_of_one_origin_convict_neither(court: Evm) -> None:
    here, there = signed(TREE, 20), signed(FORK, 20, key=OTHER)
    check_acquits(court, court.call(ANYONE, "convict_roots", ORIGIN, here, there), "two authorities signed")
    assert held(court, OTHER) == bytes(32)


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (twin, "signature s"),
        (lambda s: s[:64], "signature length"),
        (lambda s: s[:64] + bytes([s[64] - 27]), "signature v"),
        (lambda s: s[:64] + bytes([55 - s[64]]), "two authorities signed"),
        (lambda s: bytes([s[0] ^ 1]) + s[1:], "two authorities signed"),
        (lambda s: bytes(32) + s[32:], "signature of nobody"),
        (lambda s: b"\xff" * 32 + s[32:], "signature of nobody"),
    ],
    ids=["malleable twin", "short", "v 0 or 1", "other v", "flipped r", "zero r", "r beyond the order"],
)
@pytest.mark.parametrize("which", [0, 1])
def test_a_forged_signature_convicts_nobody(court: Evm, forge: Any, reason: str, which: int) -> None:
    evidence = [signed(TREE, 20), signed(FORK, 20)]
    size, root, signature = evidence[which]
    evidence[which] = (size, root, forge(signature))
    outcome = court.call(ANYONE, "convict_roots", ORIGIN, *evidence)
    # A changed signature may have no signer at all; then that is what is said.
    assert outcome.reason in (reason, "signature of nobody")
    check_acquits(court, outcome, outcome.reason)


def test_two_rubbish_signatures_that_recover_nobody_convict_nobody(court: Evm) -> None:
    rubbish = b"\xff" * 32 + b"\x01".rjust(32, b"\x00") + b"\x1b"
    outcome = court.call(ANYONE, "convict_roots", ORIGIN, (20, b"\x01" * 32, rubbish), (20, b"\x02" * 32, rubbish))
    check_acquits(court, outcome, "signature of nobody")
    assert court.slot(conviction.defendant(bytes(20), ORIGIN)) == bytes(32)


def test_an_unsigned_size_or_root_convicts_nobody(court: Evm) -> None:
    """The accuser cannot change what was signed: the signature is then somebody's else, whom nobody knows."""
    _, root, signature = signed(TREE, 20)
    for claimed in ((20, merkle.root_at(FORK, 20), signature), (21, root, signature)):
        against = (claimed[0], b"\x05" * 32, KEY.checkpoint(ORIGIN, claimed[0], b"\x05" * 32))
        outcome = court.call(ANYONE, "convict_roots", ORIGIN, claimed, against)
        check_acquits(court, outcome, "two authorities signed")


def test_an_inner_node_is_no_leaf(court: Evm) -> None:
    """The length of a proof is fixed by index and size: a node one level up, with a proof one shorter, is refused."""
    one = signed(TREE, 20)
    inner = TREE.nodes([(1, 1)])[0]
    proof = merkle.prove_inclusion(TREE, 2, 20)[1:]
    side = _leaf_side(one, TREE, 2)
    outcome = court.call(ANYONE, "convict_leaves", ORIGIN, 2, *side, one, inner, proof)
    check_acquits(court, outcome, "proof length")
    # The same as leaf 1 of 10, which is where it would stand: but 10 was not signed with this root.
    claimed = (10, one[1], one[2])
    outcome = court.call(
        ANYONE, "convict_leaves", ORIGIN, 1, *_leaf_side(signed(TREE, 10), TREE, 1), claimed, inner, proof
    )
    check_acquits(court, outcome, "two authorities signed")


def test_a_leaf_of_another_index_is_not_shown_at_this_one(court: Evm) -> None:
    one, two = signed(TREE, 20), signed(TREE, 24)
    outcome = court.call(ANYONE, "convict_leaves", ORIGIN, 3, *_leaf_side(one, TREE, 3), *_leaf_side(two, TREE, 4))
    check_acquits(court, outcome, "root mismatch")
    outcome = court.call(ANYONE, "convict_leaves", ORIGIN, 22, *_leaf_side(one, TREE, 3), *_leaf_side(two, TREE, 4))
    check_acquits(court, outcome, "index outside the tree")


def test_an_empty_tree_and_one_too_large_are_not_judged_by_proofs(court: Evm) -> None:
    empty, one = (0, bytes(32), KEY.checkpoint(ORIGIN, 0, bytes(32))), signed(TREE, 20)
    check_acquits(court, court.call(ANYONE, "convict_history", ORIGIN, empty, one, [one[1]]), "empty tree")
    size = merkle.MAX_SIZE + 1
    large = (size, bytes(32), KEY.checkpoint(ORIGIN, size, bytes(32)))
    check_acquits(court, court.call(ANYONE, "convict_history", ORIGIN, one, large, [one[1]]), "size too large")


# --- no honest log is convicted -----------------------------------------------------------


def test_no_two_checkpoints_of_one_list_are_ever_convicted(court: Evm) -> None:
    """Every pair of sizes up to 9, with every proof that the trees have to offer, at every index."""
    sizes = range(1, 10)
    signatures = {size: signed(TREE, size) for size in sizes}
    proofs = [history(TREE, old, new) for old, new in itertools.combinations(sizes, 2)]
    leaves = {(index, size): leaf(TREE, index, size) for size in sizes for index in range(size)}
    judged = 0
    for one, two in itertools.product(sizes, repeat=2):
        first, second = signatures[one], signatures[two]
        assert not court.call(ANYONE, "convict_roots", ORIGIN, first, second).succeeded
        candidates = {tuple(proof): proof for proof in proofs if abs(len(proof) - two.bit_length()) < 3}
        for proof in candidates.values():
            outcome = court.call(ANYONE, "convict_history", ORIGIN, first, second, proof)
            assert not outcome.succeeded
            judged += outcome.reason == "the checkpoints are consistent"
    assert judged == len(list(itertools.combinations(sizes, 2)))
    for (i, one), (j, two) in itertools.product(leaves, repeat=2):
        if i == j or (one, two) != (5, 9):
            continue
        for index in (i, j):
            evidence = (signatures[one], *leaves[i, one], signatures[two], *leaves[j, two])
            assert not court.call(ANYONE, "convict_leaves", ORIGIN, index, *evidence).succeeded
    assert held(court) == bytes(32)


def test_the_core_makes_the_same_commitments_as_the_contract() -> None:
    """Spelled out once, so that neither side can change alone."""
    assert conviction.defendant(KEY.address, ORIGIN) == keccak256(
        encode(["address", "bytes32"], ["0x" + KEY.address.hex(), ORIGIN])
    )
    assert conviction.commitment((1, b"\x03" * 32), (2, b"\x04" * 32)) == keccak256(
        encode(["uint64", "bytes32", "uint64", "bytes32"], [1, b"\x03" * 32, 2, b"\x04" * 32])
    )
