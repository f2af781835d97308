"""The checkpoint signed last, kept apart from the data folder, remembers what an old copy of it has forgotten."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from api.settings import Settings, read_settings
from api.wiring import open_services
from ledger.errors import HistoryLost, NoLog
from tallystick.events.dispute import DisputeOpening
from tests.api.house import open_house


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    (tmp_path / "other disk").mkdir()
    return tmp_path / "other disk" / "signed.sqlite"


def grow(data: Path, kept: Path) -> int:
    """One event more, published; the size then."""
    with open_house(data, checkpoints=kept) as house:
        house.registrar.record("dispute.open", DisputeOpening(house.registrar.id, "other"))
        return house.services.log.publish_now().checkpoint.size


def test_the_setting_names_a_file() -> None:
    assert read_settings({}).checkpoints is None
    assert read_settings({"TALLYSTICK_CHECKPOINTS": "elsewhere/signed.sqlite"}).checkpoints == Path(
        "elsewhere/signed.sqlite"
    )


def test_the_log_goes_on_with_its_store_elsewhere(tmp_path: Path, kept: Path) -> None:
    data = tmp_path / "data"
    sizes = [grow(data, kept) for _ in range(2)]
    assert sizes[0] < sizes[1]
    assert kept.is_file()
    assert not (data / "log" / "checkpoints.sqlite").exists()


def test_a_data_folder_taken_back_in_time_is_refused(tmp_path: Path, kept: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    grow(data, kept)
    shutil.copytree(data, copy)
    grow(data, kept)
    with pytest.raises(HistoryLost, match="it is an old copy"), open_services(Settings(copy, checkpoints=kept)):
        pass
    with open_services(Settings(data, checkpoints=kept)):
        pass


def test_a_log_does_not_start_without_its_store(tmp_path: Path, kept: Path) -> None:
    data = tmp_path / "data"
    grow(data, kept)
    for other in (None, kept.with_name("mistyped.sqlite")):
        with pytest.raises(NoLog, match="must not run without it"), open_services(Settings(data, checkpoints=other)):
            pass
