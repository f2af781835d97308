"""Roots of the map in a real log: when they are stated, what is answered under them, and a log that lies."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ledger.errors import Corrupt, MapUnreachable
from ledger.folder import Folder
from ledger.log import Log
from ledger.map import check
from ledger.map import roots as map_roots
from ledger.map.check import as_appended
from ledger.map.disk import DiskMap
from ledger.map.roots import MapRoots
from ledger.store import Search
from ledger.upkeep.fsck import fsck, replay
from tallystick.errors import VerificationFailed
from tallystick.events.dispute import DisputeOpening
from tallystick.events.kinds import SINCE
from tallystick.events.log import Freeze, MapRoot
from tallystick.identifiers import Letter
from tallystick.map import MemoryMap, prove_answer
from tallystick.map.audit import Auditor, MapAudit, sign_audit
from tallystick.merkle import leaf_hash, leaf_hashes, root_of
from tallystick.statement import parse_statement
from tests.ledger.conftest import open_log
from tests.ledger.map.test_damage import ROT, rot, tear
from tests.ledger.rows import change_entry
from tests.world import START, World, key_from

FULL = "CREATE TRIGGER full BEFORE UPDATE ON reached BEGIN SELECT RAISE(FAIL, 'disk full'); END"
AUDITOR_KEY = key_from("an auditor")
AUDITOR = Auditor("auditor.example", AUDITOR_KEY.public)


@contextmanager
def opened(data: Path, world: World, every: int = 60) -> Iterator[tuple[Log, MapRoots]]:
    with (
        open_log(data, world) as log,
        closing(
            MapRoots(log, world.roles["log"], data.parent / "map", every, lambda: world.clock, (AUDITOR,))
        ) as roots,
    ):
        yield log, roots


def all_entries(log: Log) -> list[bytes]:
    with log.store.snapshot() as reads:
        return reads.entries(0, reads.size())


def stated(log: Log) -> dict[int, MapRoot]:
    with log.store.snapshot() as reads:
        found = reads.search(Search(type="log.map-root"))
    return {one.position: parse_statement(one.entry).event.body for one in found}


def model(entries: list[bytes]) -> MemoryMap:
    found = MemoryMap()
    for entry in entries:
        found.take(entry)
    return found


def lie(log: Log, world: World, size: int, root: bytes) -> int:
    """The log's own key states another root."""
    said = world.say(world.log, "log.map-root", world.origin, MapRoot(size, root.hex()))
    return log.submit(said).result().position


def test_a_root_is_of_all_that_stands_before_it(data: Path, world: World) -> None:
    with opened(data, world) as (log, roots):
        before = all_entries(log)
        assert roots.state(at_once=True) == len(before)
        assert stated(log) == {len(before): MapRoot(len(before), model(before).root().hex())}
    assert fsck(Folder(data)).findings == ()


def test_an_idle_log_states_nothing(data: Path, world: World) -> None:
    with opened(data, world) as (log, roots):
        assert roots.state(at_once=True) is not None
        size = len(all_entries(log))
        world.clock += 100_000
        assert roots.state() is None
        assert roots.state(at_once=True) is None, "all that counts is covered"
        assert len(all_entries(log)) == size


def test_an_entry_is_covered_in_time_and_not_before(data: Path, world: World) -> None:
    with opened(data, world) as (log, roots):
        roots.state(at_once=True)
        log.submit(world.object()).result()
        assert roots.state() is None
        world.clock += 59
        log.submit(world.object()).result()
        assert roots.state() is None
        world.clock += 1
        assert roots.state() is not None, "the first of them is 60 seconds old"
        assert roots.state() is None
        assert len(stated(log)) == 2


def test_a_frozen_log_states_nothing(data: Path, world: World) -> None:
    with opened(data, world) as (log, roots):
        log.submit(world.say(world.registrar, "log.freeze", world.origin, Freeze("closure"))).result()
        assert roots.state(at_once=True) is None


def test_a_log_under_earlier_rules_states_nothing(data: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the type came with the version after the one that this log has."""
    monkeypatch.setitem(SINCE, "log.map-root", 9)
    with opened(data, world) as (log, roots):
        size = len(all_entries(log))
        assert roots.state(at_once=True) is None
        with roots.view() as view:
            assert view is None
        assert len(all_entries(log)) == size


def test_answers_under_the_published_root(data: Path, world: World) -> None:
    with opened(data, world) as (log, roots):
        position = roots.state(at_once=True)
        log.submit(world.object()).result()
        log.publish_now()
        with roots.view() as view:
            assert view is not None
            assert view.position == position
            found = model(all_entries(log)[: view.size])
            for record in (world.origin, world.studio.id, "10.5555/never"):
                for relation in ("own", "named"):
                    answer = prove_answer(view.root, relation, record, view.prove(relation, record))  # type: ignore[arg-type]
                    assert (answer is None) == (record == "10.5555/never" or relation == "named")
            assert view.root == found.root()


def test_a_full_disk_is_said_and_the_root_is_stated_when_there_is_room(data: Path, world: World) -> None:
    """Whoever states roots, for ever, goes on after a ``TallystickError``; any other error would end it."""
    with opened(data, world) as (log, roots):
        with closing(sqlite3.connect(data.parent / "map" / "map.sqlite", isolation_level=None)) as other:
            other.execute(FULL)
            with pytest.raises(MapUnreachable, match="disk full"):
                roots.state(at_once=True)
            other.execute("DROP TRIGGER full")
        size = len(all_entries(log))
        assert roots.state(at_once=True) == size
        assert stated(log)[size].root == model(all_entries(log)[:size]).root().hex()


@pytest.mark.parametrize("harm", ["BEGIN IMMEDIATE", FULL], ids=["locked", "full"])
def test_a_map_that_could_not_go_back_states_no_other_root(data: Path, world: World, harm: str) -> None:
    """A root that could not be stated leaves the map ahead of the one that is shown; going back fails as well."""
    with opened(data, world) as (log, roots):
        roots.state(at_once=True)
        log.publish_now()
        log.submit(world.object()).result()
        roots._map._connection.execute("PRAGMA busy_timeout=0")
        with closing(sqlite3.connect(data.parent / "map" / "map.sqlite", isolation_level=None)) as other:
            other.execute(harm)
            with pytest.raises(MapUnreachable):
                roots.state(at_once=True)
            with pytest.raises(MapUnreachable), roots.view():
                pass
            other.execute("ROLLBACK" if harm != FULL else "DROP TRIGGER full")
        log.submit(world.object()).result()
        size = len(all_entries(log))
        assert roots.state(at_once=True) == size
        assert stated(log)[size].root == model(all_entries(log)[:size]).root().hex()


@pytest.mark.parametrize("harm", ["gone", "behind", "ahead", "of another log", "damaged"])
def test_whatever_becomes_of_the_file_the_answers_are_right(data: Path, world: World, harm: str) -> None:
    with opened(data, world) as (log, roots):
        if harm == "behind":
            roots.state(at_once=True)
            log.publish_now()
            shutil.copytree(data.parent / "map", data.parent / "old")
            log.submit(world.object()).result()
        roots.state(at_once=True)
        log.publish_now()
        expected = model(all_entries(log)[: max(stated(log).values(), key=lambda one: one.size).size]).root()
        if harm == "ahead":
            with log.store.snapshot() as reads:
                roots._bring(roots._map, reads.size(), reads)
        if harm == "of another log":
            roots._map.reset()
            roots._map.take(b"other" for _ in range(5))
    folder = data.parent / "map"
    if harm == "gone":
        shutil.rmtree(folder)
    elif harm == "behind":
        shutil.rmtree(folder)
        (data.parent / "old").rename(folder)
    elif harm == "damaged":
        (folder / "map.sqlite").write_bytes(b"damaged" * 1000)
    with opened(data, world) as (_, roots), roots.view() as view:
        assert view is not None
        assert view.root == expected


@pytest.mark.parametrize("harm", ROT)
def test_a_map_that_rotted_states_no_other_root(data: Path, world: World, harm: str) -> None:
    with opened(data, world) as (_, roots):
        roots.state(at_once=True)
    rot(data.parent / "map" / "map.sqlite", harm)
    with opened(data, world) as (log, roots):
        for _ in range(12):
            log.submit(world.object()).result()
        size = len(all_entries(log))
        assert roots.state(at_once=True) == size
        assert stated(log)[size].root == model(all_entries(log)[:size]).root().hex()


def test_a_map_that_is_not_of_the_root_last_stated_states_none(data: Path, world: World) -> None:
    """Whatever came into it: the entries are the truth."""
    with opened(data, world) as (log, roots):
        roots.state(at_once=True)
        roots._map.reset()
        roots._map.take(b"other" for _ in range(5))
        log.submit(world.object()).result()
        size = len(all_entries(log))
        assert roots.state(at_once=True) == size
        assert stated(log)[size].root == model(all_entries(log)[:size]).root().hex()


def test_a_file_that_sqlite_finds_damaged_while_it_is_used_costs_no_root(data: Path, world: World) -> None:
    with opened(data, world) as (log, roots):
        roots._map._connection.execute("PRAGMA cache_size=0")
        roots.state(at_once=True)
        log.publish_now()
        tear(data.parent / "map" / "map.sqlite")
        log.submit(world.object()).result()
        size = len(all_entries(log))
        assert roots.state(at_once=True) == size
        assert stated(log)[size].root == model(all_entries(log)[:size]).root().hex()


def flipped(entry: bytes) -> bytes:
    """Of a text in it: it is about something else, and of the same form."""
    at = entry.index(b"10.5555/A-") + len(b"10.5555/A-")
    return entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :]


@pytest.mark.parametrize("chunk", [1, 4096], ids=["batch by batch", "all at once"])
def test_over_an_entry_that_rotted_in_the_store_no_root_is_stated(
    data: Path, world: World, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """Not one that is right of the bytes that stand there: it would convict the log."""
    monkeypatch.setattr(check, "CHUNK", chunk)
    with opened(data, world) as (log, roots):
        roots.state(at_once=True)
        futures = [log.submit(world.object()) for _ in range(4)]
        first = [future.result().position for future in futures][2]
        before, whole = stated(log), all_entries(log)
        change_entry(data / "ledger.sqlite", first, flipped)
        for _ in range(2):
            with pytest.raises(Corrupt, match=r"batch at positions \d+ to \d+ is not as it was appended") as told:
                roots.state(at_once=True)
            assert told.value.position is not None
            assert told.value.position <= first
        assert stated(log) == before
        change_entry(data / "ledger.sqlite", first, lambda _: whole[first])
        at = roots.state(at_once=True)
        assert at is not None
        assert stated(log)[at].root == model(whole).root().hex(), "nothing was taken of the batch that was wrong"
    assert fsck(Folder(data)).findings == ()


@pytest.mark.parametrize("gone", [0, 5, 28])
def test_no_root_is_stated_over_entries_of_no_batch(data: Path, world: World, gone: int) -> None:
    with closing(sqlite3.connect(data / "ledger.sqlite", isolation_level=None)) as other:
        (position,) = other.execute(
            "SELECT position FROM batches WHERE position >= ? ORDER BY position LIMIT 1", (gone,)
        ).fetchone()
        other.execute("DELETE FROM batches WHERE position = ?", (position,))
    with opened(data, world) as (log, roots), log.store.snapshot() as reads:
        with pytest.raises(Corrupt, match="no batch"):
            roots._bring(roots._map, reads.size(), reads)
        assert roots._map.size <= gone


def test_entries_are_taken_as_appended_from_within_a_batch(data: Path, world: World) -> None:
    """Where the map goes on after a crash: what it has of a batch counts again."""
    with opened(data, world) as (log, _):
        for future in [log.submit(world.object()) for _ in range(9)]:
            future.result()
        entries = all_entries(log)
        with log.store.snapshot() as reads:
            assert len(list(reads.batches(29))) < 9, "some batch has several"
            for first in range(len(entries) + 1):
                for size in (first, first + 1, len(entries) - 1, len(entries)):
                    if first <= size <= len(entries):
                        found = list(as_appended(reads, first, size))
                        assert [one for some, _ in found for one in some] == entries[first:size]
                        assert [one for _, some in found for one in some] == leaf_hashes(entries[first:size])


@pytest.mark.parametrize("before", [True, False], ids=["ahead of a root", "before any root"])
def test_a_file_of_which_the_log_states_nothing_is_not_believed(data: Path, world: World, before: bool) -> None:
    """It leads to its own root, and to whatever whoever put it there wants the log to sign."""
    with opened(data, world) as (log, roots):
        if before:
            roots.state(at_once=True)
        for _ in range(3):
            log.submit(world.object()).result()
        entries = all_entries(log)
    with closing(DiskMap(data.parent / "map" / "map.sqlite")) as forged:
        forged.reset()
        forged.take([b"other", *entries[1:]] if not before else [*entries[:-2], b"other", entries[-1]])
    with opened(data, world) as (log, roots):
        log.submit(world.object()).result()
        size = len(all_entries(log))
        assert roots.state(at_once=True) == size
        assert stated(log)[size].root == model(all_entries(log)[:size]).root().hex()


def test_a_proof_from_what_rotted_is_none_and_the_next_is_right(data: Path, world: World) -> None:
    with opened(data, world) as (log, roots):
        roots.state(at_once=True)
        log.publish_now()
        with roots.view() as view:
            assert view is not None
            rot(data.parent / "map" / "map.sqlite", "each is an empty one")
            with pytest.raises(Corrupt, match="page 1"):
                view.prove("own", world.origin)
        with roots.view() as view:
            assert view is not None
            assert prove_answer(view.root, "own", world.origin, view.prove("own", world.origin)) is not None


def test_a_log_that_stated_another_root_is_told_so(data: Path, world: World) -> None:
    """Nothing is answered under a root that is not that of the entries."""
    with opened(data, world) as (log, roots):
        size = len(all_entries(log))
        position = lie(log, world, size, bytes(32))
        log.publish_now()
        with pytest.raises(Corrupt, match=f"entry {position}"), roots.view():
            pass
    for found in (fsck(Folder(data)).findings, tuple(replay(Folder(data)).findings)):
        assert [one.position for one in found] == [position]
        assert "map root" in found[0].problem


def test_a_map_that_hides_a_dispute_is_found_by_fsck(data: Path, world: World) -> None:
    with opened(data, world) as (log, _):
        target = next(
            one.event.subject for one in map(parse_statement, all_entries(log)) if one.event.type == "object.register"
        )
        dispute = world.identifier(Letter.DISPUTE)
        log.submit(world.say(world.studio, "dispute.open", dispute, DisputeOpening(target, "other"))).result()
        entries = all_entries(log)
        hidden = model([entry if parse_statement(entry).event.type != "dispute.open" else b"-" for entry in entries])
        assert hidden.root() != model(entries).root()
        position = lie(log, world, len(entries), hidden.root())
    assert [one.position for one in fsck(Folder(data)).findings if "map root" in one.problem] == [position]


# --- audits ---------------------------------------------------------------------------------------------


def audit(log: Log, first: int, **changes: object) -> bytes:
    entries = all_entries(log)[:first]
    tree = root_of([leaf_hash(entry) for entry in entries])
    fields = {
        "origin": log.published.keys.origin,
        "size": first,
        "tree": tree,
        "root": model(entries).root(),
        **changes,
    }
    return sign_audit(MapAudit(**fields), AUDITOR.name, AUDITOR_KEY, START).encode()  # type: ignore[arg-type]


def test_answers_under_the_root_that_an_auditor_signed(data: Path, world: World) -> None:
    with opened(data, world) as (log, roots):
        first = roots.state(at_once=True)
        assert first is not None
        log.submit(world.object()).result()
        second = roots.state(at_once=True)
        log.publish_now()
        with roots.view(audited=True) as none:
            assert none is None
        assert roots.take_audit(audit(log, stated(log)[first].size)) == stated(log)[first].size
        with roots.view(audited=True) as view:
            assert view is not None
            assert (view.position, len(view.audits)) == (first, 1)
        with roots.view() as newest:
            assert newest is not None
            assert (newest.position, newest.audits) == (second, ())
        assert second is not None
        roots.take_audit(audit(log, stated(log)[second].size))
        roots.take_audit(audit(log, stated(log)[first].size))
        with roots.view(audited=True) as view:
            assert view is not None
            assert view.position == second, "an older audit takes nothing back"


def test_while_nothing_is_published_the_audited_root_still_serves(
    data: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(data, world) as (log, roots):
        first = roots.state(at_once=True)
        assert first is not None
        log.publish_now()
        roots.take_audit(audit(log, stated(log)[first].size))
        log.submit(world.object()).result()
        assert roots.state(at_once=True) is not None
        monkeypatch.setattr(map_roots, "PATIENCE", 0.01)
        with roots.views() as views:
            assert [view.position for view in views] == [first]
        log.publish_now()
        with roots.views() as views:
            assert len(views) == 2


@pytest.mark.parametrize(
    "changes", [{"root": bytes(32)}, {"tree": bytes(32)}, {"origin": "log.example/else"}, {"size": 31}], ids=str
)
def test_an_audit_of_something_else_is_not_kept(data: Path, world: World, changes: dict[str, object]) -> None:
    with opened(data, world) as (log, roots):
        at = roots.state(at_once=True)
        assert at is not None
        log.publish_now()
        with pytest.raises(VerificationFailed):
            roots.take_audit(audit(log, stated(log)[at].size, **changes))
        with roots.view(audited=True) as view:
            assert view is None


def test_an_audit_by_a_stranger_is_not_kept(data: Path, world: World) -> None:
    with opened(data, world) as (log, roots):
        at = roots.state(at_once=True)
        assert at is not None
        log.publish_now()
        entries = all_entries(log)[:at]
        text = MapAudit(world.origin, at, root_of([leaf_hash(one) for one in entries]), model(entries).root())
        with pytest.raises(VerificationFailed):
            roots.take_audit(sign_audit(text, AUDITOR.name, key_from("a stranger"), START).encode())
