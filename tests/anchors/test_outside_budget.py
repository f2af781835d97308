"""The day's budget on a real node: what an anchor costs there, what is held back, what passes, and the next day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anchors.account import FeeLimits
from anchors.errors import FeesTooHigh
from anchors.registry import gas_limit
from anchors.scheduler import DAY, Policy
from anchors.timestamps.outbox import Stamps
from api.services.anchor_watch import AnchorWatch
from api.services.anchoring import AnchorDesk
from api.services.timestamps import TimestampDesk
from tests.anchors.other_chain import GWEI, NAME, Outside, check, ready
from tests.anvil import Anvil

DEAR = 40 * GWEI
"""Base fee of a busy hour; anvil begins at 1 gwei."""


@pytest.fixture
def node() -> Iterator[Anvil]:
    with Anvil() as running:
        yield running


@pytest.fixture
def begun(tmp_path: Path, node: Anvil) -> Iterator[Outside]:
    """The contract deployed and five entries anchored, with no budget yet."""
    with ready(tmp_path, node) as found:
        yield found


def busy(node: Anvil, base_fee: int = DEAR) -> None:
    """A block with this base fee is the newest."""
    node.set_base_fee(base_fee)
    node.mine()
    assert int(node.rpc("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16) == base_fee


def estimate(outside: Outside) -> int:
    """What the next anchor costs at most."""
    last = outside.outbox.last_final(outside.target.id)
    size = outside.log.checkpoint().size
    return outside.worker._sender.account.estimate(gas_limit(outside.log.consistency(last.size if last else 0, size)))


def spent(outside: Outside) -> int:
    return sum(one.wei for one in outside.outbox.spent(outside.target.id, outside.clock.now - DAY))


def limited(outside: Outside, node: Anvil, budget: int, limits: FeeLimits | None = None) -> Outside:
    """The same folder, gone on with under a budget."""
    policy = Policy(entries=1, seconds=1, budget=budget)
    return Outside.start(outside.folder, node.url, log=outside.log, now=outside.clock.now, policy=policy, limits=limits)


def watch(outside: Outside) -> AnchorWatch:
    """What the service says of the outbox, by its own clock."""
    desk = AnchorDesk(outside.outbox, outside.clock)
    stamps = TimestampDesk(Stamps(outside.folder / "anchors.db"))
    watching = AnchorWatch(None, desk, stamps, {NAME}, 7200, outside.clock)  # type: ignore[arg-type]
    # (How late entries are is read from a log; here there is none.)
    watching._unanchored = lambda anchored: None  # type: ignore[assignment,method-assign]
    return watching


def balance(node: Anvil) -> int:
    return int(node.rpc("eth_getBalance", node.rpc("eth_accounts")[0], "latest"), 16)


def sent(node: Anvil) -> int:
    return int(node.rpc("eth_getTransactionCount", node.rpc("eth_accounts")[0], "pending"), 16)


def test_an_estimate_follows_the_base_fee_and_is_never_less_than_the_bill(begun: Outside, node: Anvil) -> None:
    begun.log.grow(1)
    gas = gas_limit(begun.log.consistency(5, 6))
    tip = int(node.rpc("eth_maxPriorityFeePerGas"), 16)
    for base_fee in (GWEI, DEAR):
        busy(node, base_fee)
        assert estimate(begun) == gas * (2 * base_fee + tip)
    most, before = estimate(begun), balance(node)
    anchor = begun.until_final()
    paid = before - balance(node)
    assert paid == begun.outbox.cost(anchor.id)
    assert most // 8 < paid <= most
    busy(node, 501 * GWEI)
    with pytest.raises(FeesTooHigh, match="the cap is"):
        estimate(begun)


def test_routine_is_held_back_urgency_passes_and_the_next_day_pays(begun: Outside, node: Anvil) -> None:
    begun.log.grow(1)
    busy(node)
    # Just enough for what is urgent; of routine, a fifth is kept.
    limit = spent(begun) + estimate(begun)
    here = limited(begun, node, limit)
    height, alarms = sent(node), watch(here)
    for _ in range(3):
        assert step(here) == "idle"
    assert sent(node) == height
    assert f"the limit is {limit * 4 // 5}, a fifth being kept for what is urgent" in (here.target.waits or "")
    (alarm,) = alarms.alarms()
    assert (alarm.kind, alarm.target, alarm.since) == ("over-budget", NAME, here.clock.now)
    known = alarms.tell({})
    # A dispute is anchored at once, from the fifth that was kept.
    here.outbox.request("dispute", 6, here.clock.now)
    anchor = here.until_final()
    assert (anchor.size, anchor.reason) == (6, "dispute")
    assert spent(here) <= limit
    assert here.target.waits is None
    assert alarms.tell(known) == {}
    # Nothing passes the whole budget, not even the next dispute.
    here.log.grow(1)
    busy(node)
    here.outbox.request("dispute", 7, here.clock.now)
    assert step(here) == "idle"
    assert "fifth" not in (here.target.waits or "fifth")
    assert [one.kind for one in alarms.alarms()] == ["over-budget"]
    # A day later what was spent counts no more: one anchor catches up.
    here.clock.now += DAY - 2
    assert step(here) == "idle"
    here.log.grow(30)
    here.clock.now += 3
    busy(node)
    caught_up = here.until_final()
    assert (caught_up.size, here.target.waits, alarms.alarms()) == (37, None, ())
    check(here, [5, 6, 37])
    here.stop()


def test_a_price_that_falls_lets_the_anchor_go_on_the_same_day(begun: Outside, node: Anvil) -> None:
    begun.log.grow(1)
    busy(node, GWEI)
    here = limited(begun, node, (spent(begun) + 2 * estimate(begun)) * 5 // 4)
    busy(node)
    assert step(here) == "idle"
    assert "over budget" in (here.target.waits or "")
    busy(node, GWEI)
    assert here.until_final().size == 6
    assert here.target.waits is None
    here.stop()


def test_a_budget_below_one_anchor_says_so_and_never_sends(begun: Outside, node: Anvil) -> None:
    begun.log.grow(1)
    busy(node)
    here = limited(begun, node, estimate(begun) // 2)
    height = sent(node)
    here.outbox.request("dispute", 6, here.clock.now)
    for _ in range(3):
        assert step(here) == "idle"
        here.clock.now += DAY
    assert (sent(node), (here.target.waits or "").endswith("waits raise TALLYSTICK_ANCHOR_BUDGET")) == (height, True)
    here.stop()


def test_a_stuck_transaction_is_raised_by_the_chains_price_not_by_the_budget(begun: Outside, node: Anvil) -> None:
    """What is on its way is counted at the most that it may still cost, and finished: a nonce left open costs more."""
    begun.log.grow(1)
    busy(node, GWEI)
    most = estimate(begun)
    here = limited(begun, node, (spent(begun) + most) * 5 // 4 + 5)
    node.set_automine(False)
    here.step()
    assert here.anchor.state == "sent"
    assert spent(here) - spent_settled(here) == most
    busy(node, DEAR)
    here.clock.now += 61
    here.step()
    node.set_automine(True)
    anchor = here.until_final(node)
    assert anchor.size == 6
    assert len(here.outbox.attempts(here.target.id, anchor.id)) == 2
    here.stop()


def spent_settled(outside: Outside) -> int:
    found = outside.outbox.spent(outside.target.id, outside.clock.now - DAY)
    return sum(one.wei for one in found if one.settled)


def step(outside: Outside) -> str:
    """What one run did."""
    done = outside.step()
    return done if isinstance(done, str) else done.progress
