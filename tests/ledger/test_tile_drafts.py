"""Tiles in two steps: what is written under other names is found by nobody, and no file stays open for ever."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from ledger.errors import Corrupt
from ledger.tilestore import HELD, TEMPORARY, TileStore
from tallystick.tiles import Tile

COUNT = 3 * HELD + 5


def tiles(count: int) -> list[tuple[Tile, bytes]]:
    return [(Tile(0, index), bytes([index % 251]) * 8192) for index in range(count)]


def open_files(folder: Path) -> int:
    """Files below ``folder`` that this process has open."""
    found = 0
    for number in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{number}").startswith(str(folder))
        except FileNotFoundError:
            continue
    return found


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def store(tmp_path: Path) -> TileStore:
    return TileStore(tmp_path)


def test_a_draft_is_found_by_nobody_and_finished_ones_by_all(store: TileStore, tmp_path: Path) -> None:
    drafts = [store.draft(tiles(COUNT)[:7]), store.draft(tiles(COUNT)[7:])]
    assert {name.endswith(TEMPORARY) for name in names(tmp_path)} == {True}
    assert store.find(Tile(0, 0)) is None
    store.finish(drafts)
    assert names(tmp_path) == {f"{index:03d}" for index in range(COUNT)}
    assert [store.get(tile) for tile, _ in tiles(COUNT)] == [data for _, data in tiles(COUNT)]
    # Once more: they stand there with the same bytes, and nothing is written.
    assert store.draft(tiles(COUNT)).names == []


def test_few_files_are_open_and_none_when_it_is_over(store: TileStore, tmp_path: Path) -> None:
    draft = store.draft(tiles(COUNT))
    assert open_files(tmp_path) == 5
    store.finish([draft])
    assert open_files(tmp_path) == 0
    draft = store.draft([(Tile(1, 0), bytes(8192))])
    assert open_files(tmp_path) == 1
    del draft  # nobody finishes it
    assert open_files(tmp_path) == 0


def test_a_draft_that_fails_leaves_no_file_open_and_no_tile(store: TileStore, tmp_path: Path) -> None:
    store.put([(Tile(0, 9), b"other bytes".ljust(8192))])
    with pytest.raises(Corrupt, match="tile/0/009 exists with other bytes"):
        store.draft(tiles(20))
    gc.collect()
    assert open_files(tmp_path) == 0
    assert {name for name in names(tmp_path) if not name.endswith(TEMPORARY)} == {"009"}


def test_a_file_that_could_not_be_opened_is_an_error_of_its_own(store: TileStore, tmp_path: Path) -> None:
    (tmp_path / "tile/0/000.tmp").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        store.draft(tiles(1))
