"""JSON-RPC to a node that may be slow, gone or hostile: one request, one answer, within a time and a size.

No redirect is followed, no proxy of the environment used, nothing cached. Messages name the node by its host alone:
the rest of the address is often a secret.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import socket
import threading
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from anchors.errors import AnchorError, ChainUnreachable

MAX_ANSWER = 1 << 26
"""Bytes of an answer: a full block of a large chain with its receipts has some ten million."""


class Provider(Protocol):
    """What answers JSON-RPC: a node over HTTP, the embedded chain, or a provider of web3."""

    def make_request(self, method: Any, params: Any) -> Any:
        """The response object, with ``result`` or ``error``. Raises ``OSError`` when nobody answers."""
        ...


_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_LEVELS, _ODD_BRACKETS = 64, 1000


def parse_json(body: bytes) -> Any:
    """JSON from a stranger. Raises ``ValueError``, also for what is nested so deeply that the parser would die of it.

    py-evm raises Python's own limit of recursion beyond what a stack can bear: some kilobytes of brackets would end the
    process.
    """
    brackets = body.translate(None, _NO_BRACKETS)
    for _ in range(_LEVELS):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    # What is left is nested deeper, or stands unpaired in some text: at most so deep.
    if len(brackets) > _ODD_BRACKETS:
        raise ValueError("nested too deeply")
    return json.loads(body)


class BadAddress(AnchorError):
    """An address that no request can be sent to."""


class HttpEndpoint:
    """Posts JSON to one address. ``seconds``: for a whole request, however slowly the answer drips in."""

    def __init__(self, url: str, seconds: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadAddress("expected an address that begins with http:// or https:// and names a host")
        self._connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._port = parts.port
        self._host = parts.hostname
        self._seconds = seconds
        self.name = self._host if parts.port is None else f"{self._host}:{parts.port}"

    def post(self, document: Any, path: str = "") -> bytes:
        """The body of a 200 answer. Raises ``ChainUnreachable``."""
        connection = self._connect(self._host, self._port, timeout=self._seconds)
        late = threading.Event()
        watch: threading.Timer | None = None
        try:
            connection.connect()
            # Kept here: http.client lets go of it as soon as it knows that the answer is the last one.
            watch = threading.Timer(self._seconds, _cut_off, (connection.sock, late))
            watch.daemon = True
            watch.start()
            connection.request(
                "POST", self._path.rstrip("/") + path or "/", json.dumps(document), {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            body = answer.read(MAX_ANSWER + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._failed(error, late.is_set()) from None
        finally:
            if watch is not None:
                watch.cancel()
            connection.close()
        if late.is_set():
            raise self._failed(TimeoutError(), True)
        if len(body) > MAX_ANSWER:
            raise ChainUnreachable(f"{self.name} answered with more than {MAX_ANSWER} bytes")
        if answer.status != 200:
            raise ChainUnreachable(f"{self.name} answered with HTTP status {answer.status}")
        return body

    def _failed(self, error: Exception, late: bool) -> ChainUnreachable:
        if late or isinstance(error, TimeoutError):
            return ChainUnreachable(f"{self.name} did not answer in {self._seconds:g} seconds")
        return ChainUnreachable(f"{self.name} does not answer: {type(error).__name__}")


def _cut_off(held: socket.socket, late: threading.Event) -> None:
    """A limit for each read is none for a node that sends a byte a second: shut the whole connection."""
    late.set()
    with contextlib.suppress(OSError):
        held.shutdown(socket.SHUT_RDWR)


class HttpNode:
    """A ``Provider`` over HTTP."""

    def __init__(self, url: str, seconds: float = 20.0) -> None:
        self._endpoint = HttpEndpoint(url, seconds)
        self._ids = itertools.count(1)
        self.name = self._endpoint.name

    def make_request(self, method: Any, params: Sequence[Any]) -> dict[str, Any]:
        """See ``Provider``. Raises ``ChainUnreachable``."""
        number = next(self._ids)
        body = self._endpoint.post({"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)})
        try:
            answer = parse_json(body)
        except ValueError:
            raise ChainUnreachable(f"{self.name} answered {method} with something that is no JSON") from None
        if not isinstance(answer, dict) or answer.get("id") != number or ("result" in answer) == ("error" in answer):
            raise ChainUnreachable(f"{self.name} answered {method} with something that is no JSON-RPC")
        return answer
