"""Runs a program where there is no network and no checkout, as far as this system lets us.

Where namespaces are to be had the network is cut by the operating system, which
native libraries cannot get around, and an empty folder is mounted over the
checkout. Elsewhere Python's sockets refuse, which binds Python code alone. The
ids of the tests say which of the two was done.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.architecture.tree import ROOT

_UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--mount")
_HIDE = ("sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(ROOT))
_GUARD = """
import socket, sys
def refuse(*arguments, **options):
    raise OSError("no socket in this test")
socket.socket = socket.create_connection = refuse
from tallystick.__main__ import main
sys.exit(main())
"""


def _namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*_UNSHARE, *_HIDE, "true"], capture_output=True, check=False).returncode == 0


NAMESPACES = _namespaces()
HOW = "cut-by-the-system" if NAMESPACES else "sockets-refuse"


def run(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """``python ARGUMENTS`` without environment variables or user site, cut off where that is possible."""
    prefix = (*_UNSHARE, *_HIDE) if NAMESPACES else ()
    command = [*prefix, str(python), "-I", *arguments]
    return subprocess.run(command, cwd=cwd, env={}, capture_output=True, text=True, check=False)


def tallystick(python: Path, arguments: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """The program ``tallystick``, with what it was given and nothing else."""
    start = ("-m", "tallystick") if NAMESPACES else ("-c", _GUARD)
    return run(python, *start, *arguments, cwd=cwd)
