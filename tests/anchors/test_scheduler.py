"""When to anchor: rules by example, and what holds for every history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchors.scheduler import AnchorNow, LastAnchor, Policy, Wait, Wanted, decide

POLICY = Policy(entries=100, seconds=60)
LAST = LastAnchor(size=1000, at=5000)


@pytest.mark.parametrize(
    ("last", "published", "wanted", "now", "decision"),
    [
        (None, 0, [], 0, Wait(None)),
        (None, 1, [], 0, AnchorNow("first")),
        (LAST, 1000, [], 9999, Wait(None)),
        (LAST, 999, [], 9999, Wait(None)),
        (LAST, 1001, [], 5000, Wait(5060)),
        (LAST, 1001, [], 5059, Wait(5060)),
        (LAST, 1001, [], 5060, AnchorNow("age")),
        (LAST, 1099, [], 5000, Wait(5060)),
        (LAST, 1100, [], 5000, AnchorNow("entries")),
        (LAST, 9_000_000, [], 5000, AnchorNow("entries")),
        (LAST, 1001, [Wanted(1001, "licence")], 5000, AnchorNow("licence")),
        (LAST, 1001, [Wanted(1000, "licence")], 5000, Wait(5060)),
        (LAST, 1001, [Wanted(1002, "licence")], 5000, Wait(5060)),
        (LAST, 1003, [Wanted(1003, "on demand"), Wanted(1002, "dispute")], 5000, AnchorNow("dispute")),
        (LAST, 1003, [Wanted(1003, "on demand"), Wanted(1004, "dispute")], 5000, AnchorNow("on demand")),
        (LAST, 1003, [Wanted(1003, "certificate"), Wanted(1001, "licence")], 5000, AnchorNow("licence")),
        (LAST, 1001, [], 0, Wait(5060)),
    ],
)
def test_rules(
    last: LastAnchor | None, published: int, wanted: list[Wanted], now: int, decision: AnchorNow | Wait
) -> None:
    assert decide(POLICY, last, published, wanted, now) == decision


@pytest.mark.parametrize(("entries", "seconds"), [(0, 1), (1, 0), (-1, 60)])
def test_a_policy_that_never_anchors_is_refused(entries: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Policy(entries, seconds)


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
    due = last is None or published - anchored >= POLICY.entries or now >= last.at + POLICY.seconds
    found = decide(POLICY, last, published, wanted, now)
    assert isinstance(found, AnchorNow) == (published > anchored and (asked or due))
    if isinstance(found, Wait) and published > anchored:
        assert found.until is not None
        assert isinstance(decide(POLICY, last, published, wanted, found.until), AnchorNow)


@given(growth=st.lists(st.integers(0, 40), max_size=60), outage=st.integers(1, 60))
def test_after_an_outage_one_anchor_catches_up(growth: list[int], outage: int) -> None:
    published, now, last, anchors = 1, 0, LastAnchor(1, 0), 0
    for step, entries in enumerate(growth):
        published, now = published + entries, now + 7
        if step < outage:
            continue
        if isinstance(decide(POLICY, last, published, [], now), AnchorNow):
            last, anchors = LastAnchor(published, now), anchors + 1
        assert published - last.size < POLICY.entries
        assert published == last.size or now - last.at < POLICY.seconds
    assert anchors <= max(0, len(growth) - outage)
