"""What is written behind: in waves, while the next one gathers; nothing that failed is ever forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from ledger.behind import MANY, WAVE, WriteBehind
from ledger.tiles import Draft
from tallystick.tiles import Tile
from tests.ledger.faults import Fault


class SlowSink:
    """Waits for leave before each wave."""

    def __init__(self) -> None:
        self.leave = threading.Semaphore(0)
        self.drafts: list[int] = []
        self.waves: list[int] = []

    def draft(self, tiles: Iterable[tuple[Tile, bytes]]) -> Draft:
        self.drafts.append(len(list(tiles)))
        return Draft(names=[(Path("a"), Path("b"))] * self.drafts[-1])

    def finish(self, drafts: Iterable[Draft]) -> None:
        self.leave.acquire()
        self.waves.append(sum(len(draft.names) for draft in drafts))

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        self.finish([self.draft(tiles)])


def tiles_from(first: int, count: int, data: bytes = b"x") -> list[tuple[Tile, bytes]]:
    return [(Tile(0, index), data) for index in range(first, first + count)]


def test_while_a_wave_is_under_way_the_next_one_gathers() -> None:
    sink = SlowSink()
    behind = WriteBehind(sink)
    behind.put(tiles_from(0, WAVE - 1))
    assert sink.drafts == []
    behind.put(tiles_from(WAVE - 1, 2))
    for index in range(200, 200 + WAVE - 1):
        behind.write(tiles_from(index, 1))
    assert (sink.drafts, sink.waves) == ([WAVE + 1] + [1] * (WAVE - 1), [])
    sink.leave.release(2)
    behind.settle()
    assert sink.waves == [WAVE + 1, WAVE - 1]
    behind.close()


def test_a_failed_wave_is_raised_although_a_later_one_would_succeed() -> None:
    class Failing(SlowSink):
        def finish(self, drafts: Iterable[Draft]) -> None:
            super().finish(drafts)
            if len(self.waves) == 1:
                raise Fault("planted")

    sink = Failing()
    behind = WriteBehind(sink)
    behind.put(tiles_from(0, WAVE))
    behind.put(tiles_from(WAVE, 3))
    sink.leave.release(9)
    for _ in range(2):
        with pytest.raises(Fault):
            behind.settle()
    assert len(sink.waves) == 1
    behind.close()


def test_a_tile_that_could_not_be_written_is_never_forgotten() -> None:
    class Failing(SlowSink):
        def draft(self, tiles: Iterable[tuple[Tile, bytes]]) -> Draft:
            super().draft(tiles)
            if len(self.drafts) == 1:
                raise Fault("planted")
            return Draft()

    sink = Failing()
    behind = WriteBehind(sink)
    with pytest.raises(Fault):
        behind.put(tiles_from(0, WAVE))
    sink.leave.release(9)
    for go_on in (behind.write, behind.settle, behind.settle):
        behind.put(tiles_from(WAVE, 3))
        with pytest.raises(Fault):
            go_on()
    assert (sink.drafts, sink.waves) == ([WAVE], [])
    behind.close()


def test_what_waits_for_the_disk_is_bounded() -> None:
    sink = SlowSink()
    behind = WriteBehind(sink)
    behind.put(tiles_from(0, WAVE))
    behind.put(tiles_from(WAVE, MANY - 1))
    done = threading.Event()

    def bring() -> None:
        behind.write(tiles_from(WAVE + MANY, 1))
        done.set()

    thread = threading.Thread(target=bring)
    thread.start()
    assert not done.wait(0.05)
    sink.leave.release(2)
    thread.join()
    behind.settle()
    behind.close()
    assert sink.waves == [WAVE, MANY]
