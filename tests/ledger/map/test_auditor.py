"""The auditor: a monitor that replays the map, signs what is right, and tells of what is not."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.copies.auditing import Hand, MapWatch, open_hand
from ledger.copies.known import Head, known_log
from ledger.copies.mirror import Mirror
from ledger.copies.monitor import Expectations, Monitor
from ledger.copies.source import open_source
from ledger.copies.watching import WatchStore
from ledger.errors import Corrupt
from ledger.map.disk import DiskMap
from ledger.tilestore import TileStore
from tallystick.errors import MalformedInput
from tallystick.events.dispute import DisputeOpening
from tallystick.events.log import MapRoot
from tallystick.identifiers import Letter
from tallystick.map.audit import verify_audit
from tallystick.merkle import leaf_hash, root_of
from tallystick.statement import parse_statement
from tests.ledger.commands import run
from tests.ledger.conftest import open_log
from tests.ledger.map.test_damage import rot, tear
from tests.ledger.map.test_roots import all_entries, lie, model, opened
from tests.world import START, World, key_from

HAND = Hand("auditor.example", key_from("an auditor"))


def known(world: World) -> Any:
    return known_log(world.signers.keys.verifier_keys())


def look(path: Path, data: Path, world: World, hand: Hand | None = HAND) -> tuple[list[dict[str, Any]], bytes | None]:
    with closing(Monitor(path, known(world), open_source(str(data)), Expectations(), hand)) as monitor:
        monitor.look(START)
        return [json.loads(line) for line in monitor.alarms()], monitor.audit()


def state(data: Path, world: World) -> tuple[list[bytes], int]:
    """The entries, and the position of a root that is right."""
    with opened(data, world) as (log, roots):
        log.submit(world.object()).result()
        position = roots.state(at_once=True)
        log.publish_now()
        assert position is not None
        return all_entries(log), position


def disputed(data: Path, world: World) -> int:
    """The operator states the map of a history without the dispute; where."""
    with open_log(data, world) as log:
        target = next(
            one.event.subject for one in map(parse_statement, all_entries(log)) if one.event.type == "object.register"
        )
        dispute = world.identifier(Letter.DISPUTE)
        log.submit(world.say(world.studio, "dispute.open", dispute, DisputeOpening(target, "other"))).result()
        entries = all_entries(log)
        hidden = [b"-" if parse_statement(entry).event.type == "dispute.open" else entry for entry in entries]
        position = lie(log, world, len(entries), model(hidden).root())
        log.publish_now()
        return position


def test_a_right_root_is_signed(data: Path, world: World, tmp_path: Path) -> None:
    entries, position = state(data, world)
    alarms, note = look(tmp_path / "m", data, world)
    assert alarms == []
    assert note is not None
    audit, at = verify_audit(note, HAND.auditor)
    assert (audit.origin, audit.size, at) == (world.origin, position, START)
    assert audit.root == model(entries[:position]).root()
    assert audit.tree == root_of([leaf_hash(entry) for entry in entries[:position]])


def test_a_map_that_hides_a_dispute_is_an_alarm_and_is_not_signed(data: Path, world: World, tmp_path: Path) -> None:
    position = disputed(data, world)
    alarms, note = look(tmp_path / "m", data, world)
    assert [(one["alarm"], one["position"]) for one in alarms] == [("map-root", position)]
    assert note is None
    assert look(tmp_path / "m", data, world)[0] == [], "it is told once"
    with Mirror(tmp_path / "copy", known(world), open_source(str(data))) as copy:
        copy.step()
        with pytest.raises(Corrupt, match=f"entry {position}: .*map root"):
            copy.check()


def test_a_wrong_root_after_a_right_one_leaves_the_older_audit(data: Path, world: World, tmp_path: Path) -> None:
    state(data, world)
    _, before = look(tmp_path / "m", data, world)
    position = disputed(data, world)
    alarms, after = look(tmp_path / "m", data, world)
    assert [one["position"] for one in alarms] == [position]
    assert after == before


def test_it_goes_on_where_it_stood(data: Path, world: World, tmp_path: Path) -> None:
    state(data, world)
    look(tmp_path / "m", data, world)
    _, position = state(data, world)
    alarms, note = look(tmp_path / "m", data, world)
    assert (alarms, note and verify_audit(note, HAND.auditor)[0].size) == ([], position)


@pytest.mark.parametrize("harm", ["gone", "damaged", "ahead"])
def test_whatever_becomes_of_its_map(data: Path, world: World, tmp_path: Path, harm: str) -> None:
    state(data, world)
    look(tmp_path / "m", data, world)
    entries, position = state(data, world)
    file = tmp_path / "m" / "map.sqlite"
    if harm == "gone":
        file.unlink()
    elif harm == "damaged":
        file.write_bytes(b"damaged" * 999)
    else:
        with closing(DiskMap(file)) as found:
            found.take(entries[found.size :])
            found.take([b"more"] * 50)
    alarms, note = look(tmp_path / "m", data, world)
    assert (alarms, note and verify_audit(note, HAND.auditor)[0].size) == ([], position)


@pytest.mark.parametrize("harm", ["rotted", "torn"])
def test_a_map_that_rotted_is_made_anew_in_the_same_look(
    data: Path, world: World, tmp_path: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one may be in another process, which would meet the same damage, and the one after it."""
    state(data, world)
    look(tmp_path / "m", data, world)
    _, position = state(data, world)
    file = tmp_path / "m" / "map.sqlite"
    if harm == "rotted":
        rot(file, "each is an empty one")
        monkeypatch.setattr(MapWatch, "_is_signed", lambda self: True)
        alarms, note = look(tmp_path / "m", data, world)
    else:
        with closing(Monitor(tmp_path / "m", known(world), open_source(str(data)), Expectations(), HAND)) as monitor:
            tear(file)
            monitor.look(START)
            alarms, note = [json.loads(line) for line in monitor.alarms()], monitor.audit()
    assert (alarms, note and verify_audit(note, HAND.auditor)[0].size) == ([], position)


@pytest.mark.parametrize("first", [True, False], ids=["before it signed anything", "after it signed one"])
def test_an_auditor_signs_on_no_other_word_than_its_own(data: Path, world: World, tmp_path: Path, first: bool) -> None:
    """Somebody who lies in the log puts the map of his lie where the auditor keeps its own."""
    if not first:
        state(data, world)
    _, before = look(tmp_path / "m", data, world)
    position = disputed(data, world)
    entries = state(data, world)[0]
    hidden = [b"-" if parse_statement(one).event.type == "dispute.open" else one for one in entries[: position - 1]]
    with closing(DiskMap(tmp_path / "m" / "map.sqlite")) as forged:
        forged.reset()
        forged.take(hidden)
    alarms, note = look(tmp_path / "m", data, world)
    assert [one["position"] for one in alarms if one["alarm"] == "map-root"][:1] == [position]
    assert note != before


@pytest.mark.parametrize("first", ["nothing", "a right root", "the lie"])
def test_a_monitor_without_a_key_believes_no_map_that_it_did_not_find_right(
    data: Path, world: World, tmp_path: Path, first: str
) -> None:
    """Somebody who lies in the log puts the map of his lie where the monitor keeps its own, also after it told."""
    if first == "a right root":
        state(data, world)
    look(tmp_path / "m", data, world, None)
    position = disputed(data, world)
    if first == "the lie":
        alarms, _ = look(tmp_path / "m", data, world, None)
        assert [one["position"] for one in alarms] == [position]
    entries = state(data, world)[0]
    stated = parse_statement(entries[position]).event.body
    hidden = [b"-" if parse_statement(one).event.type == "dispute.open" else one for one in entries[: stated.size]]
    with closing(DiskMap(tmp_path / "m" / "map.sqlite")) as forged:
        forged.reset()
        forged.take(hidden)
        assert forged.root().hex() == stated.root
    alarms, _ = look(tmp_path / "m", data, world, None)
    expected = [] if first == "the lie" else [position]
    assert [one["position"] for one in alarms if one["alarm"] == "map-root"] == expected


def test_a_monitor_without_a_key_goes_on_with_its_own_map(
    data: Path, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state(data, world)
    look(tmp_path / "m", data, world, None)
    begun: list[int] = []
    monkeypatch.setattr(DiskMap, "reset", lambda self: begun.append(self.size))
    state(data, world)
    assert look(tmp_path / "m", data, world, None)[0] == []
    assert begun == []


def test_cut_short_between_scan_and_look_no_root_is_passed_over(
    data: Path, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = disputed(data, world)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(MapWatch, "look", die)
        with pytest.raises(Killed):
            look(tmp_path / "m", data, world)
    assert [one["position"] for one in look(tmp_path / "m", data, world)[0]] == [position]


def test_a_monitors_file_of_before_goes_on(data: Path, world: World, tmp_path: Path) -> None:
    look(tmp_path / "m", data, world)
    with closing(sqlite3.connect(tmp_path / "m" / "monitor.sqlite")) as file:
        file.execute("DROP TABLE roots")
        file.execute("DROP TABLE ids")
        file.execute("PRAGMA user_version=1")
    _, position = state(data, world)
    alarms, note = look(tmp_path / "m", data, world)
    assert (alarms, note and verify_audit(note, HAND.auditor)[0].size) == ([], position)
    with closing(WatchStore(tmp_path / "m" / "monitor.sqlite")) as store:
        assert store.roots() == []


def test_the_key_is_made_once(tmp_path: Path) -> None:
    first = open_hand(tmp_path / "m", "auditor.example", None)
    assert open_hand(tmp_path / "m", "auditor.example", None).auditor == first.auditor
    (tmp_path / "m" / "auditor.passphrase").unlink()
    with pytest.raises(MalformedInput, match="MONITOR_PASSPHRASE"):
        open_hand(tmp_path / "m", "auditor.example", None)
    given = open_hand(tmp_path / "n", "auditor.example", "a secret")
    assert open_hand(tmp_path / "n", "auditor.example", "a secret").auditor == given.auditor
    with pytest.raises(MalformedInput):
        open_hand(tmp_path / "n", "auditor.example", "another")
    with pytest.raises(MalformedInput):
        open_hand(tmp_path / "o", "no name", None)


def test_the_command(data: Path, world: World, tmp_path: Path) -> None:
    _, position = state(data, world)
    keys = [part for line in world.signers.keys.verifier_keys() for part in ("--key", line)]
    code, said, problems = run("monitor", data, tmp_path / "m", *keys, "--once", "--auditor", "auditor.example")
    assert code == 0, problems
    lines = [json.loads(line) for line in said.splitlines()]
    (vkey,) = [one["auditor"] for one in lines if "auditor" in one]
    (note,) = [one["audit"] for one in lines if "audit" in one]
    from tallystick.map.audit import parse_auditor

    assert verify_audit(note.encode(), parse_auditor(vkey))[0].size == position


class _Roots:
    """What a monitor has scanned and not looked at yet."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, MapRoot]] = []
        self.alarms: list[str] = []

    def roots(self) -> list[tuple[int, MapRoot]]:
        return self.waiting

    def looked_at(self, position: int, alarms: list[Any]) -> None:
        self.waiting = [one for one in self.waiting if one[0] != position]
        self.alarms += [one.message for one in alarms]


def test_a_log_whose_roots_shrink_is_told_of_and_does_not_make_the_auditor_begin_again(
    data: Path, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A root of an older size is not to cost the work of all entries, once for each that a log cares to state."""
    entries, position = state(data, world)
    begun: list[int] = []
    monkeypatch.setattr(DiskMap, "reset", lambda self: begun.append(self.size))
    with open_log(data, world) as log:
        signed = log.published.checkpoint()
        store, head = _Roots(), Head(signed.checkpoint, log.published.note().decode(), signed.note)
        tiles = TileStore(data / "public")
        watch = MapWatch(tmp_path, world.origin, store, tiles, None)  # type: ignore[arg-type]
        root, older = (MapRoot(size, model(entries[:size]).root().hex()) for size in (position, position - 1))
        for number, stated in enumerate((root, older, older, root)):
            store.waiting = [(position + number, stated)]
            watch.look(head, START)
    assert begun == []
    assert len(store.alarms) == 2
    assert all("one before it covers" in told for told in store.alarms)
