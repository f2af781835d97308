"""States in a store: the same bytes give the same state, decoded once if they are few."""

from __future__ import annotations

import pytest

from ledger.store.states import HOT_BYTES, dump_state, load_state
from tallystick.admission import State, encode_state
from tallystick.admission.state import ObjectState, Rights, Taken
from tallystick.canonical import encode
from tallystick.errors import MalformedInput

STATES: list[State] = [Taken("é"), Rights(("a", "b")), ObjectState("p", "image", "authored", 2**53 - 1, None)]


@pytest.mark.parametrize("state", STATES)
def test_round_trip(state: State) -> None:
    data = dump_state(state)
    assert data == encode(encode_state(state))
    assert load_state(data) == state
    assert load_state(bytes(bytearray(data))) is load_state(data)


def test_what_changed_is_another_state() -> None:
    """As after a transaction that was undone: bytes are all that counts."""
    first, second = Taken("first"), Taken("second")
    for state in (first, second, first):
        assert load_state(dump_state(state)) == state


def test_large_states_are_not_kept() -> None:
    state = Rights(tuple(f"licence {number}" for number in range(HOT_BYTES // 10)))
    data = dump_state(state)
    assert len(data) > HOT_BYTES
    assert load_state(data) == state
    assert load_state(data) is not load_state(data)


@pytest.mark.parametrize("data", [b"{}", b'{"kind":"taken","value":{}}', b'{"kind":"nothing","value":{}}'])
def test_what_is_no_state_is_said_each_time(data: bytes) -> None:
    for _ in range(2):
        with pytest.raises(MalformedInput):
            load_state(data)
