"""The map on disk gives the roots and proofs of the one in memory, whatever its pages, and goes on after any end."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import Corrupt, MapUnreachable
from ledger.map import disk
from ledger.map.disk import DiskMap
from ledger.map.pages import decode
from tallystick.map import EMPTY_ROOT, MapProof, MemoryMap, key_of, prove_answer
from tests.world import World

FULL = "CREATE TRIGGER full BEFORE UPDATE ON reached BEGIN SELECT RAISE(FAIL, 'disk full'); END"
SAME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def entries(count: int = 40) -> list[bytes]:
    """A log of which many entries are about the same things."""
    world = World("map", "log.example/map")
    capability, filed = world.capability()
    said = [*world.genesis(), *world.parties(), *filed]
    while len(said) < count:
        source = world.object()
        job, registered = world.job(capability, [source.event.subject])
        output = world.output(job)
        said += [source, registered, output, world.complete(job, [output.event.subject])]
    return [one.entry for one in said[:count]]


ENTRIES = entries()
KEYS = st.lists(st.integers(0, 60), max_size=120)
Spread = Callable[[int], bytes]
SPREADS: list[Spread] = [
    lambda number: hashlib.sha256(b"%d" % number).digest(),
    # All share their first 54 or 250 bits, so that pages are as deep as they get.
    lambda number: (number << 196).to_bytes(32, "big"),
    lambda number: number.to_bytes(32, "big"),
]


def add(one: DiskMap, other: MemoryMap, numbers: list[int], spread: Spread) -> None:
    for number in numbers:
        index, leaf = one.size, hashlib.sha256(b"leaf %d" % one.size).digest()
        one.add(spread(number), index, leaf)
        one.size += 1
        other.add(spread(number), index, leaf)


@SAME
@given(KEYS, KEYS, st.sampled_from(SPREADS), st.integers(1, 5))
def test_the_same_root_and_proofs_as_in_memory(
    tmp_path_factory: pytest.TempPathFactory, first: list[int], then: list[int], spread: Spread, capacity: int
) -> None:
    model = MemoryMap()
    with closing(DiskMap(tmp_path_factory.mktemp("map") / "map.sqlite", capacity)) as found:
        add(found, model, first, spread)
        assert found.root() == model.root()
        add(found, model, then, spread)
        assert found.root() == model.root()
        for number in range(62):
            assert found.prove(spread(number)) == model.prove(spread(number))


@SAME
@given(KEYS, KEYS, st.sampled_from(SPREADS))
def test_it_goes_on_from_the_file(
    tmp_path_factory: pytest.TempPathFactory, first: list[int], then: list[int], spread: Spread
) -> None:
    path, model = tmp_path_factory.mktemp("map") / "map.sqlite", MemoryMap()
    for numbers in (first, then):
        with closing(DiskMap(path, 3)) as found:
            add(found, model, numbers, spread)
    with closing(DiskMap(path, 3)) as found:
        assert (found.size, found.root()) == (len(first) + len(then), model.root())


def test_of_entries(tmp_path: Path) -> None:
    model = MemoryMap()
    with closing(DiskMap(tmp_path / "map.sqlite")) as found:
        assert found.root() == EMPTY_ROOT
        assert found.prove(bytes(32)) == MapProof(None)
        for entry in ENTRIES:
            model.take(entry)
            found.take([entry])
            assert found.root() == model.root()
        assert found.size == len(ENTRIES)
        never = found.prove(key_of("own", "10.5555/never"))
        assert prove_answer(found.root(), "own", "10.5555/never", never) is None


def root_in_memory() -> bytes:
    model = MemoryMap()
    for entry in ENTRIES:
        model.take(entry)
    return model.root()


def test_what_was_not_made_durable_is_made_again(tmp_path: Path) -> None:
    """The file always holds the map of the size that it names: a crash takes the rest."""
    path = tmp_path / "map.sqlite"
    found = DiskMap(path)
    found.take(ENTRIES[:20])
    found.flush()
    found.take(ENTRIES[20:])
    found._connection.close()
    with closing(DiskMap(path)) as again:
        assert again.size == 20
        again.take(ENTRIES[20:])
        assert again.root() == root_in_memory()


KILLED = """
import os, sys
from pathlib import Path
from ledger.map.disk import DiskMap

entries = [bytes.fromhex(line) for line in sys.stdin]
found = DiskMap(Path(sys.argv[1]), 2)
found.take(entries[:20])
found.flush()
found.take(entries[20:])
write = found._write
found._write = lambda: (write(), os._exit(9))
found.flush()
"""


def test_killed_between_its_pages_and_their_commit(tmp_path: Path) -> None:
    """Pages and size come together or not at all: what a kill leaves is the map of before."""
    path = tmp_path / "map.sqlite"
    told = "\n".join(entry.hex() for entry in ENTRIES)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], input=told, text=True, check=False, timeout=120)
    assert done.returncode == 9
    with closing(DiskMap(path, 2)) as again:
        assert again.size == 20
        again.take(ENTRIES[20:])
        assert again.root() == root_in_memory()


def test_a_failed_write_changes_nothing_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "map.sqlite"
    found = DiskMap(path)
    found.take(ENTRIES[:20])
    found.flush()
    before = found.root()
    found.take(ENTRIES[20:])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(FULL)
    with pytest.raises(MapUnreachable, match="disk full"):
        found.flush()
    other.execute("DROP TRIGGER full")
    other.close()
    with closing(DiskMap(path)) as again:
        assert (again.size, again.root()) == (20, before)
    found.close()
    with closing(DiskMap(path)) as again:
        assert again.size == len(ENTRIES)


@pytest.mark.parametrize("harm", ["BEGIN IMMEDIATE", FULL], ids=["locked", "full"])
def test_a_reset_that_fails_changes_nothing(tmp_path: Path, harm: str) -> None:
    """Neither the file nor what was gathered since: without the latter the next root would not be of its size."""
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path)) as found, closing(sqlite3.connect(path, isolation_level=None)) as other:
        found.take(ENTRIES[:20])
        found.flush()
        found.take(ENTRIES[20:30])
        found._connection.execute("PRAGMA busy_timeout=0")
        other.execute(harm)
        with pytest.raises(MapUnreachable, match=r"locked|disk full"):
            found.reset()
        other.execute("ROLLBACK" if harm != FULL else "DROP TRIGGER full")
        found.take(ENTRIES[30:])
        assert (found.size, found.root()) == (len(ENTRIES), root_in_memory())


def test_memory_does_not_grow_with_the_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_ROWS", 3)
    monkeypatch.setattr(disk, "GATHER", 4)
    written: list[int] = []
    write = DiskMap._write
    monkeypatch.setattr(DiskMap, "_write", lambda self: (written.append(len(self._rows)), write(self)))
    with closing(DiskMap(tmp_path / "map.sqlite", 2)) as found:
        for entry in ENTRIES:
            found.take([entry])
            assert found._waiting < 4
        assert found.root() == root_in_memory()
    assert max(written) == 3


def test_what_is_durable_amid_many_entries_is_the_map_of_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "GATHER", 30)
    path = tmp_path / "map.sqlite"
    found = DiskMap(path, 2)
    found.take(ENTRIES)
    found._connection.close()
    with closing(DiskMap(path, 2)) as again:
        assert 0 < again.size < len(ENTRIES)
        again.take(ENTRIES[again.size :])
        assert again.root() == root_in_memory()


def test_what_cannot_be_made_durable_amid_many_entries_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as were taken, and what they add, are taken once."""
    monkeypatch.setattr(disk, "GATHER", 30)
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path, 2)) as found, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(FULL)
        with pytest.raises(MapUnreachable, match="disk full"):
            found.take(ENTRIES)
        assert 0 < found.size < len(ENTRIES)
        assert found._waiting >= 30
        other.execute("DROP TRIGGER full")
        found.take(ENTRIES[found.size :])
        assert found.root() == root_in_memory()


@pytest.mark.parametrize("damage", [b"", b"no database", b"\x00" * 8192])
def test_a_file_that_is_none_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "map.sqlite"
    path.write_bytes(damage)
    with closing(DiskMap(path)) as found:
        assert found.size == 0
        found.take(ENTRIES)
    with closing(DiskMap(path)) as found:
        assert found.size == len(ENTRIES)


def test_a_file_that_another_process_holds_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locked is not damaged: what was worked out stays, and serves as soon as the other one is gone."""
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path)) as found:
        found.take(ENTRIES)
    connect = sqlite3.connect
    monkeypatch.setattr(disk.sqlite3, "connect", lambda *given, **more: connect(*given, **more, timeout=0))
    with closing(connect(path, isolation_level=None)) as other:
        # Whoever turns the write-ahead log off, as a copy or a repair does, holds the whole file.
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(MapUnreachable, match="locked"):
            DiskMap(path)
        other.execute("ROLLBACK")
    with closing(DiskMap(path)) as found:
        assert (found.size, found.root()) == (len(ENTRIES), root_in_memory())


def test_a_disk_that_is_full_at_the_start_costs_no_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path)) as found:
        found.take(ENTRIES)

    def full(connection: sqlite3.Connection) -> disk.Durable:
        connection.execute("PRAGMA max_page_count=1")
        connection.execute("CREATE TABLE more (one BLOB)")
        return 0, b""

    with monkeypatch.context() as patched:
        patched.setattr(disk, "_reached", full)
        with pytest.raises(MapUnreachable, match="full"):
            DiskMap(path)
    with closing(DiskMap(path)) as found:
        assert found.size == len(ENTRIES)


def test_a_page_that_the_disk_lost_is_said(tmp_path: Path) -> None:
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path)) as found:
        found.take(ENTRIES)
    data = bytearray(path.read_bytes())
    data[16384:] = b"\xff" * (len(data) - 16384)
    path.write_bytes(data)
    with closing(DiskMap(path)) as found:
        # Damage of the tables that name the size shows at once; it is made anew.
        assert found.size == 0
        found.take(ENTRIES)
        assert found.root() == root_in_memory()


def test_a_file_of_another_version_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path)) as found:
        found.take(ENTRIES)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version=9")
    with closing(DiskMap(path)) as found:
        assert found.size == 0


def test_a_file_of_the_first_version_is_made_anew(tmp_path: Path) -> None:
    """Its pages of leaves had no slots, and those above them sixteen below."""
    path, record = tmp_path / "map.sqlite", bytes(32) + (1).to_bytes(8, "big") + bytes(32)
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.execute("PRAGMA journal_mode=WAL")
        older.execute("CREATE TABLE pages (number INTEGER PRIMARY KEY, page BLOB NOT NULL)")
        older.execute("CREATE TABLE reached (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL)")
        older.execute("INSERT INTO reached VALUES (1, 7)")
        older.execute("INSERT INTO pages VALUES (1, ?)", (b"\x00" + record,))
        older.execute("PRAGMA user_version=1")
    with closing(DiskMap(path)) as found:
        assert found.size == 0
        found.take(ENTRIES)
        assert found.root() == root_in_memory()


def test_a_damaged_page_is_said(tmp_path: Path) -> None:
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path)) as found:
        found.take(ENTRIES)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE pages SET page = x'0102' WHERE number = 1")
    found = DiskMap(path)
    with pytest.raises(Corrupt):
        found.root()
    found.reset()
    found.take(ENTRIES)
    assert found.root() == root_in_memory()
    found.close()


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x01", b"\x00" * 2, b"\x00" * 578, b"\x01" * 512])
def test_what_is_no_page(data: bytes) -> None:
    with pytest.raises(ValueError, match="page"):
        decode(data)


def test_an_update_reads_as_many_pages_as_the_tree_is_deep(tmp_path: Path) -> None:
    """O(log n): in a map of 20,000 identifiers one more event reads one way down and writes it."""
    told: list[str] = []
    with closing(DiskMap(tmp_path / "map.sqlite")) as found:
        for number in range(20_000):
            found.add(hashlib.sha256(b"%d" % number).digest(), number, bytes(32))
        found.size = 20_000
        found.root()
        found._connection.set_trace_callback(told.append)
        found.add(hashlib.sha256(b"one more").digest(), 20_000, bytes(32))
        found.flush()
        found._connection.set_trace_callback(None)
    kinds = [statement.split()[0] for statement in told]
    assert kinds.count("SELECT") == 2
    assert kinds.count("INSERT") == 2
