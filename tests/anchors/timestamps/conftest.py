"""A local authority of the test's own, in a folder and behind a port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchors.timestamps.folder import create_folder, open_authority
from anchors.timestamps.server import AuthorityServer
from anchors.timestamps.service import Service


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "authority"
    create_folder(path, "test authority", None, datetime.now(UTC))
    return path


def root_of(folder: Path) -> bytes:
    return x509.load_pem_x509_certificate((folder / "root.pem").read_bytes()).public_bytes(Encoding.DER)


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """Its address; it ends whatever the test did."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    """The authority, as an operator names it."""
    with open_authority(folder, None) as authority:
        server = AuthorityServer(("127.0.0.1", 0), authority, (folder / "root.pem").read_bytes())
        with serving(server) as url:
            yield Service("own", url, (root_of(folder),), seconds=5)


class Answers(HTTPServer):
    """A server that says what the test tells it to. ``says``: status, headers, body."""

    def __init__(self) -> None:
        self.says: tuple[int, dict[str, str], bytes] = (200, {}, b"")
        self.heard: list[tuple[dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _Answer)


class _Answer(BaseHTTPRequestHandler):
    server: Answers
    timeout = 5

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((dict(self.headers), body))
        status, headers, said = self.server.says
        self.send_response(status)
        for name, value in {"Content-Length": str(len(said)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answers() -> Iterator[Answers]:
    server = Answers()
    with serving(server):
        yield server
