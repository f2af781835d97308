"""What is published is a function of the source: built twice, in other folders, under other modes, zones and clocks."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

PARTS = ("tallystick", "tools", "pyproject.toml", "README.md", "LICENSE", "requirements.lock")
BUILD = """
import sys
from pathlib import Path
sys.path.insert(0, ".")
from tools import kit, release, wheel
target = Path(sys.argv[1])
target.mkdir()
wheels = target / "none"
wheels.mkdir()
page = Path(sys.argv[2])
release.sdist(target)
kit.assemble(target, wheels, page, ["a platform"], ["3.11"])
"""


def build(folder: Path, **surroundings: str | int) -> dict[str, str]:
    """Name and SHA-256 of each file that a copy of the tree makes."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / part, tree / part)
    (folder / "page.html").write_text("the page\n", encoding="utf-8")
    umask = int(surroundings.pop("umask"))
    environment = {**os.environ, **{name: str(value) for name, value in surroundings.items()}}
    command = [sys.executable, "-c", BUILD, str(folder / "out"), str(folder / "page.html")]
    subprocess.run(command, cwd=tree, env=environment, umask=umask, check=True, capture_output=True)
    made = [path for path in (folder / "out").iterdir() if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made}


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str], dict[str, str]]]:
    base = tmp_path_factory.mktemp("release")
    first = build(base / "here", umask=0o022, TZ="UTC", LC_ALL="C", PYTHONHASHSEED=1)
    second = build(base / "some where" / "else", umask=0o077, TZ="Asia/Shanghai", LC_ALL="C.UTF-8", PYTHONHASHSEED=2)
    return base, first, second


def test_two_builds_are_the_same_bytes(twice: tuple[Path, dict[str, str], dict[str, str]]) -> None:
    _, first, second = twice
    assert first == second
    assert sorted(name.split("-")[0] + Path(name).suffix for name in first) == [
        "tallystick.gz",
        "tallystick.whl",
        "tallystick.zip",
    ]


def test_the_source_makes_the_same_wheel(twice: tuple[Path, dict[str, str], dict[str, str]], tmp_path: Path) -> None:
    base, first, _ = twice
    (archive,) = (base / "here" / "out").glob("*.tar.gz")
    with tarfile.open(archive) as source:
        assert {(member.uid, member.gid, member.uname, member.mtime) for member in source.getmembers()} == {
            (0, 0, "", 315619200)
        }
        source.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    shutil.copytree(ROOT / "tools", tree / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "tools/wheel.py", str(tmp_path / "made")]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    (made,) = (tmp_path / "made").iterdir()
    assert first[made.name] == hashlib.sha256(made.read_bytes()).hexdigest()


def test_another_source_is_another_wheel(twice: tuple[Path, dict[str, str], dict[str, str]], tmp_path: Path) -> None:
    base, first, _ = twice
    tree = shutil.copytree(base / "here" / "tree", tmp_path / "tree")
    with (tree / "tallystick" / "errors.py").open("a", encoding="utf-8") as file:
        file.write("\n")
    command = [sys.executable, "tools/wheel.py", str(tmp_path / "made")]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    (made,) = (tmp_path / "made").iterdir()
    assert first[made.name] != hashlib.sha256(made.read_bytes()).hexdigest()
