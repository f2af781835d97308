"""A mirror that is served: as many at a time as there are places, whatever strangers hold open."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ledger.copies.serve import CONNECTIONS, make_server
from ledger.tilestore import CHECKPOINT
from serving.bounded import BoundedServer

NOTE = b"log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
PLACES = 3
ASK = b"GET /checkpoint HTTP/1.1\r\nHost: mirror\r\n\r\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BoundedServer]:
    (tmp_path / CHECKPOINT).write_bytes(NOTE)
    made = make_server(tmp_path, "127.0.0.1", 0, PLACES)
    worker = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    worker.start()
    yield made
    made.shutdown()
    made.server_close()
    worker.join()


def connect(server: BoundedServer) -> socket.socket:
    line = socket.create_connection(server.server_address[:2], timeout=20)
    line.settimeout(20)
    return line


def asked(line: socket.socket) -> bytes:
    """The head of an answer, and what has come of its body."""
    line.sendall(ASK)
    data = b""
    while b"\r\n\r\n" not in data:
        piece = line.recv(65536)
        assert piece, data
        data += piece
    return data


def whole(server: BoundedServer) -> bytes:
    """All that is said on a line of its own; nothing where it is cut before it was read."""
    with connect(server) as line, suppress(ConnectionError):
        line.sendall(ASK.replace(b"Host", b"Connection: close\r\nHost"))
        return b"".join(iter(lambda: line.recv(65536), b""))
    return b""


def test_whoever_comes_when_all_places_are_taken_is_told_to_come_again(server: BoundedServer) -> None:
    threads = threading.active_count()
    inside = [connect(server) for _ in range(PLACES)]
    assert [asked(line).split(b"\r\n")[0] for line in inside] == [b"HTTP/1.1 200 OK"] * PLACES
    outside = [connect(server) for _ in range(20)]
    for line in outside:
        told = line.recv(65536)
        assert told.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nRetry-After: 1\r\n" in told
        assert line.recv(1) == b""
    assert threading.active_count() <= threads + PLACES
    inside.pop().close()
    told, until = b"", time.monotonic() + 20
    while not told.startswith(b"HTTP/1.1 200 OK") and time.monotonic() < until:
        told = whole(server)  # the place is free once its thread has seen that the line is closed
    assert told.endswith(NOTE)
    for line in (*inside, *outside):
        line.close()


def test_a_request_that_drips_loses_its_place(server: BoundedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte of a header now and then, for ever."""
    monkeypatch.setattr(server.RequestHandlerClass, "timeout", 0.4)
    monkeypatch.setattr(server.RequestHandlerClass, "patience", 0.4)
    lines = [connect(server) for _ in range(PLACES)]
    begun, open_lines = time.monotonic(), set(lines)
    while open_lines and time.monotonic() < begun + 20:
        for line in list(open_lines):
            try:
                line.sendall(b"G")
            except OSError:
                open_lines.discard(line)
        time.sleep(0.1)
    assert not open_lines
    line = connect(server)
    assert asked(line).startswith(b"HTTP/1.1 200 OK")
    for one in (*lines, line):
        one.close()


def test_a_server_has_a_bound_unless_told_otherwise(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(NOTE)
    made = make_server(tmp_path, "127.0.0.1", 0)
    try:
        assert isinstance(made, BoundedServer)
        assert made._places._value == CONNECTIONS == 64  # type: ignore[attr-defined]
    finally:
        made.server_close()
