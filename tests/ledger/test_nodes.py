"""Inner nodes kept beside the tiles: proofs are the same with them and without, whatever becomes of them."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from ledger.frontier import Frontier
from ledger.nodes import NodeFiles
from ledger.reader import PublishedLog
from ledger.tilestore import TileStore
from tallystick.merkle import leaf_hash, root_of, verify_inclusion
from tallystick.tiles import Tile, stages
from tests.world import World

KEYS = World().signers.keys
SIZE = 256 * 256 + 700
LEAVES = [leaf_hash(b"%d" % at) for at in range(SIZE)]
ROOT = root_of(LEAVES)


def write(folder: Path, leaves: list[bytes]) -> None:
    (folder / "public").mkdir(parents=True)
    store = TileStore(folder / "public", nodes=NodeFiles(folder / "nodes"))
    store._disk.end_writes = store._disk.sync_folders = lambda paths: None  # type: ignore[method-assign]
    edge = Frontier(0, [])
    store.put(list(edge.extend(leaves)))
    store.put(edge.partial_tiles(0))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nodes") / "log"
    write(path, LEAVES)
    return path


@pytest.fixture
def log(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "log"))


def read(folder: Path, kept: bool = True) -> PublishedLog:
    return PublishedLog(TileStore(folder / "public"), KEYS, NodeFiles(folder / "nodes") if kept else None)


INDEXES = sorted({0, 255, 256, 65_535, 65_536, SIZE - 1, *random.Random(7).sample(range(SIZE), 40)})


def check(folder: Path) -> None:
    reader, plain = read(folder), read(folder, kept=False)
    for index in INDEXES:
        proof = reader.prove_inclusion(index, SIZE)
        verify_inclusion(LEAVES[index], index, SIZE, proof, ROOT)
        assert proof == plain.prove_inclusion(index, SIZE)
    assert reader.prove_consistency(7000, SIZE) == plain.prove_consistency(7000, SIZE)


def test_proofs_are_the_same_and_read_no_low_tile(log: Path) -> None:
    check(log)
    for path in (log / "public/tile/0").glob("[0-9][0-9][0-9]"):
        path.unlink()
    reader = read(log)
    for index in [index for index in INDEXES if index < SIZE // 256 * 256]:
        verify_inclusion(LEAVES[index], index, SIZE, reader.prove_inclusion(index, SIZE), ROOT)


def test_they_may_be_deleted(log: Path) -> None:
    shutil.rmtree(log / "nodes")
    check(log)
    assert not (log / "nodes").exists()


@pytest.mark.parametrize("at", [0, 255 * 32, 256 * 32, 510 * 32, 511 * 32])
def test_a_flipped_bit_is_seen(log: Path, at: int) -> None:
    record, data = 512 * 32, bytearray((log / "nodes/0").read_bytes())
    for index in range(len(data) // record):
        data[index * record + at] ^= 1
    (log / "nodes/0").write_bytes(data)
    assert NodeFiles(log / "nodes").stages(Tile(0, 3)) is None
    check(log)


def test_a_file_that_ends_early_or_has_holes_is_no_harm(log: Path) -> None:
    data = (log / "nodes/0").read_bytes()
    (log / "nodes/0").write_bytes(bytes(len(data) // 2) + data[len(data) // 2 : -5000])
    check(log)


def test_records_of_another_tree_are_not_believed(log: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", [leaf_hash(b"other %d" % at) for at in range(SIZE)])
    shutil.rmtree(log / "nodes")
    shutil.copytree(tmp_path / "other/nodes", log / "nodes")
    assert NodeFiles(log / "nodes").stages(Tile(0, 3)) is not None
    check(log)


def test_a_record_is_what_the_tile_gives(log: Path) -> None:
    tile = (log / "public/tile/0/007").read_bytes()
    assert NodeFiles(log / "nodes").stages(Tile(0, 7)) == stages(tile)
    assert [len(stage) // 32 for stage in stages(tile)] == [256, 128, 64, 32, 16, 8, 4, 2, 1]
    assert [len(stage) // 32 for stage in stages(tile[: 7 * 32])] == [7, 3, 1]
