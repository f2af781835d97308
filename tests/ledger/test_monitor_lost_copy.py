"""A monitor whose copy is lost or damaged, and clocks that are ahead: what it has scanned it does not forget."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ledger.copies.monitor import AHEAD, Expectations
from tests.ledger.test_monitor import grow, look, reached
from tests.world import START, World


def test_a_log_that_went_backwards_while_the_copy_was_lost(data: Path, world: World, tmp_path: Path) -> None:
    early = Path(shutil.copytree(data, tmp_path / "early"))
    grow(data, world)
    assert look(tmp_path / "m", data) == []
    shutil.rmtree(tmp_path / "m/public")
    (alarm,) = look(tmp_path / "m", early)
    assert alarm["alarm"] == "went-backwards"
    assert "size 29 is shown, 31 was shown before" in alarm["message"]
    assert {path.name for path in Path(alarm["evidence"]).iterdir()} == {"shown", "shown-before"}
    assert reached(tmp_path / "m") == 31
    assert look(tmp_path / "m", data) == []
    grow(data, world)
    assert look(tmp_path / "m", data) == []
    assert reached(tmp_path / "m") == 33


def test_a_fork_below_what_was_scanned_while_the_copy_was_lost(data: Path, world: World, tmp_path: Path) -> None:
    other = Path(shutil.copytree(data, tmp_path / "other"))
    for _ in range(3):
        grow(data, world)
    again = World(world.name, world.origin)
    again._made = 9_000_000
    grow(other, again)
    assert look(tmp_path / "m", data) == []
    shutil.rmtree(tmp_path / "m/public")
    assert [one["alarm"] for one in look(tmp_path / "m", other)] == ["went-backwards"]
    for _ in range(2):
        grow(other, again)
    assert [one["alarm"] for one in look(tmp_path / "m", other)] == ["fork"]
    assert reached(tmp_path / "m") == 35


def test_a_copy_whose_own_checkpoint_is_damaged_is_an_alarm_that_is_heard(data: Path, tmp_path: Path) -> None:
    assert look(tmp_path / "m", data) == []
    (tmp_path / "m/public/checkpoint").write_bytes(b"nothing that is signed")
    (alarm,) = look(tmp_path / "m", data)
    assert alarm["alarm"] == "inconsistent"
    assert "the copy's own checkpoint" in alarm["message"]


@pytest.mark.parametrize(("ahead", "alarms"), [(AHEAD, []), (AHEAD + 1, ["stale"]), (10 * 365 * 86_400, ["stale"])])
def test_a_checkpoint_from_the_future_would_be_fresh_for_ever(
    data: Path, tmp_path: Path, ahead: int, alarms: list[str]
) -> None:
    found = look(tmp_path / "m", data, Expectations(max_age=3600), START - ahead)
    assert [one["alarm"] for one in found] == alarms
    assert all("its age tells nothing" in one["message"] for one in found)
