"""Tiles: the specification's examples, paths with one form, and a reader that proves what the memory reader proves."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import MalformedInput
from tallystick.merkle import CompactRange, leaf_hash, node_hash, prove_consistency, prove_inclusion, root_at
from tallystick.tiles import (
    Tile,
    TileReader,
    bundles_between,
    encode_bundle,
    parse_bundle,
    parse_tile_path,
    root_of_full_tile,
    tiles_between,
)

PATHS = {
    Tile(0, 1234067): "tile/0/x001/x234/067",
    Tile(0, 0): "tile/0/000",
    Tile(0, 999, 1): "tile/0/999.p/1",
    Tile(63, 1000, 255): "tile/63/x001/000.p/255",
    Tile(None, 273, 112): "tile/entries/273.p/112",
    Tile(None, 1000000): "tile/entries/x001/x000/000",
}


def test_the_paths_of_the_specification() -> None:
    for tile, path in PATHS.items():
        assert tile.path() == path
        assert parse_tile_path(path) == tile


def test_size_70000_as_the_specification_counts_it() -> None:
    """273 full and one of 112; one full and one of 17; one of 1."""
    tiles = tiles_between(0, 70_000)
    shape = [[tile.width for tile in tiles if tile.level == level] for level in range(4)]
    assert shape == [[256] * 273 + [112], [256, 17], [1], []]
    assert tiles == sorted(tiles, key=lambda tile: (tile.level, tile.index))
    assert [tile.width for tile in bundles_between(0, 70_000)] == shape[0]
    assert [(tile.level, tile.index, tile.width) for tile in tiles_between(0, 256)] == [(0, 0, 256), (1, 0, 1)]
    assert tiles_between(5, 5) == tiles_between(0, 0) == bundles_between(0, 0) == bundles_between(300, 300) == []


@given(st.integers(0, 2**40), st.integers(0, 3000))
def test_what_is_new_between_two_sizes(old: int, more: int) -> None:
    """The width of a level's last tile is floor(s / 256^L) mod 256; nothing empty; nothing that was there before."""
    new = old + more
    tiles = tiles_between(old, new)
    assert len(set(tiles)) == len(tiles)
    for tile in tiles:
        assert tile.level is not None
        count, before = new >> 8 * tile.level, old >> 8 * tile.level
        assert 1 <= tile.width == min(256, count - tile.index * 256)
        assert tile.index * 256 + tile.width > before
    for level in range(9):
        partial = (new >> 8 * level) % 256
        if partial and new >> 8 * level != old >> 8 * level:
            assert Tile(level, new >> 8 * level + 8, partial) in tiles
    assert bundles_between(old, new) == [Tile(None, one.index, one.width) for one in tiles if one.level == 0]


LEVELS = st.none() | st.integers(0, 63)


@given(LEVELS, st.integers(0, 2**62) | st.integers(0, 2000), st.integers(1, 256))
def test_path_round_trip(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_tile_path(tile.path()) == tile


BAD_PATHS = [
    "", "tile", "tile/", "/tile/0/000", "tile/0/000/", "tile/00/000", "tile/01/000", "tile/64/000",
    "tile/-1/000", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/000", "tile/0/x000/001",
    "tile/0/001/000", "tile/0/x001", "tile/0/X001/000", "tile/0/000.p/0", "tile/0/000.p/00", "tile/0/000.p/01",
    "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/999", "tile/0/000.p/1000", "tile/0/000.p/",
    "tile/0/000.p", "tile/0/000.P/1", "tile/0/000p/1", "tile/0/000.p/1/", "tile/0/٠٠٠", "tile/0/000.p/١",
    "tile/Entries/000", "tile/entry/000", "tile/0/000\n", " tile/0/000", "tile/0/../000", "tile//000",
    "tile/0/" + "x001/" * 400 + "000", "tile/0/%300", "tile/0/+00", "tile/0/0_0",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS, ids=lambda path: path[:30])
def test_other_paths_are_malformed(path: str) -> None:
    with pytest.raises(MalformedInput, match="tile"):
        parse_tile_path(path)


@given(st.text(max_size=20) | st.text("tile/0123x.pntrs", max_size=24).map(lambda text: "tile/" + text))
def test_any_text_is_a_path_or_malformed(path: str) -> None:
    try:
        tile = parse_tile_path(path)
    except MalformedInput:
        return
    assert tile.path() == path
    assert 1 <= tile.width <= 256


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_bundle_round_trip(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert parse_bundle(data) == entries
    for cut in range(len(data)):
        try:
            found = parse_bundle(data[:cut])
        except MalformedInput:
            continue
        assert found == entries[: len(found)]


def test_bundles_by_hand() -> None:
    assert encode_bundle([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    longest = bytes(65_535)
    assert parse_bundle(encode_bundle([longest])) == [longest]
    with pytest.raises(OverflowError):
        encode_bundle([bytes(65_536)])
    for bad in (b"\x00", b"\x00\x01", b"\x00\x02a", b"\xff\xff" + bytes(65_534), b"\x00\x00\x01"):
        with pytest.raises(MalformedInput, match="ends inside entry"):
            parse_bundle(bad)


@given(st.binary(max_size=30))
def test_any_bytes_are_a_bundle_or_malformed(data: bytes) -> None:
    try:
        assert encode_bundle(parse_bundle(data)) == data
    except MalformedInput:
        return


# --- a log of 70,000 leaves in memory and in tiles -----------------------------------

SIZE = 70_000
NODES: list[list[bytes]] = [[leaf_hash(number.to_bytes(4, "big")) for number in range(SIZE)]]
while len(NODES[-1]) > 1:
    below = NODES[-1]
    NODES.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])


class Memory:
    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        return [NODES[level][index] for level, index in coordinates]


def fetch(tile: Tile) -> bytes:
    assert tile.level is not None
    start = tile.index * 256
    return b"".join(NODES[8 * tile.level][start : start + tile.width])


def test_tiles_prove_what_memory_proves() -> None:
    chance = random.Random(1)
    sizes = [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, SIZE]
    for size in sizes + [chance.randrange(1, SIZE) for _ in range(60)]:
        served = set(tiles_between(0, size))

        def get(tile: Tile, served: set[Tile] = served) -> bytes:
            assert tile in served, f"{tile} does not exist at this size"
            return fetch(tile)

        reader = TileReader(size, get)
        assert root_at(reader, size) == root_at(Memory(), size)
        for index in {0, size - 1, size // 2, chance.randrange(size)}:
            assert prove_inclusion(reader, index, size) == prove_inclusion(Memory(), index, size)
        for old in {1, size, size // 2 + 1, chance.randrange(size) + 1} & set(range(size + 1)):
            assert prove_consistency(reader, old, size) == prove_consistency(Memory(), old, size)


def test_a_tile_is_fetched_once() -> None:
    asked: list[Tile] = []
    reader = TileReader(SIZE, lambda tile: asked.append(tile) or fetch(tile))  # type: ignore[func-returns-value]
    for _ in range(3):
        prove_inclusion(reader, 3, SIZE)
    assert len(asked) == len(set(asked)) <= 5


def test_a_full_tile_hashes_into_the_level_above() -> None:
    assert root_of_full_tile(fetch(Tile(0, 5))) == NODES[8][5]
    edge = CompactRange()
    for leaf in NODES[0][5 * 256 : 6 * 256]:
        edge.append(leaf)
    assert edge.root() == NODES[8][5]


def test_tiles_of_another_length_are_malformed() -> None:
    for change in (lambda data: data[:-1], lambda data: data + b"\0", lambda data: b"", lambda data: data[32:]):
        with pytest.raises(MalformedInput, match=r"has .* bytes"):
            root_at(TileReader(300, lambda tile, change=change: change(fetch(tile))), 300)  # type: ignore[misc]


def test_nodes_that_do_not_exist_are_our_bug() -> None:
    for level, index in ((0, 300), (1, 150), (9, 0), (63, 0)):
        with pytest.raises(ValueError, match="is not complete"):
            TileReader(300, fetch).nodes([(level, index)])
