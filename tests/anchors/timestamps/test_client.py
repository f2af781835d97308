"""The client: what it asks, what it keeps, and every answer that it must not keep."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anchors.timestamps.client import TOLERANCE, StampAlarm, StampFailed, TimestampClient
from anchors.timestamps.folder import open_authority
from anchors.timestamps.second import Disagreement
from anchors.timestamps.server import AuthorityServer
from anchors.timestamps.service import Service
from anchors.timestamps.wire import (
    MAX_REPLY_BYTES,
    QUERY_TYPE,
    REPLY_TYPE,
    encode_grant,
    encode_refusal,
    parse_reply,
    parse_request,
)
from tallystick.errors import MalformedInput
from tallystick.timestamp import LOCAL_POLICY, verify_token
from tests.anchors.timestamps.conftest import Answers, root_of, serving
from tests.core.timestamp import openssl
from tests.core.timestamp.forge import AUTHORITY, Holder, Recipe, holder, key, token

MESSAGE = b"log.example/films\n7\nAAAA\n"
NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
ROOT = holder("root of a stranger", None, AUTHORITY)
TSA = holder("a stranger", ROOT)


def clock() -> int:
    return int(time.time())


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# --- authorities that are honest ------------------------------------------------------


def test_from_our_own_authority(service: Service) -> None:
    made, fact = TimestampClient(service, clock).stamp(MESSAGE)
    assert verify_token(made, MESSAGE, service.authorities) == fact
    assert (fact.authority, fact.operator_only) == ("own", True)
    assert abs(fact.gen_time // 1_000_000 - clock()) <= TOLERANCE


def test_our_servers_manners(service: Service) -> None:
    """Its root by GET; and who sends something else, or too much, is told so."""
    import http.client

    host = service.url.removeprefix("http://").rstrip("/")
    query = b"x" * 5000
    for method, body, media_type, status in (
        ("GET", None, "", 200),
        ("POST", b"junk", "text/plain", 415),
        ("POST", query, QUERY_TYPE, 413),
        ("POST", b"junk", QUERY_TYPE, 200),
        ("PUT", b"junk", QUERY_TYPE, 501),
    ):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request(method, "/", body, {"Content-Type": media_type})
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        assert answer.status == status
        assert (b"BEGIN CERTIFICATE" in found) is (method == "GET")


def test_from_openssl_behind_http(tmp_path: Path, answers: Answers) -> None:
    """An independent stranger: `openssl ts -reply` in a process of its own answers each query."""
    root = holder("root of openssl", None, AUTHORITY, end=datetime(2100, 1, 1, tzinfo=UTC))
    tsa = holder("openssl's signer", root, kind="p384", end=datetime(2099, 1, 1, tzinfo=UTC))
    authority = openssl.Authority.make(tmp_path / "tsa", tsa, [tsa, root], digest="sha384", digits="3")
    address = f"http://127.0.0.1:{answers.server_address[1]}/tsa?x=1"

    def reply(body: bytes) -> tuple[int, str, bytes]:
        (tmp_path / "query.tsq").write_bytes(body)
        return 200, REPLY_TYPE, authority.reply(tmp_path / "query.tsq")

    service = Service("openssl", address, (root.der,), policy="1.3.6.1.4.1.99999.7.2")
    made, fact = TimestampClient(service, clock, reply).stamp(MESSAGE)
    assert (fact.policy, fact.accuracy, fact.operator_only) == ("1.3.6.1.4.1.99999.7.2", 1_500_100, False)
    assert openssl.verifies(tmp_path, made, MESSAGE, root, datetime.now(UTC))


def test_what_it_asks(answers: Answers) -> None:
    """SHA-256 of the message, certificates, the policy, another random nonce each time; the password, if any."""
    url = f"http://127.0.0.1:{answers.server_address[1]}/stamp?account=7"
    service = Service("a", url, (ROOT.der,), policy="1.2.3.4", user="log", password="pässword")
    for _ in range(2):
        with pytest.raises(StampFailed):
            TimestampClient(service, clock).stamp(MESSAGE)
    requests = [parse_request(body) for _, body in answers.heard]
    headers = answers.heard[0][0]
    assert headers["Content-Type"] == QUERY_TYPE
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == "log:pässword".encode()
    for request in requests:
        assert request.hashed == hashlib.sha256(MESSAGE).digest()
        assert (request.policy, request.certificates, request.has_extensions) == ("1.2.3.4", True, False)
        assert request.nonce is not None
        assert request.nonce.bit_length() == 64
    assert requests[0].nonce != requests[1].nonce


# --- answers that are not kept ----------------------------------------------------------


def client(reply: Callable[[bytes], tuple[int, str, bytes]], **more: object) -> TimestampClient:
    service = replace(Service("a", "http://authority.example/", (ROOT.der,)), **more)  # type: ignore[arg-type]
    return TimestampClient(service, lambda: NOW, reply)


def granting(**changes: object) -> Callable[[bytes], tuple[int, str, bytes]]:
    """An authority that makes tokens after this recipe, with the nonce of the query unless told otherwise."""

    def reply(query: bytes) -> tuple[int, str, bytes]:
        found: dict[str, object] = {"message": MESSAGE, "nonce": parse_request(query).nonce, "gen_time": at(NOW)}
        recipe = Recipe(**{"signer": TSA, **found, **changes})  # type: ignore[arg-type]
        return 200, REPLY_TYPE, encode_grant(token(recipe))

    return reply


def test_a_token_of_a_stranger_is_kept() -> None:
    _, fact = client(granting()).stamp(MESSAGE)
    assert (fact.authority, fact.independent, fact.operator_only) == ("a", False, False)


ALARMS: dict[str, tuple[dict[str, object], str]] = {
    "of another message": ({"message": b"another"}, "over other bytes"),
    "by another authority": ({"signer": holder("x", holder("another root", None, AUTHORITY))}, "no root"),
    "by a certificate authority": ({"signer": Holder(ROOT.certificate, ROOT.key)}, "does not hold"),
    "with another's signature": ({"signing_key": key("nobody's")}, "signature is not by"),
    "over a weak hash": ({"imprint": "sha1"}, "uses the hash"),
    "of an older question": ({"nonce": 5}, "another question"),
    "without a nonce": ({"nonce": None}, "another question"),
    "of the future": ({"gen_time": at(NOW + TOLERANCE + 1)}, "61 s in the future of our clock"),
    "of the past": ({"gen_time": at(NOW - TOLERANCE - 1)}, "61 s before we asked"),
    "of a far future": ({"gen_time": at(NOW + 86_400 * 365)}, "in the future of our clock"),
    "so inexact that it dates nothing": ({"accuracy": {"seconds": 3601}}, "dates nothing"),
    "of a leap second": ({"gen_time": b"20261121115960Z"}, "genTime"),
}


@pytest.mark.parametrize("fault", ALARMS)
def test_a_token_that_somebody_must_look_at(fault: str) -> None:
    changes, said = ALARMS[fault]
    with pytest.raises(StampAlarm, match=said):
        client(granting(**changes)).stamp(MESSAGE)


@pytest.mark.parametrize("off", [TOLERANCE, -TOLERANCE])
def test_at_the_edge_of_what_is_near(off: int) -> None:
    """The token's own accuracy is allowed besides."""
    _, fact = client(granting(gen_time=at(NOW + off))).stamp(MESSAGE)
    assert fact.gen_time == (NOW + off) * 1_000_000
    further = NOW + off + off // TOLERANCE * 5
    _, fact = client(granting(gen_time=at(further), accuracy={"seconds": 5})).stamp(MESSAGE)
    assert (fact.gen_time, fact.accuracy) == (further * 1_000_000, 5_000_000)


def test_a_token_of_another_policy() -> None:
    with pytest.raises(StampAlarm, match=r"is of policy 1\.3\.6\.1\.4\.1\.99999\.7\.1, asked for was 1\.2\.3"):
        client(granting(), policy="1.2.3").stamp(MESSAGE)


def test_two_programs_must_not_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library of others reads a token and refuses it, it is not kept, though ours accepts it."""
    from anchors.timestamps import client as module

    monkeypatch.setattr(module, "verify_token", lambda *_: verify_token(made, MESSAGE, service.authorities))
    service = Service("a", "http://authority.example/", (ROOT.der,))
    nonce: list[int | None] = []
    made = b""

    def reply(query: bytes) -> tuple[int, str, bytes]:
        nonlocal made
        nonce.append(parse_request(query).nonce)
        recipe = Recipe(TSA, message=MESSAGE, nonce=nonce[-1], gen_time=at(NOW))
        made = token(recipe)
        return 200, REPLY_TYPE, encode_grant(token(replace(recipe, signing_key=key("nobody's"))))

    with pytest.raises(Disagreement, match="another program does not accept"):
        client(reply).stamp(MESSAGE)


ANSWERS: dict[str, tuple[tuple[int, str, bytes], str]] = {
    "a refusal": ((200, REPLY_TYPE, encode_refusal(15, "we know no such policy")), "rejection, unacceptedPolicy, 'we"),
    "a failure of its own": ((200, REPLY_TYPE, encode_refusal(25, "disk")), "rejection, systemFailure, 'disk'"),
    "words that draw on the terminal": ((200, REPLY_TYPE, encode_refusal(2, "a\x1b[2Jb")), "'a�\\[2Jb'"),
    "waiting": ((200, REPLY_TYPE, bytes.fromhex("30053003020103")), "no token: waiting"),
    "granted, but nothing there": ((200, REPLY_TYPE, bytes.fromhex("30053003020100")), "no token: granted"),
    "another status": ((503, "text/plain", b"come back later\n"), "status 503: 'come back later'"),
    "another type": ((200, "text/html", b"<html>"), "type 'text/html'"),
    "junk": ((200, REPLY_TYPE, b"junk"), "cannot be read"),
    "something behind": ((200, REPLY_TYPE, encode_refusal(2, "x") + b"\x00"), "cannot be read"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_answers_without_a_token(what: str) -> None:
    answer, said = ANSWERS[what]
    with pytest.raises(StampFailed, match=said) as caught:
        client(lambda _: answer).stamp(MESSAGE)
    assert not isinstance(caught.value, StampAlarm)


def over_http(answers: Answers, **more: object) -> TimestampClient:
    url = f"http://127.0.0.1:{answers.server_address[1]}/"
    return TimestampClient(replace(Service("a", url, (ROOT.der,), seconds=0.5), **more), clock)  # type: ignore[arg-type]


def test_a_redirection_is_not_followed(answers: Answers) -> None:
    answers.says = (302, {"Location": f"http://127.0.0.1:{answers.server_address[1]}/there"}, b"")
    with pytest.raises(StampFailed, match="status 302"):
        over_http(answers, user="log", password="secret").stamp(MESSAGE)
    assert len(answers.heard) == 1


def test_an_endless_answer(answers: Answers) -> None:
    answers.says = (200, {"Content-Type": REPLY_TYPE}, bytes(MAX_REPLY_BYTES + 1))
    with pytest.raises(StampFailed, match=f"more than {MAX_REPLY_BYTES} bytes"):
        over_http(answers).stamp(MESSAGE)


def test_an_answer_that_breaks_off(answers: Answers) -> None:
    answers.says = (200, {"Content-Type": REPLY_TYPE, "Content-Length": "500"}, b"abc")
    with pytest.raises(StampFailed, match=r"broke off|no answer"):
        over_http(answers).stamp(MESSAGE)


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 400])
def test_who_never_ends_is_left(drip: bytes) -> None:
    """A silent one, and one that sends a byte of its headers now and then: the time is that of the whole answer."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)
    stop = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            for byte in drip:
                if stop.wait(0.05):
                    return
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return
            stop.wait(10)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        service = Service("a", f"http://127.0.0.1:{listening.getsockname()[1]}/", (ROOT.der,), seconds=0.5)
        with pytest.raises(StampFailed, match="no answer"):
            TimestampClient(service, clock).stamp(MESSAGE)
    finally:
        stop.set()
        thread.join(10)
        listening.close()


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(StampFailed, match="no answer: ConnectionRefusedError"):
        TimestampClient(Service("a", f"http://127.0.0.1:{port}/", (ROOT.der,)), clock).stamp(MESSAGE)


@pytest.mark.parametrize(
    "url", ["", "ftp://a/", "http://", "http://a b/", "http://u:p@a/", "http://a/#x", "http://a:99999/", "http://ä/"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(MalformedInput, match="is not the address of an authority"):
        TimestampClient(Service("a", url, (ROOT.der,)), clock)


def test_an_authority_whose_clock_is_wrong_is_seen(folder: Path) -> None:
    """Our own program on a machine that is two minutes ahead."""
    ahead = lambda: (clock() + 120) * 1_000_000  # noqa: E731
    with (
        open_authority(folder, None, ahead) as authority,
        serving(AuthorityServer(("127.0.0.1", 0), authority, b"")) as url,
        pytest.raises(StampAlarm, match="in the future of our clock"),
    ):
        TimestampClient(Service("own", url, (root_of(folder),), policy=LOCAL_POLICY), clock).stamp(MESSAGE)


@pytest.mark.parametrize("answer", [encode_refusal(failure, "because") for failure in (0, 2, 5, 14, 15, 16, 17, 25)])
def test_a_refusal_is_read_as_it_was_written(answer: bytes) -> None:
    reply = parse_reply(answer)
    assert (reply.status, reply.texts, len(reply.failures)) == (2, ("because",), 1)
