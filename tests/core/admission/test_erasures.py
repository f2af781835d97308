"""Erasures: what an entry committed to is remembered, and only what was there can be erased, once, by who may."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tallystick.admission import LOG, Refused
from tallystick.admission.state import Committed, LogState, committed_key
from tallystick.events.erasure import Erasure
from tallystick.events.party import PartyRegistration
from tallystick.identifiers import Letter
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import Someone

PRIVATE = {"title": "Lantern", "place": "Hengdian"}


def told(stage: Stage, who: Someone | None = None, recorded: bool = False) -> tuple[int, str]:
    """Position and subject of an object that ``who`` (the studio) registers with private values."""
    who = who or stage.world.studio
    plain = stage.world.object(who)
    say = stage.world.record if recorded else stage.world.say
    position = stage.position
    stage.admit(say(who, "object.register", plain.event.subject, plain.event.body, private=PRIVATE))
    return position, plain.event.subject


def erase(
    stage: Stage, position: int, subject: str, *names: str, who: Someone | None = None, recorded: bool = False
) -> Statement:
    body = Erasure(position, names or ("title",), "consent-withdrawn")
    say = stage.world.record if recorded else stage.world.say
    return say(who or stage.world.studio, "disclosure.erase", subject, body)


def erased(stage: Stage, position: int) -> tuple[str, ...]:
    """What the state says is gone of an entry."""
    held = stage.state.get(committed_key(position))
    assert isinstance(held, Committed)
    return held.erased


def staged(**how: Any) -> Callable[[Stage], Statement]:
    names = how.pop("names", ())

    def make(stage: Stage) -> Statement:
        position, subject = told(stage)
        who: Callable[[Stage], Someone] | None = how.get("who")
        return erase(
            stage,
            how.get("position", position),
            how.get("subject", subject),
            *names,
            who=who(stage) if who else None,
        )

    return make


def twice(stage: Stage) -> Statement:
    position, subject = told(stage)
    stage.admit(erase(stage, position, subject, "title"))
    return erase(stage, position, subject, "place", "title")


def about_another(stage: Stage) -> Statement:
    position, _ = told(stage)
    return erase(stage, position, stage.source)


def of_itself(stage: Stage) -> Statement:
    return erase(stage, stage.position, stage.source)


def without_values(stage: Stage) -> Statement:
    plain = stage.world.object()
    stage.admit(plain)
    return erase(stage, stage.position - 1, plain.event.subject)


def of_old_rules(stage: Stage) -> Statement:
    """As if the policy in force stood after the entry, which left no record of its values."""
    position, subject = told(stage)
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    stage.state._states.pop(committed_key(position))
    stage.state.apply([(LOG, dataclasses.replace(log, policy=stage.position))])
    return erase(stage, position, subject)


CASES: Refusals = {
    "names out of order": Refusal("bad-names", "body.names", staged(names=("title", "place"))),
    "a name twice": Refusal("bad-names", "body.names", staged(names=("title", "title"))),
    "a name that was not committed to": Refusal("unknown-commitment", "body.names", staged(names=("price",))),
    "an entry without private values": Refusal("unknown-commitment", "body.position", without_values),
    "an entry that is not there": Refusal("unknown-commitment", "body.position", staged(position=1 << 40)),
    "itself": Refusal("unknown-commitment", "body.position", of_itself),
    "what was erased before": Refusal("already-erased", "body.names", twice),
    "under another subject": Refusal("wrong-subject", "subject", about_another),
    "somebody else's values": Refusal("not-entitled", "iss", staged(who=lambda stage: stage.rival)),
    "by the log": Refusal("no-party", "iss", staged(who=lambda stage: stage.world.log)),
    "of an entry under older rules, by a party": Refusal("not-entitled", "iss", of_old_rules),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


def test_commitments_are_remembered() -> None:
    stage = new_stage()
    position, subject = told(stage)
    expected = Committed(stage.world.studio.id, subject, ("place", "title"), ())
    assert stage.state.get(committed_key(position)) == expected


def test_who_said_it_erases_it() -> None:
    stage = new_stage()
    position, subject = told(stage)
    stage.admit(erase(stage, position, subject, "title"))
    held = stage.state.get(committed_key(position))
    assert held == Committed(stage.world.studio.id, subject, ("place", "title"), ("title",))
    stage.admit(erase(stage, position, subject, "place"))
    held = stage.state.get(committed_key(position))
    assert isinstance(held, Committed)
    assert held.erased == ("place", "title")


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("asked", [True, False])
def test_through_the_service_or_with_its_own_key(said: bool, asked: bool) -> None:
    stage = new_stage()
    position, subject = told(stage, recorded=said)
    stage.admit(erase(stage, position, subject, recorded=asked))
    assert erased(stage, position) == ("title",)


def test_the_registrar_erases_anybodys() -> None:
    stage = new_stage()
    position, subject = told(stage)
    stage.admit(erase(stage, position, subject, who=stage.world.registrar))
    assert erased(stage, position) == ("title",)


def test_a_party_erases_what_the_registrar_said_about_it() -> None:
    stage = new_stage()
    newcomer = stage.world.someone("newcomer")
    body = PartyRegistration("person", ("studio",), (newcomer.valid_key(),))
    position = stage.position
    stage.admit(stage.world.say(stage.world.registrar, "party.register", newcomer.id, body, {"name": "Wei"}))
    stage.admit(erase(stage, position, newcomer.id, "name", who=newcomer))
    assert erased(stage, position) == ("name",)


def test_the_registrar_erases_what_stands_under_older_rules() -> None:
    stage = new_stage()
    said = of_old_rules(stage)
    with pytest.raises(Refused):
        stage.decide(said)
    body: Erasure = said.event.body
    changes = stage.admit(erase(stage, body.position, said.event.subject, who=stage.world.registrar)).changes
    assert changes == ()


def test_any_kind_of_subject() -> None:
    stage = new_stage()
    position = stage.position
    stage.admit(stage.world.licence(stage.source, index=7))
    licence = next(one for one in stage.state._states if one[8:10] == f"{Letter.LICENCE}-")
    stage.admit(erase(stage, position, licence, "payment"))
    assert erased(stage, position) == ("payment",)
