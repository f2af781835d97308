"""Files are synced side by side: all of them, and nobody goes on while another still syncs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.disk import SIDE_BY_SIDE, LocalDisk


class Begun:
    """A file whose sync fails, takes a while, or tells that it was let go of too early."""

    def __init__(self, fails: bool = False, seconds: float = 0.0) -> None:
        self.fails, self.seconds = fails, seconds
        self.synced_by: list[str] = []
        self.busy = self.closed = self.hastened = False

    def hasten(self) -> None:
        assert not self.synced_by
        self.hastened = True

    def sync(self) -> None:
        assert not self.closed
        self.busy = True
        time.sleep(self.seconds)
        self.synced_by.append(threading.current_thread().name)
        self.busy = False
        if self.fails:
            raise OSError("no space left")

    def close(self) -> None:
        assert not self.busy
        self.closed = True


def ended(files: Sequence[Begun]) -> None:
    LocalDisk().end_writes(files)


@pytest.mark.parametrize("count", [0, 1, 2, SIDE_BY_SIDE, SIDE_BY_SIDE + 1, 3 * SIDE_BY_SIDE + 2])
def test_each_is_synced_once_and_let_go_of(count: int) -> None:
    files = [Begun() for _ in range(count)]
    ended(files)
    assert [len(one.synced_by) for one in files] == [1] * count
    assert all(one.closed for one in files)
    own = [one for one in files if one.synced_by == [threading.current_thread().name]]
    # This thread does its share, of one file all.
    assert len(own) == -(-count // SIDE_BY_SIDE)


@pytest.mark.parametrize("failing", range(SIDE_BY_SIDE + 2))
def test_a_sync_that_fails_is_told_when_the_others_are_done(failing: int) -> None:
    files = [Begun(at == failing, 0.0 if at == failing else 0.02) for at in range(SIDE_BY_SIDE + 2)]
    with pytest.raises(OSError, match="no space left"):
        ended(files)
    assert not any(one.busy for one in files)
    assert not any(one.closed for one in files)


def test_all_are_on_their_way_to_the_disk_before_one_is_waited_for() -> None:
    files: list[Begun] = []

    class Last(Begun):
        def hasten(self) -> None:
            assert not any(one.synced_by for one in files)
            super().hasten()

    files += [*(Begun() for _ in range(2 * SIDE_BY_SIDE)), Last()]
    ended(files)
    assert all(one.hastened for one in files)
    # Nothing is gained where there is one alone.
    files[:] = [Begun()]
    ended(files)
    assert not files[0].hastened


@pytest.mark.parametrize("system", ["as it is", "without that hint", "that refuses it"])
def test_what_is_hastened_is_there_whatever_the_system_makes_of_it(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def refuse(number: int, *_: int) -> None:
        asked.append(number)
        raise OSError("not on this file system")

    if system == "without that hint":
        monkeypatch.delattr(os, "posix_fadvise", raising=False)
    elif system == "that refuses it":
        monkeypatch.setattr(os, "posix_fadvise", refuse, raising=False)
        monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    disk = LocalDisk()
    data = {tmp_path / str(at): os.urandom(70_000 + at) for at in range(SIDE_BY_SIDE + 3)}
    disk.end_writes([disk.begin_write(path, one) for path, one in data.items()])
    assert {path: disk.read(path) for path in data} == data
    assert len(asked) == (len(data) if system == "that refuses it" else 0)
