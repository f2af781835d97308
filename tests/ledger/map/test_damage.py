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
from ledger.map.pages import NONE, SLOTS, WIDTH, Leaves, decode
from tallystick.map import MemoryMap, key_of
from tests.ledger.map.test_disk import ENTRIES, SPREADS, Spread, add, root_in_memory


def one_bit(page: bytes) -> bytes:
    """Another last bit of the last record."""
    return page[:-1] + bytes([page[-1] ^ 1])


ROT: dict[str, Callable[[int, bytes], bytes | None]] = {
    "one bit of each page": lambda _, page: one_bit(page),
    "the pages are gone": lambda _number, _page: None,
    "all but the first are gone": lambda number, page: page if number == 1 else None,
    "each is an empty one": lambda _number, _page: Leaves().encode(),
    "all but the first are empty": lambda number, page: page if number == 1 else Leaves().encode(),
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


def forge(path: Path, change: Callable[[Leaves], bool]) -> int:
    """Pages of leaves that were changed, as whoever may write into the folder can: nothing but their contents."""
    done = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for number, data in other.execute("SELECT number, page FROM pages").fetchall():
            page = decode(data)
            if isinstance(page, Leaves):
                page.heap = list(page.heap)
                if change(page):
                    other.execute("UPDATE pages SET page = ? WHERE number = ?", (page.encode(), number))
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


@pytest.mark.parametrize("change", [to_the_other_side, half_to_the_other_side, another_key, another_count])
@pytest.mark.parametrize("spread", SPREADS[:2], ids=["spread", "deep"])
@pytest.mark.parametrize("capacity", [1, 256])
def test_what_was_forged_is_not_added_to(
    tmp_path: Path, change: Callable[[Leaves], bool], spread: Spread, capacity: int
) -> None:
    """Each key once, also those that are in it: an answer is that of the entries, or the file is damaged."""
    source, path = tmp_path / "source.sqlite", tmp_path / "map.sqlite"
    with closing(DiskMap(source, capacity)) as found:
        add(found, MemoryMap(), list(FORGED_NUMBERS), spread)
    forged = refused = 0
    for number in range(0, 60, 3):
        path.write_bytes(source.read_bytes())
        forged = forge(path, change)
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
