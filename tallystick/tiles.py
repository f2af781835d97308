"""Tiles: C2SP tlog-tiles v0.1.0 paths, widths, entry bundles, and a reader of nodes from tiles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import HASH_SIZE

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_LEVEL = 63
ENTRIES = "entries"

_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])((?:/x[0-9]{3})*/[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True)
class Tile:
    """One tile or entry bundle. ``level`` is 0–63, or ``None`` for an entry bundle; ``width`` 1–256."""

    level: int | None
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """``tile/<L>/<N>[.p/<W>]``, N in groups of three digits."""
        level = ENTRIES if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_index_path(self.index)}{partial}"


def parse_tile_path(path: str) -> Tile:
    """Inverse of ``Tile.path``; raises ``MalformedInput`` for every other text."""
    match = _PATH.fullmatch(path)
    if not match or len(path) > 100:
        raise MalformedInput(f"{path[:80]!r} is not a tile path")
    index = int(match[2].replace("/", "").replace("x", ""))
    tile = Tile(None if match[1] == ENTRIES else int(match[1]), index, int(match[3] or WIDTH))
    if tile.width > WIDTH or tile.path() != path:
        raise MalformedInput(f"{path[:80]!r} is not the canonical path of a tile")
    return tile


def _index_path(index: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def tiles_between(old_size: int, new_size: int) -> list[Tile]:
    """The hash tiles that a tree of ``new_size`` has and one of ``old_size`` has not, lowest level first.

    Partial widths are floor(size / 256^level) mod 256; empty tiles do not exist.
    """
    found = []
    for level in range(MAX_LEVEL + 1):
        old, new = old_size >> level * HEIGHT, new_size >> level * HEIGHT
        if new == 0:
            break
        found += [Tile(level, index, min(WIDTH, new - index * WIDTH)) for index in _indexes(old, new)]
    return found


def bundles_between(old_size: int, new_size: int) -> list[Tile]:
    """The entry bundles that a tree of ``new_size`` has and one of ``old_size`` has not."""
    return [Tile(None, index, min(WIDTH, new_size - index * WIDTH)) for index in _indexes(old_size, new_size)]


def _indexes(old: int, new: int) -> range:
    return range(old // WIDTH, (new + WIDTH - 1) // WIDTH) if old != new else range(0)


class _Lengths(dict[int, bytes]):
    """Lengths as they stand before entries; those that most have are worked out once."""

    def __missing__(self, length: int) -> bytes:
        found = length.to_bytes(2, "big")
        if length < 4096:
            self[length] = found
        return found


_LENGTHS = _Lengths()


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries, each after its big-endian u16 length; raises ``OverflowError`` for one longer than that can say."""
    # Without a step of Python for each: every entry of a log comes this way, twice.
    parts = [b""] * (2 * len(entries))
    parts[::2] = map(_LENGTHS.__getitem__, map(len, entries))
    parts[1::2] = entries
    return b"".join(parts)


def parse_bundle(data: bytes) -> list[bytes]:
    """Inverse of ``encode_bundle``. Raises ``MalformedInput``."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if len(entry) != length or at + 2 > len(data):
            raise MalformedInput(f"the entry bundle ends inside entry {len(entries)}")
        entries.append(entry)
        at += 2 + length
    return entries


class FullTile(bytes):
    """The bytes of a full hash tile with what was worked out of them: ``stages``."""

    stages: list[bytes]

    @classmethod
    def of(cls, stages: Sequence[Sequence[bytes]]) -> FullTile:
        """From its 256 hashes, and level by level those above them, up to the root."""
        tile = cls(b"".join(stages[0]))
        tile.stages = [b"".join(stage) for stage in stages]
        return tile


def stages(tile: bytes) -> list[bytes]:
    """The hashes of a hash tile, and above them those of all complete subtrees, level by level up to the largest."""
    found = [tile]
    # Node hashes spelled out: this runs for every tile of a log before it is signed.
    while len(tile) >= 2 * HASH_SIZE:
        pairs = range(0, len(tile) - HASH_SIZE, 2 * HASH_SIZE)
        tile = b"".join([sha256(b"\x01" + tile[at : at + 2 * HASH_SIZE]).digest() for at in pairs])
        found.append(tile)
    return found


def root_of_full_tile(data: bytes) -> bytes:
    """The hash that a full tile has in the level above; of fewer hashes if they are 2^k."""
    return stages(data)[-1]


class TileReader:
    """A ``merkle.NodeReader`` over the tiles of a tree of ``size``.

    ``fetch`` gives the bytes of one tile. Who keeps what ``stages`` gives of a tile brings ``stages_of`` instead
    and spares it the hashing.
    """

    def __init__(
        self,
        size: int,
        fetch: Callable[[Tile], bytes],
        stages_of: Callable[[Tile], Sequence[bytes]] | None = None,
    ) -> None:
        self._size = size
        self._stages_of = stages_of or (lambda tile: stages(fetch(tile)))
        self._seen: dict[tuple[int, int], Sequence[bytes]] = {}

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        """Hash of each complete subtree. Raises ``MalformedInput`` when a tile has the wrong length."""
        seen, found = self._seen, []
        for level, index in coordinates:
            if (index + 1) << level > self._size:
                raise ValueError(f"the subtree ({level}, {index}) is not complete in a tree of {self._size}")
            key = level >> 3, index >> 8 - (level & 7)
            stage = (seen.get(key) or self._load(*key))[level & 7]
            at = (index & (WIDTH >> (level & 7)) - 1) * HASH_SIZE
            found.append(stage[at : at + HASH_SIZE])
        return found

    def _load(self, level: int, index: int) -> Sequence[bytes]:
        tile = Tile(level, index, min(WIDTH, (self._size >> level * HEIGHT) - index * WIDTH))
        found = self._seen[level, index] = self._stages_of(tile)
        if len(found[0]) != tile.width * HASH_SIZE:
            del self._seen[level, index]
            raise MalformedInput(f"the tile {tile.path()} has {len(found[0])} bytes")
        return found
