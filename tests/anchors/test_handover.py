"""A log's new authority reaches the contract: once, whatever is cut short, and never past what the old one signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from anchors.embedded.chain import EmbeddedChain
from anchors.errors import AnchorRefused, ChainMismatch, NodeRefused
from anchors.outbox import Outbox
from anchors.outbox_rows import Handover, HandoverKeys
from anchors.ports import PublishedCheckpoint
from anchors.registry import Registry
from anchors.scheduler import Policy
from tallystick.checkpoint import Checkpoint
from tallystick.evm import anchor as verifier
from tallystick.evm.eip712 import rotation_digest
from tallystick.evm.proof import decode
from tallystick.evm.registry import ROTATED_TOPIC, commitment
from tallystick.evm.secp256k1 import sign_digest
from tests.anchors.other_chain import LOG_SIZE, ready
from tests.anchors.support import AUTHORITY, Bench, MemoryLog, Names, authority_address
from tests.anchors.test_crashes import DiskFull, Killed, fail_at
from tests.anvil import Anvil

NEW = ec.derive_private_key(0xB0B, ec.SECP256K1())
THIRD = ec.derive_private_key(0xCAB, ec.SECP256K1())


@dataclass
class RotatedLog(MemoryLog):
    """A log whose sizes beyond ``last`` are signed by NEW."""

    last: int = 1 << 62

    def published(self, size: int | None = None) -> PublishedCheckpoint:
        checkpoint = self.checkpoint(size)
        signature = self.sign(checkpoint, AUTHORITY if checkpoint.size <= self.last else NEW)
        return PublishedCheckpoint(checkpoint, checkpoint.body().encode(), signature)


def agree(
    outbox: Outbox, log: RotatedLog, old: ec.EllipticCurvePrivateKey = AUTHORITY,
    new: ec.EllipticCurvePrivateKey = NEW,
) -> Handover:  # fmt: skip
    """What `python -m api rotate authority` puts into the outbox: over what is published now, the old one's last."""
    (target,) = outbox.targets()
    last = log.published()
    log.last = last.checkpoint.size
    successor = authority_address(new)
    digest = rotation_digest(target.spec.log_id, last.checkpoint.size, last.checkpoint.root, successor)
    keys = HandoverKeys(authority_address(old), successor, sign_digest(old, digest), sign_digest(new, digest))
    return outbox.prepare_handover(target.id, last, keys, 1)


def begin(folder: Path, log: RotatedLog, **options: Any) -> Bench:
    """A worker that anchors whatever is published."""
    return Bench.start(folder, log, policy=Policy(entries=1, seconds=1), **options)


def settle(worker: Any, runs: int = 12) -> None:
    for _ in range(runs):
        if worker.run_once().progress == "idle":
            return
    raise AssertionError("the worker does not come to rest")


def registry_of(worker: Any, outbox: Outbox) -> Registry:
    (target,) = outbox.targets()
    found: Registry = worker._registry(target)
    return found


def holds(worker: Any, outbox: Outbox, checkpoint: Checkpoint, key: ec.EllipticCurvePrivateKey) -> bool:
    held = registry_of(worker, outbox).slot()
    return held == commitment(checkpoint.size, checkpoint.root, authority_address(key))


@pytest.fixture
def log() -> RotatedLog:
    found = RotatedLog()
    found.grow(5)
    return found


@pytest.fixture
def bench(tmp_path: Path, log: RotatedLog) -> Iterator[Bench]:
    found = begin(tmp_path, log)
    yield found
    found.stop()


def test_the_slot_follows_and_the_new_authority_goes_on(bench: Bench, log: RotatedLog) -> None:
    settle(bench.worker)
    agree(bench.outbox, log)
    log.grow(4)
    settle(bench.worker)
    assert holds(bench.worker, bench.outbox, log.checkpoint(), NEW)
    first, second = bench.outbox.anchors()
    (target,) = bench.outbox.targets()
    facts = [verifier.verify(decode(one.proof or b""), target.announcement) for one in (first, second)]
    assert [(one.size, one.authority) for one in facts] == [(5, authority_address()), (9, authority_address(NEW))]
    assert {one.first_authority for one in facts} == {authority_address()}
    (handover,) = bench.outbox.handovers(target.id)
    assert handover.done_at is not None


def test_the_last_checkpoint_of_the_old_authority_is_anchored_first(bench: Bench, log: RotatedLog) -> None:
    """It was published and not yet anchored; the new authority's checkpoints stand beyond it."""
    settle(bench.worker)
    log.grow(3)
    agree(bench.outbox, log)
    log.grow(2)
    settle(bench.worker)
    assert [(one.size, one.reason, one.state) for one in bench.outbox.anchors()][1:2] == [(8, "rotation", "final")]
    assert holds(bench.worker, bench.outbox, log.checkpoint(), NEW)


def test_a_log_that_was_never_anchored_begins_under_its_first_authority(bench: Bench, log: RotatedLog) -> None:
    bench.worker.ensure_target()
    agree(bench.outbox, log)
    log.grow(2)
    settle(bench.worker)
    assert [one.size for one in bench.outbox.anchors()] == [5, 7]
    assert holds(bench.worker, bench.outbox, log.checkpoint(), NEW)


def test_two_handovers_are_done_one_after_the_other(bench: Bench, log: RotatedLog) -> None:
    """Both happened while nobody anchored, about the same last checkpoint."""
    settle(bench.worker)
    agree(bench.outbox, log)
    agree(bench.outbox, log, NEW, THIRD)
    settle(bench.worker)
    assert holds(bench.worker, bench.outbox, log.checkpoint(), THIRD)


def test_somebody_else_may_hand_it_over_first(bench: Bench, log: RotatedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(bench.worker)
    handover = agree(bench.outbox, log)
    registry = registry_of(bench.worker, bench.outbox)
    account = bench.worker._sender.account
    bench.worker._client.broadcast(account.sign(registry.contract, registry.rotate_data(handover), 200_000).raw)
    monkeypatch.setattr(Outbox, "add_attempt", lambda *_, **__: pytest.fail("sent a second one"))
    settle(bench.worker)
    assert holds(bench.worker, bench.outbox, log.checkpoint(), NEW)
    assert bench.outbox.handovers(handover.target_id)[0].done_at is not None


def test_repeating_the_command_changes_nothing(bench: Bench, log: RotatedLog) -> None:
    settle(bench.worker)
    assert agree(bench.outbox, log) == agree(bench.outbox, log)


# --- attacks --------------------------------------------------------------------------------


def test_a_checkpoint_of_the_old_authority_beyond_the_last_stops_the_worker(bench: Bench, log: RotatedLog) -> None:
    """Its thief anchored more than the log ever signed with it: a person has to look, and nothing is sent."""
    settle(bench.worker)
    agree(bench.outbox, log)
    old = log.checkpoint()
    log.grow(2)
    stolen = log.checkpoint()
    bench.worker.try_anchor(old, stolen, log.consistency(5, 7), log.sign(stolen))
    height = bench.chain.head().block_number
    for _ in range(2):
        with pytest.raises(ChainMismatch, match="is at another checkpoint than size 5"):
            bench.worker.run_once()
    assert bench.chain.head().block_number == height


def test_the_contract_refuses_a_handover_that_the_old_authority_did_not_sign(bench: Bench, log: RotatedLog) -> None:
    settle(bench.worker)
    (target,) = bench.outbox.targets()
    last, successor = log.published(), authority_address(NEW)
    digest = rotation_digest(target.spec.log_id, 5, last.checkpoint.root, successor)
    forged = HandoverKeys(authority_address(), successor, sign_digest(THIRD, digest), sign_digest(NEW, digest))
    bench.outbox.prepare_handover(target.id, last, forged, 1)
    height = bench.chain.head().block_number
    with pytest.raises(AnchorRefused, match="or another authority"):
        bench.worker.run_once()
    assert holds(bench.worker, bench.outbox, last.checkpoint, AUTHORITY)
    assert bench.chain.head().block_number == height, "a refusal costs nothing"


# --- crashes ----------------------------------------------------------------------------------

STEPS: list[tuple[type, str, int]] = [
    (Outbox, "prepare", 1),
    (Outbox, "mark_final", 1),
    (Outbox, "add_attempt", 2),
    (EmbeddedChain, "submit", 2),
    (Outbox, "attempt_sent", 2),
    (Outbox, "handover_done", 1),
    (Outbox, "prepare", 2),
]


@pytest.mark.parametrize("kind", [Killed, DiskFull])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("owner", "method", "nth"), STEPS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_one_handover_whatever_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: RotatedLog, owner: type, method: str, nth: int,
    moment: str, kind: type[BaseException],
) -> None:  # fmt: skip
    """The old one's last anchor, the handover, and the new one's first anchor: each step fails before or after."""
    bench = begin(tmp_path, log)
    settle(bench.worker)
    log.grow(3)
    last = log.checkpoint()
    agree(bench.outbox, log)
    log.grow(2)
    height = bench.chain.head().block_number
    with monkeypatch.context() as patch:
        patch.setattr(owner, method, fail_at(owner, method, nth, moment, kind))
        with pytest.raises((kind, NodeRefused)):
            settle(bench.worker)
    if kind is Killed:
        bench.stop()
        bench = begin(tmp_path, log)
    settle(bench.worker)
    assert [(one.size, one.state) for one in bench.outbox.anchors()] == [(5, "final"), (8, "final"), (10, "final")]
    assert holds(bench.worker, bench.outbox, log.checkpoint(), NEW)
    assert bench.chain.head().block_number == height + 3, "two anchors and one handover"
    (target,) = bench.outbox.targets()
    handover = bench.outbox.handovers(target.id)[0]
    assert registry_of(bench.worker, bench.outbox).rotated(handover) is not None
    assert (handover.size, handover.root) == (last.size, last.root)
    bench.stop()


# --- on a node whose blocks can be taken back -----------------------------------------------------


def test_a_handover_that_was_reorganised_away_is_done_again(tmp_path: Path) -> None:
    log = RotatedLog()
    log.grow(LOG_SIZE)
    with Anvil("--chain-id", "31337", "--no-mining") as node, ready(tmp_path / "one", node, log=log, finality=3) as one:
        one.until_final(node)
        agree(one.outbox, log)
        assert one.step() == one.step()
        node.mine()
        handover = one.outbox.handovers(one.target.id)[0]
        assert one.registry.rotated(handover) is not None
        one.step()
        assert one.outbox.handovers(one.target.id)[0].done_at is None, "no block stands on top of it yet"
        node.reorganise(1)
        assert one.registry.rotated(handover) is None
        log.grow(4)
        one.until_final(node, runs=20)
        assert one.outbox.handovers(one.target.id)[0].done_at is not None
        assert one.registry.slot() == commitment(log.checkpoint().size, log.checkpoint().root, authority_address(NEW))
        assert len(one.registry._client.logs(one.registry.contract, (ROTATED_TOPIC, one.registry.log.log_id))) == 1


def test_names_are_asked_first(tmp_path: Path, log: RotatedLog) -> None:
    """A handover waits for its target's name as an anchor does."""
    bench = begin(tmp_path, log, names=Names(at=None))
    bench.worker.ensure_target()
    agree(bench.outbox, log)
    assert bench.worker.run_once().progress == "waiting for its name"
    assert bench.outbox.anchors() == []
    bench.stop()
