"""A witness over HTTP, on the standard library: ``POST /add-checkpoint``, and what a monitor may read.

No TLS: a reverse proxy stands in front. Bounded in what it reads, for how long, and
from how many at a time; whoever comes when all places are taken is told 503.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ledger.witness.witness import Answer, Witness
from tallystick.witnessing import MAX_REQUEST_BYTES, PATH

CONNECTIONS = 64
IDLE = 15.0
"""Seconds that a connection may be silent."""
PATIENCE = 20.0
"""Seconds in which a body must have come."""

_LENGTH = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_LATEST = re.compile(r"/([0-9a-f]{64})/checkpoint", re.ASCII)
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

_log = logging.getLogger(__name__)


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness; ``serve_forever`` until ``shutdown``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], witness: Witness, connections: int = CONNECTIONS) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.witness = witness
        self._places = threading.BoundedSemaphore(connections)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """One thread for each connection, as long as there is a place."""
        if not self._places.acquire(blocking=False):
            try:
                request.settimeout(1)
                request.sendall(_FULL)
            except OSError:
                pass
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Frees the place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's fault."""
        _log.debug("a connection ended early", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    server_version = "tallystick-witness"
    sys_version = ""
    timeout = IDLE
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """``add-checkpoint``."""
        body = self._body()
        if isinstance(body, Answer):
            self.close_connection = True
            self._answer(body)
        elif self.path != PATH:
            self._answer(_plain(404, f"checkpoints are submitted to {PATH}"))
        else:
            self._answer(self._judge(body))

    def do_GET(self) -> None:
        """The keys, and the latest cosigned checkpoint of a log."""
        found = _LATEST.fullmatch(self.path)
        if found:
            self._answer(self.server.witness.latest(found[1]))
        elif self.path == "/vkeys":
            self._answer(self.server.witness.keys())
        elif self.path == PATH:
            self._answer(_plain(405, "checkpoints are submitted by POST"), ("Allow", "POST"))
        else:
            self._answer(_plain(404, "a witness has /add-checkpoint, /vkeys and /<SHA-256 of an origin>/checkpoint"))

    def _judge(self, body: bytes) -> Answer:
        try:
            return self.server.witness.add_checkpoint(body)
        # Nothing was cosigned: the disk is full, or the database is locked or broken.
        except Exception:
            _log.exception("a checkpoint was neither cosigned nor refused")
            return _plain(500, "the witness could not record the checkpoint; try again later")

    def _body(self) -> bytes | Answer:
        """The body, or why it is not read."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") is not None or len(self.headers.get_all("Content-Length", [])) != 1:
            return _plain(411, "a request has one Content-Length")
        if not _LENGTH.fullmatch(length):
            return _plain(400, "the Content-Length is not a number")
        if int(length) > MAX_REQUEST_BYTES:
            return _plain(413, f"a request has at most {MAX_REQUEST_BYTES} bytes")
        data, end = b"", time.monotonic() + PATIENCE
        while len(data) < int(length):
            more = self.rfile.read1(int(length) - len(data))
            if not more or time.monotonic() > end:
                return _plain(408, "the body did not come")
            data += more
        return data

    def _answer(self, answer: Answer, *more: tuple[str, str]) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in more:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses by itself (a request line, a method), as plain text."""
        self.close_connection = True
        self._answer(_plain(int(code), message or "refused"))

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: what matters is."""


def _plain(status: int, why: str) -> Answer:
    return Answer(status, f"{why}\n".encode())
