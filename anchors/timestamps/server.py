"""A local authority over HTTP: ``POST`` of a query (RFC 3161 §3.4), ``GET`` of its root.

No TLS: a token proves itself, and a reverse proxy stands in front where somebody wants it.
"""

from __future__ import annotations

import logging

from anchors.timestamps.authority import LocalAuthority
from anchors.timestamps.wire import MAX_REQUEST_BYTES, QUERY_TYPE, REPLY_TYPE
from serving.bounded import BoundedHandler, BoundedServer

CONNECTIONS = 32
_log = logging.getLogger(__name__)


class AuthorityServer(BoundedServer):
    """Serves one authority; ``serve_forever`` until ``shutdown``. ``root``: PEM of its root certificate."""

    def __init__(self, address: tuple[str, int], authority: LocalAuthority, root: bytes) -> None:
        self.authority = authority
        self.root = root
        super().__init__(address, _Handler, CONNECTIONS)


class _Handler(BoundedHandler):
    server: AuthorityServer
    server_version = "tallystick-timestamps"

    def do_POST(self) -> None:
        """A query."""
        length = self.length()
        if not isinstance(length, int):
            self.refuse(411, "a query has a Content-Length")
        elif length > MAX_REQUEST_BYTES:
            self.refuse(413, f"a query has at most {MAX_REQUEST_BYTES} bytes")
        elif self.headers.get("Content-Type", "").split(";")[0].strip().lower() != QUERY_TYPE:
            self.refuse(415, f"a query is sent as {QUERY_TYPE}")
        elif (query := self.body(length)) is None:
            self.refuse(408, "the query did not come")
        else:
            self._judge(query)

    def do_GET(self) -> None:
        """The root certificate, so that whoever asks need not look for a file. Trust it by another channel."""
        self.answer(200, "application/x-pem-file", self.server.root)

    def _judge(self, query: bytes) -> None:
        try:
            self.answer(200, REPLY_TYPE, self.server.authority.answer(query))
        # No token was made: the disk is full, say.
        except Exception:
            _log.exception("a query was neither answered nor refused")
            self.refuse(500, "no token could be made; try again later")
