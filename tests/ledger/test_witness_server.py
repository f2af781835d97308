"""The witness over HTTP: the exact answers, keep-alive, and what it does not read."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.witness import server
from ledger.witness.server import WitnessServer
from tallystick.witnessing import MAX_REQUEST_BYTES
from tests.ledger.test_witness import FORK, LOG, VOICE, WORLD, Bench
from tests.patience import join, wait_until


@contextmanager
def serving(bench: Bench, connections: int = 8) -> Iterator[int]:
    """Its port."""
    opened = WitnessServer(("127.0.0.1", 0), bench.witness, connections)
    thread = threading.Thread(target=opened.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield opened.server_address[1]
    finally:
        opened.shutdown()
        opened.server_close()
        join(thread)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "witness.sqlite")
    yield made
    made.heads.close()


@pytest.fixture
def port(bench: Bench) -> Iterator[int]:
    with serving(bench) as found:
        yield found


@pytest.fixture
def client(port: int) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        yield connection


def post(client: http.client.HTTPConnection, body: bytes, path: str = "/add-checkpoint") -> tuple[int, str, bytes]:
    client.request("POST", path, body)
    answer = client.getresponse()
    return answer.status, answer.headers["Content-Type"], answer.read()


def test_the_protocol_over_one_connection(client: http.client.HTTPConnection) -> None:
    status, kind, body = post(client, LOG.request(0, 9).encode())
    assert status == 200
    assert body.startswith("— witness.example/w ".encode())
    assert body.endswith(b"\n")
    assert body.count(b"\n") == 2
    first = client.sock
    assert post(client, LOG.request(3, 12).encode()) == (409, "text/x.tlog.size", b"9\n")
    assert post(client, FORK.request(9, 12).encode())[0] == 422
    status, kind, body = post(client, FORK.request(9, 9).encode())
    assert (status, kind) == (409, "text/plain; charset=utf-8")
    assert post(client, LOG.request(9, 12).encode().replace(b"old 9", b"old 13"))[0] == 400
    assert post(client, b"nonsense")[0] == 400
    assert post(client, LOG.request(9, 12).encode().replace(b"log.example/little", b"log.example/unknow"))[0] == 404
    assert post(client, LOG.request(9, 12).encode(), "/elsewhere")[0] == 404
    assert post(client, LOG.request(9, 12).encode())[0] == 200
    assert client.sock is first


def test_what_monitors_read(client: http.client.HTTPConnection) -> None:
    def get(path: str) -> tuple[int, bytes]:
        client.request("GET", path)
        answer = client.getresponse()
        return answer.status, answer.read()

    origin = sha256(WORLD.origin.encode()).hexdigest()
    assert get(f"/{origin}/checkpoint")[0] == 404
    post(client, LOG.request(0, 9).encode())
    status, body = get(f"/{origin}/checkpoint")
    assert (status, body.startswith(LOG.note(9).text.encode())) == (200, True)
    assert get("/vkeys") == (200, "".join(f"{key}\n" for key in VOICE.verifier_keys()).encode())
    assert get("/add-checkpoint")[0] == 405
    for path in ("/", f"/{origin.upper()}/checkpoint", f"/{origin}/checkpoint/", "/../witness.sqlite"):
        assert get(path)[0] == 404


def raw(port: int, data: bytes) -> bytes:
    """What comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(data)
        found = b""
        while more := line.recv(65_536):
            found += more
        return found


BODY = LOG.request(0, 9).encode()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: %d\r\n" % (MAX_REQUEST_BYTES + 1), b"413"),
        (b"Content-Length: 99999999999999999999\r\n", b"400"),
        (b"Content-Length: -1\r\n", b"400"),
        (b"Content-Length: +5\r\n", b"400"),
        (b"Content-Length: 0x10\r\n", b"400"),
        (b"Content-Length: 05\r\n", b"400"),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", b"411"),
        (b"Transfer-Encoding: chunked\r\n", b"411"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"411"),
        (b"", b"411"),
        (b"X: " + b"a" * 70_000 + b"\r\n", b"431"),
        (b"X: a\r\n" * 200, b"431"),
    ],
)
def test_requests_whose_end_is_not_known(bench: Bench, port: int, head: bytes, status: bytes) -> None:
    """Nothing after them is read as another request."""
    smuggled = BODY + b"GET /vkeys HTTP/1.1\r\n\r\n"
    answer = raw(port, b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n" + head + b"\r\n" + smuggled)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in answer
    assert b"<" not in answer
    assert bench.held() == 0


@pytest.mark.parametrize("method", [b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"HEAD"])
def test_other_methods(port: int, method: bytes) -> None:
    assert raw(port, method + b" /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n").startswith(b"HTTP/1.1 501 ")


def test_a_body_that_ends_early(bench: Bench, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY[:-1])
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100).startswith(b"HTTP/1.1 408 ")
    assert bench.held() == 0


@pytest.mark.parametrize(
    ("begun", "piece", "answered"),
    [
        (b"", b"G", b""),
        (b"GET /vkeys HTTP/1.1\r\nX: ", b"a", b""),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1000\r\n\r\n", b"o", b"HTTP/1.1 408 "),
    ],
)
def test_nobody_keeps_a_place_by_dripping(
    port: int, monkeypatch: pytest.MonkeyPatch, begun: bytes, piece: bytes, answered: bytes
) -> None:
    """A byte at a time within the time that a connection may be silent, in a request line, a header, a body."""
    monkeypatch.setattr(server._Handler, "timeout", 0.5)
    monkeypatch.setattr(server._Handler, "patience", 1.0)
    with socket.create_connection(("127.0.0.1", port), timeout=0.1) as line:
        line.sendall(begun)
        over, said = time.monotonic() + 20, b""
        while time.monotonic() < over:
            try:
                line.sendall(piece)
                if not (more := line.recv(4096)):
                    break
                said += more
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() < over, "the place is its own for ever"
    assert said.startswith(answered)


def test_places_are_counted_and_given_back(bench: Bench) -> None:
    with serving(bench, connections=2) as port:
        idle = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(2)]
        for line in idle:
            line.sendall(b"GET /vkeys HTTP/1.1\r\nHost: w\r\n\r\n")
            assert line.recv(10).startswith(b"HTTP/1.1 2")
        assert raw(port, b"").startswith(b"HTTP/1.1 503 ")
        for line in idle:
            line.close()
        # A place is free when its thread has seen the end of the connection.
        bodies: list[bytes] = []
        wait_until(lambda: bodies.extend(answers(port)) or bodies, "a place is free")
        assert bodies[0].startswith("— ".encode())


def answers(port: int) -> Iterator[bytes]:
    """The body of a cosignature, if there was a place: whoever is turned away may not even finish asking."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        try:
            status, _, body = post(client, BODY)
        except (OSError, http.client.HTTPException):
            return
        if status != 503:
            assert status == 200
            yield body


def test_a_fault_of_the_machine_is_500_and_says_nothing_of_it(bench: Bench, client: http.client.HTTPConnection) -> None:
    def fail(data: bytes) -> object:
        raise OSError("disk /secret/place is full")

    whole = bench.witness.add_checkpoint
    bench.witness.add_checkpoint = fail  # type: ignore[method-assign, assignment]
    status, _, body = post(client, BODY)
    assert (status, b"secret" in body) == (500, False)
    bench.witness.add_checkpoint = whole  # type: ignore[method-assign]
    assert post(client, BODY)[0] == 200


def test_many_at_once(bench: Bench) -> None:
    """Forty requests from sizes that they guess: the witness only grows, and each 200 is a cosignature of its own."""
    passed: list[int] = []
    with serving(bench, connections=64) as port:

        def ask(size: int) -> None:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
                old = 0
                while True:
                    status, kind, body = post(client, LOG.request(old, size).encode())
                    if status == 200:
                        passed.append(size)
                        return
                    assert (status, kind) == (409, "text/x.tlog.size")
                    old = int(body)
                    if old > size:
                        return

        threads = [threading.Thread(target=ask, args=(size,)) for size in range(1, 41)]
        for thread in threads:
            thread.start()
        for thread in threads:
            join(thread)
    assert bench.held() == 40
    assert 40 in passed
