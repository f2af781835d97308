"""What a service of each format version left behind, as a fresh copy that a test may change."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tallystick.times import parse_time
from tests.architecture.tree import ROOT

GOLDEN = ROOT / "fixtures" / "golden"
VERSIONS = sorted(folder.parent.name for folder in GOLDEN.glob("*/service"))


@dataclass(frozen=True)
class Kept:
    """``data``: a copy of the service's data folder. ``folder``: what people had from it. ``expected``: what was so."""

    data: Path
    folder: Path
    expected: dict[str, Any]

    @property
    def at(self) -> int:
        """When it was kept, Unix seconds."""
        return parse_time(self.expected["at"])

    @property
    def card(self) -> bytes:
        """The licence card that the service issued."""
        return (self.data / "credentials" / self.expected["card"]).read_bytes()


def unpack(version: str, target: Path) -> Kept:
    """Into ``target``, with the modes that the files had."""
    folder = GOLDEN / version / "service"
    with zipfile.ZipFile(folder / "data.zip") as archive:
        for info in archive.infolist():
            Path(archive.extract(info, target)).chmod(info.external_attr >> 16 & 0o777)
    (target / "keys").chmod(0o700)
    return Kept(target, folder, json.loads((folder / "expected.json").read_text(encoding="utf-8")))


@pytest.fixture(params=VERSIONS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    return unpack(request.param, tmp_path / "data")
