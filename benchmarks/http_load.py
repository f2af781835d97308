"""The service under load: events and statements over HTTP, in batches and one by one, each durable when answered.

``start(folder, service_key)`` runs ``python -m api serve`` on a fresh folder and registers one party; the functions
after it drive that server and give figures. The client is raw sockets and bodies made beforehand: it shares the
machine with the server, so it had better cost nothing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tallystick.keyfile import write_key
from tallystick.keys import Algorithm, LocalSigner

ROOT = Path(__file__).parents[1]
BATCH = 1000


@dataclass(frozen=True)
class Service:
    """A running server, a party with a token, and the key that the party signs with itself."""

    port: int
    pid: int
    token: str
    party: str
    signer: LocalSigner
    started_in: float
    """Seconds from the start of the process to the first answer."""


@dataclass(frozen=True)
class Rate:
    """``per_second`` answered; ``p50`` and ``p99`` in seconds for one request."""

    per_second: float
    p50: float
    p99: float


# --- the server --------------------------------------------------------------------------------------------------


@contextmanager
def start(
    folder: Path, service_key: Algorithm = "es256", party_key: Algorithm = "es256", cores: Sequence[int] = ()
) -> Iterator[Service]:
    """A server on ``folder``, which is fresh; ``cores``: those it may use, all if empty."""
    _make_keys(folder, service_key)
    port = _free_port()
    prefix = ["taskset", "-c", ",".join(map(str, cores))] if cores else []
    began = time.perf_counter()
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "api", "serve"],
        cwd=ROOT,
        env={**os.environ, "TALLYSTICK_DATA": str(folder), "TALLYSTICK_PORT": str(port)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        token = ""
        while "listens on" not in (line := process.stdout.readline()):
            if not line:
                raise RuntimeError("the server did not start")
            token = line.split()[-1] if "token" in line else token
        _ask(port, "GET", "/v1/status", token, None)
        started_in = time.perf_counter() - began
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield _with_party(port, process.pid, token, LocalSigner.generate(party_key), started_in)
    finally:
        process.terminate()
        process.wait(30)


def _make_keys(folder: Path, service_key: Algorithm) -> None:
    """The keys that a first start would make, with the service's of another kind."""
    from api.keyring import create_keyring, passphrase_of
    from api.settings import DEFAULT_ORIGIN

    keys = folder / "keys"
    if keys.exists():
        return
    passphrase = passphrase_of(keys, None, create=True)
    keyring = create_keyring(keys, passphrase)
    (keys / "service.pem").unlink()
    write_key(keys / "service.pem", LocalSigner.generate(service_key), passphrase)
    (keys / "vkeys").write_text(
        "".join(f"{line}\n" for line in keyring.log_signers(DEFAULT_ORIGIN).keys.verifier_keys())
    )


def _with_party(port: int, pid: int, admin: str, signer: LocalSigner, started_in: float) -> Service:
    text = signer.public.to_text()
    key = {"key": {"alg": text.alg, "public": text.public}, "not_before": "2020-01-01T00:00:00Z"}
    party = {"kind": "organisation", "roles": ["studio"], "keys": [key], "private": {"name": "Load"}}
    subject = _ask(port, "POST", "/v1/parties", admin, party)["subject"]
    wanted = {"party": subject, "scopes": ["submit", "read-private"]}
    token = _ask(port, "POST", "/v1/tokens", admin, wanted)["token"]
    return Service(port, pid, token, subject, signer, started_in)


def until_anchored(service: Service) -> None:
    """The worker's first anchor is final: its start, seconds of work, is over, and what follows is the service's."""
    end = time.perf_counter() + 120
    status = ("GET", "/v1/status", service.token, None)
    while not any(one["state"] == "final" for one in _ask(service.port, *status)["anchors"]):
        if time.perf_counter() > end:
            raise RuntimeError("the worker anchored nothing")
        time.sleep(0.2)


# --- what is sent --------------------------------------------------------------------------------------------------


def draft(private: bool = False) -> dict[str, Any]:
    """An image is registered, some 600 bytes."""
    digest = hashlib.sha256(secrets.token_bytes(16)).hexdigest()
    content = {"v": 1, "form": "file", "sha256": digest, "sm3": digest, "size": 4_815_162_342, "chunks": digest}
    body = {
        "kind": "image",
        "origin": "authored",
        "content": content,
        "basis": [{"kind": "declared", "declaration": "own-work"}],
        "media_type": "image/jpeg",
    }
    event = {"type": "object.register", "event_id": secrets.token_hex(12), "body": body}
    return {**event, "private": {"title": "A bird, at dusk"}} if private else event


def draft_batch(size: int = BATCH, private: bool = False) -> bytes:
    """Body of ``POST /v1/events/batch``."""
    return json.dumps({"events": [draft(private) for _ in range(size)]}).encode()


def statement_batch(service: Service, size: int = BATCH) -> bytes:
    """Body of ``POST /v1/statements/batch``."""
    return json.dumps({"statements": [{"statement": _statement(service)} for _ in range(size)]}).encode()


def _statement(service: Service) -> str:
    from tallystick.events import parse_event
    from tallystick.identifiers import Letter, new_identifier
    from tallystick.statement import sign_statement

    subject = str(new_identifier(Letter.OBJECT, secrets.token_bytes(10)))
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = parse_event({"v": 1, "subject": subject, "time": now, **draft()})
    return base64.b64encode(sign_statement(service.signer, service.party, event).entry).decode()


# --- driving -------------------------------------------------------------------------------------------------------


def batches(service: Service, path: str, bodies: Sequence[bytes], clients: int = 2) -> Rate:
    """Items a second, from ``clients`` connections that each send their next batch as soon as one is answered."""
    waiting, took, counts = list(bodies), [], []
    lock = threading.Lock()

    def run() -> None:
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with lock:
                    if not waiting:
                        return
                    body = waiting.pop()
                began = time.perf_counter()
                connection.sendall(_request("POST", path, service.token, body))
                status, answer = _answer(connection)
                took.append(time.perf_counter() - began)
                counts.append(_recorded(status, answer))

    began = time.perf_counter()
    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _rate(sum(counts), time.perf_counter() - began, took)


def singles(service: Service, clients: int, seconds: float) -> Rate:
    """Single events a second from ``clients`` connections, each waiting for its answer."""
    return asyncio.run(_singles(service, clients, seconds))


async def _singles(service: Service, clients: int, seconds: float) -> Rate:
    took: list[float] = []
    end = time.perf_counter() + seconds
    began = time.perf_counter()
    await asyncio.gather(*(_single(service, took, end) for _ in range(clients)))
    return _rate(len(took), time.perf_counter() - began, took)


async def _single(service: Service, took: list[float], end: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    while time.perf_counter() < end:
        request = _request("POST", "/v1/events", service.token, json.dumps(draft()).encode())
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        took.append(time.perf_counter() - began)
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(head.decode())
    writer.close()


def receipts(service: Service, count: int) -> Rate:
    """From submission to an inclusion proof in a published checkpoint, one after the other."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        position = _ask(service.port, "POST", "/v1/events", service.token, draft())["position"]
        while _status(service.port, f"/v1/proofs/inclusion?position={position}", service.token) != 200:
            time.sleep(0.005)
        took.append(time.perf_counter() - began)
    return _rate(count, sum(took), took)


def _rate(count: int, seconds: float, took: Sequence[float]) -> Rate:
    ordered = sorted(took)
    return Rate(count / seconds, statistics.median(ordered), ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)])


# --- HTTP, by hand -------------------------------------------------------------------------------------------------


def _request(method: str, path: str, token: str, body: bytes) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return int(next(line.partition(b":")[2] for line in lines if line.startswith(b"content-length:")))


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    parts, length = [body], _length(head) - len(body)
    while length > 0:
        parts.append(_some(connection))
        length -= len(parts[-1])
    return int(head.split()[1]), b"".join(parts)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 20)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data


def _recorded(status: int, answer: bytes) -> int:
    results = orjson.loads(answer)["results"] if status == 200 else []
    wrong = [one for one in results if "position" not in one]
    if status != 200 or wrong:
        raise RuntimeError(f"{status}: {wrong[:1] or answer[:400]!s}")
    return len(results)


def _ask(port: int, method: str, path: str, token: str, body: Any) -> Any:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_request(method, path, token, json.dumps(body).encode() if body is not None else b""))
        status, answer = _answer(connection)
    if status >= 400:
        raise RuntimeError(f"{method} {path}: {status} {answer[:400]!r}")
    return json.loads(answer)


def _status(port: int, path: str, token: str) -> int:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_request("GET", path, token, b""))
        return _answer(connection)[0]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
