"""A log in memory with parties, an approved capability and objects, on which each rule is tried.

A case is a name, a function that prepares the stage and gives one statement, and
what the rules must answer: a refusal's code and field. ``test_every_refusal_is_tried``
demands that every ``raise`` of the rules is reached by a case.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest

from tallystick.admission import Admission, MemoryState, Refused, decide
from tallystick.statement import Statement
from tests.world import Capability, Job, Someone, World


@dataclass
class Stage:
    """A world, what its log knows, and the next position."""

    world: World
    state: MemoryState
    position: int
    rival: Someone
    capability: Capability
    source: str
    foreign: str

    def decide(self, statement: Statement) -> Admission:
        """The rules' answer at the next position, now."""
        return decide(statement, self.position, self.world.clock, self.state)

    def admit(self, *statements: Statement) -> Admission:
        """Admit each at a position of its own."""
        for statement in statements:
            admission = self.decide(statement)
            self.state.apply(admission.changes)
            self.position += 1
        return admission

    def running_job(self, *inputs: str) -> Job:
        """A job of the studio, admitted."""
        job, said = self.world.job(self.capability, inputs or [self.source])
        self.admit(said)
        return job

    def copy(self) -> Stage:
        """The same, to be spoilt."""
        state = MemoryState()
        state.apply(self.state._states.items())
        world = copy.copy(self.world)
        world.disclosures = {}
        return dataclasses.replace(self, world=world, state=state)


@cache
def _prepared() -> Stage:
    world = World()
    rival = world.someone("rival")
    capability, filed = world.capability()
    stage = Stage(world, MemoryState(), 0, rival, capability, "", "")
    stage.admit(*world.genesis(), *world.parties(), world.register(rival, "studio", "provider", "licensee"), *filed)
    source, foreign = world.object(), world.object(rival)
    stage.admit(source, foreign)
    stage.source, stage.foreign = source.event.subject, foreign.event.subject
    return stage


def new_stage() -> Stage:
    """Genesis, the parties and a rival, an approved capability, and an object each of studio and rival."""
    return _prepared().copy()


@dataclass(frozen=True)
class Refusal:
    """``make`` prepares the stage and gives the statement that must be refused with this code at this field."""

    code: str
    field: str
    make: Callable[[Stage], Statement]


Refusals = dict[str, Refusal]


def check_refusal(refusal: Refusal) -> Refused:
    """The refusal, as it was raised; the state is not touched by deciding."""
    stage = new_stage()
    statement = refusal.make(stage)
    before = dict(stage.state._states)
    with pytest.raises(Refused) as caught:
        stage.decide(statement)
    error = caught.value
    assert (error.code, error.field) == (refusal.code, refusal.field), str(error)
    assert error.hint
    assert str(error) == f"{error.problem} ({error.field})"
    assert stage.state._states == before
    return error
