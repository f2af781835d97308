"""How a log begins, and that it begins once."""

from __future__ import annotations

import dataclasses

import pytest

from ledger.errors import LogExists
from ledger.genesis import Founding, begin
from ledger.store.memory import MemoryStore
from tallystick.admission import Refused
from tallystick.replay import Placed, replay
from tallystick.statement import parse_statement
from tests.conformance.policed import PolicedStore
from tests.world import START, World


def founding(world: World) -> Founding:
    return Founding(world.origin, world.prefix, world.registrar.id, world.service.id, world.roles)


def test_genesis_is_three_entries_that_the_rules_admit() -> None:
    world, store = World(), PolicedStore(MemoryStore())
    begin(store, founding(world), lambda: START)
    with store.snapshot() as reads:
        entries = [Placed(at, parse_statement(entry)) for at, entry in enumerate(reads.entries(0, 9))]
    assert [one.statement.event.type for one in entries] == ["log.key-set", "log.policy", "log.batch"]
    again = replay(entries)
    assert again.refused == {}
    assert {one.admitted_at for one in again.admitted.values()} == {START}
    registrar = world.roles["registrar"].public
    assert [one.admission.key for one in again.admitted.values()] == [registrar, registrar, world.roles["log"].public]


def test_a_log_begins_once() -> None:
    world, store = World(), PolicedStore(MemoryStore())
    begin(store, founding(world), lambda: START)
    with pytest.raises(LogExists, match="3 entries"):
        begin(store, founding(world), lambda: START)


@pytest.mark.parametrize("shared", ["service", "registrar"])
def test_a_key_set_that_the_rules_refuse_leaves_nothing(shared: str) -> None:
    world, store = World(), PolicedStore(MemoryStore())
    signers = {**world.roles, "exporter": world.roles[shared]}
    with pytest.raises(Refused, match="share a key"):
        begin(store, dataclasses.replace(founding(world), signers=signers), lambda: START)
    with store.snapshot() as reads:
        assert reads.size() == 0
