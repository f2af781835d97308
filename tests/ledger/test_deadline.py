"""Whoever answers so that it never ends, a byte at a time or with one ``100 Continue`` after another, is given up.

A monitor or an auditor that waits for ever raises no alarm: a log that would rather not be watched needs nothing else.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from ledger.copies import handing, source
from ledger.copies.handing import hand_over
from ledger.copies.source import HttpSource
from ledger.errors import Unreachable
from ledger.witness.client import Transport, WitnessFailed
from tests.patience import join

SOON = 10.0
"""Seconds after which an attempt of a second is said to hang."""

BEGINNINGS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "header": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "status": (b"HTTP/1.1 200 ", b"O"),
}


@pytest.fixture(params=sorted(BEGINNINGS))
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server whose answer goes on, one piece every tenth of a second."""
    first, then = BEGINNINGS[request.param]
    over = threading.Event()

    def drip(line: socket.socket) -> None:
        with line:
            try:
                line.recv(4096)
                line.sendall(first)
                while not over.wait(0.1):
                    line.sendall(then)
            except OSError:
                return

    def serve(listening: socket.socket) -> None:
        while not over.is_set():
            try:
                line, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(line,), daemon=True).start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
    join(thread)


def expect_given_up(ask: Callable[[], object], kind: type[Exception]) -> Exception:
    """What it raised, soon."""
    found: list[Exception] = []

    def attempt() -> None:
        try:
            ask()
        except kind as error:
            found.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(SOON)
    assert not thread.is_alive(), "it waits for ever"
    assert found
    return found[0]


def test_a_log(dripping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "ATTEMPTS", 1)
    monkeypatch.setattr(source, "LEAST_RATE", 1 << 30)
    with closing(HttpSource(dripping, timeout=1.0)) as log:
        assert "nothing was learnt" in str(expect_given_up(log.checkpoint, Unreachable))


def test_a_log_may_take_as_long_as_its_bytes_take(dripping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "ATTEMPTS", 1)
    monkeypatch.setattr(source, "LEAST_RATE", 1 << 20)  # of a checkpoint, one second more
    with closing(HttpSource(dripping, timeout=1.0)) as log:
        begun = time.monotonic()
        expect_given_up(log.checkpoint, Unreachable)
        assert time.monotonic() - begun > 1.9


def test_a_service_that_is_given_audits(dripping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "_TIMEOUT", 1.0)
    assert "later" in str(expect_given_up(lambda: hand_over(dripping, b"note"), Unreachable))


def test_a_witness(dripping: str) -> None:
    with closing(Transport(dripping, 1.0)) as line:
        expect_given_up(lambda: line.post(b"old 0\n"), WitnessFailed)
    with closing(Transport(dripping, 1.0)) as line:
        expect_given_up(lambda: line.get("/x"), WitnessFailed)
