"""The entries of a copy of a log, from its tiles: every one in order, or a word of what is wrong with the folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tallystick.commands.tile_folder import _MOST, entries_in
from tallystick.errors import MalformedInput
from tallystick.tiles import WIDTH, Tile

ENTRIES = [b"entry %d" % at for at in range(2 * WIDTH + 5)]


def bundle(entries: Sequence[bytes]) -> bytes:
    return b"".join(len(one).to_bytes(2, "big") + one for one in entries)


def lay(folder: Path, size: int, index: int, width: int = WIDTH) -> Path:
    """The bundle at ``index`` of a tree of ``size``."""
    full = folder / Tile(None, index).path()
    path = full if width == WIDTH else full.with_name(full.name + ".p") / str(width)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bundle(ENTRIES[:size][index * WIDTH : index * WIDTH + width]))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(2):
        lay(tmp_path, len(ENTRIES), index)
    lay(tmp_path, len(ENTRIES), 2, 5)
    return tmp_path


def test_every_entry_in_order(folder: Path) -> None:
    assert list(entries_in(folder)) == ENTRIES


def test_a_mirror_keeps_them_in_public(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    folder.rename(mirror / "public")
    assert list(entries_in(mirror)) == ENTRIES


def test_of_several_partial_bundles_the_widest(folder: Path) -> None:
    lay(folder, len(ENTRIES), 2, 3)
    assert list(entries_in(folder)) == ENTRIES


def test_a_full_bundle_before_the_partial_ones_that_it_replaced(folder: Path) -> None:
    lay(folder, len(ENTRIES), 1, 7)
    assert list(entries_in(folder)) == ENTRIES


def test_nothing_is_read_behind_a_bundle_that_is_not_there(folder: Path) -> None:
    (folder / Tile(None, 1).path()).unlink()
    assert list(entries_in(folder)) == ENTRIES[:WIDTH]


def test_nothing_is_read_behind_a_bundle_that_is_not_full(folder: Path) -> None:
    (folder / Tile(None, 1).path()).write_bytes(bundle(ENTRIES[WIDTH : WIDTH + 9]))
    assert list(entries_in(folder)) == ENTRIES[: WIDTH + 9]


def test_a_folder_without_entries_is_none(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="holds no entries of a log"):
        list(entries_in(tmp_path))


def test_a_bundle_that_is_cut_is_refused(folder: Path) -> None:
    path = folder / Tile(None, 0).path()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(MalformedInput):
        list(entries_in(folder))


def test_a_file_longer_than_a_bundle_is_not_read(folder: Path) -> None:
    with (folder / Tile(None, 0).path()).open("wb") as file:
        file.truncate(_MOST + 1)
    with pytest.raises(MalformedInput, match="longer than any bundle"):
        list(entries_in(folder))
