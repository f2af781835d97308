"""The real service as a process of its own: started, asked whether it is ready, stopped, started again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tallystick.client.http import Client
from tallystick.errors import TallystickError

_TOKEN = re.compile(r"\bts_[A-Za-z0-9_-]{40,}")


class ServiceFailed(TallystickError):
    """The service did not start."""


class Service:
    """``python -m api serve`` on a free port of this machine, with its data under ``folder``."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.folder = folder
        self._output = output
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, patience: float = 60.0, **settings: str) -> None:
        """Start with ``settings`` and wait until it answers. Raises ``ServiceFailed`` with what it printed."""
        # What the user has set for a service of their own is not meant for this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLYSTICK_")}
        environment |= {"TALLYSTICK_DATA": str(self.folder), "TALLYSTICK_PORT": str(self.port), **settings}
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api", "serve"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + patience
        while time.monotonic() < until and self._process.poll() is None:
            if self._answers():
                return
            time.sleep(0.1)
        self.stop()
        raise ServiceFailed(f"the service did not start; it said:\n{self._output.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Stop in order, as Ctrl-C would."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=60)
        self._process = None

    def administrator_token(self) -> str:
        """The token that the first start printed."""
        found = _TOKEN.search(self._output.read_text(errors="replace"))
        if not found:
            raise ServiceFailed(f"the service printed no administrator's token; see {self._output}")
        return found[0]

    def _answers(self) -> bool:
        try:
            with Client(self.url, timeout=2.0) as client:
                client.status()
        except TallystickError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
