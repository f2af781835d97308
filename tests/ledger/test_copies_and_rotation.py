"""A log that replaces its keys is copied, watched and restored across the replacement."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.copies.known import known_log
from ledger.copies.mirror import Mirror
from ledger.copies.source import open_source
from ledger.errors import BadSource
from ledger.folder import Folder
from ledger.upkeep.backup import back_up
from ledger.upkeep.fsck import fsck
from ledger.upkeep.restore import restore
from tallystick.errors import VerificationFailed
from tallystick.tree_head import LogSigners, sign_checkpoint
from tests.ledger.conftest import open_log
from tests.ledger.following import VKEYS
from tests.ledger.test_backup import lose
from tests.ledger.test_monitor import EVERYBODY, look
from tests.ledger.test_rotation import rotate, use
from tests.world import World


@pytest.fixture
def rotated(data: Path, world: World, tmp_path: Path) -> list[str]:
    """A backup and a copy of the log, then another key; the new verifier keys."""
    back_up(Folder(data), tmp_path / "kept")
    with Mirror(tmp_path / "copy", known_log(VKEYS), open_source(str(data))) as copy:
        copy.step()
    use(world, "log", rotate(data, world, "log"))
    with open_log(data, world) as log:
        log.submit(world.object()).result()
        log.publish_now()
    return list(world.signers.keys.verifier_keys())


def test_a_mirror_goes_on_with_the_new_key_given_too(data: Path, rotated: list[str], tmp_path: Path) -> None:
    source = open_source(str(data))
    with Mirror(tmp_path / "copy", known_log(VKEYS), source) as copy, pytest.raises(BadSource, match="new one too"):
        copy.step()
    with Mirror(tmp_path / "copy", known_log([*VKEYS, *rotated]), source) as copy:
        assert copy.step().held.checkpoint.size == 33
    with Mirror(tmp_path / "copy", known_log(rotated), source) as copy:
        assert not copy.step().behind


def test_a_monitor_holds_checkpoints_against_the_keys_that_entries_name(
    data: Path, world: World, rotated: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.ledger.test_monitor.known", lambda: known_log([*VKEYS, *rotated]))
    assert look(tmp_path / "m", tmp_path / "copy", EVERYBODY) == []
    assert look(tmp_path / "m", data, EVERYBODY) == []
    # A thief of the old key signs what the rotation took from it.
    note = (data / "public/checkpoint").read_text()
    old = World()
    signers = LogSigners(world.origin, old.signers.ed25519, world.signers.ml_dsa, world.signers.authority)
    head = known_log([*VKEYS, *rotated]).verify(note.encode()).checkpoint
    (data / "public/checkpoint").write_text(sign_checkpoint(head, signers, world.clock))
    (alarm,) = look(tmp_path / "m", data, EVERYBODY)
    assert alarm["alarm"] == "keys"
    assert (Path(alarm["evidence"]) / "checkpoint").read_text() != note


def test_a_backup_from_before_is_brought_forward(data: Path, world: World, rotated: list[str], tmp_path: Path) -> None:
    lose(data, "ledger.sqlite")
    with pytest.raises(VerificationFailed, match="new one too"):
        restore(Folder(data), tmp_path / "kept", None, None)
    assert restore(Folder(data), None, None, known_log(rotated)).brought == 4
    assert fsck(Folder(data)).findings == ()
    with open_log(data, world) as log:
        assert log.publish_now().checkpoint.size == 33
