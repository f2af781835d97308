"""What goes wrong on a chain that others run: stuck, dropped, stolen, taken back, reset.

Every trouble is made on a real node (anvil). How a node lies is in test_outside_lies.py, kills at each step are in
test_outside_kills.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from anchors.account import FeeLimits, GasAccount
from anchors.errors import ChainMismatch
from anchors.keystore import ChainKey
from anchors.registry import Registry, gas_limit
from anchors.sender import Sender
from anchors.signers.transaction import read_signed
from tests.anchors.other_chain import GWEI, LOST, STUCK, Outside, check, ready
from tests.anvil import KEYS, Anvil


@pytest.fixture
def node() -> Iterator[Anvil]:
    with Anvil() as running:
        yield running


@pytest.fixture
def outside(tmp_path: Path, node: Anvil) -> Iterator[Outside]:
    """Five entries anchored for good; three more are logged, and the node mines only when it is told to."""
    with ready(tmp_path / "outside", node) as started:
        node.set_automine(False)
        started.log.grow(3)
        yield started


def steal(outside: Outside, key: bytes, nonce_of: bytes | None = None) -> bytes:
    """A transaction of no use with the next nonce of ``key``, mined when the node mines; its hash."""
    signed = GasAccount(outside.client, ChainKey.from_secret(key), 31_337).sign(b"\x99" * 20, b"", 21_000)
    dear = read_signed(signed.raw)[0].dearer(400 * GWEI, 40 * GWEI)
    raw = ChainKey.from_secret(key).sign_transaction(dear)
    assert outside.client.broadcast(raw) == "taken"
    return signed.tx_hash


def relay(outside: Outside, key: bytes, old: int, new: int) -> None:
    """Somebody anchors the log from size to size, before us."""
    proof, checkpoint = outside.log.consistency(old, new), outside.log.checkpoint(new)
    data = outside.registry.relay_data(outside.log.checkpoint(old), checkpoint, proof, outside.log.sign(checkpoint))
    account = GasAccount(outside.client, ChainKey.from_secret(key), 31_337)
    signed = account.sign(outside.registry.contract, data, gas_limit(proof))
    raw = ChainKey.from_secret(key).sign_transaction(read_signed(signed.raw)[0].dearer(400 * GWEI, 40 * GWEI))
    assert outside.client.broadcast(raw) == "taken"


def attempts(outside: Outside) -> list[tuple[int, int, int]]:
    """(nonce, max fee, tip) of each transaction signed for the newest anchor."""
    found = outside.outbox.attempts(outside.target.id, outside.anchor.id)
    return [(one.nonce, one.max_fee, one.max_tip or 0) for one in found]


# --- waiting, dropped, stuck --------------------------------------------------------------


def test_a_waiting_transaction_is_sent_again_byte_for_byte_and_that_is_a_normal_answer(
    outside: Outside, node: Anvil
) -> None:
    for _ in range(4):
        outside.step()
        assert outside.anchor.error is None
    assert (outside.anchor.state, len(attempts(outside))) == ("sent", 1)
    node.mine()
    outside.until_final(node)
    check(outside, [5, 8])


def test_a_transaction_that_the_pool_dropped_goes_out_again(outside: Outside, node: Anvil) -> None:
    outside.step()
    (attempt,) = outside.outbox.attempts(outside.target.id, outside.anchor.id)
    node.drop(attempt.tx_hash)
    assert node.rpc("eth_getTransactionByHash", "0x" + attempt.tx_hash.hex()) is None
    outside.step()
    assert node.rpc("eth_getTransactionByHash", "0x" + attempt.tx_hash.hex()) is not None
    outside.until_final(node)
    assert outside.anchor.tx_hash == attempt.tx_hash
    check(outside, [5, 8])


def test_a_stuck_transaction_is_replaced_by_a_dearer_one_and_every_hash_is_watched(
    outside: Outside, node: Anvil
) -> None:
    outside.step()
    for _ in range(3):
        outside.clock.now += STUCK
        outside.step()
    signed = attempts(outside)
    assert len({nonce for nonce, _, _ in signed}) == 1
    assert len(signed) == 4
    for (_, fee, tip), (_, dearer_fee, dearer_tip) in pairwise(signed):
        assert dearer_fee * 8 >= fee * 9
        assert dearer_tip * 8 >= tip * 9
    outside.until_final(node)
    check(outside, [5, 8])


def test_the_first_transaction_is_found_although_three_dearer_ones_were_signed_since(
    outside: Outside, node: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside.step()
    (first,) = outside.outbox.attempts(outside.target.id, outside.anchor.id)
    with monkeypatch.context() as patch:
        # The dearer ones are signed, stored, and lost on their way.
        patch.setattr(type(outside.client), "broadcast", lambda *_: "wait")
        for _ in range(3):
            outside.clock.now += STUCK
            outside.step()
    assert len(attempts(outside)) == 4
    node.mine()
    outside.until_final()
    assert outside.anchor.tx_hash == first.tx_hash
    check(outside, [5, 8])


def test_a_block_that_costs_more_than_the_cap_is_waited_for_and_said(tmp_path: Path, node: Anvil) -> None:
    with ready(tmp_path / "outside", node, limits=FeeLimits(fee_cap=5 * GWEI, tip_cap=2 * GWEI)) as outside:
        node.set_automine(False)
        node.set_base_fee(100 * GWEI)
        node.mine()
        outside.log.grow(3)
        assert "the cap is 5000000000" in str(outside.step())
        assert "the cap is 5000000000" in (outside.target.trouble or "")
        assert outside.anchor.state == "prepared"
        assert attempts(outside) == []
        node.set_base_fee(GWEI)
        outside.until_final(node)
        assert outside.target.trouble is None
        check(outside, [5, 8])


def test_no_fee_is_raised_above_the_cap(tmp_path: Path, node: Anvil) -> None:
    with ready(tmp_path / "outside", node, limits=FeeLimits(fee_cap=4 * GWEI, tip_cap=2 * GWEI)) as outside:
        node.set_automine(False)
        outside.log.grow(3)
        outside.step()
        for _ in range(20):
            outside.clock.now += STUCK
            said = outside.step()
        assert "is stuck: to replace it takes" in str(said)
        assert "raise the caps" in (outside.target.trouble or "")
        assert all(fee <= 4 * GWEI and tip <= 2 * GWEI for _, fee, tip in attempts(outside))
        outside.until_final(node)
        check(outside, [5, 8])


def test_an_account_without_money_is_said_and_goes_on_when_it_has_some(outside: Outside, node: Anvil) -> None:
    account = ChainKey.from_secret(KEYS[0]).address
    node.set_balance(account, 0)
    assert "nsufficient funds" in str(outside.step())
    assert "nsufficient funds" in (outside.target.trouble or "")
    node.set_balance(account, 10**18)
    outside.until_final(node)
    check(outside, [5, 8])


# --- the nonce ------------------------------------------------------------------------------


def test_a_nonce_that_another_transaction_of_our_key_took_is_replaced_by_a_new_one(
    outside: Outside, node: Anvil
) -> None:
    outside.step()
    steal(outside, KEYS[0])
    node.mine()
    outside.step()
    # Not at once: nodes behind one address may know the nonce before they know who took it.
    assert len(attempts(outside)) == 1
    outside.clock.now += LOST
    outside.step()
    first, second = attempts(outside)
    assert second[0] == first[0] + 1
    outside.until_final(node)
    check(outside, [5, 8])


def test_our_event_caused_by_another_transaction_with_our_nonce_is_adopted(outside: Outside, node: Anvil) -> None:
    outside.step()
    relay(outside, KEYS[0], 5, 8)
    node.mine()
    outside.until_final()
    assert len(attempts(outside)) == 1
    assert outside.anchor.tx_hash != outside.outbox.attempts(outside.target.id, outside.anchor.id)[0].tx_hash
    assert outside.outbox.cost(outside.anchor.id) == 0
    check(outside, [5, 8])


def test_ours_that_is_mined_between_two_looks_is_paid_for(
    outside: Outside, node: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No receipt yet, and then an event: it is our own transaction's, and what it cost counts."""
    outside.step()
    honest = Sender.succeeded

    def mined_afterwards(sender: Sender, target_id: int, anchor_id: int | None) -> dict[str, Any] | None:
        monkeypatch.setattr(Sender, "succeeded", honest)
        seen = honest(sender, target_id, anchor_id)
        node.mine()
        return seen

    monkeypatch.setattr(Sender, "succeeded", mined_afterwards)
    outside.until_final()
    (attempt,) = outside.outbox.attempts(outside.target.id, outside.anchor.id)
    receipt = outside.client.receipt(attempt.tx_hash) or {}
    assert outside.anchor.tx_hash == attempt.tx_hash
    assert outside.outbox.cost(outside.anchor.id) == receipt["gasUsed"] * receipt["effectiveGasPrice"] > 0


def test_a_nonce_set_forward_by_the_node_is_followed(outside: Outside, node: Anvil) -> None:
    outside.step()
    (attempt,) = outside.outbox.attempts(outside.target.id, outside.anchor.id)
    node.drop(attempt.tx_hash)
    account = ChainKey.from_secret(KEYS[0]).address
    node.rpc("anvil_setNonce", "0x" + account.hex(), hex(attempt.nonce + 7))
    outside.step()
    outside.clock.now += LOST
    outside.until_final(node)
    assert [nonce for nonce, _, _ in attempts(outside)] == [attempt.nonce, attempt.nonce + 7]
    check(outside, [5, 8])


def test_a_slot_that_somebody_moved_first_makes_ours_fail_once_and_the_next_one_right(
    outside: Outside, node: Anvil
) -> None:
    outside.step()
    relay(outside, KEYS[1], 5, 7)
    node.mine()
    outside.until_final(node)
    check_sizes = outside.anchored()
    assert check_sizes == [5, 7, 8]
    found = outside.outbox.attempts(outside.target.id, outside.anchor.id)
    assert [one.succeeded for one in found] == [False, True]
    assert outside.outbox.cost(outside.anchor.id) == sum((one.gas_used or 0) * (one.gas_price or 0) for one in found)


def test_a_slot_that_moves_between_the_proof_and_the_trial_is_looked_at_again(
    outside: Outside, node: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Registry.simulate

    def overtaken(registry: Registry, data: bytes, sender: bytes) -> None:
        relay(outside, KEYS[1], 5, 8)
        node.mine()
        honest(registry, data, sender)

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "simulate", overtaken)
        assert "somebody else anchored this log at this moment" in str(outside.step())
    assert outside.anchor.state == "prepared"
    outside.until_final(node)
    assert attempts(outside) == []
    check(outside, [5, 8])


# --- blocks taken back ------------------------------------------------------------------------


@pytest.fixture
def mined(tmp_path: Path, node: Anvil) -> Iterator[Outside]:
    """An anchor that is mined and, by a rule of five blocks, not yet final."""
    with ready(tmp_path / "outside", node, finality=5) as started:
        started.log.grow(3)
        started.reach("mined")
        yield started


def test_a_reorganisation_returns_the_anchor_to_sent_and_the_same_bytes_are_mined_again(
    mined: Outside, node: Anvil
) -> None:
    before = mined.anchor
    node.set_automine(False)
    node.reorganise(1)
    mined.step()
    assert (mined.anchor.state, mined.anchor.draft, mined.anchor.tx_hash) == ("sent", None, None)
    mined.until_final(node)
    assert len(attempts(mined)) == 1
    assert mined.anchor.tx_hash == before.tx_hash
    assert mined.anchor.block_hash != before.block_hash
    check(mined, [5, 8])


def test_a_snapshot_taken_back_is_a_reorganisation_too(mined: Outside, node: Anvil) -> None:
    mined.until_final(node)
    node.set_automine(False)
    snapshot = node.snapshot()
    mined.log.grow(4)
    mined.step()
    node.mine()
    mined.reach("mined")
    node.revert(snapshot)
    mined.step()
    assert mined.anchor.state == "sent"
    mined.until_final(node, runs=20)
    check(mined, [5, 8, 12])


def test_a_stolen_nonce_after_a_reorganisation(mined: Outside, node: Anvil) -> None:
    """The block is taken back, and in its place another transaction of our key has our nonce."""
    node.set_automine(False)
    before = mined.anchor
    node.reorganise(1)
    assert before.tx_hash is not None
    node.drop(before.tx_hash)
    steal(mined, KEYS[0])
    node.mine()
    mined.step()
    assert mined.anchor.state == "sent"
    mined.step()
    mined.clock.now += LOST
    mined.until_final(node)
    assert len(attempts(mined)) == 2
    check(mined, [5, 8])


# --- a node that was reset ----------------------------------------------------------------------


def reset(node: Anvil) -> None:
    """The same chain id, address and accounts; nothing else."""
    node.stop()
    node.start()


def test_a_node_that_was_reset_while_running_is_noticed_and_nothing_is_sent_there(
    outside: Outside, node: Anvil
) -> None:
    reset(node)
    for _ in range(3):
        with pytest.raises(ChainMismatch, match="was reset"):
            outside.worker.run_once()
    target = outside.target
    assert target.stopped
    said = target.trouble or ""
    assert target.spec.genesis_hash.hex() in said or (target.contract or b"").hex() in said
    assert "bring the right node back" in said
    assert node.rpc("eth_getTransactionCount", "0x" + ChainKey.from_secret(KEYS[0]).address.hex(), "latest") == "0x0"


def test_a_node_that_was_reset_is_noticed_at_the_start(outside: Outside, node: Anvil) -> None:
    reset(node)
    again = Outside.start(outside.folder, node.url, log=outside.log)
    with pytest.raises(ChainMismatch, match="was reset"):
        again.worker.run_once()
    assert again.target.stopped
    again.stop()


def test_a_node_that_lost_its_contract_alone_is_noticed(outside: Outside, node: Anvil) -> None:
    node.set_code(outside.target.contract or b"", b"")
    with pytest.raises(ChainMismatch, match="is not on the chain that answers"):
        outside.worker.run_once()
    node.set_code(outside.target.contract or b"", b"\x60\x00")
    with pytest.raises(ChainMismatch, match="code hash"):
        outside.worker.run_once()


def test_a_node_restored_from_before_the_last_final_anchor_is_noticed_and_goes_on_when_it_is_right_again(
    tmp_path: Path, node: Anvil
) -> None:
    state = tmp_path / "state"
    with Anvil(state=state) as kept, ready(tmp_path / "outside", kept) as outside:
        kept.stop()
        old = state.read_bytes()
        kept.start()
        outside.log.grow(3)
        outside.until_final()
        kept.stop()
        new = state.read_bytes()
        state.write_bytes(old)
        kept.start()
        outside.log.grow(3)
        with pytest.raises(ChainMismatch, match="holds the final anchor of size 8"):
            outside.worker.run_once()
        assert outside.target.stopped
        kept.stop()
        state.write_bytes(new)
        kept.start()
        outside.until_final()
        assert (outside.target.trouble, outside.target.stopped) == (None, False)
        check(outside, [5, 8, 11])
