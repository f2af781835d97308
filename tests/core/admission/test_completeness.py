"""No rule without a case, and no key of one state that could be read as another's."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tallystick.admission
from tallystick.admission.decide import _RULES
from tallystick.admission.state import (
    BATCH,
    LOG,
    MAP,
    MemoryState,
    State,
    decode_state,
    encode_state,
    kid_key,
    number_key,
    right_key,
    status_key,
)
from tallystick.errors import MalformedInput
from tallystick.events import BODIES
from tallystick.events.kinds import LATER, RULES, SINCE, Later
from tallystick.events.licence import StatusPointer
from tests.core.admission import stage as stages
from tests.core.admission import (
    test_capabilities,
    test_chains,
    test_erasures,
    test_facts,
    test_licensing,
    test_log,
    test_log_life,
    test_map_roots,
    test_objects,
    test_parties,
    test_rotation,
    test_settlements,
    test_signer,
)
from tests.core.builders import FIRST, FOURTH, LATER_FOURTH, LATER_THIRD, SECOND, THIRD

FOLDER = Path(tallystick.admission.__file__).parent
MODULES: tuple[Any, ...] = (
    test_signer,
    test_log,
    test_log_life,
    test_map_roots,
    test_rotation,
    test_parties,
    test_objects,
    test_capabilities,
    test_licensing,
    test_chains,
    test_erasures,
    test_facts,
    test_settlements,
)
CASES: stages.Refusals = {
    f"{module.__name__.rpartition('.')[2]}: {name}": one for module in MODULES for name, one in module.CASES.items()
}
# Raised before there is a log on which a case could be staged, or only by callers other than the rules;
# each is tried in test_log, test_signer or below.
ELSEWHERE = {
    ("decide.py", "_begin"),
    ("log_rules.py", "begin"),
    ("log_rules.py", "_check_names"),
    ("log_rules.py", "_check_role_key"),
    ("log_rules.py", "role_key"),
    ("decide.py", "_check_order"),
    ("signer.py", "resolve_signer"),
    ("state.py", "decode_state"),
}


def raises() -> set[tuple[str, int]]:
    """File and line of each ``raise`` of the rules, but those tried elsewhere."""
    found = set()
    for path in FOLDER.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and (path.name, function.name) not in ELSEWHERE:
                found |= {(path.name, node.lineno) for node in ast.walk(function) if isinstance(node, ast.Raise)}
    return found


def test_every_refusal_is_tried() -> None:
    reached = set()
    for one in CASES.values():
        trace = stages.check_refusal(one).__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        assert trace is not None
        reached.add((Path(trace.tb_frame.f_code.co_filename).name, trace.tb_lineno))
    expected = raises()
    assert len(expected) > 45
    assert expected - reached == set()


def test_every_type_of_event_has_its_rule() -> None:
    assert set(_RULES) == set(BODIES)


def test_every_type_that_version_1_did_not_know_is_marked() -> None:
    """Types of version 1 are fixed for ever: golden/v1.json has them all."""
    assert set(BODIES) - set(FIRST) == set(SINCE) == set(SECOND) | set(THIRD) | set(FOURTH)
    for version, types in ((2, SECOND), (3, THIRD), (4, FOURTH)):
        assert {kind for kind, since in SINCE.items() if since == version} == set(types)
    assert {*SINCE.values(), *(one.version for one in LATER)} <= set(range(2, RULES + 1))


def test_every_field_and_word_that_came_later_is_marked() -> None:
    """What an earlier version did not know stands in no golden event of that version, and in one of its own."""
    second = (*FIRST.values(), *SECOND.values())
    third = (*THIRD.values(), *LATER_THIRD.values())
    before, own = {3: second, 4: (*second, *third)}, {3: LATER_THIRD, 4: LATER_FOURTH}
    for one in LATER:
        assert one.version > SINCE.get(one.kind, 1)
        assert not any(one.used(event.body) for event in before[one.version] if event.type == one.kind)
        assert any(one.used(event.body) for event in own[one.version].values() if event.type == one.kind)


def test_a_later_field_and_a_later_word_are_told_by_what_is_said() -> None:
    @dataclass
    class Body:
        word: str
        field: str | None = None

    field, word = Later("x", "field", 3), Later("x", "word", 3, frozenset({"new"}))
    assert [one.used(Body("old")) for one in (field, word)] == [False, False]
    assert [one.used(Body("new", "")) for one in (field, word)] == [True, True]


def test_codes_are_few_and_stable() -> None:
    """The codes are part of the API: a new one is added here on purpose."""
    assert {one.code for one in CASES.values()} == {
        "already-erased", "already-registered", "already-used", "bad-batch", "bad-key", "bad-names",
        "bad-model-signature", "bad-signature",
        "capability-not-approved", "foreign-prefix", "incomplete", "inconsistent", "key-not-in-force", "key-revoked",
        "bad-rotation",
        "key-retired", "exceeds-parent", "no-consent",
        "log-frozen", "no-party", "not-entitled", "not-holder", "policy-too-old", "time-in-future",
        "unknown-commitment", "unknown-signer", "unregistered", "unsupported",
        "wrong-issuer", "wrong-state", "wrong-subject",
    }  # fmt: skip


KEY_WORDS = ("kid", "right", "status", "number", "committed", "capture", "attested", "custody", "settlement")


def states() -> dict[str, State]:
    """All that the log remembers after one of everything."""
    stage = stages.new_stage()
    test_licensing.granted(stage, holder=stage.rival.id)
    test_licensing.certified(stage)
    stage.running_job()
    stage.admit(test_parties.dispute(stage))
    test_map_roots.stated(stage)
    test_erasures.told(stage)
    test_facts.captured(stage)
    test_facts.handed(stage)
    test_settlements.settled(stage, test_chains.root(stage))
    assert isinstance(stage.state, MemoryState)
    return dict(stage.state._states)


def test_states_survive_storage() -> None:
    found = states()
    assert {type(state) for state in found.values()} == set(get_args(State))
    for state in found.values():
        assert decode_state(encode_state(state)) == state


@pytest.mark.parametrize(
    "value", [{}, {"kind": "x", "value": {}}, {"kind": "taken"}, {"kind": "taken", "value": {"x": 1}}]
)
def test_states_that_are_none_are_malformed(value: dict[str, Any]) -> None:
    with pytest.raises(MalformedInput):
        decode_state(value)


def test_subjects_and_other_keys_never_meet() -> None:
    """A subject is an identifier and begins with ``10.``; every other key has a word and a colon, or no dot."""
    for key in states():
        assert key.startswith("10.") or key in (LOG, BATCH, MAP) or key.split(":")[0] in KEY_WORDS


@given(st.text(max_size=8), st.integers(0, 1 << 20), st.text(max_size=8), st.integers(0, 1 << 20))
def test_two_status_indexes_never_share_a_key(one: str, first: int, other: str, second: int) -> None:
    same = (one, first) == (other, second)
    assert (status_key(StatusPointer(one, first)) == status_key(StatusPointer(other, second))) == same


@given(st.text(max_size=9))
def test_keys_of_different_kinds_differ(text: str) -> None:
    keys = [kid_key(text), number_key(text), right_key(text, text), status_key(StatusPointer(text, 0)), LOG, BATCH]
    assert len(set(keys)) == len(keys)


def test_deciding_is_pure() -> None:
    """Same statement, same state, same answer; and nothing of the reader's is changed."""
    stage = stages.new_stage()
    said = stage.world.object()
    before = dict(stage.state._states)
    assert stage.decide(said) == stage.decide(said)
    assert stage.state._states == before
    assert "random" not in inspect.getsource(tallystick.admission.decide)
