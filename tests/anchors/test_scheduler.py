"""When to anchor: rules by example, and what holds for every history."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchors.outbox_rows import Spent
from anchors.scheduler import DAY, AnchorNow, LastAnchor, OverBudget, Policy, Situation, Wait, Wanted, check_budget, due

POLICY = Policy(entries=100, seconds=60)
LAST = LastAnchor(size=1000, at=5000)


@pytest.mark.parametrize(
    ("last", "published", "wanted", "now", "decision"),
    [
        (None, 0, [], 0, Wait(None)),
        (None, 1, [], 0, AnchorNow("first", 1)),
        (None, 1, [Wanted(1, "licence")], 0, AnchorNow("licence", 1, urgent=True)),
        (LAST, 1000, [], 9999, Wait(None)),
        (LAST, 1000, [Wanted(1000, "dispute")], 9999, Wait(None)),
        (LAST, 999, [], 9999, Wait(None)),
        (LAST, 1001, [], 5000, Wait(5060)),
        (LAST, 1001, [], 5059, Wait(5060)),
        (LAST, 1001, [], 5060, AnchorNow("age", 1001)),
        (LAST, 1099, [], 5000, Wait(5060)),
        (LAST, 1100, [], 5000, AnchorNow("entries", 1100)),
        (LAST, 9_000_000, [], 5000, AnchorNow("entries", 9_000_000)),
        (LAST, 9_000_000, [], 5060, AnchorNow("age", 9_000_000)),
        (LAST, 1001, [Wanted(1001, "licence")], 5000, AnchorNow("licence", 1001, urgent=True)),
        (LAST, 1001, [Wanted(1000, "licence")], 5000, Wait(5060)),
        (LAST, 1001, [Wanted(1002, "licence")], 5000, Wait(5060)),
        (LAST, 1003, [Wanted(1003, "on demand"), Wanted(1002, "dispute")], 5000, AnchorNow("dispute", 1003, True)),
        (LAST, 1003, [Wanted(1003, "on demand"), Wanted(1004, "dispute")], 5000, AnchorNow("on demand", 1003, True)),
        (LAST, 1003, [Wanted(1003, "certificate"), Wanted(1001, "licence")], 5000, AnchorNow("licence", 1003, True)),
        (LAST, 1003, [Wanted(1003, "certificate"), Wanted(1001, "urgent")], 5000, AnchorNow("urgent", 1003, True)),
        # Clocks that went back: a little, by one interval, by more, to zero.
        (LAST, 1001, [], 4999, Wait(5060)),
        (LAST, 1001, [], 4940, Wait(5060)),
        (LAST, 1001, [], 4939, AnchorNow("age", 1001)),
        (LAST, 1001, [], 0, AnchorNow("age", 1001)),
        (LAST, 1000, [], 0, Wait(None)),
    ],
)
def test_rules(
    last: LastAnchor | None, published: int, wanted: list[Wanted], now: int, decision: AnchorNow | Wait
) -> None:
    assert due(POLICY, Situation(last, published, now, wanted=wanted)) == decision


ALIGNED = Policy(entries=1024, seconds=60)
SPARSE = Policy(entries=5000, seconds=60)
NOT_YET = Wait(5060)


@pytest.mark.parametrize(
    ("policy", "anchored", "aligned", "published", "decision"),
    [
        (ALIGNED, 1024, 1024, 2047, NOT_YET),
        (ALIGNED, 1024, 2048, 2048, AnchorNow("entries", 2048)),
        (ALIGNED, 1024, 2048, 3000, AnchorNow("entries", 2048)),  # the aligned one, not the newest
        (ALIGNED, 1024, 9216, 9999, AnchorNow("entries", 9216)),  # several multiples at once: one anchor
        (ALIGNED, 1500, 2048, 2050, AnchorNow("entries", 2048)),  # after a licence: the nearest multiple
        (ALIGNED, 1600, 2048, 2700, NOT_YET),
        (ALIGNED, 1600, 3072, 3080, AnchorNow("entries", 3072)),
        (ALIGNED, 4095, 4096, 4200, NOT_YET),  # not again for one entry
        (ALIGNED, 4095, 5120, 5120, AnchorNow("entries", 5120)),
        (ALIGNED, 1024, 0, 3071, NOT_YET),  # the log does not align: after one multiple more
        (ALIGNED, 1024, 0, 3072, AnchorNow("entries", 3072)),
        (ALIGNED, 1024, 1024, 3072, AnchorNow("entries", 3072)),
        (SPARSE, 4096, 4096, 8191, NOT_YET),
        (SPARSE, 4096, 8192, 8200, AnchorNow("entries", 8192)),
        (Policy(1023, 60), 1024, 2048, 2050, AnchorNow("entries", 2050)),  # too often to wait for a multiple
    ],
)
def test_count_takes_the_aligned_checkpoint(
    policy: Policy, anchored: int, aligned: int, published: int, decision: AnchorNow | Wait
) -> None:
    found = Situation(LastAnchor(anchored, 5000), published, 5059, aligned)
    assert due(policy, found) == decision


def test_requests_and_age_do_not_wait_for_a_multiple() -> None:
    found = Situation(LastAnchor(1024, 5000), 2100, 5059, 2048)
    assert due(ALIGNED, replace(found, wanted=[Wanted(2100, "dispute")])) == AnchorNow("dispute", 2100, urgent=True)
    assert due(ALIGNED, replace(found, now=5060)) == AnchorNow("age", 2100)


@pytest.mark.parametrize(("entries", "align"), [(1, 0), (1023, 0), (1024, 1024), (5000, 4096)])
def test_the_alignment_of_a_policy(entries: int, align: int) -> None:
    assert Policy(entries).align == align


@pytest.mark.parametrize(("entries", "seconds"), [(0, 1), (1, 0), (-1, 60)])
def test_a_policy_that_never_anchors_is_refused(entries: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Policy(entries, seconds)


def test_a_budget_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 wei or more"):
        Policy(budget=-1)


# --- money ------------------------------------------------------------------------------

NOW = 10 * DAY
ROUTINE, URGENT = AnchorNow("age", 5), AnchorNow("dispute", 5, urgent=True)


def paid(*spent: tuple[int, int]) -> list[Spent]:
    return [Spent(at, wei, True) for at, wei in spent]


@pytest.mark.parametrize(
    ("budget", "wanted", "spent", "estimate", "found"),
    [
        (None, ROUTINE, paid((NOW, 10**30)), 10**30, None),
        (0, ROUTINE, [], 0, None),  # what costs nothing is always allowed
        (0, URGENT, [], 1, OverBudget(0, 1, 0, None)),
        (100, ROUTINE, [], 80, None),
        (100, ROUTINE, [], 81, OverBudget(0, 81, 80, None)),  # a fifth is kept for what is urgent
        (100, URGENT, [], 81, None),
        (100, URGENT, [], 100, None),
        (100, URGENT, [], 101, OverBudget(0, 101, 100, None)),  # and nothing passes
        (100, URGENT, paid((NOW - 10, 60)), 40, None),
        (100, URGENT, paid((NOW - 10, 60)), 41, OverBudget(60, 41, 100, NOW - 10 + DAY)),
        (100, URGENT, paid((NOW - 9, 30), (NOW - 10, 60)), 41, OverBudget(90, 41, 100, NOW - 10 + DAY)),
        (100, URGENT, paid((NOW - 9, 60), (NOW - 10, 30)), 41, OverBudget(90, 41, 100, NOW - 9 + DAY)),
        (100, URGENT, paid((NOW - DAY, 100)), 100, None),  # a day old
        (100, URGENT, paid((NOW - DAY + 1, 100)), 100, OverBudget(100, 100, 100, NOW + 1)),
        (100, URGENT, [Spent(NOW, 60, False)], 41, OverBudget(60, 41, 100, NOW + DAY)),  # still on its way
        # A clock that was ahead when money was spent: by less than a day it counts, by more it does not.
        (100, URGENT, paid((NOW + DAY, 100)), 1, OverBudget(100, 1, 100, NOW + 2 * DAY)),
        (100, URGENT, paid((NOW + DAY + 1, 100)), 1, None),
    ],
)
def test_the_budget_of_a_day(
    budget: int | None, wanted: AnchorNow, spent: list[Spent], estimate: int, found: OverBudget | None
) -> None:
    assert check_budget(Policy(budget=budget), wanted, spent, estimate, NOW) == found


MONEY = st.lists(st.tuples(st.integers(NOW - 2 * DAY, NOW + 2 * DAY), st.integers(0, 60)), max_size=6)


@given(MONEY, st.integers(0, 120), st.integers(0, 120), st.booleans())
def test_it_says_when_there_will_be_money_again(
    spent: list[tuple[int, int]], estimate: int, budget: int, urgent: bool
) -> None:
    policy, wanted, rows = Policy(budget=budget), AnchorNow("x", 1, urgent), paid(*spent)
    found = check_budget(policy, wanted, rows, estimate, NOW)
    if found is None:
        assert estimate <= budget
        return
    assert found.spent + found.estimate > found.limit
    assert (found.until is None) == (estimate > found.limit)
    if found.until is not None:
        assert NOW < found.until <= NOW + 2 * DAY
        counted = [one for one in rows if NOW - DAY < one.at <= NOW + DAY]
        assert check_budget(policy, wanted, counted, estimate, found.until) is None
        assert check_budget(policy, wanted, counted, estimate, found.until - 1) is not None


@given(st.lists(st.tuples(st.integers(0, DAY), st.integers(1, 50), st.booleans()), max_size=40))
def test_no_day_costs_more_than_its_budget(wishes: list[tuple[int, int, bool]]) -> None:
    policy, now, rows = Policy(budget=100), NOW, []
    for pause, cost, urgent in wishes:
        now += pause // 4
        if check_budget(policy, AnchorNow("x", 1, urgent), rows, cost, now) is None:
            rows.append(Spent(now, cost, True))
        assert sum(one.wei for one in rows if now - DAY < one.at) <= 100


# --- what holds for every history ------------------------------------------------------------

SIZES = st.integers(0, 500)


@given(
    last=st.none() | st.builds(LastAnchor, SIZES.filter(bool), SIZES),
    published=SIZES,
    wanted=st.lists(st.builds(Wanted, SIZES.filter(bool), st.sampled_from(["dispute", "licence", "x"]))),
    now=SIZES,
)
def test_it_anchors_exactly_when_there_is_something_new_and_a_cause(
    last: LastAnchor | None, published: int, wanted: list[Wanted], now: int
) -> None:
    anchored = last.size if last else 0
    asked = any(anchored < item.size <= published for item in wanted)
    old = last is not None and not -POLICY.seconds <= now - last.at < POLICY.seconds
    cause = last is None or published - anchored >= POLICY.entries or old
    found = due(POLICY, Situation(last, published, now, wanted=wanted))
    assert isinstance(found, AnchorNow) == (published > anchored and (asked or cause))
    if isinstance(found, AnchorNow):
        assert (found.size, found.urgent) == (published, asked)
    elif published > anchored:
        assert found.until is not None
        assert now < found.until <= now + 2 * POLICY.seconds
        assert isinstance(due(POLICY, Situation(last, published, found.until, wanted=wanted)), AnchorNow)


@given(
    growth=st.lists(st.integers(0, 900), max_size=60),
    entries=st.sampled_from([1024, 2048, 5000]),
    start=st.integers(1, 9000),
)
def test_aligned_anchors_are_about_as_far_apart_as_the_policy_says(growth: list[int], entries: int, start: int) -> None:
    policy, published, last = Policy(entries, 10**9), start, LastAnchor(start, 0)
    sizes = [start]
    for step in growth:
        published += step
        found = due(policy, Situation(last, published, 1, published - published % policy.align))
        if isinstance(found, AnchorNow):
            assert found.size % policy.align == 0
            last = LastAnchor(found.size, 1)
            sizes.append(found.size)
        assert published - last.size < policy.entries + policy.align // 2 + policy.align
    for old, new in pairwise(sizes):
        assert new - old >= policy.entries - policy.align // 2


@given(growth=st.lists(st.integers(0, 40), max_size=60), outage=st.integers(1, 60), jumps=st.data())
def test_after_an_outage_one_anchor_catches_up(growth: list[int], outage: int, jumps: st.DataObject) -> None:
    published, now, last, anchors, wanted = 1, 0, LastAnchor(1, 0), 0, []
    for step, entries in enumerate(growth):
        published, now = published + entries, now + 7
        wanted.append(Wanted(published, jumps.draw(st.sampled_from(["licence", "dispute", "on demand"]))))
        if step < outage:
            continue
        before = anchors
        for _ in range(3):
            if isinstance(due(POLICY, Situation(last, published, now, wanted=wanted)), AnchorNow):
                last, anchors = LastAnchor(published, now), anchors + 1
        assert anchors - before <= 1
        assert last.size == published
    assert anchors <= max(0, len(growth) - outage)


@given(st.lists(st.tuples(st.integers(-200, 200), st.integers(0, 5)), max_size=80))
def test_a_clock_that_goes_back_makes_an_anchor_late_never_double(steps: list[tuple[int, int]]) -> None:
    now, published, last = 10_000, 1, LastAnchor(1, 10_000)
    sizes = [1]
    for jump, entries in steps:
        now, published = now + jump, published + entries
        found = due(POLICY, Situation(last, published, now))
        if isinstance(found, AnchorNow):
            last = LastAnchor(found.size, now)
            sizes.append(found.size)
        elif published > last.size:
            assert found.until is not None
            assert found.until - now <= 2 * POLICY.seconds
    assert all(old < new for old, new in pairwise(sizes))
