"""The worker: deployed, announced, named, anchored; a fork is refused and the honest call succeeds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from anchors.errors import AnchorRefused, ChainMismatch
from anchors.registry import GAS_BASE
from anchors.scheduler import Policy
from tallystick.checkpoint import Checkpoint
from tallystick.evm import anchor as verifier
from tallystick.evm import proof as formats
from tallystick.evm.registry import commitment
from tests.anchors.support import (
    GAS_KEY,
    SEALER,
    START,
    Bench,
    MemoryLog,
    Names,
    authority_address,
    make_worker,
)


@pytest.fixture
def log() -> MemoryLog:
    made = MemoryLog()
    made.grow(5)
    return made


@pytest.fixture
def bench(tmp_path: Path, log: MemoryLog) -> Iterator[Bench]:
    started = Bench.start(tmp_path, log, policy=Policy(entries=10, seconds=60))
    yield started
    started.stop()


def slot(bench: Bench) -> bytes:
    return bench.worker._registry(bench.outbox.targets()[0]).slot()


def expected_slot(checkpoint: Checkpoint) -> bytes:
    return commitment(checkpoint.size, checkpoint.root, authority_address())


# --- target -----------------------------------------------------------------------------


def test_nothing_is_anchored_before_the_log_names_the_target(tmp_path: Path, log: MemoryLog) -> None:
    bench = Bench.start(tmp_path, log, names=Names(None))
    outcome = bench.worker.run_once()
    assert (outcome.progress, outcome.target.state) == ("waiting for its name", "announced")
    assert bench.worker.run_once().progress == "waiting for its name"
    assert bench.outbox.anchors() == []
    bench.names.at = 42
    outcome = bench.worker.run_once()
    assert (outcome.progress, outcome.target.state, outcome.target.log_position) == ("final", "named", 42)
    bench.stop()


def test_the_announcement_is_what_a_verifier_needs(bench: Bench) -> None:
    target = bench.worker.ensure_target()
    named = target.announcement
    assert (named.kind, named.hash, named.vouched_by) == ("evm", "keccak256", "operator")
    assert (named.chain_id, named.genesis) == (bench.chain.chain_id, bench.chain.genesis_hash.hex())
    assert named.sealer == SEALER.address.hex()
    assert named.log_id == bench.log.identity.log_id.hex()
    bench.worker.run_once()
    assert bench.names.asked == [named]


def test_the_contract_is_deployed_once_over_restarts(tmp_path: Path, log: MemoryLog) -> None:
    contracts = set()
    for _ in range(3):
        bench = Bench.start(tmp_path, log)
        contracts.add(bench.worker.ensure_target().contract)
        bench.stop()
    assert len(contracts) == 1


# --- anchors ----------------------------------------------------------------------------


def test_an_anchor_ends_final_with_a_proof_that_the_core_verifies(bench: Bench) -> None:
    bench.clock.now = START + 500
    outcome = bench.worker.run_once()
    anchor = outcome.anchor
    assert anchor is not None
    assert anchor.proof is not None
    assert (outcome.progress, anchor.state, anchor.size, anchor.reason) == ("final", "final", 5, "first")
    assert slot(bench) == expected_slot(bench.log.checkpoint())
    fact = verifier.verify(formats.decode(anchor.proof), outcome.target.announcement)
    assert (fact.size, fact.root, fact.vouched_by) == (5, bench.log.checkpoint().root, "operator")
    assert fact.block_time == anchor.block_time == START + 501  # the deployment took the clock's own second
    assert (anchor.prepared_at, anchor.sent_at, anchor.mined_at, anchor.final_at) == (START + 500,) * 4
    assert len(anchor.proof) < 9_000


def test_every_anchor_bears_who_vouches_for_it(bench: Bench) -> None:
    anchor = bench.worker.run_once().anchor
    assert anchor is not None
    line = anchor.trust(bench.outbox.targets()[0].spec)
    assert line.vouched_by.en == "operator only"
    assert "vouched for by: operator only" in line.text("en")
    assert anchor.root.hex() in line.proved.zh


def test_sizes_from_one_to_many_are_anchored_along_consistency_proofs(tmp_path: Path) -> None:
    log = MemoryLog()
    bench = Bench.start(tmp_path, log, policy=Policy(entries=1, seconds=60))
    assert bench.worker.run_once().progress == "idle"
    sizes = []
    for growth in (1, 1, 1, 1, 3, 1, 8, 1, 14, 2, 31):
        log.grow(growth)
        assert bench.worker.run_once().progress == "final"
        assert slot(bench) == expected_slot(log.checkpoint())
        sizes.append(len(log.leaves))
    target = bench.outbox.targets()[0]
    assert [anchor.size for anchor in bench.outbox.anchors(target.id, "final")] == sizes
    assert [event.checkpoint.size for event in bench.worker._registry(target).events()] == sizes
    bench.stop()


def test_it_waits_for_entries_or_age_and_says_until_when(bench: Bench) -> None:
    bench.worker.run_once()
    assert bench.worker.run_once().next_at is None
    bench.log.grow(9)
    outcome = bench.worker.run_once()
    assert (outcome.progress, outcome.next_at) == ("idle", START + 60)
    bench.log.grow(1)
    anchor = bench.worker.run_once().anchor
    assert anchor is not None
    assert (anchor.size, anchor.reason) == (15, "entries")
    bench.log.grow(1)
    bench.clock.now = START + 60
    anchor = bench.worker.run_once().anchor
    assert anchor is not None
    assert (anchor.size, anchor.reason) == (16, "age")


def test_a_licence_is_anchored_at_once_and_its_request_is_then_done(bench: Bench) -> None:
    bench.worker.run_once()
    target = bench.outbox.targets()[0]
    bench.outbox.request("licence", 7, bench.clock())
    assert bench.worker.run_once().progress == "idle"  # size 7 is not published yet
    bench.log.grow(3)
    anchor = bench.worker.run_once().anchor
    assert anchor is not None
    assert (anchor.size, anchor.reason) == (8, "licence")
    assert bench.outbox.pending(target.id) == []


def test_after_an_outage_one_anchor_catches_up(bench: Bench) -> None:
    bench.worker.run_once()
    for _ in range(20):
        bench.log.grow(13)
        bench.clock.now += 1000
    assert bench.worker.run_once().progress == "final"
    assert bench.worker.run_once().progress == "idle"
    assert [anchor.size for anchor in bench.outbox.anchors()] == [5, 265]


# --- forks ------------------------------------------------------------------------------


def test_a_fork_is_refused_on_the_chain_with_its_reason_and_the_honest_call_succeeds(bench: Bench) -> None:
    bench.worker.run_once()
    honest = bench.log.checkpoint()
    fork = MemoryLog()
    fork.grow(12, label="rewritten")
    forged = fork.checkpoint()
    held, height = slot(bench), bench.chain.head().block_number
    with pytest.raises(AnchorRefused) as caught:
        bench.worker.try_anchor(fork.checkpoint(5), forged, fork.consistency(5, 12), fork.sign(forged))
    assert caught.value.reason == "fork or stale: the slot holds another checkpoint or another authority"
    assert caught.value.tx_hash is not None
    receipt = bench.worker._client.receipt(caught.value.tx_hash)
    assert receipt is not None
    assert (receipt["status"], receipt["blockNumber"]) == (0, height + 1)
    assert slot(bench) == held == expected_slot(honest)
    bench.log.grow(10)
    assert bench.worker.run_once().progress == "final"
    assert slot(bench) == expected_slot(bench.log.checkpoint())


def test_a_fork_that_claims_the_honest_past_is_refused(bench: Bench) -> None:
    bench.worker.run_once()
    fork = MemoryLog()
    fork.grow(12, label="rewritten")
    forged = fork.checkpoint()
    with pytest.raises(AnchorRefused, match="fork or stale"):
        bench.worker.try_anchor(bench.log.checkpoint(), forged, fork.consistency(5, 12), fork.sign(forged))


def test_nobody_but_the_authority_anchors(bench: Bench) -> None:
    bench.worker.run_once()
    old = bench.log.checkpoint()
    bench.log.grow(3)
    new = bench.log.checkpoint()
    stranger = ec.derive_private_key(0xBAD, ec.SECP256K1())
    with pytest.raises(AnchorRefused, match="or another authority"):
        bench.worker.try_anchor(old, new, bench.log.consistency(5, 8), bench.log.sign(new, stranger))
    event = bench.worker.try_anchor(old, new, bench.log.consistency(5, 8), bench.log.sign(new))
    assert event.checkpoint == new


def test_a_log_that_forked_under_the_worker_is_dropped_with_the_reason_and_sends_nothing(bench: Bench) -> None:
    bench.worker.run_once()
    height = bench.chain.head().block_number
    bench.log.leaves.clear()
    bench.log.grow(20, label="rewritten")
    outcome = bench.worker.run_once()
    assert outcome.anchor is not None
    assert (outcome.progress, outcome.anchor.state) == ("dropped", "dropped")
    assert "fork or stale" in (outcome.anchor.error or "")
    assert bench.worker.run_once().progress == "dropped"
    assert bench.chain.head().block_number == height
    assert bench.outbox.attempts(outcome.target.id, outcome.anchor.id) == []


# --- other senders, restarts ------------------------------------------------------------


def test_an_anchor_that_another_sender_relayed_is_adopted(bench: Bench) -> None:
    bench.worker.run_once()
    old = bench.log.checkpoint()
    bench.log.grow(10)
    new = bench.log.checkpoint()
    event = bench.worker.try_anchor(old, new, bench.log.consistency(5, 15), bench.log.sign(new))
    outcome = bench.worker.run_once()
    assert outcome.anchor is not None
    assert (outcome.progress, outcome.anchor.tx_hash) == ("final", event.tx_hash)
    assert bench.outbox.attempts(outcome.target.id, outcome.anchor.id) == []
    assert len(bench.worker._registry(outcome.target).events()) == 2


def test_a_lost_outbox_finds_its_anchors_on_the_chain_again(bench: Bench, tmp_path: Path) -> None:
    bench.worker.run_once()
    bench.stop()
    for leftover in tmp_path.glob("anchors.db*"):
        leftover.unlink()
    again = Bench.start(tmp_path, bench.log)
    # A lost outbox has lost the contract too: a new one is deployed, and the log has to name it.
    assert again.worker.run_once().progress == "final"
    again.stop()


def test_a_restart_goes_on_with_the_same_chain_contract_and_anchors(bench: Bench, tmp_path: Path) -> None:
    bench.worker.run_once()
    head, target = bench.chain.head(), bench.outbox.targets()[0]
    bench.stop()
    bench.log.grow(20)
    again = Bench.start(tmp_path, bench.log, policy=Policy(entries=10, seconds=60))
    assert again.chain.head().hash == head.hash
    outcome = again.worker.run_once()
    assert (outcome.progress, outcome.target) == ("final", target)
    assert again.chain.head().parent_hash == head.hash
    assert [anchor.size for anchor in again.outbox.anchors(target.id, "final")] == [5, 25]
    again.stop()


def test_a_chain_made_anew_under_an_old_outbox_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.worker.run_once()
    bench.stop()
    for leftover in tmp_path.glob("chain.db*"):
        leftover.unlink()
    again = Bench.start(tmp_path, bench.log)
    with pytest.raises(ChainMismatch, match="is not on the chain that answers: it was reset"):
        again.worker.run_once()
    again.stop()


def test_a_chain_restored_from_an_older_copy_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.worker.ensure_target()
    bench.stop()
    copy = (tmp_path / "chain.db").read_bytes()
    again = Bench.start(tmp_path, bench.log)
    again.worker.run_once()
    again.stop()
    for leftover in tmp_path.glob("chain.db*"):
        leftover.unlink()
    (tmp_path / "chain.db").write_bytes(copy)
    restored = Bench.start(tmp_path, bench.log)
    with pytest.raises(ChainMismatch, match="restored from an older copy"):
        restored.worker.run_once()
    restored.stop()


def test_a_checkpoint_of_another_log_is_refused(bench: Bench) -> None:
    other = MemoryLog("other.example/log")
    other.grow(3)
    bench.worker._source = other
    with pytest.raises(ChainMismatch, match="this worker anchors"):
        bench.worker.run_once()


def test_run_stops_when_told_and_survives_an_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop, runs = threading.Event(), []
    honest = bench.worker.run_once

    def sometimes() -> object:
        runs.append(1)
        if len(runs) == 1:
            raise AnchorRefused("for a test")
        if len(runs) == 3:
            stop.set()
        return honest()

    monkeypatch.setattr(bench.worker, "run_once", sometimes)
    bench.worker.run(stop, pause=0)
    assert len(runs) == 3
    assert "for a test" in caplog.text
    assert [anchor.state for anchor in bench.outbox.anchors()] == ["final"]


class Waits(threading.Event):
    """Tells the runner to go on at once, notes how long it would have waited, and stops it after ``most`` times."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        if len(self.seconds) == self.most:
            self.set()
        return self.is_set()


def test_after_an_anchor_a_second_passes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """However fast the log grows: each block is a second later than the one before, whatever time it is."""
    honest = bench.worker.run_once

    def growing() -> object:
        if len(waits.seconds) != 2:
            bench.log.grow(2000)
        return honest()

    monkeypatch.setattr(bench.worker, "run_once", growing)
    waits = Waits(4)
    bench.worker.run(waits, pause=0.25)
    assert waits.seconds == [1.0, 1.0, 0.25, 1.0]
    waits = Waits(2)
    bench.worker.run(waits, pause=3)
    assert waits.seconds == [3, 3]


def test_gas_stays_far_below_the_bound(bench: Bench) -> None:
    bench.worker.run_once()
    bench.log.grow(1000)
    anchor = bench.worker.run_once().anchor
    assert anchor is not None
    receipt = bench.worker._client.receipt(anchor.tx_hash or b"")
    assert receipt is not None
    assert receipt["gasUsed"] < GAS_BASE
    assert bench.worker._sender.account.address == GAS_KEY.address


def test_two_workers_on_two_names_do_not_mix(bench: Bench) -> None:
    bench.worker.run_once()
    second = make_worker(bench.log, bench.chain, bench.outbox, bench.names, bench.clock, Policy(), name="second")
    assert second.run_once().progress == "final"
    contracts = {target.contract for target in bench.outbox.targets()}
    assert len(contracts) == 2
    assert [anchor.target_id for anchor in bench.outbox.anchors()] == [1, 2]
