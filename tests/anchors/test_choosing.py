"""Which checkpoint goes to a target now: with real outboxes, simulated clocks, outages and money."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from anchors.choosing import Chooser
from anchors.errors import ChainMismatch
from anchors.outbox import Outbox
from anchors.outbox_rows import Anchor, Mined, NewAttempt, Settled, Target, TargetSpec
from anchors.ports import PublishedCheckpoint
from anchors.scheduler import DAY, Policy, Wait
from tallystick.checkpoint import Checkpoint
from tests.anchors.support import ORIGIN, START, Clock, authority_address

POLICY = Policy(entries=1024, seconds=3600)


@dataclass
class Source:
    """Checkpoints of a log, of which only sizes matter here. ``kept``: the aligned one."""

    size: int = 0
    kept: int = 0
    origin: str = ORIGIN

    def grow(self, entries: int) -> None:
        """Signs the newest multiple of 1,024 first."""
        self.size += entries
        self.kept = max(self.kept, self.size - self.size % 1024)

    def latest(self) -> PublishedCheckpoint | None:
        return self._signed(self.size)

    def aligned(self) -> PublishedCheckpoint | None:
        return self._signed(self.kept)

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        raise AssertionError("nobody asks for it here")

    def _signed(self, size: int) -> PublishedCheckpoint | None:
        checkpoint = Checkpoint(self.origin, size, size.to_bytes(32, "big"))
        return PublishedCheckpoint(checkpoint, b"note %d" % size, b"s" * 65) if size else None


@dataclass
class Table:
    """A chooser, and whoever anchors what it chose."""

    outbox: Outbox
    source: Source
    clock: Clock
    target_id: int
    policy: Policy = POLICY
    price: int = 0
    asked: int = 0

    @property
    def target(self) -> Target:
        (target,) = self.outbox.targets()
        return target

    def choose(self) -> Anchor | Wait:
        def estimate(old_size: int, new_size: int) -> int:
            self.asked += 1
            return self.price

        return Chooser(self.policy, self.outbox, self.source, self.clock, ORIGIN).choose(self.target, estimate)

    def anchor(self) -> int | None:
        """Choose, and have it mined and final; the size, ``None`` for waiting."""
        chosen = self.choose()
        if isinstance(chosen, Wait):
            return None
        now, number = self.clock(), chosen.id
        tx_hash = number.to_bytes(32, "big")
        attempt = NewAttempt(number, 1, 1, self.price, b"a" * 20, tx_hash, tx_hash)
        sent = self.outbox.add_attempt(self.target_id, number, attempt, now)
        self.outbox.mark_sent(number, now)
        self.outbox.settle(sent.id, Settled(True, self.price, 1), now)
        self.outbox.mark_mined(number, Mined(tx_hash, b"b" * 32, number, now), now)
        self.outbox.mark_final(number, b"proof", now)
        return chosen.size


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    with closing(Outbox(tmp_path / "anchors.db")) as outbox:
        spec = TargetSpec("t", 1, b"g" * 32, ORIGIN, authority_address(), b"l" * 32, None, "chain", b"c" * 32)
        target = outbox.put_target(spec, START)
        yield Table(outbox, Source(), Clock(), target.id)


def test_nothing_is_chosen_before_something_is_published(table: Table) -> None:
    assert table.choose() == Wait(None)


def test_count_prepares_the_aligned_checkpoint_with_its_own_note(table: Table) -> None:
    table.source.grow(900)
    assert table.anchor() == 900
    table.source.grow(1200)
    chosen = table.choose()
    assert isinstance(chosen, Anchor)
    assert (chosen.size, chosen.note, chosen.reason) == (2048, b"note 2048", "entries")


def test_a_licence_after_the_multiple_takes_the_newest(table: Table) -> None:
    table.source.grow(900)
    table.anchor()
    table.source.grow(1200)
    table.outbox.request("licence", 2100, table.clock())
    chosen = table.choose()
    assert isinstance(chosen, Anchor)
    assert (chosen.size, chosen.note, chosen.reason) == (2100, b"note 2100", "licence")


def test_an_aligned_checkpoint_that_is_not_shown_yet_waits(table: Table) -> None:
    """A crash came between its signature and the next one: proofs are made of what is shown."""
    table.source.grow(900)
    table.anchor()
    table.source.kept = 2048
    table.source.size = 1000
    assert table.choose() == Wait(START + 3600)


def test_a_checkpoint_of_another_log_is_refused(table: Table) -> None:
    table.source.grow(5)
    table.source.origin = "log.example/other"
    with pytest.raises(ChainMismatch, match=r"log\.example/other"):
        table.choose()


# --- outages ----------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 4, 30])
def test_days_of_outage_are_caught_up_with_one_anchor(table: Table, days: int) -> None:
    """Hundreds of checkpoints and requests, which nobody could anchor: one anchor covers them all."""
    table.source.grow(10)
    assert table.anchor() == 10
    for hour in range(24 * days):
        table.clock.now += 3600
        table.source.grow(700)
        for reason in ("licence", "dispute", "urgent", "on demand"):
            table.outbox.request(reason, table.source.size - hour % 5, table.clock())
    assert len(table.outbox.pending(table.target_id)) == 96 * days
    assert table.anchor() == table.source.size
    assert table.outbox.pending(table.target_id) == []
    assert [table.anchor() for _ in range(50)] == [None] * 50
    assert [one.size for one in table.outbox.anchors()] == [10, table.source.size]


def test_an_outage_without_requests_ends_with_one_anchor_too(table: Table) -> None:
    table.source.grow(10)
    table.anchor()
    for _ in range(24 * 3):
        table.clock.now += 3600
        table.source.grow(700)
    assert [table.anchor() for _ in range(5)] == [table.source.size, None, None, None, None]


def test_a_day_like_any_other(table: Table) -> None:
    """700 entries an hour: hardly more anchors than hours, each by age or at a multiple, none twice."""
    table.source.grow(1)
    sizes = [table.anchor()]
    for _ in range(24 * 60):
        table.clock.now += 60
        table.source.grow(12)
        sizes.append(table.anchor())
    made = [size for size in sizes if size is not None]
    assert made == sorted(set(made))
    assert 24 <= len(made) <= 26


def test_a_clock_that_went_back_by_a_year_does_not_stop_anchoring(table: Table) -> None:
    table.clock.now = START + 365 * DAY
    table.source.grow(5)
    assert table.anchor() == 5
    table.clock.now = START
    table.source.grow(5)
    assert table.anchor() == 10
    table.source.grow(5)
    assert table.anchor() is None
    table.clock.now += 3600
    assert table.anchor() == 15


# --- money ------------------------------------------------------------------------------


def test_without_a_budget_nobody_asks_what_it_costs(table: Table) -> None:
    table.source.grow(5)
    table.price = 10**12
    assert table.anchor() == 5
    assert table.asked == 0


def test_over_budget_it_waits_says_so_once_and_goes_on_when_a_day_is_over(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    table.policy, table.price = Policy(1024, 3600, budget=100), 40
    table.source.grow(1)
    begun = table.clock()
    assert table.anchor() == 1
    made = []
    with caplog.at_level(logging.ERROR):
        for _ in range(23):
            table.clock.now += 3600
            table.source.grow(1)
            made.append(table.anchor())
    assert [size for size in made if size] == [2]  # 80 of 100: the rest is kept for what is urgent
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "over budget: 80 wei spent in a day, the next anchor costs up to 40, the limit is 80" in told[0]
    assert table.target.waits is not None
    assert (table.target.waits_at, "a fifth being kept" in table.target.waits) == (begun + 2 * 3600, True)
    assert table.choose() == Wait(begun + DAY)
    table.clock.now = begun + DAY
    assert table.anchor() == table.source.size
    assert (table.target.waits, table.target.waits_at) == (None, None)


def test_what_is_urgent_takes_the_last_fifth_and_no_more(table: Table) -> None:
    table.policy, table.price = Policy(1024, 3600, budget=100), 20
    for step in range(8):
        table.source.grow(1)
        table.outbox.request("dispute", table.source.size, table.clock())
        assert table.anchor() == (step + 1 if step < 5 else None), step
    assert table.target.waits is not None
    assert "a fifth" not in table.target.waits
    assert sum(one.wei for one in table.outbox.spent(table.target_id, 0)) == 100


def test_an_anchor_that_is_dearer_than_a_day_may_cost_waits_for_a_person(table: Table) -> None:
    table.policy, table.price = Policy(1024, 3600, budget=100), 101
    table.source.grow(1)
    assert table.choose() == Wait(None)
    assert "raise TALLYSTICK_ANCHOR_BUDGET" in (table.target.waits or "")
    table.price = 80
    assert table.anchor() == 1
    assert table.target.waits is None
