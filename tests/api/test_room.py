"""What parties upload leaves the log its room on the disk, however much of it comes, and however slowly."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from api.services.credential_files import RESERVE
from tests.api.desk import Desk
from tests.api.house import problem
from tests.api.test_licence_files import original_of

LARGE = bytes(3 << 20)


def left(*free: int, total: int = 100 << 30) -> Any:
    """A disk on which so much is free at each look, at last the last of them."""
    looks: Iterator[int] = chain(free, repeat(free[-1]))
    return lambda folder: shutil._ntuple_diskusage(total, 0, next(looks))


@pytest.mark.parametrize(
    ("looks", "total"),
    [
        ((RESERVE - 1,), 100 << 30),
        # Others fill it while this one comes.
        ((RESERVE, RESERVE, RESERVE - 1), 100 << 30),
        (((10 << 20) - 1,), 100 << 20),
    ],
)
def test_no_room_for_uploads(desk: Desk, monkeypatch: pytest.MonkeyPatch, looks: tuple[int, ...], total: int) -> None:
    licence, data = desk.licence()
    monkeypatch.setattr(shutil, "disk_usage", left(*looks, total=total))
    for answer in (
        original_of(desk, licence, LARGE),
        desk.studio.post("/v1/signed-files/receipt", files={"file": ("a.png", LARGE, "image/png")}),
        desk.studio.post("/v1/licences/check", files={"file": ("a.png", LARGE)}, data={"question": "x"}),
        desk.ask(desk.studio, "licence", licence, originals={"a.png": LARGE}),
    ):
        assert problem(answer)[:2] == (503, "unavailable"), answer.text
    work = desk.house.services.settings.data / "credentials" / "work"
    assert list(work.iterdir()) == []
    desk.picture()  # the log takes on
    monkeypatch.setattr(shutil, "disk_usage", left(min(RESERVE, total // 10), total=total))
    assert original_of(desk, licence, data).status_code == 200
