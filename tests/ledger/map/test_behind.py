"""The log behind the file is copied to it by a thread: beside the work, never beyond the end of it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ledger.map import behind, disk
from ledger.map.behind import Copying
from ledger.map.disk import DiskMap
from tallystick.map import MemoryMap
from tests.ledger.map.test_disk import SPREADS, add


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_BEHIND", 100_000)


def grow(found: DiskMap, model: MemoryMap, batches: int = 12, *, wait: bool = False) -> None:
    """``wait``: until what was begun to be copied is; else a busy machine may begin less often."""
    for batch in range(batches):
        add(found, model, list(range(batch * 7, batch * 7 + 60)), SPREADS[0])
        assert found.root() == model.root()
        if wait:
            found._copying.end()


def copying() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "map-copy"]


def test_what_is_written_comes_to_the_file_while_it_is_open(tmp_path: Path) -> None:
    path, model = tmp_path / "map.sqlite", MemoryMap()
    with closing(DiskMap(path, 4)) as found:
        grow(found, model, wait=True)
        assert path.stat().st_size > 10 * disk._PAGE
        # Copied whole, so that it began anew: SQLite alone would wait for four times as many.
        assert path.with_name("map.sqlite-wal").stat().st_size < 20 * 100_000
    assert not copying()
    with closing(DiskMap(path, 4)) as again:
        assert (again.size, again.root()) == (12 * 60, model.root())


def test_where_it_cannot_be_copied_the_map_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tried = MemoryMap(), list[Path]()

    class Full:
        Error = sqlite3.Error

        @staticmethod
        def connect(path: Path, **_: object) -> sqlite3.Connection:
            tried.append(path)
            raise sqlite3.OperationalError("disk full")

    with closing(DiskMap(tmp_path / "map.sqlite", 4)) as found:
        monkeypatch.setattr(behind, "sqlite3", Full)
        grow(found, model)
    assert tried
    with closing(DiskMap(tmp_path / "map.sqlite", 4)) as again:
        assert again.root() == model.root()


class Slow(Copying):
    """Copies until it is told to end."""

    def __init__(self) -> None:
        super().__init__(Path("none"), 10)
        self.begun, self.let = 0, threading.Event()

    def _copy(self) -> None:
        self.begun += 1
        self.let.wait(30)


def test_one_at_a_time() -> None:
    slow = Slow()
    slow.wrote(9)
    assert slow.begun == 0
    for _ in range(3):
        slow.wrote(9)
    assert slow.begun == 1
    slow.let.set()
    slow.end()
    assert not copying()
    slow.wrote(1)
    slow.end()
    assert slow.begun == 2


@pytest.mark.parametrize("how", ["close", "reset"])
def test_no_file_is_closed_or_removed_while_it_is_copied(tmp_path: Path, how: str) -> None:
    path = tmp_path / "map.sqlite"
    found = DiskMap(path, 4)
    grow(found, MemoryMap(), 2)
    found._copying = slow = Slow()
    slow.wrote(10)
    done = list[bool]()

    def finish() -> None:
        found._broken = how == "reset"
        getattr(found, how)()
        done.append(not copying())

    other = threading.Thread(target=finish)
    other.start()
    other.join(0.2)
    assert (done, path.exists(), bool(copying())) == ([], True, True)
    slow.let.set()
    other.join(30)
    assert done == [True]
    found._connection.close()
