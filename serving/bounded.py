"""HTTP servers bounded in what they read, for how long, and from how many at a time. No TLS: a proxy stands before."""

from __future__ import annotations

import io
import logging
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LENGTH = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_log = logging.getLogger(__name__)


class BoundedServer(ThreadingHTTPServer):
    """A thread for each connection, up to ``connections``; whoever comes when all places are taken is told 503, and to
    come again in a second.

    ``serve_forever`` until ``shutdown``.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BoundedHandler], connections: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._places = threading.BoundedSemaphore(connections)
        super().__init__(address, handler)

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


class _Patient(io.RawIOBase):
    """What comes over a connection that may be silent for so long, until ``end`` (of ``time.monotonic``)."""

    def __init__(self, connection: socket.socket, silence: float) -> None:
        self._connection = connection
        self._silence = silence
        self.end = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request takes too long")
        try:
            self._connection.settimeout(min(self._silence, left))
            return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(self._silence)


class BoundedHandler(BaseHTTPRequestHandler):
    """Reads a body of a stated length, and answers with one. ``timeout``: seconds that a connection may be silent;
    ``patience``: in which a request must have come, without its body, and then a body.
    """

    protocol_version = "HTTP/1.1"
    sys_version = ""
    timeout = 10.0
    patience = 10.0
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """A socket's timeout is for each byte: the places would belong to whoever drips."""
        super().setup()
        self.rfile.close()
        self._coming = _Patient(self.connection, self.timeout)
        self.rfile = io.BufferedReader(self._coming)

    def handle_one_request(self) -> None:
        """It may begin as late as a connection may be silent."""
        self._coming.end = time.monotonic() + self.timeout + self.patience
        super().handle_one_request()

    def length(self) -> int | str | None:
        """The one Content-Length: as text where it is no number, None where there is not exactly one that counts."""
        stated = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding") is not None or len(stated) != 1:
            return None
        return int(stated[0]) if _LENGTH.fullmatch(stated[0]) else str(stated[0])

    def body(self, length: int) -> bytes | None:
        """So many bytes, or None where they did not come."""
        self._coming.end = time.monotonic() + self.patience
        try:
            data = self.rfile.read(length)
        except TimeoutError:
            return None
        return data if len(data) == length else None

    def answer(self, status: int, media_type: str, body: bytes, *more: tuple[str, str]) -> None:
        """The whole answer; ``more``: headers."""
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in more:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int, why: str) -> None:
        """Plain text, and the connection ends: what follows on it was not read."""
        self.close_connection = True
        self.answer(status, "text/plain; charset=utf-8", f"{why}\n".encode())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses by itself (a request line, a method), as plain text."""
        self.refuse(int(code), message or "refused")

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: what matters is."""
