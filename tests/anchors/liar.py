"""A proxy between the worker and an honest node: it passes everything on, and changes what a test tells it to."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Lie = Callable[[list[Any], Any], Any]
"""From the parameters and the honest result to the result that is shown."""


class Liar:
    """``lies``: by method. ``answer``: raw bytes instead of any answer. ``drip``: a byte, then this many seconds."""

    def __init__(self, url: str) -> None:
        self.lies: dict[str, Lie] = {}
        self.answer: bytes | None = None
        self.status = 200
        self.drip: float | None = None
        self.silent = False
        self.asked: list[str] = []
        self._url = url
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.serve(self)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        request = json.loads(body)
        self.asked.append(request["method"])
        if self.silent:
            self._closing.wait(30)
            return
        answer = self.answer if self.answer is not None else self._told(request, body)
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        if self.drip is None:
            handler.wfile.write(answer)
            return
        end = time.monotonic() + 30
        for byte in answer:
            try:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
            except OSError:
                return
            if time.monotonic() > end or self._closing.wait(self.drip):
                return

    def _told(self, request: Any, body: bytes) -> bytes:
        asked = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=30) as response:
            answer = json.loads(response.read())
        lie = self.lies.get(request["method"])
        if lie is not None and "result" in answer:
            answer["result"] = lie(request["params"], answer["result"])
        return json.dumps(answer).encode()


@contextmanager
def lying(url: str) -> Iterator[Liar]:
    liar = Liar(url)
    try:
        yield liar
    finally:
        liar.stop()
