"""A local authority over HTTP, on the standard library: ``POST`` of a query (RFC 3161 §3.4), ``GET`` of its root.

No TLS: a token proves itself, and a reverse proxy stands in front where somebody wants it. Bounded in what it reads,
for how long, and from how many at a time.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from anchors.timestamps.authority import LocalAuthority
from anchors.timestamps.wire import MAX_REQUEST_BYTES, QUERY_TYPE, REPLY_TYPE

CONNECTIONS = 32
IDLE = 10.0
"""Seconds that a connection may be silent."""
PATIENCE = 10.0
"""Seconds in which a query must have come."""

_LENGTH = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_log = logging.getLogger(__name__)


class AuthorityServer(ThreadingHTTPServer):
    """Serves one authority; ``serve_forever`` until ``shutdown``. ``root``: PEM of its root certificate."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], authority: LocalAuthority, root: bytes) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.authority = authority
        self.root = root
        self._places = threading.BoundedSemaphore(CONNECTIONS)
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
    server: AuthorityServer
    protocol_version = "HTTP/1.1"
    server_version = "tallystick-timestamps"
    sys_version = ""
    timeout = IDLE
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """A query."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") is not None or not _LENGTH.fullmatch(length):
            self._refuse(411, "a query has a Content-Length")
        elif int(length) > MAX_REQUEST_BYTES:
            self._refuse(413, f"a query has at most {MAX_REQUEST_BYTES} bytes")
        elif self.headers.get("Content-Type", "").split(";")[0].strip().lower() != QUERY_TYPE:
            self._refuse(415, f"a query is sent as {QUERY_TYPE}")
        elif (query := self._body(int(length))) is None:
            self._refuse(408, "the query did not come")
        else:
            self._judge(query)

    def do_GET(self) -> None:
        """The root certificate, so that whoever asks need not look for a file. Trust it by another channel."""
        self._answer(200, "application/x-pem-file", self.server.root)

    def _judge(self, query: bytes) -> None:
        try:
            self._answer(200, REPLY_TYPE, self.server.authority.answer(query))
        # No token was made: the disk is full, say.
        except Exception:
            _log.exception("a query was neither answered nor refused")
            self._refuse(500, "no token could be made; try again later")

    def _body(self, length: int) -> bytes | None:
        data, end = b"", time.monotonic() + PATIENCE
        while len(data) < length:
            more = self.rfile.read1(length - len(data))
            if not more or time.monotonic() > end:
                return None
            data += more
        return data

    def _refuse(self, status: int, why: str) -> None:
        self.close_connection = True
        self._answer(status, "text/plain; charset=utf-8", f"{why}\n".encode())

    def _answer(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses by itself, as plain text."""
        self._refuse(int(code), message or "refused")

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: what matters is."""
