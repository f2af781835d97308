"""Somebody else's machine, as the operating system makes it: another user, no network, no checkout, nothing writable.

Root enters namespaces of its own for network and mounts; the whole disk is remounted read-only there, an empty folder
stands over the checkout and over every home, and the program runs as a user without any right. Nothing outside changes.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import ROOT

NOBODY = 65534
_ENTER = """set -e
base=$1 closed=$2 repository=$3 folder=$4; shift 4
if [ -n "$closed" ]; then
  mount --bind "$base" "$folder/base"
  mount -t tmpfs -o mode=755 none "$closed"
  mkdir -p "$base"
  mount --bind "$folder/base" "$base"
fi
if [ -d "$repository" ]; then mount -t tmpfs -o mode=755 none "$repository"; fi
if [ "$1" = scratch ]; then shift; mount -t tmpfs -o mode=1777 none "$folder/scratch"; fi
mount -o remount,bind,ro /
if mountpoint -q /tmp; then mount -o remount,bind,ro /tmp; fi
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$@"
"""


def _closed(path: Path) -> str:
    """The topmost folder on the way that other users may not enter; empty if there is none."""
    shut = [one for one in reversed(path.parents) if not one.stat().st_mode & stat.S_IXOTH]
    return str(shut[0]) if shut else ""


@dataclass(frozen=True)
class Elsewhere:
    """``folder``: all that was taken along; readable, and not to be written there."""

    folder: Path

    def prefix(self, *, scratch: bool = False) -> list[str]:
        """What stands before a command. ``scratch``: it gets one empty folder in memory that it may write to."""
        base = Path(sys.base_prefix)
        given = [str(base), _closed(base), str(ROOT), str(self.folder), *(["scratch"] if scratch else [])]
        return ["unshare", "--net", "--mount", "sh", "-c", _ENTER, "sh", *given]

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """The command there, with no environment but ``env``."""
        path = {"PATH": os.environ["PATH"]}
        cut = [*self.prefix(), "env", "-i", *(f"{name}={value}" for name, value in (env or {}).items()), *command]
        return subprocess.run(
            cut, cwd=self.folder, env=path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """A folder outside every home, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="elsewhere-"))
    try:
        folder.chmod(0o755)
        for name in ("base", "scratch"):
            (folder / name).mkdir()
        yield Elsewhere(folder)
    finally:
        shutil.rmtree(folder)


def cut(command: Sequence[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command without a network, on a disk that can still be written."""
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        ["unshare", "--net", *map(str, command)], cwd=cwd, env=path, capture_output=True, text=True, check=False
    )


def quotable(command: Sequence[str]) -> Sequence[str]:
    """The parts, for a shell's single quotes. Raises ``ValueError`` for one that has such a quote itself."""
    if any("'" in part for part in command):
        raise ValueError("a path here holds a quote")
    return command


def why_not() -> str | None:
    """Why this machine cannot do it; None where it can."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return "only root, with util-linux, cuts off another user"
    with elsewhere() as place:
        done = place.run(["true"])
    return f"this container makes no namespaces: {done.stderr.strip()[:200]}" if done.returncode else None
