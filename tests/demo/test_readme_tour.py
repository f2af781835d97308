"""The ten lines of README.md, typed after a run of the demo, end as README.md says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.demo.runs import Run

(TOUR,) = re.findall(r"^```sh\n(\.venv/.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
LINES = [line.partition(" # exit ") for line in TOUR.splitlines()]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, lantern: Run) -> Path:
    """This checkout, with what a demo made in it; whatever is written lands beside."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in ROOT.iterdir():
        if path.name not in ("demo-out", ".venv"):
            (folder / path.name).symlink_to(path)
    (folder / "demo-out").symlink_to(lantern.out)
    return folder


def test_there_are_ten() -> None:
    assert len(LINES) == 10


@pytest.mark.parametrize(("command", "_", "expected"), LINES, ids=[str(number) for number in range(1, 11)])
def test_a_line_ends_as_told(command: str, _: str, expected: str, checkout: Path) -> None:
    words = shlex.split(command)
    if words[0] == ".venv/bin/tallystick":
        words[:1] = [sys.executable, "-m", "tallystick"]
    elif words[0] == ".venv/bin/python":
        words[0] = sys.executable
    done = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == int(expected[0]), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
