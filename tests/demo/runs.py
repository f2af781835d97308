"""Runs of the demo as a user starts it, each made once for all tests, also when they run in several processes."""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest

from tallystick.times import parse_time
from tallystick.trust import parse_trust
from tallystick.verify import Report, verify_case
from tests.architecture.tree import ROOT

LATER = parse_time("2100-01-01T00:00:00Z")
"""Verification as of a time after any run; the golden bundle has its own."""


@dataclass(frozen=True)
class Run:
    """What one run said and left behind. ``code``: its exit status."""

    out: Path
    code: int
    said: str

    @cached_property
    def lines(self) -> list[str]:
        """What it printed."""
        return self.said.splitlines()

    def verify(self, case: str = "case.zip", at: int = LATER) -> Report:
        """The case under the trust file of the run, verified by this process."""
        trust = parse_trust((self.out / "trust.json").read_bytes())
        return verify_case(io.BytesIO((self.out / case).read_bytes()), trust, at)


def play(out: Path, asset: Path | None = None) -> Run:
    """``python -m demo`` with an empty home."""
    home = out.parent / f"{out.name}-home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(home), "TALLYSTICK_ORIGIN": "somebody.example/else"}
    command = [sys.executable, "-m", "demo", "--out", str(out), *([str(asset)] if asset else [])]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return Run(out, done.returncode, done.stdout)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Run]) -> Run:
    """The run ``name``: made in a folder by the first process that asks, read by the others."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = shared / f"demo-{name}.json"
    with (shared / f"demo-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            run = make(shared)
            made.write_text(json.dumps([str(run.out), run.code, run.said]), encoding="utf-8")
    out, code, said = json.loads(made.read_text(encoding="utf-8"))
    return Run(Path(out), code, said)


def notes_run(factory: pytest.TempPathFactory) -> Run:
    """A folder without a picture, as the user's own asset."""

    def make(shared: Path) -> Run:
        asset = shared / "notes"
        (asset / "drafts").mkdir(parents=True)
        (asset / "drafts" / "场景一.txt").write_text("外景 黄昏\n", encoding="utf-8")
        (asset / "empty.bin").touch()
        run = play(shared / "demo-out", asset)
        # Another run follows in that folder.
        return replace(run, out=Path(shutil.copytree(run.out, shared / "notes-out")))

    return once(factory, "notes", make)


def lantern_run(factory: pytest.TempPathFactory) -> Run:
    """The built-in lantern, over the folder of the run before."""
    notes_run(factory)
    return once(factory, "lantern", lambda shared: play(shared / "demo-out"))


def single_run(factory: pytest.TempPathFactory) -> Run:
    """One file of the user's own, of a kind that nothing here can read."""

    def make(shared: Path) -> Run:
        asset = shared / "灯笼 v2.blend"
        asset.write_bytes(bytes(range(256)) * 40)
        return play(shared / "single-out", asset)

    return once(factory, "single", make)


def teapot_run(factory: pytest.TempPathFactory, asset: Path) -> Run:
    """A published asset with folders, textures and pictures."""
    return once(factory, "teapot", lambda shared: play(shared / "teapot-out", asset))
