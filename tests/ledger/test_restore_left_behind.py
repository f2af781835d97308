"""What a lost database left beside it: SQLite would read that into whatever is put in its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ledger.copies.source import open_source
from ledger.errors import LogExists
from ledger.folder import Folder
from ledger.upkeep.backup import back_up
from ledger.upkeep.fsck import fsck
from ledger.upkeep.restore import restore
from tests.ledger.conftest import open_log
from tests.ledger.following import known
from tests.ledger.test_backup import go_on
from tests.world import World


@pytest.mark.parametrize("from_tiles", [False, True])
def test_a_write_ahead_log_that_was_left_alone_is_read_into_nothing(
    data: Path, world: World, tmp_path: Path, from_tiles: bool
) -> None:
    back_up(Folder(data), tmp_path / "kept")
    size = go_on(data, world, parties=4)
    again = World(world.name, world.origin)
    again._made = 5_000_000
    log = open_log(data, again)
    log.submit(again.object()).result()
    crashed = Path(shutil.copytree(data, tmp_path / "crashed"))
    log.close()
    left = crashed / "ledger.sqlite-wal"
    assert left.stat().st_size > 4096
    for name in ("ledger.sqlite", "ledger.sqlite-shm"):
        (crashed / name).unlink()
    before = left.read_bytes()
    backup = None if from_tiles else tmp_path / "kept"
    source = open_source(str(data)) if from_tiles else None
    with pytest.raises(LogExists, match=r"ledger\.sqlite-wal was left by a database that is gone.*move it away"):
        restore(Folder(crashed), backup, source, known())
    assert not (crashed / "ledger.sqlite").exists()
    assert left.read_bytes() == before, "it may hold entries that are nowhere else"
    left.rename(tmp_path / "given-up")
    done = restore(Folder(crashed), tmp_path / "kept", open_source(str(data)), known())
    assert done.signed >= size
    assert fsck(Folder(crashed)).findings == ()
