"""AnchorRegistry: what it accepts, and each attack that it refuses, with the reason that a client prints."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from eth_account import Account

from tallystick import merkle
from tallystick.evm import eip712, registry, secp256k1
from tests.contracts.chain import Evm, Outcome, calldata
from tests.contracts.trees import RealTree, step, wire

TREE = RealTree(100)
FORK = RealTree(100, seed=b"another history")
KEY = ec.derive_private_key(0xA11CE, ec.SECP256K1())
NUMBERS = KEY.public_key().public_numbers()
AUTHORITY = secp256k1.address_of(b"\x04" + NUMBERS.x.to_bytes(32, "big") + NUMBERS.y.to_bytes(32, "big"))
RELAYER = b"\x99" * 20
STALE = "fork or stale: the slot holds another checkpoint or another authority"
NOBODY = "signature of nobody"


class Log:
    """One log on the contract, moved by both entry points alike."""

    def __init__(self, evm: Evm, name: str, relayed: bool) -> None:
        self.evm, self.relayed = evm, relayed
        self.origin = hashlib.sha256(name.encode()).digest()
        self.log_id = registry.log_id(AUTHORITY, self.origin)

    def send(self, old_size: int, new_size: int, new_root: bytes, proof: list[bytes]) -> Outcome:
        if not self.relayed:
            if old_size == 0:
                return self.evm.call(AUTHORITY, "begin", self.origin, new_size, new_root)
            return self.evm.call(AUTHORITY, "anchor", self.log_id, old_size, new_size, new_root, proof)
        signature = secp256k1.sign_digest(KEY, eip712.checkpoint_digest(self.origin, new_size, new_root))
        return self.evm.call(RELAYER, "relay", AUTHORITY, self.origin, old_size, new_size, new_root, proof, signature)

    def extend(self, old_size: int, new_size: int, tree: RealTree = TREE) -> Outcome:
        old_root, new_root, proof = step(tree, old_size, new_size)
        return self.send(old_size, new_size, new_root, wire(old_size, old_root, proof))

    def holds(self, size: int, tree: RealTree = TREE) -> bool:
        return self.evm.slot(self.log_id) == registry.commitment(size, merkle.root_at(tree, size), AUTHORITY)

    def check_refused(self, outcome: Outcome, reason: str, still: int) -> None:
        assert (outcome.succeeded, outcome.reason) == (False, reason)
        assert self.holds(still) if still else self.evm.slot(self.log_id) == bytes(32)


@pytest.fixture(params=["anchor", "relay"])
def log(evm: Evm, request: pytest.FixtureRequest) -> Log:
    return Log(evm, request.node.name, relayed=request.param == "relay")


def test_the_first_anchor_takes_any_tree_and_the_next_ones_extend_it(log: Log) -> None:
    for old_size, new_size in ((0, 13), (13, 14), (14, 16), (16, 64), (64, 100)):
        assert log.extend(old_size, new_size).succeeded
        assert log.holds(new_size)
        assert log.evm.call(RELAYER, "slot", log.log_id).output == log.evm.slot(log.log_id)


def test_the_event_names_log_and_checkpoint(log: Log) -> None:
    log.extend(0, 7)
    outcome = log.extend(7, 50)
    topics = (registry.ANCHORED_TOPIC, log.log_id)
    data = registry.event_data(50, merkle.root_at(TREE, 50), AUTHORITY)
    assert outcome.logs == ((log.evm.contract, tuple(int.from_bytes(topic, "big") for topic in topics), data),)


def test_a_fork_is_refused_and_the_honest_anchor_still_succeeds(log: Log) -> None:
    log.extend(0, 40)
    log.check_refused(log.extend(40, 60, FORK), STALE, still=40)
    assert log.extend(40, 60).succeeded


def test_a_fork_spliced_onto_the_true_old_root_is_refused(log: Log) -> None:
    log.extend(0, 40)
    _, forked_root, _ = step(FORK, 40, 60)
    old_root, _, proof = step(TREE, 40, 60)
    log.check_refused(log.send(40, 60, forked_root, wire(40, old_root, proof)), "new root mismatch", still=40)


def test_an_anchor_from_an_older_checkpoint_is_stale(log: Log) -> None:
    log.extend(0, 40)
    log.extend(40, 50)
    log.check_refused(log.extend(40, 60), STALE, still=50)
    log.check_refused(log.extend(0, 60), "stale: the log is already anchored", still=50)


def test_the_same_size_again_is_refused_with_the_same_or_another_root(log: Log) -> None:
    log.extend(0, 40)
    root = merkle.root_at(TREE, 40)
    log.check_refused(log.send(40, 40, root, [root]), "size must grow", still=40)
    log.check_refused(log.send(40, 40, merkle.root_at(FORK, 40), []), "size must grow", still=40)


def test_a_smaller_size_and_an_empty_tree_are_refused(log: Log) -> None:
    log.check_refused(log.send(0, 0, merkle.EMPTY_ROOT, []), "size must grow", still=0)
    log.extend(0, 40)
    log.check_refused(log.send(40, 30, merkle.root_at(TREE, 30), []), "size must grow", still=40)


def test_a_log_that_was_never_anchored_starts_at_size_zero(log: Log) -> None:
    log.check_refused(log.extend(20, 40), STALE, still=0)


def test_the_first_anchor_carries_no_proof(evm: Evm) -> None:
    log = Log(evm, "first with a proof", relayed=True)
    log.check_refused(log.send(0, 40, merkle.root_at(TREE, 40), [bytes(32)]), "proof length", still=0)


def test_the_empty_tree_is_extended_by_nothing_but_a_first_anchor(evm: Evm) -> None:
    log = Log(evm, "anchor from nothing", relayed=False)
    for proof in ([], [merkle.EMPTY_ROOT]):
        outcome = evm.call(AUTHORITY, "anchor", log.log_id, 0, 40, merkle.root_at(TREE, 40), proof)
        log.check_refused(outcome, "empty tree", still=0)


@pytest.mark.parametrize("old_size", [32, 40, 41])
def test_a_proof_of_another_length_is_refused(log: Log, old_size: int) -> None:
    log.extend(0, old_size)
    old_root, new_root, proof = step(TREE, old_size, 60)
    sent = wire(old_size, old_root, proof)
    for wrong in ([], sent[:-1], sent[1:], [*sent, sent[-1]], [bytes(32), *sent], [bytes(32)] * 65):
        outcome = log.send(old_size, 60, new_root, wrong)
        log.check_refused(outcome, "proof length", still=old_size)


def test_a_proof_for_sizes_of_another_shape_is_refused(log: Log) -> None:
    """(Sizes of the same shape share their proofs, as RFC 6962 has it: a size is its signer's word, not the tree's.)"""
    log.extend(0, 40)
    old_root, new_root, proof = step(TREE, 40, 60)
    for new_size in (48, 65, 100, 2**40):
        log.check_refused(log.send(40, new_size, new_root, wire(40, old_root, proof)), "proof length", still=40)
    for old_size in (24, 56):
        log.check_refused(log.send(old_size, 60, new_root, wire(40, old_root, proof)), "new root mismatch", still=40)
    for old_size in (39, 41):
        log.check_refused(log.send(old_size, 60, new_root, wire(40, old_root, proof)), "proof length", still=40)


def test_sizes_beyond_the_highest_tree_are_refused(log: Log) -> None:
    log.check_refused(log.send(0, merkle.MAX_SIZE + 1, bytes(32), []), "size too large", still=0)
    log.check_refused(log.send(0, 2**64 - 1, bytes(32), []), "size too large", still=0)
    assert log.send(0, merkle.MAX_SIZE, bytes(32), []).succeeded


def test_nobody_else_moves_the_log(evm: Evm) -> None:
    log = Log(evm, "nobody else", relayed=False)
    log.extend(0, 40)
    old_root, new_root, proof = step(TREE, 40, 60)
    outcome = evm.call(RELAYER, "anchor", log.log_id, 40, 60, new_root, wire(40, old_root, proof))
    log.check_refused(outcome, STALE, still=40)
    outcome = evm.call(RELAYER, "begin", log.origin, 60, new_root)
    assert outcome.succeeded
    assert evm.slot(registry.log_id(RELAYER, log.origin)) == registry.commitment(60, new_root, RELAYER)
    assert log.holds(40)


def test_one_authority_keeps_its_logs_apart(evm: Evm) -> None:
    one, two = Log(evm, "origin one", relayed=True), Log(evm, "origin two", relayed=True)
    one.extend(0, 40)
    two.extend(0, 30, FORK)
    assert one.holds(40)
    assert two.holds(30, FORK)


def test_malformed_calldata_is_refused(evm: Evm) -> None:
    log = Log(evm, "calldata", relayed=False)
    log.extend(0, 40)
    old_root, new_root, proof = step(TREE, 40, 60)
    assert not evm.call(AUTHORITY, "anchor", log.log_id, 40, 60, new_root, [bytes(32)] * 66).succeeded
    good = calldata("anchor", log.log_id, 40, 60, new_root, wire(40, old_root, proof))
    # A size with a bit above the 64th, and calldata cut in the middle of a node.
    assert not evm.raw_call(AUTHORITY, good[:36] + b"\x01" + good[37:]).succeeded
    assert not evm.raw_call(AUTHORITY, good[:-16]).succeeded
    assert log.holds(40)
    assert evm.raw_call(AUTHORITY, good).succeeded


# --- relay: the signature ---------------------------------------------------------


def _flip_s(signature: bytes) -> bytes:
    """The malleable twin: the other s with the other v, valid for plain ecrecover."""
    s = secp256k1.N - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


BAD_SIGNATURES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "malleable twin": (_flip_s, "signature s"),
    "other v": (lambda s: s[:64] + bytes([55 - s[64]]), STALE),
    "v 0 or 1": (lambda s: s[:64] + bytes([s[64] - 27]), "signature v"),
    "v of EIP-155": (lambda s: s[:64] + bytes([s[64] + 10]), "signature v"),
    "too short": (lambda s: s[:64], "signature length"),
    "empty": (lambda s: b"", "signature length"),
    "zero r": (lambda s: bytes(32) + s[32:], NOBODY),
    "zero s": (lambda s: s[:32] + bytes(32) + s[64:], NOBODY),
    "r beyond the order": (lambda s: b"\xff" * 32 + s[32:], NOBODY),
    "s beyond the order": (lambda s: s[:32] + b"\xff" * 32 + s[64:], "signature s"),
    "flipped r": (lambda s: bytes([s[0] ^ 1]) + s[1:], STALE),
}


def _relay(evm: Evm, origin: bytes, signature: bytes, **changed: Any) -> Outcome:
    old_root, new_root, proof = step(TREE, 40, 60)
    values = {"authority": AUTHORITY, "origin": origin, "new_size": 60, "new_root": new_root} | changed
    sent = wire(40, old_root, proof)
    return evm.call(
        RELAYER,
        "relay",
        values["authority"],
        values["origin"],
        40,
        values["new_size"],
        values["new_root"],
        sent,
        signature,
    )


@pytest.mark.parametrize("attack", BAD_SIGNATURES)
def test_a_signature_in_any_other_form_is_refused(evm: Evm, attack: str) -> None:
    log = Log(evm, attack, relayed=True)
    log.extend(0, 40)
    good = secp256k1.sign_digest(KEY, eip712.checkpoint_digest(log.origin, 60, merkle.root_at(TREE, 60)))
    change, reason = BAD_SIGNATURES[attack]
    log.check_refused(_relay(evm, log.origin, change(good)), reason, still=40)
    assert _relay(evm, log.origin, good).succeeded


def test_a_signature_of_65_bytes_and_more_is_refused(evm: Evm) -> None:
    log = Log(evm, "long signature", relayed=True)
    log.extend(0, 40)
    good = secp256k1.sign_digest(KEY, eip712.checkpoint_digest(log.origin, 60, merkle.root_at(TREE, 60)))
    assert not _relay(evm, log.origin, good + b"\x00").succeeded
    assert log.holds(40)


def test_a_signature_over_another_message_is_refused(evm: Evm) -> None:
    log, other = Log(evm, "message", relayed=True), Log(evm, "other message", relayed=True)
    log.extend(0, 40)
    root = merkle.root_at(TREE, 60)
    messages = {
        "origin": eip712.checkpoint_digest(other.origin, 60, root),
        "size": eip712.checkpoint_digest(log.origin, 61, root),
        "root": eip712.checkpoint_digest(log.origin, 60, merkle.root_at(FORK, 60)),
    }
    for digest in messages.values():
        log.check_refused(_relay(evm, log.origin, secp256k1.sign_digest(KEY, digest)), STALE, still=40)


def test_only_the_first_authority_begins_its_log(evm: Evm) -> None:
    log = Log(evm, "begun by a relay", relayed=True)
    root, other = merkle.root_at(TREE, 40), ec.derive_private_key(0xB0B, ec.SECP256K1())
    signature = secp256k1.sign_digest(other, eip712.checkpoint_digest(log.origin, 40, root))
    outcome = evm.call(RELAYER, "relay", AUTHORITY, log.origin, 0, 40, root, [], signature)
    log.check_refused(outcome, "signature is not the authority's", still=0)


def test_the_zero_address_is_no_authority(evm: Evm) -> None:
    """ecrecover gives zero for rubbish; a log of the zero address would be anyone's."""
    origin = hashlib.sha256(b"zero").digest()
    rubbish = b"\xff" * 32 + b"\x01".rjust(32, b"\x00") + b"\x1b"
    outcome = evm.call(RELAYER, "relay", bytes(20), origin, 0, 60, merkle.root_at(TREE, 60), [], rubbish)
    assert (outcome.succeeded, outcome.reason) == (False, NOBODY)
    assert evm.slot(registry.log_id(bytes(20), origin)) == bytes(32)


def test_a_checkpoint_of_another_log_of_the_same_authority_is_no_anchor_of_this_one(evm: Evm) -> None:
    """Both logs stand at the same tree, so that nothing but the origin in the signature tells them apart."""
    one, two = Log(evm, "twin one", relayed=True), Log(evm, "twin two", relayed=True)
    one.extend(0, 40)
    two.extend(0, 40)
    signed_for_two = secp256k1.sign_digest(KEY, eip712.checkpoint_digest(two.origin, 60, merkle.root_at(TREE, 60)))
    one.check_refused(_relay(evm, one.origin, signed_for_two), STALE, still=40)
    assert _relay(evm, two.origin, signed_for_two).succeeded


def test_a_relayed_checkpoint_is_not_replayed(evm: Evm) -> None:
    log = Log(evm, "replay", relayed=True)
    log.extend(0, 40)
    good = secp256k1.sign_digest(KEY, eip712.checkpoint_digest(log.origin, 60, merkle.root_at(TREE, 60)))
    assert _relay(evm, log.origin, good).succeeded
    log.check_refused(_relay(evm, log.origin, good), STALE, still=60)


def test_a_wallet_signs_the_same_message(evm: Evm) -> None:
    """The digest of an implementation that is not ours."""
    log = Log(evm, "wallet", relayed=True)
    log.extend(0, 40)
    signed = Account.sign_typed_data(
        KEY.private_numbers().private_value.to_bytes(32, "big"),
        domain_data={"name": "tallystick", "version": "1"},
        message_types={
            "Checkpoint": [
                {"name": "origin", "type": "bytes32"},
                {"name": "size", "type": "uint64"},
                {"name": "root", "type": "bytes32"},
            ]
        },
        message_data={"origin": log.origin, "size": 60, "root": merkle.root_at(TREE, 60)},
    )
    assert _relay(evm, log.origin, signed.signature).succeeded


# --- inclusion ----------------------------------------------------------------------


def test_every_leaf_is_included_and_stands_nowhere_else(evm: Evm) -> None:
    for size in (1, 2, 3, 7, 8, 11):
        root = merkle.root_at(TREE, size)
        for index in range(size):
            leaf = TREE.nodes([(0, index)])[0]
            proof = merkle.prove_inclusion(TREE, index, size)
            for claimed in range(size + 1):
                outcome = evm.call(RELAYER, "verify_inclusion", leaf, claimed, size, root, proof)
                assert outcome.succeeded is (claimed == index), (size, index, claimed, outcome.reason)


def test_a_leaf_is_logged_where_the_slot_holds_its_tree(evm: Evm) -> None:
    log = Log(evm, "logged", relayed=True)
    leaf, proof = TREE.nodes([(0, 20)])[0], merkle.prove_inclusion(TREE, 20, 50)
    root = merkle.root_at(TREE, 50)

    def check(*arguments: Any) -> str:
        outcome = evm.call(RELAYER, "verify_logged", *arguments)
        assert outcome.succeeded is not bool(outcome.reason)
        return outcome.reason

    assert check(log.log_id, AUTHORITY, leaf, 20, 50, root, proof) == STALE
    log.extend(0, 50)
    assert check(log.log_id, AUTHORITY, leaf, 20, 50, root, proof) == ""
    assert check(log.log_id, AUTHORITY, leaf, 21, 50, root, proof) == "root mismatch"
    assert check(log.log_id, RELAYER, leaf, 20, 50, root, proof) == STALE
    other = merkle.root_at(FORK, 50)
    forked = FORK.nodes([(0, 20)])[0]
    assert check(log.log_id, AUTHORITY, forked, 20, 50, other, merkle.prove_inclusion(FORK, 20, 50)) == STALE
    log.extend(50, 51)
    assert check(log.log_id, AUTHORITY, leaf, 20, 50, root, proof) == STALE


def test_inclusion_failures_are_told_apart(evm: Evm) -> None:
    root, leaf = merkle.root_at(TREE, 50), TREE.nodes([(0, 20)])[0]
    proof = merkle.prove_inclusion(TREE, 20, 50)
    flipped = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]

    def reason(*arguments: Any) -> str:
        return evm.call(RELAYER, "verify_inclusion", *arguments).reason

    assert evm.call(RELAYER, "verify_inclusion", leaf, 20, 50, root, proof).succeeded
    assert reason(leaf, 20, 50, root, flipped) == "root mismatch"
    assert reason(root, 20, 50, root, proof) == "root mismatch"
    assert reason(leaf, 20, 50, root, proof[:-1]) == "proof length"
    # Whether the missing sibling stands on the right (leaf 20) or on the left (leaf 49).
    last = TREE.nodes([(0, 49)])[0]
    assert reason(last, 49, 50, root, merkle.prove_inclusion(TREE, 49, 50)[:-1]) == "proof length"
    assert reason(leaf, 20, 50, root, [*proof, proof[0]]) == "proof length"
    assert reason(leaf, 50, 50, root, proof) == "index outside the tree"
    assert reason(leaf, 0, 0, merkle.EMPTY_ROOT, []) == "index outside the tree"
    assert reason(leaf, 20, merkle.MAX_SIZE + 1, root, proof) == "size too large"
