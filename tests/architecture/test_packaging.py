"""Locks, the wheel, and nothing in the tree that only makes sense on the machine where it was written."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files, relative

LOCKS = ("requirements.lock", "requirements-dev.lock")
APART = ("requirements-node.lock", "requirements-merkletools.lock")
NPM_LOCKS = ("tests/strangers/npm/package-lock.json", "benchmarks/npm/package-lock.json")
# Written in two halves, so that this file does not find itself.
HERE_ONLY = [
    rf"(?<![\w.])/{name}\b" for name in ("wo" + "rk/", "ro" + "ot/", "fa" + "rm/", "opt/" + "wheels", "opt/" + "pypi")
] + [r"(?<![\w.])/tmp/(?:te" + "am|w" + "t)/", r"/home/" + r"\w+"]
REGISTRIES = [re.escape(a + "." + b) for a, b in (("pypi", "org"), ("pythonhosted", "org"), ("registry.npmjs", "org"))]
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".in",
    ".lock",
    ".txt",
    ".json",
    ".vy",
    ".html",
    ".js",
    ".ts",
    ".css",
    ".yml",
    ".gltf",
    "",
}


def requirements(lock: str) -> dict[str, tuple[str, int]]:
    """Name with its marker -> (pin, number of hashes)."""
    found = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", (ROOT / lock).read_text()):
        match = re.match(r"([A-Za-z0-9_.-]+)==([^ ]+)( ; [^\\]+)? \\\n", block)
        if match:
            name, pin, marker = match.groups(default="")
            found[name + marker] = (pin, len(re.findall(r"--hash=sha256:[0-9a-f]{64}(?: \\)?\n", block)))
        else:
            assert block.startswith("#"), f"{lock}: not pinned with a hash: {block[:80]!r}"
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_everything_with_hashes_and_name_no_index(lock: str) -> None:
    found = requirements(lock)
    assert len(found) > 50
    assert [name for name, (_, hashes) in found.items() if hashes == 0] == []
    assert re.findall(r"--(?:extra-)?index-url|--find-links|--trusted-host|://", (ROOT / lock).read_text()) == []


@pytest.mark.parametrize("lock", APART)
def test_what_is_installed_apart_is_one_package_with_its_hashes(lock: str) -> None:
    found = requirements(lock)
    assert len(found) == 1
    assert all(hashes > 0 for _, hashes in found.values())
    assert "://" not in (ROOT / lock).read_text()


@pytest.mark.parametrize("lock", NPM_LOCKS)
def test_npm_locks_pin_everything_with_hashes_and_name_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    packages = {name: one for name, one in json.loads(text)["packages"].items() if name}
    assert packages
    assert [name for name, one in packages.items() if not one.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, one in packages.items() if "resolved" in one] == []
    assert "://" not in text


def test_the_development_lock_contains_the_runtime_lock() -> None:
    """tools/bootstrap.py counts on it: one environment, and `make demo` after `make test` installs nothing."""
    runtime, dev = (requirements(lock) for lock in LOCKS)
    assert {wanted: pin for wanted, pin in runtime.items() if pin not in covering(dev, wanted)} == {}


def covering(lock: dict[str, tuple[str, int]], wanted: str) -> list[tuple[str, int]]:
    """Pins in ``lock`` that stand on every platform on which ``wanted`` ("name" or "name ; marker") does."""
    name, _, marker = wanted.partition(" ; ")
    platforms = {key: key.removeprefix(f"{name} ; ").split(" or ") for key in lock if key.startswith(f"{name} ; ")}
    wider = [lock[key] for key, markers in platforms.items() if marker and marker in markers]
    return [*wider, *(lock[key] for key in (name, wanted) if key in lock)]


def test_what_the_wheel_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + [one for extra in project["optional-dependencies"].values() for one in extra]
    locked = {name.split(" ; ")[0] for name in requirements("requirements.lock")}
    assert {re.split(r"[<>=!~ \[]", one)[0] for one in asked} - locked == set()


def test_nothing_names_this_machine_or_a_registry() -> None:
    pattern = re.compile("|".join(HERE_ONLY + REGISTRIES))
    found = [
        f"{relative(path)}:{number}: {line.strip()[:100]}"
        for path in files()
        if path.suffix in TEXT
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, built twice under different umasks."""
    spec = importlib.util.spec_from_file_location("wheel_tool", ROOT / "tools" / "wheel.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    built = []
    for umask in (0o022, 0o077):
        before = os.umask(umask)
        try:
            built.append(tool.build(tmp_path_factory.mktemp("dist")))
        finally:
            os.umask(before)
    return built[0], built[1]


def test_the_wheel_is_the_same_bytes_each_time(wheels: tuple[Path, Path]) -> None:
    first, second = wheels
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_the_wheel_holds_the_core_alone_and_all_of_it(wheels: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(wheels[0]).namelist()
    inside = {name for name in names if ".dist-info/" not in name}
    in_tree = {relative(path) for path in files() if relative(path).startswith("tallystick/")}
    assert inside == in_tree
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_wheel_asks_for_few_packages(wheels: tuple[Path, Path]) -> None:
    archive = zipfile.ZipFile(wheels[0])
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = message_from_bytes(archive.read(name))
    always = [one for one in metadata.get_all("Requires-Dist", []) if "extra ==" not in one]
    assert {re.split(r"[<>=!~ ]", one)[0] for one in always} == {"cryptography", "cbor2", "c2pa-python"}
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"


def test_the_tallystick_command_is_declared(wheels: tuple[Path, Path]) -> None:
    archive = zipfile.ZipFile(wheels[0])
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
    assert "tallystick = tallystick.__main__:program" in archive.read(name).decode()
