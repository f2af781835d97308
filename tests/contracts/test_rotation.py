"""AnchorRegistry: handing a log over to a new authority, and each way in which it must not happen."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from eth_account import Account

from tallystick import merkle
from tallystick.evm import registry
from tests.contracts.chain import Evm, Outcome
from tests.contracts.keys import AuthorityKey, twin
from tests.contracts.trees import RealTree, step, wire

TREE = RealTree(100)
OLD, NEW, THIRD = AuthorityKey.of(0xA11CE), AuthorityKey.of(0xB0B), AuthorityKey.of(0xCAB)
ANYONE = b"\x99" * 20
STALE = "fork or stale: the slot holds another checkpoint or another authority"


class Log:
    """A log that OLD began, anchored at 40 leaves; anyone relays."""

    def __init__(self, evm: Evm, name: str) -> None:
        self.evm = evm
        self.origin = hashlib.sha256(name.encode()).digest()
        self.log_id = registry.log_id(OLD.address, self.origin)
        assert self.relay(0, 40).succeeded

    def relay(self, old_size: int, new_size: int, key: AuthorityKey = OLD) -> Outcome:
        old_root, new_root, proof = step(TREE, old_size, new_size)
        signature = key.checkpoint(self.origin, new_size, new_root)
        sent = wire(old_size, old_root, proof)
        return self.evm.call(ANYONE, "relay", OLD.address, self.origin, old_size, new_size, new_root, sent, signature)

    def rotate(self, by: AuthorityKey, to: AuthorityKey, size: int = 40, **changed: Any) -> Outcome:
        signed = (changed.get("log_id", self.log_id), size, changed.get("root", merkle.root_at(TREE, size)), to.address)
        consent = changed.get("consent", by.rotation(*signed))
        acceptance = changed.get("acceptance", to.rotation(*signed))
        successor = changed.get("successor", to.address)
        return self.evm.call(ANYONE, "rotate", self.log_id, signed[1], signed[2], successor, consent, acceptance)

    def holds(self, size: int, key: AuthorityKey) -> bool:
        return self.evm.slot(self.log_id) == registry.commitment(size, merkle.root_at(TREE, size), key.address)

    def check_refused(self, outcome: Outcome, reason: str) -> None:
        """The log still stands at 40 leaves under OLD, which can still hand it over."""
        assert (outcome.succeeded, outcome.reason) == (False, reason)
        assert self.holds(40, OLD)
        assert self.evm.call(ANYONE, "retired", self.log_id, OLD.address).output == bytes(32)


@pytest.fixture
def log(evm: Evm, request: pytest.FixtureRequest) -> Log:
    return Log(evm, request.node.name)


def test_the_successor_goes_on_where_the_authority_stopped(log: Log) -> None:
    assert log.rotate(OLD, NEW).succeeded
    assert log.holds(40, NEW)
    assert log.relay(40, 60, NEW).succeeded
    old_root, new_root, proof = step(TREE, 60, 70)
    outcome = log.evm.call(NEW.address, "anchor", log.log_id, 60, 70, new_root, wire(60, old_root, proof))
    assert outcome.succeeded
    assert log.holds(70, NEW)


def test_the_event_names_both_authorities(log: Log) -> None:
    outcome = log.rotate(OLD, NEW)
    topics = (registry.ROTATED_TOPIC, log.log_id)
    data = registry.event_data(40, merkle.root_at(TREE, 40), NEW.address) + OLD.address.rjust(32, b"\x00")
    assert outcome.logs == ((log.evm.contract, tuple(int.from_bytes(topic, "big") for topic in topics), data),)


def test_the_old_authority_moves_nothing_any_more(log: Log) -> None:
    log.rotate(OLD, NEW)
    for outcome in (log.relay(40, 60, OLD), log.rotate(OLD, THIRD)):
        assert (outcome.succeeded, outcome.reason) == (False, STALE)
    old_root, new_root, proof = step(TREE, 40, 60)
    outcome = log.evm.call(OLD.address, "anchor", log.log_id, 40, 60, new_root, wire(40, old_root, proof))
    assert (outcome.succeeded, outcome.reason) == (False, STALE)
    outcome = log.relay(0, 60, OLD)
    assert (outcome.succeeded, outcome.reason) == (False, "stale: the log is already anchored")
    assert log.holds(40, NEW)


def test_a_log_is_handed_on_and_on_under_its_first_name(log: Log) -> None:
    assert log.rotate(OLD, NEW).succeeded
    assert log.rotate(NEW, THIRD).succeeded
    assert log.holds(40, THIRD)
    assert log.relay(40, 41, THIRD).succeeded


# --- replays --------------------------------------------------------------------------


def test_a_rotation_is_not_replayed(log: Log) -> None:
    assert log.rotate(OLD, NEW).succeeded
    outcome = log.rotate(OLD, NEW)
    assert (outcome.succeeded, outcome.reason) == (False, STALE)
    assert log.holds(40, NEW)


def test_a_replaced_authority_never_comes_back(log: Log) -> None:
    """Otherwise the way there and back at one checkpoint would make the first message valid once more."""
    assert log.rotate(OLD, NEW).succeeded
    outcome = log.rotate(NEW, OLD)
    assert (outcome.succeeded, outcome.reason) == (False, "the successor was replaced before")
    assert log.rotate(NEW, THIRD).succeeded
    for gone in (OLD, NEW):
        assert log.rotate(THIRD, gone).reason == "the successor was replaced before"
    assert log.holds(40, THIRD)
    retired = [log.evm.call(ANYONE, "retired", log.log_id, key.address).output for key in (OLD, NEW, THIRD)]
    assert [int.from_bytes(answer, "big") for answer in retired] == [1, 1, 0]


def test_a_key_that_was_replaced_in_one_log_serves_in_another(evm: Evm) -> None:
    one, two = Log(evm, "retired here"), Log(evm, "in force there")
    assert one.rotate(OLD, NEW).succeeded
    assert two.relay(40, 60, OLD).succeeded


def test_a_rotation_for_an_earlier_checkpoint_is_stale(log: Log) -> None:
    assert log.relay(40, 60).succeeded
    outcome = log.rotate(OLD, NEW, size=40)
    assert (outcome.succeeded, outcome.reason) == (False, STALE)
    assert log.holds(60, OLD)
    assert log.rotate(OLD, NEW, size=60).succeeded


def test_a_rotation_of_another_log_of_the_same_authority_is_none_of_this(evm: Evm) -> None:
    one, two = Log(evm, "rotated one"), Log(evm, "rotated two")
    one.check_refused(one.rotate(OLD, NEW, log_id=two.log_id), STALE)


# --- who must sign --------------------------------------------------------------------


def test_nobody_else_hands_the_log_over(log: Log) -> None:
    log.check_refused(log.rotate(THIRD, NEW), STALE)
    log.check_refused(log.rotate(NEW, NEW), STALE)


def test_a_successor_that_did_not_accept_gets_nothing(log: Log) -> None:
    signed = (log.log_id, 40, merkle.root_at(TREE, 40), NEW.address)
    reason = "acceptance is not the successor's"
    log.check_refused(log.rotate(OLD, NEW, acceptance=OLD.rotation(*signed)), reason)
    log.check_refused(log.rotate(OLD, NEW, acceptance=THIRD.rotation(*signed)), reason)
    checkpoint = NEW.checkpoint(log.origin, 40, merkle.root_at(TREE, 40))
    log.check_refused(log.rotate(OLD, NEW, acceptance=checkpoint), reason)


def test_the_successor_is_the_one_whom_both_named(log: Log) -> None:
    log.check_refused(log.rotate(OLD, NEW, successor=THIRD.address), STALE)


def test_an_authority_does_not_succeed_itself(log: Log) -> None:
    log.check_refused(log.rotate(OLD, OLD), "the successor is the authority")


def test_a_checkpoint_signature_is_no_consent(log: Log) -> None:
    log.check_refused(log.rotate(OLD, NEW, consent=OLD.checkpoint(log.origin, 40, merkle.root_at(TREE, 40))), STALE)


def test_another_root_than_the_anchored_one_is_refused(log: Log) -> None:
    log.check_refused(log.rotate(OLD, NEW, root=merkle.root_at(TREE, 41)), STALE)
    log.check_refused(log.rotate(OLD, NEW, size=39), STALE)


def test_the_zero_address_succeeds_nobody(log: Log) -> None:
    """ecrecover answers zero for rubbish: that is nobody's acceptance."""
    signed = (log.log_id, 40, merkle.root_at(TREE, 40), bytes(20))
    rubbish = b"\xff" * 32 + b"\x01".rjust(32, b"\x00") + b"\x1b"
    outcome = log.rotate(OLD, NEW, successor=bytes(20), consent=OLD.rotation(*signed), acceptance=rubbish)
    log.check_refused(outcome, "signature of nobody")


def test_a_log_that_was_never_anchored_is_not_handed_over(evm: Evm) -> None:
    log_id = registry.log_id(OLD.address, b"\x07" * 32)
    signed = (log_id, 0, bytes(32), NEW.address)
    outcome = evm.call(ANYONE, "rotate", *signed, OLD.rotation(*signed), NEW.rotation(*signed))
    assert (outcome.succeeded, outcome.reason) == (False, STALE)
    assert evm.slot(log_id) == bytes(32)


@pytest.mark.parametrize("which", ["consent", "acceptance"])
def test_a_signature_in_any_other_form_is_refused(evm: Evm, which: str) -> None:
    log = Log(evm, f"forms of {which}")
    signed = (log.log_id, 40, merkle.root_at(TREE, 40), NEW.address)
    good = (OLD if which == "consent" else NEW).rotation(*signed)
    for wrong, reason in (
        (twin(good), "signature s"),
        (good[:64], "signature length"),
        (good[:64] + bytes([good[64] - 27]), "signature v"),
    ):
        log.check_refused(log.rotate(OLD, NEW, **{which: wrong}), reason)
    assert log.rotate(OLD, NEW, **{which: good}).succeeded


def test_a_wallet_signs_the_same_message(log: Log) -> None:
    """The digest of an implementation that is not ours."""
    secret = OLD.private.private_numbers().private_value.to_bytes(32, "big")
    signed = Account.sign_typed_data(
        secret,
        domain_data={"name": "tallystick", "version": "1"},
        message_types={
            "Rotation": [
                {"name": "log", "type": "bytes32"},
                {"name": "size", "type": "uint64"},
                {"name": "root", "type": "bytes32"},
                {"name": "successor", "type": "address"},
            ]
        },
        message_data={
            "log": log.log_id,
            "size": 40,
            "root": merkle.root_at(TREE, 40),
            "successor": "0x" + NEW.address.hex(),
        },
    )
    assert log.rotate(OLD, NEW, consent=bytes(signed.signature)).succeeded
