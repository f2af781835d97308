"""A store that speaks S3 for tests, from pip: moto's server in a process of its own, one bucket for a test.

It keeps S3's rules of conditions (If-None-Match, If-Match), tags and public reading, in memory. It shows nothing of
signatures, which it does not check, of real delays, of many writers at one moment, and of stores of other makes.
``Server.plan`` lets requests fail on their way: before they are done, when they are done, or in a store that takes no
notice of conditions.
"""

from __future__ import annotations

import itertools
import json
import logging
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.patience import Lines, end

KEYS = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": "not a secret", "AWS_REGION": "us-east-1"}
PLAN = "/-plan"
_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@dataclass(frozen=True)
class Bucket:
    """A bucket of one test, which anybody may read."""

    url: str
    name: str

    @property
    def public(self) -> str:
        """Where strangers read."""
        return f"{self.url}/{self.name}"

    def place(self, prefix: str = "") -> str:
        """As an operator writes it."""
        return f"s3://{self.name}/{prefix}?endpoint={self.url}&region=us-east-1"

    def overwrite(self, key: str, data: bytes) -> None:
        """As somebody who has the keys and asks for no condition."""
        _ask(f"{self.public}/{key}", data, "application/octet-stream", "PUT")

    def remove(self, key: str) -> None:
        """So does he."""
        _ask(f"{self.public}/{key}", None, "application/octet-stream", "DELETE")


class Server:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = itertools.count(1)

    def bucket(self) -> Bucket:
        """Another bucket, empty."""
        found = Bucket(self.url, f"logs-{next(self._numbers)}")
        self._put(f"/{found.name}")
        what = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{found.name}/*"}
        anybody = {"Effect": "Allow", "Principal": "*", **what}
        self._put(f"/{found.name}?policy", {"Version": "2012-10-17", "Statement": [anybody]})
        return found

    def plan(self, **told: Any) -> None:
        """What befalls requests from now on; nothing, if nothing is told."""
        self._put(PLAN, told)

    def _put(self, path: str, body: Any = None) -> None:
        _ask(self.url + path, json.dumps(body).encode() if body is not None else None, "application/json", "PUT")


def _ask(url: str, data: bytes | None, media_type: str, method: str) -> None:
    signed = "AWS4-HMAC-SHA256 Credential=admin/20261122/us-east-1/s3/aws4_request"
    request = urllib.request.Request(url, data, {"Authorization": signed, "Content-Type": media_type}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Unlucky:
    """The server's door, where a plan may be waiting.

    ``fail``: so many PUTs are answered with ``status`` (503) and ``body``, before they are done, or ``when`` they are
    ``done``; ``denied``: whose access key is refused; ``careless``: no notice is taken of conditions.
    """

    def __init__(self, inner: Wsgi) -> None:
        self._inner = inner
        self._plan: dict[str, Any] = {}

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PLAN:
            self._plan = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            return _answer(start, "200 OK", b"")
        if f"Credential={self._plan.get('denied')}/" in environ.get("HTTP_AUTHORIZATION", ""):
            return _answer(start, "403 Forbidden", _DENIED)
        if self._plan.get("careless"):
            environ.pop("HTTP_IF_NONE_MATCH", None)
            environ.pop("HTTP_IF_MATCH", None)
        if environ["REQUEST_METHOD"] == "PUT" and self._plan.get("fail", 0) > 0:
            self._plan["fail"] -= 1
            if self._plan.get("when") == "done":
                b"".join(self._inner(environ, lambda *_: None))
            body = self._plan.get("body", "<Error><Code>SlowDown</Code></Error>")
            return _answer(start, f"{self._plan.get('status', 503)} Unlucky", body.encode())
        return self._inner(environ, start)


def _answer(start: Callable[..., Any], status: str, body: bytes) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serve() -> Iterator[Server]:
    """A server in a process of its own."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-m", "tests.s3"], stdin=pipe, stdout=pipe, text=True)
    lines = Lines(process.stdout)
    try:
        yield Server(f"http://127.0.0.1:{int(lines.next())}")
    finally:
        assert process.stdin is not None
        process.stdin.close()
        end(process)
        lines.close()


@pytest.fixture(scope="session")
def s3() -> Iterator[Server]:
    """The server of this test session."""
    with serve() as server:
        yield server


@pytest.fixture
def bucket(s3: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket of this test's own, and credentials in the environment."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    yield s3.bucket()
    s3.plan()


def main() -> None:
    """Say where, and serve until whoever began this process goes."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    door = Unlucky(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, door, threaded=True)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
