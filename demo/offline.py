"""Run the verifier as a stranger would: in a process of its own, without server code, without a network.

Where the operating system allows it the process gets an empty network namespace,
which native libraries cannot get around; elsewhere the screen says that it does not.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import tallystick

_CUT = ("unshare", "--user", "--map-root-user", "--net")


@dataclass(frozen=True)
class Offline:
    """A folder that holds a copy of the package ``tallystick`` and nothing else of ours."""

    folder: Path
    prefix: tuple[str, ...]

    @property
    def how(self) -> str:
        """How the network is cut, for the screen."""
        if self.prefix:
            return "network cut by the operating system (an empty network namespace)"
        return "network NOT cut: this system offers no network namespace to this user"

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """``tallystick ARGUMENTS`` in ``cwd``; output captured."""
        start = (
            "import sys; sys.path.insert(0, sys.argv.pop(1)); from tallystick.__main__ import main; sys.exit(main())"
        )
        command = [*self.prefix, sys.executable, "-I", "-c", start, str(self.folder.resolve()), *arguments]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)

    def server_modules(self) -> str:
        """Which of our server packages this process could import: expected none."""
        probe = (
            "import importlib.util, sys; sys.path.insert(0, sys.argv[1]); "
            "print(*[n for n in ('ledger', 'anchors', 'credentials', 'api') if importlib.util.find_spec(n)])"
        )
        command = [*self.prefix, sys.executable, "-I", "-c", probe, str(self.folder.resolve())]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout.strip()


def prepare(folder: Path) -> Offline:
    """Copy the verifier into ``folder`` and find out whether the network can be cut."""
    source = Path(tallystick.__file__).parent
    shutil.copytree(source, folder / "tallystick", ignore=shutil.ignore_patterns("__pycache__", "client"))
    return Offline(folder, _CUT if _can_cut() else ())


def _can_cut() -> bool:
    # Asked which interfaces exist: an empty namespace has loopback alone, and that one is down.
    probe = "import socket; print(*(name for _, name in socket.if_nameindex()))"
    try:
        found = subprocess.run(
            [*_CUT, sys.executable, "-I", "-c", probe], capture_output=True, text=True, timeout=30, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0 and found.stdout.strip() == "lo"
