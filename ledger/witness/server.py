"""A witness over HTTP: ``POST /add-checkpoint``, and what a monitor may read. No TLS: a proxy stands in front."""

from __future__ import annotations

import logging
import re

from ledger.witness.witness import Answer, Witness
from serving.bounded import BoundedHandler, BoundedServer
from tallystick.witnessing import MAX_REQUEST_BYTES, PATH

CONNECTIONS = 64

_LATEST = re.compile(r"/([0-9a-f]{64})/checkpoint", re.ASCII)
_log = logging.getLogger(__name__)


class WitnessServer(BoundedServer):
    """Serves one witness; ``serve_forever`` until ``shutdown``."""

    def __init__(self, address: tuple[str, int], witness: Witness, connections: int = CONNECTIONS) -> None:
        self.witness = witness
        super().__init__(address, _Handler, connections)


class _Handler(BoundedHandler):
    server: WitnessServer
    server_version = "tallystick-witness"
    timeout = 15.0
    patience = 20.0

    def do_POST(self) -> None:
        """``add-checkpoint``."""
        length = self.length()
        if length is None:
            self.refuse(411, "a request has one Content-Length")
        elif isinstance(length, str):
            self.refuse(400, "the Content-Length is not a number")
        elif length > MAX_REQUEST_BYTES:
            self.refuse(413, f"a request has at most {MAX_REQUEST_BYTES} bytes")
        elif (body := self.body(length)) is None:
            self.refuse(408, "the body did not come")
        elif self.path != PATH:
            self._say(_plain(404, f"checkpoints are submitted to {PATH}"))
        else:
            self._say(self._judge(body))

    def do_GET(self) -> None:
        """The keys, and the latest cosigned checkpoint of a log."""
        found = _LATEST.fullmatch(self.path)
        if found:
            self._say(self.server.witness.latest(found[1]))
        elif self.path == "/vkeys":
            self._say(self.server.witness.keys())
        elif self.path == PATH:
            self._say(_plain(405, "checkpoints are submitted by POST"), ("Allow", "POST"))
        else:
            self._say(_plain(404, "a witness has /add-checkpoint, /vkeys and /<SHA-256 of an origin>/checkpoint"))

    def _judge(self, body: bytes) -> Answer:
        try:
            return self.server.witness.add_checkpoint(body)
        # Nothing was cosigned: the disk is full, or the database is locked or broken.
        except Exception:
            _log.exception("a checkpoint was neither cosigned nor refused")
            return _plain(500, "the witness could not record the checkpoint; try again later")

    def _say(self, answer: Answer, *more: tuple[str, str]) -> None:
        self.answer(answer.status, answer.media_type, answer.body, *more)


def _plain(status: int, why: str) -> Answer:
    return Answer(status, f"{why}\n".encode())
