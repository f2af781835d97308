"""What a process of a shared log was shown, and what it is shown later."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ledger.errors import Corrupt
from ledger.folder import Folder
from ledger.log import Log
from ledger.shared.seen import Seen
from ledger.tilestore import TileStore
from tallystick.tiles import Tile
from tests.ledger.conftest import founding
from tests.world import World


class Branch:
    """A log in a folder, or a copy of it that goes on for itself."""

    def __init__(self, path: Path, world: World) -> None:
        self.log = Log.open(path, world.signers, lambda: world.clock, publish_every=None)
        self.tiles = TileStore(Folder(path).public)
        self._world = world

    def show(self, seen: Seen, name: str) -> int:
        self.log.submit(self._world.register(self._world.someone(name), "studio")).result()
        seen.show(self.log.publish_now(), self.tiles)
        return self.log.published.checkpoint().checkpoint.size


@pytest.fixture
def branches(tmp_path: Path) -> Iterator[tuple[Branch, Branch]]:
    world = World()
    with closing(Log.create(tmp_path / "one", founding(world), world.signers, lambda: world.clock)) as log:
        log.publish_now()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    with ExitStack() as leave:
        found = [Branch(tmp_path / name, world) for name in ("one", "two")]
        for one in found:
            leave.enter_context(closing(one.log))
        yield found[0], found[1]


def test_what_extends_it_is_the_newest(branches: tuple[Branch, Branch]) -> None:
    (one, _), seen = branches, Seen()
    assert seen.newest is None
    for number in range(3):
        size = one.show(seen, f"party {number}")
        assert (seen.newest and seen.newest.checkpoint.size, seen.forked) == (size, None)


def test_another_branch_never_takes_its_place(
    branches: tuple[Branch, Branch], caplog: pytest.LogCaptureFixture
) -> None:
    (one, two), seen = branches, Seen()
    size = two.show(Seen(), "of the other branch")
    assert one.show(seen, "first") == size
    known = seen.newest
    assert known is not None
    seen.show(two.log.published.checkpoint(), two.tiles)
    of_one_size = seen.forked
    assert of_one_size is not None
    for name in ("longer", "longer still"):
        two.show(seen, name)
        assert seen.newest is known
        assert seen.forked is not None
        assert f"was shown a checkpoint of {size} leaves" in str(seen.forked)
    assert seen.forked.notes[0] == known.note.encode()
    # Said once, with both checkpoints.
    (said,) = [one for one in caplog.records if one.levelname == "CRITICAL"]
    assert known.note.encode() in said.getMessage()
    assert one.show(seen, "second") == seen.newest.checkpoint.size > size
    assert seen.forked is None


def test_a_smaller_one_says_nothing(branches: tuple[Branch, Branch]) -> None:
    (one, two), seen = branches, Seen()
    for name in ("first", "second"):
        one.show(seen, name)
    known = seen.newest
    assert two.show(seen, "another") < known.checkpoint.size  # type: ignore[union-attr]
    assert (seen.newest, seen.forked) == (known, None)


def test_a_tile_that_rots_is_no_fork(branches: tuple[Branch, Branch]) -> None:
    (one, _), seen = branches, Seen()
    one.show(seen, "first")
    known = seen.newest
    one.log.submit(one._world.register(one._world.someone("second"), "studio")).result()
    signed = one.log.publish_now()
    kept = one.tiles.get(Tile(0, 0, signed.checkpoint.size))

    class Rotten:
        def get(self, tile: Tile) -> bytes:
            return bytes([kept[0] ^ 1]) + kept[1:]

    with pytest.raises(Corrupt, match="do not give the root that was signed"):
        seen.show(signed, Rotten())  # type: ignore[arg-type]
    assert (seen.newest, seen.forked) == (known, None)
