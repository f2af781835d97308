"""The steps of docs/trust.md are executed as they stand, on a kept bundle."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.docs.pages import page, section

KEPT = ROOT / "fixtures" / "golden" / "1" / "evidence"
TEXT = page("trust.md")


def blocks(heading: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", section(TEXT, heading), re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Bundle and trust file, and the program under its name."""
    for name in ("case.zip", "trust.json"):
        shutil.copyfile(KEPT / name, tmp_path / name)
    program = tmp_path / "bin" / "tallystick"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m tallystick "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


def run(block: str, folder: Path) -> str:
    path = f"{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        ["sh", "-eu", "-c", block], cwd=folder, env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_fingerprint_is_the_one_in_the_report_and_is_read_out_in_sixteen_groups(folder: Path) -> None:
    plain, groups = blocks("How a court compares it")
    fingerprint = hashlib.sha256((KEPT / "trust.json").read_bytes()).hexdigest()
    assert run(plain, folder) == f"{fingerprint}  trust.json\n"
    assert run(groups, folder) == " ".join(re.findall("....", fingerprint)) + "\n"
    report = json.loads(run("tallystick verify case.zip --trust trust.json --at 2027-01-02T00:00:00Z --json", folder))
    assert report["trust_fingerprint"] == fingerprint
    assert len(run(groups, folder).split()) == 16


def test_another_layout_is_another_file(folder: Path) -> None:
    plain, _ = blocks("How a court compares it")
    before = run(plain, folder)
    value = json.loads((folder / "trust.json").read_bytes())
    (folder / "trust.json").write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    assert run(plain, folder) != before


def test_a_renewed_file_and_the_old_bundle(folder: Path) -> None:
    (block,) = blocks("How it is renewed")
    run(block, folder)
    before, after = ((folder / name).read_text(encoding="utf-8") for name in ("before.txt", "after.txt"))
    assert before.startswith("PROVED")
    assert after.startswith("NOT PROVED")
    renewed = hashlib.sha256((folder / "renewed.json").read_bytes()).hexdigest()
    assert (renewed in after, renewed in before) == (True, False)
    judged = f"{folder / 'bin' / 'tallystick'} verify case.zip --trust renewed.json --at 2027-01-02T00:00:00Z --json"
    done = subprocess.run(judged.split(), cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["refused_at"]) == (1, 2)
