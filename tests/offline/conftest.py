"""A bare environment: an interpreter that has the wheel and what the wheel asks for, and nothing else of ours."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT


def closure(wanted: list[str]) -> dict[str, importlib.metadata.Distribution]:
    """The installed distributions that requirements lead to; an extra is never one of them."""
    found: dict[str, importlib.metadata.Distribution] = {}
    while wanted:
        requirement = wanted.pop()
        name = re.split(r"[<>=!~ ;\[(]", requirement)[0].lower().replace("_", "-")
        if name in found or "extra ==" in requirement:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            # Asked for on another platform or Python alone; the interpreter under test would fail without it.
            assert ";" in requirement, f"{requirement} is not installed"
            continue
        wanted += found[name].requires or []
    return found


def copy_files(distribution: importlib.metadata.Distribution, site: Path) -> None:
    """Copy the top-level entries of a distribution into ``site``: the environment that it is from may vanish."""
    for top in {Path(file).parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
        source = Path(str(distribution.locate_file(top)))
        if source.is_dir():
            shutil.copytree(source, site / top, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, site / top)


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the interpreter."""
    folder = tmp_path_factory.mktemp("bare")
    built = [sys.executable, str(ROOT / "tools" / "wheel.py"), str(folder / "dist")]
    wheel = zipfile.ZipFile(subprocess.run(built, check=True, capture_output=True, text=True).stdout.strip())
    venv.create(folder / "venv", with_pip=False)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    wheel.extractall(site)
    (metadata,) = site.glob("tallystick-*.dist-info")
    for distribution in closure(importlib.metadata.Distribution.at(metadata).requires or []).values():
        copy_files(distribution, site)
    return folder / "venv" / "bin" / "python"
