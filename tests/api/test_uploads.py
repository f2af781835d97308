"""Multipart requests by hand: limits, names that lead elsewhere, bodies that end early, and nothing left on disk."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import httpx
import pytest

from api.routes import uploads
from api.services.credential_files import CredentialFiles
from tests.api.desk import PNG, Desk, case_of, file_list, registration
from tests.api.house import problem

BOUNDARY = "tally"


def part(name: str, data: bytes, filename: str | None = None, more: str = "") -> bytes:
    named = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n{more}\r\n'
    return head.encode() + data + b"\r\n"


def send(desk: Desk, *parts: bytes, end: bytes = b"--tally--\r\n", kind: str | None = None) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {desk.studio.token}",
        "Content-Type": kind or f"multipart/form-data; boundary={BOUNDARY}",
    }
    return desk.house.http.post("/v1/evidence", content=b"".join(parts) + end, headers=headers)


@pytest.fixture
def asked(desk: Desk) -> bytes:
    """The part that asks for a picture's bundle."""
    object_id, _ = desk.picture()
    desk.publish()
    return part("request", json.dumps({"kind": "object", "subject": object_id}).encode())


@pytest.fixture(autouse=True)
def _nothing_stays(desk: Desk) -> object:
    yield
    assert list((desk.house.services.settings.credentials / "work").iterdir()) == []


def test_a_form_by_hand(desk: Desk, asked: bytes) -> None:
    assert send(desk, asked).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "../x.png",
        "/etc/x",
        "a/../../x",
        "a//b",
        "./a",
        "..",
        "a\\..\\x",
        "a/%0Ab",
        "e\u0301.png",
        "x" * 5000,
        "",
    ],
)
def test_names_that_are_no_paths_within_a_folder(desk: Desk, asked: bytes, name: str) -> None:
    assert problem(send(desk, asked, part("original", b"x", name))) == (422, "malformed", "original")


def test_names_that_collide_on_disk_do_not_collide_here(desk: Desk) -> None:
    """A file and a folder of one name, names longer than the disk takes, a quote as browsers write it."""
    files = {"a": b"1", "a.d/b": b"2", "n" * 300: b"3", 'a 6" lens': b"4"}
    object_id = desk.studio.record("object.register", registration(files))["subject"]
    desk.publish()
    lists = {object_id: [{"path": e.path, "sha256": e.sha256, "size": e.size, "sm3": e.sm3} for e in file_list(files)]}
    parts = [part("original", data, name.replace('"', "%22")) for name, data in files.items()]
    request = part("request", json.dumps({"kind": "object", "subject": object_id}).encode())
    answer = send(desk, request, part("files", json.dumps(lists).encode()), *parts)
    assert answer.status_code == 200, answer.text
    assert set(case_of(answer.content).originals[object_id]) == set(files)


def test_one_name_twice(desk: Desk, asked: bytes) -> None:
    answer = send(desk, asked, part("original", b"x", "a"), part("original", b"x", "a"))
    assert problem(answer) == (422, "malformed", "original")


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ((part("colour", b"red"),), "colour"),
        ((part("colour", b"red", "red.txt"),), "colour"),
        ((part("request", b"{}"), part("request", b"{}")), "request"),
        ((part("request", b"{}", "request.json"),), "request"),
        ((part("original", b"x"),), "original"),
        ((part("request", b"\xff"),), "request"),
        ((part("request", b'{"kind":"object","kind":"job"}'),), "request"),
        ((part("request", b'{"kind":"object"}'),), "request.subject"),
        ((part("request", b'{"kind":"object","subject":"x","more":1}'),), "request.more"),
        ((), "request"),
    ],
)
def test_fields_that_are_not_there_or_not_so(desk: Desk, parts: tuple[bytes, ...], field: str) -> None:
    assert problem(send(desk, *parts)) == (422, "malformed", field)


@pytest.mark.parametrize("cut", [1, 9, 40, 120])
def test_a_body_that_ends_early(desk: Desk, asked: bytes, cut: int) -> None:
    body = asked + part("original", b"x" * 100, "a.png")
    assert problem(send(desk, body[:-cut], end=b""))[:2] == (422, "malformed")


def test_bodies_that_are_no_forms(desk: Desk, asked: bytes) -> None:
    for kind in ("application/json", "multipart/form-data", "multipart/mixed; boundary=tally", "text/plain"):
        assert problem(send(desk, asked, kind=kind)) == (422, "malformed", "body")
    assert problem(send(desk, b"no parts at all", end=b""))[:2] == (422, "malformed")
    long_header = part("request", b"{}", more=f"X-Long: {'x' * 20_000}\r\n")
    assert problem(send(desk, long_header))[:2] == (422, "malformed")


def test_too_much_of_anything(desk: Desk, asked: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problem(send(desk, part("request", b" " * (1 << 20) + b"{}"))) == (413, "too-large", "request")
    monkeypatch.setattr("api.routes.evidence.MAX_UPLOADS", 2)
    many = [part("original", b"x", f"{number}") for number in range(3)]
    assert problem(send(desk, asked, *many)) == (413, "too-large", "original")


def test_a_body_beyond_the_limit_is_refused_unread(desk: Desk) -> None:
    address = desk.house.http.base_url
    with socket.create_connection((address.host, address.port or 80), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/evidence HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Authorization: Bearer " + desk.studio.token.encode() + b"\r\n"
            b"Content-Type: multipart/form-data; boundary=tally\r\n"
            b"Content-Length: " + str(uploads.MAX_UPLOAD_BYTES + 1).encode() + b"\r\n\r\n"
        )
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413 ")


def test_nothing_is_read_before_it_is_known_who_asks(desk: Desk) -> None:
    """A stranger's gigabyte is not written to disk first."""
    licence, _ = desk.licence()
    address = desk.house.http.base_url
    for path in ("/v1/evidence", f"/v1/licences/{licence}/original"):
        with socket.create_connection((address.host, address.port or 80), timeout=20) as connection:
            connection.sendall(
                b"POST " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                b"Content-Type: multipart/form-data; boundary=tally\r\nContent-Length: 1000000\r\n\r\n"
            )
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 401 ")


def test_a_connection_that_ends_leaves_nothing(desk: Desk, asked: bytes) -> None:
    address = desk.house.http.base_url
    body = asked + part("original", b"x" * 300_000, "a.png")
    with socket.create_connection((address.host, address.port or 80), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/evidence HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer " + desk.studio.token.encode() + b"\r\n"
            b"Content-Type: multipart/form-data; boundary=tally\r\nContent-Length: 9000000\r\n\r\n" + body
        )
    # The next request is answered after the server has noticed: both run on one event loop.
    assert send(desk, asked).status_code == 200


def test_what_a_killed_service_left_half_made_is_thrown_away(tmp_path: Path) -> None:
    files = CredentialFiles(tmp_path / "credentials")
    kept = files.work_path()
    kept.write_bytes(b"kept")
    files.keep(kept, "ab" * 32)
    files.work_path().write_bytes(b"half made")
    with files.work_folder() as folder:
        (folder / "upload").write_bytes(PNG.encode())
        again = CredentialFiles(tmp_path / "credentials")
    found = again.find("ab" * 32)
    assert found is not None
    assert found.read_bytes() == b"kept"
    assert list((tmp_path / "credentials" / "work").iterdir()) == []
    with pytest.raises(ValueError, match="64 hex digits"):
        again.find("../accounts.db")
