"""What happens when others act on the same chain: nonces spent, slots moved, checkpoints relayed, blocks taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anchors.account import GasAccount
from anchors.client import EvmClient
from anchors.embedded.chain import EmbeddedChain
from anchors.errors import TransactionPending
from anchors.finality import FinalityRule
from anchors.keystore import ChainKey
from anchors.outbox_rows import Anchor, NewAttempt
from anchors.registry import Registry, gas_limit
from anchors.scheduler import Policy
from anchors.sender import MAX_NONCES
from tallystick.checkpoint import Checkpoint
from tests.anchors.support import GAS_KEY, SOMEBODY, Bench, MemoryLog


class Unplugged(BaseException):
    """The process dies between storing a transaction and sending it."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Size 5 anchored; the anchor of size 20 is signed, stored and not sent."""
    log = MemoryLog()
    log.grow(5)
    started = Bench.start(tmp_path, log, policy=Policy(entries=1, seconds=60))
    started.worker.run_once()
    log.grow(15)

    def unplugged(*_: object) -> None:
        raise Unplugged

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmbeddedChain, "submit", unplugged)
        with pytest.raises(Unplugged):
            started.worker.run_once()
    yield started
    started.stop()


def the_anchor(bench: Bench) -> Anchor:
    found = bench.outbox.find(1, 20, bench.log.checkpoint(20).root)
    assert found is not None
    return found


def registry(bench: Bench) -> Registry:
    return bench.worker._registry(bench.outbox.targets()[0])


def account(bench: Bench, key: ChainKey) -> GasAccount:
    return GasAccount(bench.worker._client, key, bench.chain.chain_id)


def relay(bench: Bench, key: ChainKey, old: int, new: int) -> bytes:
    """Anchor the honest log from size to size, as ``key``; the transaction's hash."""
    proof = bench.log.consistency(old, new)
    checkpoint = bench.log.checkpoint(new)
    data = registry(bench).relay_data(bench.log.checkpoint(old), checkpoint, proof, bench.log.sign(checkpoint))
    signed = account(bench, key).sign(registry(bench).contract, data, gas_limit(proof) + 1)
    return bench.chain.submit(signed.raw)


def anchored(bench: Bench) -> list[int]:
    return [event.checkpoint.size for event in registry(bench).events()]


def test_the_bench_is_what_it_says(bench: Bench) -> None:
    (attempt,) = bench.outbox.attempts(1, the_anchor(bench).id)
    assert (the_anchor(bench).state, attempt.sent_at, anchored(bench)) == ("prepared", None, [5])


def test_the_stored_bytes_are_what_is_sent(bench: Bench) -> None:
    (attempt,) = bench.outbox.attempts(1, the_anchor(bench).id)
    assert bench.worker.run_once().progress == "final"
    assert the_anchor(bench).tx_hash == attempt.tx_hash
    assert bench.outbox.attempts(1, the_anchor(bench).id)[0].sent_at == bench.clock()
    assert anchored(bench) == [5, 20]


def test_a_nonce_spent_by_something_else_gets_a_new_transaction(bench: Bench) -> None:
    bench.chain.submit(account(bench, GAS_KEY).sign(SOMEBODY.address, b"", 21_000).raw)
    assert bench.worker.run_once().progress == "final"
    attempts = bench.outbox.attempts(1, the_anchor(bench).id)
    assert [attempt.nonce for attempt in attempts] == [2, 3]
    assert the_anchor(bench).tx_hash == attempts[1].tx_hash
    assert anchored(bench) == [5, 20]


@pytest.mark.parametrize("key", [GAS_KEY, SOMEBODY], ids=["our nonce spent", "by somebody else"])
def test_our_event_caused_by_another_transaction_is_adopted(bench: Bench, key: ChainKey) -> None:
    bench.clock.now += 100
    theirs = relay(bench, key, 5, 20)
    ours = bench.outbox.attempts(1, the_anchor(bench).id)[0].tx_hash
    outcome = bench.worker.run_once()
    assert outcome.progress == "final"
    assert the_anchor(bench).tx_hash == theirs != ours
    assert the_anchor(bench).block_time == bench.chain.head().timestamp
    assert anchored(bench) == [5, 20]


def test_a_slot_that_moved_under_the_stored_transaction_gets_a_fresh_proof(bench: Bench) -> None:
    relay(bench, SOMEBODY, 5, 12)
    assert bench.worker.run_once().progress == "in flight"  # ours was mined and failed
    assert the_anchor(bench).state == "sent"
    assert bench.worker.run_once().progress == "final"
    assert anchored(bench) == [5, 12, 20]
    statuses = [
        (bench.worker._client.receipt(attempt.tx_hash) or {}).get("status")
        for attempt in bench.outbox.attempts(1, the_anchor(bench).id)
    ]
    assert statuses == [0, 1]


def test_an_anchor_that_was_overtaken_is_dropped_and_the_next_one_succeeds(bench: Bench) -> None:
    bench.log.grow(5)
    relay(bench, SOMEBODY, 5, 25)
    assert bench.worker.run_once().progress == "in flight"
    outcome = bench.worker.run_once()
    assert outcome.progress == "dropped"
    assert "holds size 25 already" in (the_anchor(bench).error or "")
    assert bench.worker.run_once().progress == "final"  # size 25: adopted
    bench.log.grow(5)
    assert bench.worker.run_once().progress == "final"
    assert anchored(bench) == [5, 25, 30]


def test_it_gives_up_after_ten_transactions(bench: Bench) -> None:
    anchor = the_anchor(bench)
    bench.chain.submit(account(bench, GAS_KEY).sign(SOMEBODY.address, b"", 21_000).raw)
    for number in range(MAX_NONCES - 1):
        tx_hash = number.to_bytes(32, "big")
        bench.outbox.add_attempt(1, anchor.id, NewAttempt(number, 1, 0, 21_000, SOMEBODY.address, b"", tx_hash), 0)
    outcome = bench.worker.run_once()
    assert outcome.progress == "dropped"
    assert "gave up after 10" in (the_anchor(bench).error or "")


@pytest.mark.parametrize("other_block", [None, b"\x11" * 32], ids=["in no block", "in another block"])
def test_a_block_taken_back_returns_the_anchor_to_sent_and_the_same_bytes_go_out_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, other_block: bytes | None
) -> None:
    target = bench.outbox.targets()[0]
    anchorer = bench.worker._anchorer(target)
    patient = replace(anchorer, finality=FinalityRule("depth", 1))
    assert patient.advance(target, the_anchor(bench)).state == "mined"
    assert patient.advance(target, the_anchor(bench)).state == "mined"
    with monkeypatch.context() as patch:
        moved = None if other_block is None else {"blockHash": other_block, "blockNumber": 4, "status": 1, "gasUsed": 9}
        patch.setattr(EvmClient, "receipt", lambda *_: moved)
        returned = patient.advance(target, the_anchor(bench))
    assert (returned.state, returned.tx_hash, returned.block_hash, returned.mined_at) == ("sent", None, None, None)
    assert patient.advance(target, the_anchor(bench)).state == "mined"
    bench.chain.submit(account(bench, SOMEBODY).sign(SOMEBODY.address, b"", 21_000).raw)
    assert patient.advance(target, the_anchor(bench)).state == "final"
    assert len(bench.outbox.attempts(1, the_anchor(bench).id)) == 1


def test_a_trial_waits_until_the_anchor_on_its_way_is_done(bench: Bench) -> None:
    checkpoint = bench.log.checkpoint()
    with pytest.raises(TransactionPending, match="let it finish"):
        bench.worker.try_anchor(None, checkpoint, [], bench.log.sign(checkpoint))


def test_an_unfinished_proof_keeps_the_anchor_mined_and_tells_why(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = EvmClient.block

    def lying(self: EvmClient, block_hash: bytes) -> Any:
        block = honest(self, block_hash)
        return None if block is None else {**block, "gasUsed": block["gasUsed"] + 1}

    with monkeypatch.context() as patch:
        patch.setattr(EvmClient, "block", lying)
        with pytest.raises(Exception, match="encodes to hash"):
            bench.worker.run_once()
    assert the_anchor(bench).state == "mined"
    assert "encodes to hash" in (the_anchor(bench).error or "")
    assert bench.worker.run_once().progress == "final"
    assert the_anchor(bench).error is None


def test_the_slot_is_explained_by_events_when_the_outbox_knows_nothing(bench: Bench) -> None:
    relay(bench, SOMEBODY, 5, 9)
    assert registry(bench).newest() == bench.log.checkpoint(9)
    assert registry(bench).newest(hint=Checkpoint("x", 1, bytes(32))) == bench.log.checkpoint(9)
