"""A party has so many bytes of bodies in the service's memory, however many requests it begins and never ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from api.limits import AT_A_TIME, Bodies
from api.services.errors import TooMany
from tests.api.house import House, Party, problem
from tests.patience import wait_until

MIB = 1 << 20


def begun(house: House, party: Party, path: str, size: int | None, *headers: str) -> socket.socket:
    """A request that goes no further than a part of its body."""
    line = socket.create_connection((house.http.base_url.host, house.http.base_url.port or 0), timeout=30)
    length = "Transfer-Encoding: chunked" if size is None else f"Content-Length: {size}"
    head = [f"POST {path} HTTP/1.1", "Host: here", f"Authorization: Bearer {party.token}", length, *headers]
    kind = [] if any(one.startswith("Content-Type") for one in headers) else ["Content-Type: application/json"]
    line.sendall("\r\n".join([*head, *kind, "", ""]).encode())
    line.sendall(b"5\r\n     \r\n" if size is None else b" " * 5)
    return line


@pytest.fixture
def small(house: House, monkeypatch: pytest.MonkeyPatch, size: int | None) -> Iterator[Bodies]:
    # Of a body that does not say its length it is what the route takes.
    monkeypatch.setattr(house.services.bodies, "_most", (66 if size is None else 20) * MIB)
    yield house.services.bodies
    wait_until(lambda: house.services.bodies._held == {}, "nothing is counted any more")


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/v1/events/batch", 15 * MIB),
        # Not on the short way.
        ("/v1/events/batch?urgent=false", 15 * MIB),
        ("/v1/statements/batch", None),
        ("/v1/licences/orders", 15 * MIB),
    ],
)
def test_what_is_begun_and_never_ends(
    house: House, studio: Party, rival: Party, small: Bodies, path: str, size: int | None
) -> None:
    with ExitStack() as lines:
        lines.enter_context(begun(house, studio, path, size))
        wait_until(lambda: small._held.get(studio.id, 0) >= 15 * MIB, "it is counted")
        for another in ("/v1/events/batch", "/v1/statements/batch?urgent=false"):
            with begun(house, studio, another, 15 * MIB) as line:
                assert line.recv(4096).startswith(b"HTTP/1.1 429 ")
        # In nobody else's way, and not in that of his own small requests.
        lines.enter_context(begun(house, rival, path, size))
        wait_until(lambda: rival.id in small._held, "it is counted")
        assert problem(studio.post("/v1/events", {"type": "no"}))[0] == 422
        assert problem(studio.post("/v1/licences", {}))[0] == 422


def test_uploads_that_never_end_are_in_nobody_elses_way(
    house: House, studio: Party, rival: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They fill the disk as far as the log leaves it to them, and then nobody was given a card."""
    uploads = house.services.uploads
    monkeypatch.setattr(uploads, "_most", 20 * MIB)
    kind = "Content-Type: multipart/form-data; boundary=here"
    with ExitStack() as lines:
        lines.enter_context(begun(house, studio, "/v1/signed-files/receipt", 15 * MIB, kind))
        wait_until(lambda: uploads._held.get(studio.id, 0) == 15 * MIB, "it is counted")
        for path in ("/v1/signed-files/receipt", "/v1/licences/check", "/v1/evidence"):
            with begun(house, studio, path, 15 * MIB, kind) as line:
                assert line.recv(4096).startswith(b"HTTP/1.1 429 "), path
        lines.enter_context(begun(house, rival, "/v1/licences/check", 15 * MIB, kind))
        wait_until(lambda: uploads._held.get(rival.id, 0) == 15 * MIB, "it is counted")
    wait_until(lambda: uploads._held == {}, "nothing is counted any more")


def test_four_of_the_largest_batches_at_a_time() -> None:
    bodies = Bodies()
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(bodies.room("a", 64 * MIB))
        with pytest.raises(TooMany), bodies.room("a", 1):
            pass
        held.enter_context(bodies.room("b", AT_A_TIME + 1))  # one is always taken; the route says if it is too large
    assert bodies._held == {}


def test_what_is_empty_at_the_same_time() -> None:
    """The first of them to end forgot the party, and the second was an internal error."""
    bodies = Bodies()
    with bodies.room("a", 0):
        with ExitStack() as held:
            held.enter_context(bodies.room("a", 0))
        assert bodies._held
    assert bodies._held == {}
