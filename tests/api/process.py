"""The service as a process of its own: started, asked, killed, started again."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
"""Seconds after which something that must happen is said not to happen: far beyond any slow machine."""

_SLICE = 1000
_first = 10_000 + _SLICE * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_ports = itertools.cycle(_first + (os.getpid() + number) % _SLICE for number in range(_SLICE))
"""Each process of a test run has ports of its own, and another run most likely begins elsewhere among them."""


class Server:
    """``python -m api serve`` on a folder. Everything that it prints is kept in ``output``."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.output = ""
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self, **more: str) -> None:
        """Start, from now on with ``more`` settings, and wait until it says that it listens."""
        self.output = ""
        self._settings |= more
        self._process = spawn("serve", self.data, TALLYSTICK_PORT=str(self.port), **self._settings)
        listening = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(listening,))
        self._reader.start()
        assert listening.wait(PATIENCE), self.output
        assert "listens on" in self.output, self.output

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to stop; its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._gone()

    def kill(self) -> None:
        """kill -9 of the service and its worker at once."""
        os.kill(self.pid, signal.SIGSTOP)  # so that it starts no other worker meanwhile
        for process in (*self.workers(), self.pid):
            os.kill(process, signal.SIGKILL)
        self._gone()

    def workers(self) -> list[int]:
        """Process ids of its children."""
        found = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False)
        return [int(line) for line in found.stdout.split()]

    def worker(self) -> int:
        """Process id of its one worker, as soon as there is one."""
        end = time.monotonic() + PATIENCE
        while not (found := self.workers()):
            assert time.monotonic() < end, self.output
            time.sleep(0.05)
        (worker,) = found
        return worker

    def close(self) -> None:
        """Make an end of it, however it fares."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _gone(self) -> int:
        assert self._process is not None
        assert self._reader is not None
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def _read(self, listening: threading.Event) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if "listens on" in line:
                listening.set()
        listening.set()


@contextmanager
def running(data: Path, **settings: str) -> Iterator[Server]:
    """A started server, killed at the end if it still runs."""
    server = Server(data, **settings)
    server.start()
    try:
        yield server
    finally:
        server.close()


def spawn(command: str, data: Path, **settings: str) -> subprocess.Popen[str]:
    """``python -m api <command>`` with output and errors in one pipe."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TALLYSTICK_")}
    return subprocess.Popen(
        [sys.executable, "-m", "api", command],
        cwd=ROOT,
        env={**kept, "TALLYSTICK_DATA": str(data), **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outcome(command: str, data: Path, **settings: str) -> tuple[int, str]:
    """Exit code and output of a command that ends by itself."""
    process = spawn(command, data, **settings)
    output, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, output


def free_port() -> int:
    """A port that nobody uses just now, and that nobody else is given.

    Not one of those that the system hands out: any connection may have it before the service binds it.
    """
    for port in _ports:
        with socket.socket() as probe:
            # As servers do: connections that have just ended stand in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable: the ports come round")


def until(url: str, wanted: Any, path: str = "/v1/status") -> Any:
    """Ask until the answer is as wanted; that answer."""
    end = time.monotonic() + PATIENCE
    answer = None
    while time.monotonic() < end:
        answer = httpx.get(f"{url}{path}", timeout=PATIENCE).json()
        if wanted(answer):
            return answer
        time.sleep(0.1)
    raise AssertionError(f"it never happened; the last answer was {answer}")
