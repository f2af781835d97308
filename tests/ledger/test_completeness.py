"""The census of traceability sets remembers a bounded number of subjects, and counts the same with none of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.store import Reads
from ledger.store.sqlite import open_store
from ledger.upkeep import completeness as counting
from ledger.upkeep.completeness import Census, completeness
from tallystick import canonical, cose
from tallystick.events.objects import Basis
from tallystick.identifiers import Letter
from tests.core.test_schema_differential import spoil
from tests.ledger.test_fsck import generated_event, plant, raw_statement, without
from tests.world import World


@pytest.fixture
def reads(data: Path, world: World) -> Iterator[Reads]:
    """The main job, and planted after it: objects that rest on nothing, on what comes later, and good ones."""
    nowhere, later = world.identifier(Letter.OBJECT), world.identifier(Letter.OBJECT)
    before_it = world.object(basis=(Basis("object", None, later),))
    it = world.record(world.studio, "object.register", later, world.object().event.body)
    after_it = world.object(basis=(Basis("object", None, later),))
    plant(data, world, statements=(world.object(basis=(Basis("object", None, nowhere),)), before_it, it, after_it))
    event = generated_event(world, data)
    for subject in (7, [later], world.origin):
        body = {**event["body"], "basis": [{"kind": "object", "subject": subject}]}
        plant(data, world, raw_statement(world, {**event, "body": body}))
    plant(data, world, raw_statement(world, without(event, "body", "generation", "version")))
    store = open_store(data / "ledger.sqlite")
    with store.snapshot() as found:
        yield found
    store.close()


def missing(reads: Reads) -> list[tuple[int, tuple[str, ...]]]:
    return [(one.position, one.missing) for one in completeness(reads).incomplete]


@pytest.mark.parametrize("remembered", [0, 1, 3, 10_000])
def test_the_figure_is_the_same_however_little_is_remembered(
    reads: Reads, remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "REMEMBERED", remembered)
    found = completeness(reads)
    assert (found.objects, found.complete) == (10, 4)
    authorisation = ("authorisation chain",)
    assert missing(reads) == [
        (29, authorisation),
        (30, authorisation),
        *((position, authorisation) for position in (34, 36, 38)),
        (40, ("capability version",)),
    ]


def test_what_comes_later_is_not_known_yet(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store knows the object at 31; the entry at 30 rests on it and was there before."""
    monkeypatch.setattr(counting, "REMEMBERED", 0)
    (entry,) = reads.entries(30, 31)
    figures = []
    for position in (30, 31, 32):
        census = Census()
        census.take(position, entry, reads)
        figures.append(census.figure().complete)
    assert figures == [0, 0, 1]


def figure(payload: bytes, reads: Reads) -> tuple[Any, ...]:
    """Of a census of one entry; and whom it remembers."""
    census = Census()
    census.take(0, layout_of(payload), reads)
    return census.figure(), list(census._subjects), list(census._jobs), list(census._capabilities)


def layout_of(payload: bytes) -> bytes:
    return cose.envelope(b"\xa0", payload, bytes(64))


def test_what_rests_on_itself_lacks_nothing(reads: Reads, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick look says it of no event of which the slow one says anything else."""
    event = canonical.decode(world.object().parts.payload, 1 << 16)
    good = event["body"]
    assert counting._resting_on_itself(json.dumps(event).encode()) == event["subject"]
    content, (link, *_) = good["content"], good["basis"]
    for change in (
        {"origin": "generated"},
        {"content": {**content, "form": "folder"}},
        {"content": {**content, "sha256": "0" * 63}},
        {"content": {**content, "sm3": "G" * 64}},
        {"basis": []},
        {"basis": [link, {"kind": "object", "subject": "10.5555/A-000G-40R4-0M30-E209-9"}]},
        {"media_type": "a\\b"},
    ):
        assert counting._resting_on_itself(json.dumps({**event, "body": {**good, **change}}).encode()) is None
    chance, taken, seen = random.Random(7), 0, []
    for _ in range(4000):
        spoiled = event
        for _ in range(chance.choice((1, 1, 2))):
            spoiled = spoil(spoiled, chance)
        payload = json.dumps(spoiled, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
        taken += counting._resting_on_itself(payload) is not None
        seen.append((payload, figure(payload, reads)))
    assert 500 < taken < 3500
    monkeypatch.setattr(counting, "_resting_on_itself", lambda _: None)
    for payload, quickly in seen:
        assert figure(payload, reads) == quickly


def test_what_nests_without_end_is_looked_at_the_slow_way(reads: Reads, world: World) -> None:
    """It stands in no log that refuses it; in one that does not, it ended the census."""
    event = canonical.decode(world.object().parts.payload, 1 << 16)
    for depth in (33, 5000):
        nested = json.dumps(event).encode().removesuffix(b"}") + b',"x":' + b"[" * depth + b"]" * depth + b"}"
        assert counting._resting_on_itself(nested) is None
        assert figure(nested, reads)[0].incomplete == ()


def test_memory_does_not_grow_with_the_log(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "REMEMBERED", 3)
    monkeypatch.setattr(counting, "LISTED", 2)
    census, held = Census(), []
    for position, entry in enumerate(reads.entries(0, reads.size())):
        census.take(position, entry, reads)
        kept: list[Any] = [census._subjects, census._jobs, census._capabilities]
        held.append(max(map(len, kept)))
    assert max(held) == 3
    found = census.figure()
    assert [one.position for one in found.incomplete] == [29, 30]
    assert (found.objects, found.complete) == (10, 4)
