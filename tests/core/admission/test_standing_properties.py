"""Properties of what a licence is at an instant, over random changes and random chains."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tallystick.admission.standing import ENDED, changed, own_status, standing_at
from tallystick.admission.state import LicenceChange, LicenceState, MemoryState
from tallystick.events.licence import StatusPointer

DAYS = [f"2026-01-{day:02}T00:00:00Z" for day in range(1, 13)]
DAY = st.sampled_from(DAYS)
STATUS = st.sampled_from(["valid", "suspended", "revoked", "expired"])
GRAVITY = {"valid": 0, "suspended": 1, "expired": 2, "revoked": 3}


def licence(parent: str | None = None) -> LicenceState:
    return LicenceState("object", "licensor", StatusPointer("s", 0), "valid", "holder", parent)


@st.composite
def histories(draw: st.DrawFn, parent: str | None = None) -> LicenceState:
    state = licence(parent)
    for position in range(draw(st.integers(0, 6))):
        state = changed(state, LicenceChange(draw(STATUS), draw(DAY), position), draw(DAY))
    return state


@given(histories(), DAY, DAY)
def test_what_has_ended_stays_so(state: LicenceState, one: str, other: str) -> None:
    early, late = sorted((one, other))
    if own_status(state, early) in ENDED:
        assert own_status(state, late) == own_status(state, early)


@given(histories(), STATUS, DAY, DAY)
def test_a_change_alters_nothing_before_it_takes_effect(state: LicenceState, new: str, when: str, at: str) -> None:
    after = changed(state, LicenceChange(new, when, 99), when)  # type: ignore[arg-type]
    if at < when:
        assert own_status(after, at) == own_status(state, at)
    if at >= when and new in ENDED and own_status(state, at) not in ENDED:
        assert own_status(after, at) == new


@given(histories(), STATUS, DAY, DAY)
def test_no_change_brings_back_what_had_ended(state: LicenceState, new: str, when: str, at: str) -> None:
    after = changed(state, LicenceChange(new, when, 99), when)  # type: ignore[arg-type]
    if own_status(state, at) in ENDED:
        assert own_status(after, at) in ENDED


@given(st.lists(histories(), min_size=1, max_size=4), DAY)
def test_a_chain_is_as_good_as_its_worst_link(states: list[LicenceState], at: str) -> None:
    """The root first; each is the parent of the next."""
    store = MemoryState()
    names = [f"L{number}" for number in range(len(states))]
    for name, parent, state in zip(names, [None, *names], states, strict=False):
        linked = LicenceState(**{**vars(state), "parent": parent})
        store.apply([(name, linked)])
    found = standing_at(store, names[-1], at)
    own = [own_status(state, at) for state in states]
    worst = {status for status in own if GRAVITY[status] == max(GRAVITY[one] for one in own)}
    assert found.status in worst
    if found.status != "valid":
        assert found.licence == names[own.index(found.status)], "the highest of the gravest"


@given(histories(), DAY)
def test_until_is_the_next_instant_at_which_anything_is_known_to_change(state: LicenceState, at: str) -> None:
    store = MemoryState()
    store.apply([("L", state)])
    found = standing_at(store, "L", at)
    later = sorted(one.effective for one in state.changes or () if one.effective > at)
    assert found.until == (later[0] if later else None)
    for instant in DAYS:
        if at <= instant and (found.until is None or instant < found.until):
            assert standing_at(store, "L", instant).status == found.status
