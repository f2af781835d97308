"""How a log goes to later rules, ends, and succeeds another."""

from __future__ import annotations

import dataclasses

import pytest

from tallystick.admission import BATCH, LOG, MemoryState, decide
from tallystick.admission.state import BatchState, LogState
from tallystick.events.log import Freeze, Predecessor, TimeMark
from tallystick.schema import write
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.core.admission.test_log import batch, policy_by
from tests.world import Someone


def freeze_by(stage: Stage, who: Someone, subject: str | None = None, successor: str | None = None) -> Statement:
    return stage.world.say(who, "log.freeze", subject or stage.world.origin, Freeze("closure", successor))


def version_1(stage: Stage) -> Stage:
    """The stage as if its log had begun with version 1 of the rules."""
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    stage.state.apply([(LOG, dataclasses.replace(log, rules=None))])
    return stage


def frozen(stage: Stage) -> Stage:
    stage.admit(freeze_by(stage, stage.world.registrar))
    return stage


def frozen_and_closed(stage: Stage) -> Stage:
    stage.admit(frozen(stage).world.batch(3, stage.position - 1))
    return stage


BEFORE = Predecessor("log.example/before", 31, "66" * 32, "77" * 32)


def predecessor_by(stage: Stage, who: Someone, subject: str | None = None) -> Statement:
    return stage.world.say(who, "log.predecessor", subject or stage.world.origin, BEFORE)


def at_2(stage: Stage, body: Predecessor) -> Statement:
    """The stage as a log that has its first two entries."""
    state = MemoryState()
    for at, said in enumerate((stage.world.key_set(), stage.world.policy())):
        state.apply(decide(said, at, stage.world.clock, state).changes)
    stage.state, stage.position = state, 2
    return stage.world.say(stage.world.registrar, "log.predecessor", stage.world.origin, body)


TOKEN = TimeMark("rfc3161", "88" * 32, "an authority", 3)
BLOCK = TimeMark("block", "99" * 32, "eip155:1337", 12)


def time_by(stage: Stage, who: Someone, body: TimeMark = TOKEN, subject: str | None = None) -> Statement:
    return stage.world.say(who, "log.time", subject or stage.world.origin, body)


def marked(stage: Stage) -> Stage:
    stage.admit(time_by(stage, stage.world.log))
    return stage


CASES: Refusals = {
    "a time by the registrar": Refusal("not-entitled", "iss", lambda s: time_by(s, s.world.registrar)),
    "a time by the service": Refusal("not-entitled", "iss", lambda s: time_by(s, s.world.service)),
    "a time by a party": Refusal("not-entitled", "iss", lambda s: time_by(s, s.world.studio)),
    "a time of another origin": Refusal(
        "wrong-subject", "subject", lambda s: time_by(s, s.world.log, TOKEN, "log.example/else")
    ),
    "a time under earlier rules": Refusal("policy-too-old", "type", lambda s: time_by(version_1(s), s.world.log)),
    "a token over a tree that is not there yet": Refusal(
        "inconsistent",
        "body.number",
        lambda s: time_by(s, s.world.log, dataclasses.replace(TOKEN, number=s.position + 1)),
    ),
    "a cosignature on a tree that is not there yet": Refusal(
        "inconsistent",
        "body.number",
        lambda s: time_by(s, s.world.log, dataclasses.replace(TOKEN, kind="cosignature", number=s.position + 1)),
    ),
    "a block of nothing that is a chain": Refusal(
        "inconsistent", "body.source", lambda s: time_by(s, s.world.log, dataclasses.replace(BLOCK, source="eip155:01"))
    ),
    "a token that was named before": Refusal(
        "already-used",
        "body.digest",
        lambda s: time_by(marked(s), s.world.log, dataclasses.replace(TOKEN, source="another", number=1)),
    ),
    "a time after the freeze": Refusal("log-frozen", "type", lambda s: time_by(frozen_and_closed(s), s.world.log)),
    "a predecessor by the log": Refusal("not-entitled", "iss", lambda s: predecessor_by(s, s.world.log)),
    "a predecessor of another origin": Refusal(
        "wrong-subject", "subject", lambda s: predecessor_by(s, s.world.registrar, "log.example/else")
    ),
    "a predecessor after the beginning": Refusal("wrong-state", "type", lambda s: predecessor_by(s, s.world.registrar)),
    "a log that succeeds itself": Refusal(
        "inconsistent", "body.origin", lambda s: at_2(s, dataclasses.replace(BEFORE, origin=s.world.origin))
    ),
    "a type that came with later rules": Refusal(
        "policy-too-old", "type", lambda s: freeze_by(version_1(s), s.world.registrar)
    ),
    "a policy of earlier rules": Refusal(
        "policy-too-old", "body.version", lambda s: policy_by(s, s.world.registrar, version=1)
    ),
    "a freeze by a party": Refusal("not-entitled", "iss", lambda s: freeze_by(s, s.world.studio)),
    "a freeze by the service": Refusal("not-entitled", "iss", lambda s: freeze_by(s, s.world.service)),
    "a freeze by the log": Refusal("not-entitled", "iss", lambda s: freeze_by(s, s.world.log)),
    "a freeze of another origin": Refusal(
        "wrong-subject", "subject", lambda s: freeze_by(s, s.world.registrar, "log.example/else")
    ),
    "a freeze in favour of itself": Refusal(
        "inconsistent", "body.successor", lambda s: freeze_by(s, s.world.registrar, None, s.world.origin)
    ),
    "an object in the batch of the freeze": Refusal("log-frozen", "type", lambda s: frozen(s).world.object()),
    "an object after the freeze": Refusal("log-frozen", "type", lambda s: frozen_and_closed(s).world.object()),
    "a second freeze": Refusal("log-frozen", "type", lambda s: freeze_by(frozen_and_closed(s), s.world.registrar)),
    "a policy after the freeze": Refusal(
        "log-frozen", "type", lambda s: policy_by(frozen_and_closed(s), s.world.registrar)
    ),
    "a second batch after the freeze": Refusal("log-frozen", "type", lambda s: batch(frozen_and_closed(s), -1, -1)),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


def log_of(stage: Stage) -> LogState:
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    return log


def test_rules_go_forward_by_a_policy_entry() -> None:
    stage = version_1(new_stage())
    log = log_of(stage)
    assert (log.version, "rules" in write(log)) == (1, False), "a state of version 1 is stored as it always was"
    stage.admit(policy_by(stage, stage.world.registrar, version=1))
    assert (log_of(stage).version, log_of(stage).policy) == (1, stage.position - 1)
    stage.admit(policy_by(stage, stage.world.registrar, version=2))
    assert (log_of(stage).version, log_of(stage).policy) == (2, stage.position - 1)
    stage.admit(freeze_by(stage, stage.world.registrar))


def test_a_frozen_log_takes_its_batch_entry_and_nothing_else() -> None:
    stage = frozen(new_stage())
    assert log_of(stage).frozen == stage.position - 1
    stage.admit(stage.world.batch(3, stage.position - 1))
    assert stage.state.get(BATCH) == BatchState(stage.position - 1, "2026-02-01T00:00:00Z")


def test_a_log_may_say_as_it_begins_which_one_it_succeeds() -> None:
    stage = new_stage()
    stage.admit(at_2(stage, BEFORE))
    assert log_of(stage).predecessor == BEFORE


def test_the_log_names_a_token_over_a_tree_that_it_had_and_a_block() -> None:
    stage = marked(new_stage())
    before = stage.position
    stage.admit(time_by(stage, stage.world.log, BLOCK))
    seen = dataclasses.replace(TOKEN, kind="cosignature", digest="bb" * 32)
    stage.admit(time_by(stage, stage.world.log, seen))
    whole = dataclasses.replace(TOKEN, digest="aa" * 32, number=stage.position)
    stage.admit(time_by(stage, stage.world.log, whole))
    assert stage.position == before + 3
