"""Following a log by its tiles: a copy grows, and nothing that no signed root covers is ever written into it.

A step fetches the checkpoint, verifies it, and shows that it extends the one held.
Then tiles come from the root down: the unfinished ones must give the signed root, and
each one below must have the hash that the tile above it states; entries come last.
The copy's own checkpoint is replaced when all of that is durable, so it is the cursor
too: after a crash the next step goes on, and what is there already is not fetched again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain

from ledger.copies.known import Head, KnownLog
from ledger.copies.source import Source
from ledger.errors import BadSource, Corrupt, ForkSeen, LedgerError
from ledger.tiles import Tiles
from tallystick.errors import MalformedInput, TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import (
    HASH_SIZE,
    NodeReader,
    ProofFailed,
    leaf_hash,
    prove_consistency,
    root_at,
    verify_consistency,
)
from tallystick.tiles import HEIGHT, WIDTH, Tile, TileReader, parse_bundle, root_of_full_tile

SIDE_BY_SIDE = 8
"""Tiles that are fetched together, then made durable together: what is in memory at a time."""


@dataclass(frozen=True)
class Step:
    """What one look gave. ``offered``: what the source has; ``held``: what the copy has after it."""

    offered: Head
    held: Head

    @property
    def behind(self) -> bool:
        """The source has less than was seen before: of one history, and yet it went backwards."""
        return self.offered.checkpoint.size < self.held.checkpoint.size


class Follower:
    """A copy of one log. ``tiles`` is the copy's own tree, which anybody may serve at any time."""

    def __init__(self, log: KnownLog, source: Source, tiles: Tiles) -> None:
        self._log = log
        self._source = source
        self._tiles = tiles
        self._known: list[Head] = []

    def expect(self, head: Head) -> None:
        """The log is known to have signed this too: what is taken must extend it."""
        self._known.append(head)

    def held(self) -> Head | None:
        """The checkpoint that the copy has reached. Raises ``Corrupt``."""
        note = self._tiles.checkpoint()
        if note is None:
            return None
        try:
            return self._log.verify(note)
        except TallystickError as error:
            raise Corrupt(
                f"the copy's own checkpoint: {error}; give the keys of the log that it is a copy of, or another folder"
            ) from None

    def step(self, progress: Callable[[int], None] = lambda done: None) -> Step:
        """Take over what the source has. ``progress`` is told how many more entries are durable.

        Raises ``ForkSeen``, ``BadSource``, ``Unreachable`` or ``Corrupt``; the copy is then what it was, or
        holds more verified tiles, which its checkpoint does not cover yet.
        """
        held = self.held()
        try:
            offered = self._log.verify(self._source.checkpoint())
        except TallystickError as error:
            if isinstance(error, LedgerError):
                raise
            raise BadSource(f"the checkpoint of {self._source.name}: {error}") from None
        size = offered.checkpoint.size
        if held is not None and size < held.checkpoint.size:
            check_extends(offered, held, TileReader(held.checkpoint.size, self._tiles.get), Corrupt)
            return Step(offered, held)
        try:
            edge = self._edge(offered)
            for head in (*([held] if held else []), *self._known):
                if head.checkpoint.size <= size:
                    check_extends(head, offered, self._nodes(size, edge), BadSource)
            self._take(held.checkpoint.size if held else 0, size, edge, progress)
        except MalformedInput as error:
            raise BadSource(f"{self._source.name}: {error}") from None
        if held is None or held.note != offered.note:
            self._tiles.put_checkpoint(offered.note)
        return Step(offered, offered)

    def _edge(self, offered: Head) -> dict[Tile, bytes]:
        """The unfinished tiles, which give the signed root."""
        size = offered.checkpoint.size
        edge = {tile: self._source.tile(tile) for tile in _unfinished(size)}
        if root_at(self._nodes(size, edge), size) != offered.checkpoint.root:
            raise BadSource(f"the tiles of {self._source.name} do not give the root that it shows signed, size {size}")
        return edge

    def _nodes(self, size: int, edge: Mapping[Tile, bytes]) -> TileReader:
        return TileReader(size, lambda tile: edge[tile] if tile in edge else self._source.tile(tile))

    def _take(self, old: int, size: int, edge: Mapping[Tile, bytes], progress: Callable[[int], None]) -> None:
        self._tiles.put(edge.items())
        growth = _Growth(self._source, self._tiles, size)
        with ThreadPoolExecutor(SIDE_BY_SIDE, "tiles") as pool:
            for group in _groups(chain(_full_tiles(old, size), _bundles(old, size))):
                self._tiles.put(zip(group, pool.map(growth.obtain, group), strict=True))
                progress(sum(tile.width for tile in group if tile.level is None))


class _Growth:
    """Obtains the tiles of a tree of ``size``, each verified by the one above, which was obtained before."""

    def __init__(self, source: Source, tiles: Tiles, size: int) -> None:
        self._source = source
        self._tiles = tiles
        self._size = size
        self._parent = lru_cache(maxsize=SIDE_BY_SIDE)(tiles.get)

    def obtain(self, tile: Tile) -> bytes:
        """The bytes of a tile, from the copy if a step that was cut short left them there."""
        try:
            data = self._tiles.get(tile)
            self._check(tile, data)
        # Whatever is wrong with what the copy has, the source may have it right; if not, that raises.
        except (Corrupt, BadSource, MalformedInput):
            data = self._source.tile(tile)
            if tile.level is None:
                data = _front(data, tile.width)
            self._check(tile, data)
        return data

    def _check(self, tile: Tile, data: bytes) -> None:
        if tile.level is None:
            leaves = self._parent(Tile(0, tile.index, tile.width))
            found = b"".join(leaf_hash(entry) for entry in parse_bundle(data))
            if found != leaves:
                offset = next((at for at in range(0, len(leaves), HASH_SIZE) if found[at:][:32] != leaves[at:][:32]), 0)
                raise self._wrong(tile, tile.index * WIDTH + offset // HASH_SIZE)
        else:
            parent, offset = divmod(tile.index, WIDTH)
            width = min(WIDTH, (self._size >> (tile.level + 1) * HEIGHT) - parent * WIDTH)
            expected = self._parent(Tile(tile.level + 1, parent, width))[offset * HASH_SIZE :][:HASH_SIZE]
            if len(data) != WIDTH * HASH_SIZE or root_of_full_tile(data) != expected:
                raise self._wrong(tile, tile.index * WIDTH ** (tile.level + 1))

    def _wrong(self, tile: Tile, position: int) -> BadSource:
        return BadSource(
            f"{tile.path()} of {self._source.name} is not what the signed root of size {self._size} covers, "
            f"from entry {position} on; it was not kept"
        )


def check_extends(smaller: Head, larger: Head, nodes: NodeReader, unreadable: type[BadSource] | type[Corrupt]) -> None:
    """The larger tree, read through ``nodes``, begins with the smaller one. Raises ``ForkSeen``, or ``unreadable``."""
    old, new = smaller.checkpoint, larger.checkpoint
    proof: list[bytes] = []
    if old.size == new.size:
        beginning = new.root
    else:
        try:
            beginning = root_at(nodes, old.size)
            proof = prove_consistency(nodes, old.size, new.size)
            verify_consistency(old.size, beginning, new.size, new.root, proof)
        except (MalformedInput, ProofFailed) as error:
            raise unreadable(f"the tiles do not give the signed root of size {new.size}: {error}") from None
    if beginning != old.root:
        raise ForkSeen(
            f"{new.origin} signed two histories: the tree of {new.size} entries with root {new.root.hex()} gives its "
            f"first {old.size} the root {beginning.hex()}, and {old.root.hex()} was signed for {old.size}",
            (smaller.note, larger.note),
            beginning,
            tuple(proof),
        )


def _unfinished(size: int) -> Iterator[Tile]:
    """The partial tiles of a tree: one for each level at most."""
    for level in _levels(size):
        index, width = divmod(size >> level * HEIGHT, WIDTH)
        if width:
            yield Tile(level, index, width)


def _full_tiles(old: int, size: int) -> Iterator[Tile]:
    """The full tiles by which the trees differ, each after the one above it."""
    for level in reversed(_levels(size)):
        above = (level + 1) * HEIGHT
        yield from (Tile(level, index) for index in range(old >> above, size >> above))


def _levels(size: int) -> range:
    return range((size.bit_length() + HEIGHT - 1) // HEIGHT)


def _bundles(old: int, size: int) -> Iterator[Tile]:
    if old != size:
        yield from (
            Tile(None, index, min(WIDTH, size - index * WIDTH))
            for index in range(old // WIDTH, (size + WIDTH - 1) // WIDTH)
        )


def _groups(tiles: Iterator[Tile]) -> Iterator[list[Tile]]:
    """A few at a time; none shares its group with the tile above it, which is read back from the copy."""
    last: list[Tile] = []
    for tile in tiles:
        if len(last) == SIDE_BY_SIDE or (last and last[0].level != tile.level):
            yield last
            last = []
        last.append(tile)
    if last:
        yield last


def _front(bundle: bytes, width: int) -> bytes:
    """The first ``width`` entries of a bundle."""
    at = 0
    for _ in range(width):
        at += 2 + int.from_bytes(bundle[at : at + 2], "big")
    return bundle[:at]
