"""What the log admits as a licence, a verifier can read: admission and terms agree on the names."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.admission import Refused
from tallystick.identifiers import Letter
from tallystick.licence.terms import MANDATORY
from tallystick.replay import Placed, replay
from tallystick.statement import Statement
from tests.world import World


def admitted(world: World, licence: Statement, source: Statement) -> Statement:
    """The licence after admission; raises what refused it."""
    entries = world.genesis()
    entries += world.sequence([*world.parties(), source, licence], len(entries))
    found = replay([Placed(position, statement) for position, statement in enumerate(entries)])
    for error in found.refused.values():
        raise error
    return licence


def grant(world: World, terms: dict[str, Any]) -> Statement:
    source = world.object()
    object_id = source.event.subject
    whole = world.licence(object_id)
    stated = {name: value for name, value in {**world.terms(object_id), **terms}.items() if value is not None}
    body = whole.event.body
    return admitted(
        world, world.say(world.studio, "licence.grant", world.identifier(Letter.LICENCE), body, stated), source
    )


def test_a_licence_with_every_mandatory_term_is_admitted() -> None:
    assert set(MANDATORY) <= set(grant(World(), {}).event.commitments)


@pytest.mark.parametrize("name", MANDATORY)
def test_a_licence_without_a_mandatory_term_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="missing; every licence states it") as refusal:
        grant(World(), {name: None})
    assert (refusal.value.code, refusal.value.field) == ("incomplete", f"private.{name}")


def test_a_licence_with_a_term_nobody_can_read_is_refused() -> None:
    with pytest.raises(Refused, match="unknown term") as refusal:
        grant(World(), {"blackout": ["DE"]})
    assert refusal.value.field == "private.blackout"
