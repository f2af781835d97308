"""The wheel in its bare environment verifies the kept bundle: no checkout, no server, no network."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tallystick.times import format_time
from tests.architecture.tree import ROOT

KEPT = ROOT / "fixtures" / "golden" / "1" / "evidence"


def cut_off() -> list[str]:
    """The command prefix that takes the network away, where this system lets us."""
    prefix = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
        return prefix
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("case.zip", "trust.json"):
        (tmp_path / name).write_bytes((KEPT / name).read_bytes())
    return tmp_path


def verify(python: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    at = format_time(json.loads((KEPT / "expected.json").read_text())["at"])
    command = [*cut_off(), str(python), "-I", "-m", "tallystick", "verify", "case.zip", "--trust", "trust.json"]
    return subprocess.run([*command, "--at", at, *more], cwd=folder, env={}, capture_output=True, text=True)


def test_the_wheel_proves_the_kept_bundle(bare_python: Path, folder: Path) -> None:
    done = verify(bare_python, folder, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    value = json.loads(done.stdout)
    expected = json.loads((KEPT / "expected.json").read_text())
    assert {claim["id"]: claim["outcome"] for claim in value["claims"]} == expected["claims"]


def test_the_report_is_read_in_both_languages(bare_python: Path, folder: Path) -> None:
    for language, verdict in (("en", "PROVED"), ("zh", "已证明")):
        done = verify(bare_python, folder, "--lang", language)
        assert done.returncode == 0
        assert done.stdout.startswith(verdict)


def test_one_changed_byte_is_refused_there_too(bare_python: Path, folder: Path) -> None:
    data = bytearray((folder / "case.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "case.zip").write_bytes(data)
    done = verify(bare_python, folder, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["refused_at"] == 1
