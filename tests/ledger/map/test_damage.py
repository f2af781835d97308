"""Files of the map in which something else stands than was written: rotted, torn or forged."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ledger.errors import Corrupt
from ledger.map.disk import DiskMap
from ledger.map.pages import NONE, SEAL, SLOTS, WIDTH, Leaves, decode
from tallystick.map import MemoryMap, key_of
from tests.ledger.map.test_disk import ENTRIES, SPREADS, Spread, add, root_in_memory


def one_bit(page: bytes) -> bytes:
    """Another last bit of the last record, or of the last digest."""
    at = len(page) - 1 - (SEAL if page[:1] == b"\x02" else 0)
    return page[:at] + bytes([page[at] ^ 1]) + page[at + 1 :]


def stored(page: Leaves) -> bytes:
    """As whoever may write into the folder can: with a seal that is none."""
    return page.encode() + bytes(SEAL)


def before_seals(page: Leaves) -> bytes:
    """As a program wrote it that had no seals."""
    return b"\x00" + page.encode()[1:]


ROT: dict[str, Callable[[int, bytes], bytes | None]] = {
    "one bit of each page": lambda _, page: one_bit(page),
    "the pages are gone": lambda _number, _page: None,
    "all but the first are gone": lambda number, page: page if number == 1 else None,
    "each is an empty one": lambda _number, _page: stored(Leaves()),
    "all but the first are empty": lambda number, page: page if number == 1 else stored(Leaves()),
}


def rot(path: Path, harm: str) -> None:
    """Other bytes in the file than were written."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for number, page in other.execute("SELECT number, page FROM pages").fetchall():
            left = ROT[harm](number, page)
            other.execute("DELETE FROM pages WHERE number = ?", (number,))
            if left is not None:
                other.execute("INSERT INTO pages VALUES (?, ?)", (number, left))


def tear(path: Path) -> None:
    """Other bytes under what SQLite keeps, while the file is open: all but its first page."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(16384)
        file.write(b"\xff" * (size - 16384))


def test_what_sqlite_finds_damaged_while_it_is_used_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path, 2)) as found:
        found._connection.execute("PRAGMA cache_size=0")
        found.take(ENTRIES[:20])
        found.flush()
        tear(path)
        found.take(ENTRIES[20:30])
        with pytest.raises(Corrupt, match="damaged"):
            found.flush()
        assert found.damaged
        found.reset()
        assert (found.damaged, found.size) == (False, 0)
        found.take(ENTRIES)
        assert found.root() == root_in_memory()
    with closing(DiskMap(path, 2)) as again:
        assert (again.size, again.root()) == (len(ENTRIES), root_in_memory())


def test_a_reset_that_meets_the_damage_first_makes_the_file_anew(tmp_path: Path) -> None:
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path, 2)) as found:
        found._connection.execute("PRAGMA cache_size=0")
        found.take(ENTRIES[:20])
        found.flush()
        tear(path)
        found.reset()
        found.take(ENTRIES)
        assert (found.damaged, found.root()) == (False, root_in_memory())


def go_on(found: DiskMap) -> None:
    found.take(ENTRIES[20:])
    found.flush()


@pytest.mark.parametrize("harm", ROT)
@pytest.mark.parametrize("ask", [lambda found: found.prove(key_of("own", "any")), go_on], ids=["prove", "add"])
def test_what_rotted_is_said_and_nothing_added_to_it(
    tmp_path: Path, harm: str, ask: Callable[[DiskMap], object]
) -> None:
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path, 2)) as found:
        found.take(ENTRIES[:20])
    rot(path, harm)
    with closing(DiskMap(path, 2)) as found:
        with pytest.raises(Corrupt, match="page"):
            ask(found)
        assert found.damaged
        found.reset()
        found.take(ENTRIES)
        assert (found.damaged, found.root()) == (False, root_in_memory())


FORGED_NUMBERS = range(0, 60, 2)


def forge(path: Path, change: Callable[[Leaves], bool], store: Callable[[Leaves], bytes] = stored) -> int:
    """Pages of leaves that were changed, as whoever may write into the folder can: nothing but their contents."""
    done = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for number, data in other.execute("SELECT number, page FROM pages").fetchall():
            page = decode(data)
            if isinstance(page, Leaves) and change(page):
                other.execute("UPDATE pages SET page = ? WHERE number = ?", (store(page), number))
                done += 1
    return done


def to_the_other_side(page: Leaves) -> bool:
    """Whatever stands beside nothing, there: the root is the same."""
    moved = False
    for slot in range(0, SLOTS, 2):
        left, right = SLOTS + slot, SLOTS + slot + 1
        if (page.heap[left] == NONE) != (page.heap[right] == NONE):
            page.heap[left], page.heap[right] = page.heap[right], page.heap[left]
            page.counts[slot], page.counts[slot + 1] = page.counts[slot + 1], page.counts[slot]
            moved = True
    return moved


def half_to_the_other_side(page: Leaves) -> bool:
    """All that stands on one side of the page."""
    left, right = page.heap[2], page.heap[3]
    if (left == NONE) == (right == NONE):
        return False
    for level in range(1, WIDTH + 1):
        middle, end = 3 << level - 1, 2 << level
        page.heap[1 << level : end] = [*page.heap[middle:end], *page.heap[1 << level : middle]]
    page.counts = [*page.counts[SLOTS // 2 :], *page.counts[: SLOTS // 2]]
    return True


def another_key(page: Leaves) -> bool:
    """The first leaf is about something else, and says so nowhere else."""
    page._records = bytes([page._records[0], page._records[1] ^ 1]) + page._records[2:]
    return True


def another_count(page: Leaves) -> bool:
    page._records = page._records[:39] + bytes([page._records[39] ^ 1]) + page._records[40:]
    return True


@pytest.mark.parametrize("store", [stored, before_seals])
@pytest.mark.parametrize("change", [to_the_other_side, half_to_the_other_side, another_key, another_count])
@pytest.mark.parametrize("spread", SPREADS[:2], ids=["spread", "deep"])
@pytest.mark.parametrize("capacity", [1, 256])
def test_what_was_forged_is_not_added_to(
    tmp_path: Path, change: Callable[[Leaves], bool], spread: Spread, capacity: int, store: Callable[[Leaves], bytes]
) -> None:
    """Each key once, also those that are in it: an answer is that of the entries, or the file is damaged."""
    source, path = tmp_path / "source.sqlite", tmp_path / "map.sqlite"
    with closing(DiskMap(source, capacity)) as found:
        add(found, MemoryMap(), list(FORGED_NUMBERS), spread)
    forged = refused = 0
    for number in range(0, 60, 3):
        path.write_bytes(source.read_bytes())
        forged = forge(path, change, store)
        if not forged:
            break
        model = MemoryMap()
        for index, before in enumerate(FORGED_NUMBERS):
            model.add(spread(before), index, hashlib.sha256(b"leaf %d" % index).digest())
        found = DiskMap(path, capacity)
        try:
            add(found, model, [number], spread)
            assert found.root() == model.root()
            assert found.prove(spread(number)) == model.prove(spread(number))
        except Corrupt:
            refused += 1
            assert found.damaged
        found._connection.close()
    assert bool(forged) == bool(refused)


def test_any_other_byte_of_a_page_gives_no_other_root(tmp_path: Path) -> None:
    source, path = tmp_path / "source.sqlite", tmp_path / "map.sqlite"
    with closing(DiskMap(source, 8)) as found:
        found.take(ENTRIES[:20])
    with closing(sqlite3.connect(source)) as other:
        pages = other.execute("SELECT number, page FROM pages").fetchall()
    said = 0
    for number, page in pages:
        for at in range(0, len(page), 397):
            path.write_bytes(source.read_bytes())
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                changed = page[:at] + bytes([page[at] ^ 1 << at % 8]) + page[at + 1 :]
                other.execute("UPDATE pages SET page = ? WHERE number = ?", (changed, number))
            found = DiskMap(path, 8)
            try:
                go_on(found)
                assert found.root() == root_in_memory()
            except Corrupt:
                said += 1
                assert found.damaged
            found._connection.close()
    assert said > len(pages)


# --- pages that this process sealed ------------------------------------------------------------------


def rows_of(path: Path) -> dict[int, bytes]:
    with closing(sqlite3.connect(path)) as other:
        return dict(other.execute("SELECT number, page FROM pages").fetchall())


def put(path: Path, rows: dict[int, bytes]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?)", rows.items())


@pytest.mark.parametrize("change", [to_the_other_side, half_to_the_other_side, another_key, another_count])
@pytest.mark.parametrize("keep_seal", [True, False])
def test_what_is_forged_while_the_map_is_open_is_not_added_to(
    tmp_path: Path, change: Callable[[Leaves], bool], keep_seal: bool
) -> None:
    """The seal of the page that stood there, or another one."""
    path, model = tmp_path / "map.sqlite", MemoryMap()
    found = DiskMap(path)
    add(found, model, list(FORGED_NUMBERS), SPREADS[1])
    found.flush()
    (row,) = rows_of(path).values()
    assert forge(path, change, lambda page: page.encode() + (row[-SEAL:] if keep_seal else bytes(SEAL))) == 1
    add(found, model, [1], SPREADS[1])
    with pytest.raises(Corrupt):
        found.flush()
    assert found.damaged
    found._connection.close()


def test_a_page_of_before_is_not_added_to(tmp_path: Path) -> None:
    """Its seal is right, its root is not what stands above it any more."""
    path, model = tmp_path / "map.sqlite", MemoryMap()
    with closing(DiskMap(path, 2)) as found:
        add(found, model, [1, 2, 3, 4, 5, 6, 7, 8], SPREADS[0])
        found.flush()
        older = {number: page for number, page in rows_of(path).items() if number > 1}
        add(found, model, [1, 2, 3, 4, 5, 6, 7, 8], SPREADS[0])
        found.flush()
        put(path, older)
        add(found, model, [3], SPREADS[0])
        with pytest.raises(Corrupt):
            found.flush()
        found.reset()


def test_a_seal_that_rotted_costs_no_map(tmp_path: Path) -> None:
    path, model = tmp_path / "map.sqlite", MemoryMap()
    with closing(DiskMap(path, 2)) as found:
        add(found, model, list(range(9)), SPREADS[0])
        found.flush()
        put(path, {number: page[:-1] + bytes([page[-1] ^ 1]) for number, page in rows_of(path).items() if page[0] == 2})
        add(found, model, list(range(12)), SPREADS[0])
        assert (found.root(), found.damaged) == (model.root(), False)


def test_a_page_is_looked_through_once_in_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it wrote itself it knows again; what another wrote it looks through before it changes it."""
    path, model, looked = tmp_path / "map.sqlite", MemoryMap(), list[int]()
    check = Leaves.check
    monkeypatch.setattr(
        Leaves, "check", lambda self, number, depth: (looked.append(number), check(self, number, depth))
    )
    with closing(DiskMap(path, 4)) as found:
        for _ in range(3):
            add(found, model, list(range(30)), SPREADS[0])
            found.flush()
        assert not looked
    pages = sum(page[0] == 2 for page in rows_of(path).values())
    with closing(DiskMap(path, 4)) as found:
        for _ in range(3):
            add(found, model, list(range(30)), SPREADS[0])
            found.flush()
        assert 1 < len(looked) == len(set(looked)) <= pages
        assert found.root() == model.root()


def test_a_file_without_seals_goes_on(tmp_path: Path) -> None:
    """As one is that an older program left."""
    path, model = tmp_path / "map.sqlite", MemoryMap()
    with closing(DiskMap(path, 2)) as found:
        add(found, model, list(range(40)), SPREADS[0])
    assert forge(path, lambda _: True, before_seals) > 9
    with closing(DiskMap(path, 2)) as found:
        assert found.prove(SPREADS[0](3)) == model.prove(SPREADS[0](3))
        add(found, model, list(range(20, 60)), SPREADS[0])
        assert (found.root(), found.damaged, found.size) == (model.root(), False, 80)


@pytest.mark.parametrize("at", [7, 8, 39, 40, 71])
def test_a_size_or_root_that_rotted_is_no_map(tmp_path: Path, at: int) -> None:
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path)) as found:
        found.take(ENTRIES[:20])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        (kept,) = other.execute("SELECT standing FROM reached").fetchone()
        other.execute("UPDATE reached SET standing = ?", (kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :],))
    with closing(DiskMap(path)) as found:
        assert found.size == 0
        found.take(ENTRIES)
        assert found.root() == root_in_memory()


def test_a_file_that_went_on_elsewhere_is_not_added_to(tmp_path: Path) -> None:
    """Another process, or a commit of which this one was never told: nothing is added twice."""
    path = tmp_path / "map.sqlite"
    with closing(DiskMap(path)) as found:
        found.take(ENTRIES[:20])
        found.flush()
        with closing(DiskMap(path)) as other:
            other.take(ENTRIES[20:])
        found.take(ENTRIES[20:30])
        with pytest.raises(Corrupt, match="damaged"):
            found.flush()
        found.reset()
        found.take(ENTRIES)
        assert found.root() == root_in_memory()
