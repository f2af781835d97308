"""The offline kit is installed where there is no network, and verifies there; what is changed is refused."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.offline import isolation
from tools import kit, outsiders

KEPT = ROOT / "fixtures" / "golden" / "2" / "evidence"
AT = "2026-02-02T00:00:00Z"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The zip of a kit for this machine."""
    folder = tmp_path_factory.mktemp("kit")
    page = outsiders.verifier(folder / "page") / "verifier.html"
    return kit.assemble(folder, kit.here(), page, ["this machine"], [PYTHON])


@pytest.fixture
def unpacked(made: Path, tmp_path: Path) -> Path:
    zipfile.ZipFile(made).extractall(tmp_path)
    return tmp_path / made.stem


def install(folder: Path) -> subprocess.CompletedProcess[str]:
    """As its README says, cut off from the network where that is possible."""
    python = Path(sys.base_prefix, "bin", "python3")
    made = isolation.run(python, "-m", "venv", "verifier", cwd=folder)
    assert made.returncode == 0, made.stderr
    pip = ["-m", "pip", "install", "--no-index", "--find-links", "wheels", "--require-hashes", "-r", "requirements.txt"]
    return isolation.run(folder / "verifier" / "bin" / "python", *pip, cwd=folder)


def test_it_installs_without_a_network_and_verifies(unpacked: Path) -> None:
    done = install(unpacked)
    assert done.returncode == 0, done.stderr
    for name in ("case.zip", "trust.json"):
        shutil.copyfile(KEPT / name, unpacked / name)
    asked = ["verify", "case.zip", "--trust", "trust.json", "--at", AT]
    said = isolation.tallystick(unpacked / "verifier" / "bin" / "python", asked, unpacked)
    assert said.stdout.startswith("PROVED"), said.stderr
    assert said.returncode == 0


@pytest.mark.parametrize("name", ["tallystick", "cryptography", "cbor2"])
def test_a_changed_wheel_is_not_installed(unpacked: Path, name: str) -> None:
    (wheel,) = (unpacked / "wheels").glob(f"{name}-*.whl")
    data = bytearray(wheel.read_bytes())
    data[len(data) // 2] ^= 1
    wheel.write_bytes(data)
    done = install(unpacked)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    summed = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=unpacked, capture_output=True, text=True)
    assert summed.returncode != 0
    assert f"wheels/{wheel.name}: FAILED" in summed.stdout


def test_the_sums_are_of_every_file(unpacked: Path) -> None:
    lines = (unpacked / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    found = dict(reversed(line.split("  ")) for line in lines)
    assert set(found) == files - {"SHA256SUMS"}
    assert found == {name: hashlib.sha256((unpacked / name).read_bytes()).hexdigest() for name in found}


def test_it_holds_what_the_wheel_needs_and_names_no_address(unpacked: Path) -> None:
    requirements = (unpacked / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in requirements
    assert "--index" not in requirements
    pinned = kit.pins((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    named = {line.split("==")[0] for line in requirements.splitlines() if "==" in line}
    assert named == {*pinned, "tallystick"}
    assert {"cryptography", "cbor2", "c2pa-python"} < named
    assert not {"fastapi", "web3", "typer", "httpx", "typing-extensions"} & named
    readme = (unpacked / "README.md").read_text(encoding="utf-8")
    assert readme.count("pip install --no-index --find-links wheels --require-hashes -r requirements.txt") == 2


def test_the_same_wheels_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    page = made.with_suffix("") / "verifier.html"
    again = kit.assemble(tmp_path, kit.here(), page, ["this machine"], [PYTHON])
    assert again.read_bytes() == made.read_bytes()


def test_a_lock_that_breaks_what_the_wheel_asks_for_makes_no_kit() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\ncbor2==5.9.0", "\ncbor2==6.2.1")
    with pytest.raises(ValueError, match=r"cbor2.*the lock pins 6\.2\.1"):
        kit.pins(lock)
