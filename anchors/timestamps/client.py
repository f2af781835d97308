"""A client to one timestamp authority over HTTP (RFC 3161 §3.4).

The authority is believed in nothing: a token is verified under the roots that the operator configured, over our
message, with our nonce and policy, and its time must be near our clock's, before it is kept. Then the library of others
must agree.
"""

from __future__ import annotations

import base64
import http.client
import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import SplitResult

from anchors.ports import Clock
from anchors.timestamps.second import second_opinion
from anchors.timestamps.service import Service, check_url
from anchors.timestamps.wire import MAX_REPLY_BYTES, QUERY_TYPE, REPLY_TYPE, encode_request, parse_reply
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.timestamp import TimestampFact, verify_token

TOLERANCE = 60
"""Seconds by which a token's time may be off our clock, besides its own accuracy."""
_MAX_ACCURACY = 3600
"""Seconds: a token less exact than this dates nothing that anybody asks about."""


class StampFailed(TallystickError):
    """No token came, or none that holds; it is asked again."""


class StampAlarm(StampFailed):
    """A token came that is not what was asked for, or of another time: somebody must look."""


Post = Callable[[bytes], tuple[int, str, bytes]]
"""Sends a query; (status, media type, body, capped). Raises ``StampFailed``."""


class TimestampClient:
    """Asks one authority."""

    def __init__(self, service: Service, clock: Clock, post: Post | None = None) -> None:
        """Raises ``MalformedInput`` for an address that is none."""
        self.service = service
        self._clock = clock
        parts = check_url(service.url)
        self._post = post or (lambda query: _post(service, parts, query))

    def ask(self, query: bytes) -> bytes:
        """The answer to a query that the caller made, and that the caller judges. Raises ``StampFailed``."""
        status, media_type, body = self._post(query)
        if status != 200 or media_type.split(";")[0].strip().lower() != REPLY_TYPE:
            raise StampFailed(f"status {status}, type {media_type[:80]!r}: {_shown(body)}")
        return body

    def stamp(self, message: bytes) -> tuple[bytes, TimestampFact]:
        """A verified token (DER) over ``message``. Raises ``StampFailed``, ``StampAlarm``."""
        nonce = secrets.randbits(64) | 1 << 63
        asked = self._clock()
        status, media_type, body = self._post(encode_request(message, nonce, self.service.policy))
        if status != 200:
            raise StampFailed(f"status {status}: {_shown(body)}")
        if media_type.split(";")[0].strip().lower() != REPLY_TYPE:
            raise StampFailed(f"an answer of type {media_type[:80]!r}, expected {REPLY_TYPE}")
        token = _granted(body)
        fact = self._verified(token, message, nonce)
        self._check_time(fact, asked, self._clock())
        second_opinion(token, message, self.service.roots, self.service.certificates)
        return token, fact

    def _verified(self, token: bytes, message: bytes, nonce: int) -> TimestampFact:
        try:
            fact = verify_token(token, message, self.service.authorities)
        except (MalformedInput, VerificationFailed) as error:
            raise StampAlarm(f"its token does not hold: {error}") from None
        if fact.nonce != nonce:
            raise StampAlarm("its token answers another question (nonce): it may be an old one, sent again")
        if self.service.policy not in (None, fact.policy):
            raise StampAlarm(f"its token is of policy {fact.policy}, asked for was {self.service.policy}")
        return fact

    def _check_time(self, fact: TimestampFact, asked: int, answered: int) -> None:
        if (fact.accuracy or 0) > _MAX_ACCURACY * 1_000_000:
            raise StampAlarm(f"its token is exact to {fact.accuracy} microseconds only, which dates nothing")
        if fact.not_before > answered + TOLERANCE:
            raise StampAlarm(
                f"its token is of {fact.not_before - answered} s in the future of our clock: one of the two is wrong"
            )
        if fact.not_after < asked - TOLERANCE:
            raise StampAlarm(f"its token is of {asked - fact.not_after} s before we asked: one of the clocks is wrong")


def _granted(body: bytes) -> bytes:
    try:
        reply = parse_reply(body)
    except MalformedInput as error:
        raise StampFailed(f"an answer that cannot be read: {error}") from None
    if reply.status not in (0, 1) or reply.token is None:
        raise StampFailed(f"no token: {reply}")
    return reply.token


def _post(service: Service, parts: SplitResult, query: bytes) -> tuple[int, str, bytes]:
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    headers = {"Content-Type": QUERY_TYPE, "Accept": REPLY_TYPE}
    if service.user is not None:
        pair = f"{service.user}:{service.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
    try:
        with ExitStack() as stack:
            connection = make(parts.hostname or "", parts.port, timeout=service.seconds)
            stack.callback(connection.close)
            connection.connect()
            # A timeout of the socket is for each byte; this one is for the answer.
            end = threading.Timer(service.seconds, connection.sock.shutdown, [socket.SHUT_RDWR])
            end.daemon = True
            end.start()
            stack.callback(end.cancel)
            # Redirections are not followed: they would carry the password to whom nobody chose.
            connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), query, headers)
            answer = connection.getresponse()
            body = b""
            while more := answer.read1(MAX_REPLY_BYTES + 1 - len(body)):
                body += more
                if len(body) > MAX_REPLY_BYTES:
                    raise StampFailed(f"an answer of more than {MAX_REPLY_BYTES} bytes")
            if answer.length:
                raise StampFailed("the answer broke off")
            return answer.status, answer.headers.get("Content-Type", ""), body
    except (OSError, http.client.HTTPException) as error:
        raise StampFailed(f"no answer: {type(error).__name__}: {error}") from None


def _shown(body: bytes) -> str:
    return repr(body[:200].decode("utf-8", "replace").strip())
