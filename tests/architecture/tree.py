"""The files of this checkout, for the tests that read them; without git, so that an unpacked archive is tested too."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("tallystick", "serving", "ledger", "anchors", "credentials", "api", "fixtures", "demo")
MADE_HERE = {"build", "data", "demo-out", "bench-out", "dist", "node_modules", "__pycache__"}


def files(*suffixes: str) -> Iterator[Path]:
    """Every file that belongs to the project, in a fixed order; only those with one of the suffixes, if given."""
    for folder, folders, names in os.walk(ROOT):
        hidden = {name for name in folders if name.startswith(".") and name != ".ci"}
        made = {name for name in folders if name.endswith(".egg-info") or (name in MADE_HERE and folder == str(ROOT))}
        folders[:] = sorted(set(folders) - hidden - made - {"__pycache__", "node_modules"})
        for name in sorted(names):
            path = Path(folder, name)
            if name != ".git" and (not suffixes or path.suffix in suffixes):
                yield path


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
