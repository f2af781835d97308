"""What is in a bucket, for ``fsck``: every tile, and what is none."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from ledger.bucket.objects import Objects
from ledger.bucket.opening import PROBE
from ledger.bucket.place import BucketPlace
from ledger.bucket.s3 import S3Objects
from ledger.bucket.tiles import SIDE_BY_SIDE, BucketTiles
from ledger.tilestore import ALIGNED, CHECKPOINT
from ledger.upkeep.replaying import Finding
from tallystick.errors import MalformedInput
from tallystick.tiles import Tile, parse_tile_path


class Bucket:
    """The published part of a log in an object store."""

    def __init__(self, place: BucketPlace) -> None:
        self._objects = S3Objects(place)
        self.tiles = BucketTiles(self._objects)

    def kept(self) -> Iterator[tuple[Tile, bytes] | Finding]:
        """See ``kept``."""
        return kept(self._objects)


def kept(objects: Objects) -> Iterator[tuple[Tile, bytes] | Finding]:
    """The tiles under the prefix, and the objects there that are none."""
    names = (key for key in objects.names() if key not in (CHECKPOINT, ALIGNED, PROBE))

    def read(key: str) -> tuple[Tile, bytes] | Finding:
        try:
            tile = parse_tile_path(key)
        except MalformedInput:
            return Finding(-1, f"the bucket holds an object that is no tile: {key}")
        found = objects.get(key)
        return (tile, found.data) if found else Finding(-1, f"the object {key} is listed and cannot be read")

    with ThreadPoolExecutor(SIDE_BY_SIDE, "tiles") as pool:
        while group := list(islice(names, SIDE_BY_SIDE)):
            yield from pool.map(read, group)
