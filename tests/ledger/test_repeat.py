"""A client that repeats a request over JSON gets its old position, whatever salts and times the service chose."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Conflict
from ledger.log import Log
from ledger.repeat import find_repeat
from ledger.submission import Receipt
from tallystick.events import Event
from tests.ledger.conftest import open_log
from tests.world import START, World

VALUES = {"title": "Prop", "price": {"amount": "12.50", "currency": "EUR"}, "takes": 1}


@pytest.fixture
def said(data: Path, world: World) -> tuple[Path, Event]:
    """The service recorded an event for the studio; the event without its commitments."""
    draft = world.object()
    subject, body = draft.event.subject, draft.event.body
    statement = world.record(world.studio, "object.register", subject, body, private=VALUES, event_id="client-1")
    with open_log(data, world) as log:
        receipt = log.submit(statement, world.disclosures[statement.statement_id]).result()
        assert receipt == Receipt(29, 30, START, False)
    return data, dataclasses.replace(statement.event, private=None)


def ask(log: Log, world: World, event: Event, values: dict[str, Any] = VALUES, claimed: bool = False) -> Receipt | None:
    with log.store.snapshot() as reads:
        return find_repeat(reads, world.studio.id, event, values, claimed)


def test_the_same_words_are_a_repeat(said: tuple[Path, Event], world: World) -> None:
    data, event = said
    with open_log(data, world) as log:
        assert ask(log, world, event) == Receipt(29, 30, START, True)
        assert ask(log, world, event, claimed=True) == Receipt(29, 30, START, True)
        assert ask(log, world, dataclasses.replace(event, time="2026-02-01T00:00:09Z")) == Receipt(29, 30, START, True)


def test_a_new_id_is_no_repeat(said: tuple[Path, Event], world: World) -> None:
    data, event = said
    with open_log(data, world) as log:
        assert ask(log, world, dataclasses.replace(event, event_id="client-2")) is None
        with log.store.snapshot() as reads:
            assert find_repeat(reads, world.licensee.id, event, VALUES, False) is None


@pytest.mark.parametrize(
    "change", ["subject", "type", "body", "time", "recorded_for", "value", "kind", "more", "fewer"]
)
def test_other_words_under_the_same_id_conflict(said: tuple[Path, Event], world: World, change: str) -> None:
    data, event = said
    values: dict[str, Any] = dict(VALUES)
    fields: dict[str, Any] = {
        "subject": world.object().event.subject,
        "type": "job.register",
        "body": world.object().event.body,
        "time": "2026-02-01T00:00:09Z",
        "recorded_for": None,
    }
    if change in fields:
        event = dataclasses.replace(event, **{change: fields[change]})
    elif change == "fewer":
        del values["price"]
    elif change == "kind":
        values["takes"] = True
    else:
        values["title" if change == "value" else "note"] = "Other"
    with open_log(data, world) as log, pytest.raises(Conflict, match="at position 29"):
        ask(log, world, event, values, claimed=True)


def test_nobody_can_tell_of_erased_values(said: tuple[Path, Event], world: World) -> None:
    data, event = said
    with open_log(data, world) as log:
        with log.store.transaction() as working:
            assert working.erase(29, ["title"]) == ["title"]
        with pytest.raises(Conflict):
            ask(log, world, event)
