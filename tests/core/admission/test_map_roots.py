"""Rules for the roots of the map: the log's own, over what stands before, and over more each time."""

from __future__ import annotations

import dataclasses

import pytest

from tallystick.admission.state import LOG, MAP, LogState, MapState
from tallystick.events.log import MapRoot
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import Someone


def root_by(stage: Stage, who: Someone, size: int, subject: str | None = None) -> Statement:
    return stage.world.say(who, "log.map-root", subject or stage.world.origin, MapRoot(size, "99" * 32))


def stated(stage: Stage) -> Stage:
    stage.admit(root_by(stage, stage.world.log, 3))
    return stage


def version_2(stage: Stage) -> Stage:
    """The stage as if its log had begun with version 2 of the rules."""
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    stage.state.apply([(LOG, dataclasses.replace(log, rules=2))])
    return stage


CASES: Refusals = {
    "a map root by the registrar": Refusal("not-entitled", "iss", lambda s: root_by(s, s.world.registrar, 3)),
    "a map root by the service": Refusal("not-entitled", "iss", lambda s: root_by(s, s.world.service, 3)),
    "a map root by a party": Refusal("not-entitled", "iss", lambda s: root_by(s, s.world.studio, 3)),
    "a map root of another origin": Refusal(
        "wrong-subject", "subject", lambda s: root_by(s, s.world.log, 3, "log.example/else")
    ),
    "a map root under version 2": Refusal("policy-too-old", "type", lambda s: root_by(version_2(s), s.world.log, 3)),
    "a map root of a size to come": Refusal(
        "inconsistent", "body.size", lambda s: root_by(s, s.world.log, s.position + 1)
    ),
    "a second map root of one size": Refusal("inconsistent", "body.size", lambda s: root_by(stated(s), s.world.log, 3)),
    "a map root of a smaller size": Refusal("inconsistent", "body.size", lambda s: root_by(stated(s), s.world.log, 2)),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


def test_a_map_root_covers_what_stands_before_it() -> None:
    stage = new_stage()
    at = stage.position
    stage.admit(root_by(stage, stage.world.log, at - 2))
    assert stage.state.get(MAP) == MapState(at, at - 2)
    at = stage.position
    stage.admit(root_by(stage, stage.world.log, at))
    assert stage.state.get(MAP) == MapState(at, at)
