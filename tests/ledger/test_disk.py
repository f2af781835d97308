"""Files are synced side by side: all of them, and nobody goes on while another still syncs."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from ledger.disk import SIDE_BY_SIDE, LocalDisk


class Begun:
    """A file whose sync fails, takes a while, or tells that it was let go of too early."""

    def __init__(self, fails: bool = False, seconds: float = 0.0) -> None:
        self.fails, self.seconds = fails, seconds
        self.synced_by: list[str] = []
        self.busy = self.closed = False

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
