"""Serving a tlog-tiles tree over HTTP: the checkpoint and tiles of one folder, and nothing else."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from ledger.errors import NoLog
from ledger.tilestore import CHECKPOINT
from serving.bounded import BoundedHandler, BoundedServer
from tallystick.errors import MalformedInput
from tallystick.tiles import parse_tile_path

NOTE_TYPE, TILE_TYPE = "text/plain; charset=utf-8", "application/octet-stream"
CONNECTIONS = 64
"""Each may hold an entry bundle of 16 MiB for as long as its reader takes it."""
SHORT, FOREVER = "public, max-age=1", "public, max-age=31536000, immutable"


def public_folder(path: Path) -> Path:
    """The tree in ``path``: its ``public``, or itself. Raises ``NoLog`` where no checkpoint is published."""
    for root in (path / "public", path):
        if (root / CHECKPOINT).is_file():
            return root
    raise NoLog(f"neither {path} nor its `public` holds a checkpoint: correct the path, or mirror a log into it first")


def make_server(path: Path, host: str, port: int, connections: int = CONNECTIONS) -> BoundedServer:
    """A server that is bound, and serves so many at a time when told to. Raises ``NoLog``, ``OSError``."""
    root = public_folder(path)

    class Handler(_Handler):
        folder = root

    return BoundedServer((host, port), Handler, connections)


class _Handler(BoundedHandler):
    server_version = "tallystick"
    timeout = 30.0
    folder: Path

    def do_GET(self) -> None:
        """A file of the tree."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """The headers of a file of the tree."""
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        name = self.path.removeprefix("/")
        kind, cache = (NOTE_TYPE, SHORT) if name == CHECKPOINT else (TILE_TYPE, FOREVER)
        status = HTTPStatus.OK
        try:
            if name != CHECKPOINT:
                parse_tile_path(name)  # Only names that the standard knows reach the file system.
            data = (self.folder / name).read_bytes()
        except (MalformedInput, OSError):
            status, kind, cache, data = HTTPStatus.NOT_FOUND, NOTE_TYPE, SHORT, b"there is no such tile\n"
        self.send_response(status)
        for header, value in (("Content-Type", kind), ("Cache-Control", cache), ("Content-Length", str(len(data)))):
            self.send_header(header, value)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        if body:
            self.wfile.write(data)
