"""Another host, for tests: a network namespace from which the database is reached by a cable that can be cut."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path


class NoNetworks(Exception):
    """This machine does not let us make network namespaces."""


_FORBIDDEN = ("not permitted", "Permission denied", "not supported")
"""What `ip` says where we are not root, or a container keeps this from us. Any other failure is one of the test."""


def _ip(*words: str) -> None:
    if shutil.which("ip") is None:
        raise NoNetworks("there is no `ip`")
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"ip {' '.join(words)}: {done.stderr.strip()}"
        raise NoNetworks(said) if any(reason in said for reason in _FORBIDDEN) else RuntimeError(said)


class Host:
    """``namespace``: its name. ``address`` and ``port``: where a server's socket is found from there."""

    def __init__(self, number: int, server: Path) -> None:
        unique = os.getpid() % 10_000
        self.namespace = f"tally-{unique}-{number}"
        self._here, there = f"th{unique}-{number}", f"tp{unique}-{number}"
        block = f"198.18.{unique % 250}"
        self.address = f"{block}.{4 * number + 1}"
        _ip("netns", "add", self.namespace)
        try:
            _ip("link", "add", self._here, "type", "veth", "peer", "name", there, "netns", self.namespace)
            _ip("address", "add", f"{self.address}/30", "dev", self._here)
            _ip("link", "set", self._here, "up")
            inside = ("-n", self.namespace)
            _ip(*inside, "address", "add", f"{block}.{4 * number + 2}/30", "dev", there)
            _ip(*inside, "link", "set", there, "up")
            self._listening = socket.create_server((self.address, 0))
        except BaseException:
            self._remove()
            raise
        self.port = self._listening.getsockname()[1]
        self._server = server
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Nothing passes any more, and nobody is told."""
        _ip("link", "set", self._here, "down")

    def heal(self) -> None:
        """What is sent arrives again."""
        _ip("link", "set", self._here, "up")

    def close(self) -> None:
        """Take everything away."""
        self._listening.close()
        self._remove()

    def _remove(self) -> None:
        with suppress(NoNetworks):
            _ip("link", "delete", self._here)
        with suppress(NoNetworks):
            _ip("netns", "delete", self.namespace)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server / ".s.PGSQL.5432"))
                threading.Thread(target=_carry, args=(client, server), daemon=True).start()


def _carry(client: socket.socket, server: socket.socket) -> None:
    with client, server:
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
