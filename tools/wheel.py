"""Build the wheel, the same bytes each time: `python tools/wheel.py FOLDER` (no network, nothing left behind).

It is built from a copy with fixed modes and one time stamp, so that neither a umask, a clock nor an old build/ shows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("tallystick", "pyproject.toml", "README.md", "LICENSE")
# Zip cannot say an earlier time than 1980; a release may set a later one.
EPOCH = "315619200"


def copy_sources(source: Path, target: Path) -> None:
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source / part, target / part)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def build(target: Path) -> Path:
    """Build into the folder `target`; give the wheel's path."""
    target.mkdir(parents=True, exist_ok=True)
    environment = {"SOURCE_DATE_EPOCH": EPOCH, **os.environ}
    with tempfile.TemporaryDirectory() as folder:
        tree, out = Path(folder, "tree"), Path(folder, "out")
        tree.mkdir()
        copy_sources(ROOT, tree)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--quiet",
            "wheel",
            "--no-index",
            "--no-deps",
        ]
        command = [*pip, "--no-build-isolation", "--wheel-dir", str(out), str(tree)]
        subprocess.run(command, env=environment, umask=0o022, check=True)
        (wheel,) = out.glob("*.whl")
        return Path(shutil.copy(wheel, target / wheel.name))


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
