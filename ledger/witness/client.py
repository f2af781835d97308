"""The log's side of tlog-witness: one witness asked for cosignatures of one checkpoint.

A witness is believed in nothing but cosignatures, each of which is verified. What it
says of sizes only chooses the next proof, and what contradicts our history is an alarm.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from ledger.batch import Clock
from ledger.face import Offer
from serving.deadline import within
from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import Witness, cosigned_at
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.note import Note, Signature, parse_note
from tallystick.times import format_time
from tallystick.tree_head import SignedCheckpoint
from tallystick.witnessing import (
    MAX_ANSWER_BYTES,
    PATH,
    SIZE_TYPE,
    AddCheckpoint,
    parse_cosignatures,
    parse_size_answer,
)

ROUNDS = 4
"""Requests for one checkpoint at most: a witness that names another size each time is not followed for ever."""
AHEAD = 60
"""Seconds by which a witness's clock may be ahead of ours: later ones would not count where they are verified."""


Post: TypeAlias = Callable[[bytes], "Reply"]
"""Sends a request body to the witness. Raises ``WitnessFailed``."""


class WitnessFailed(TallystickError):
    """The witness gave no cosignature; it is asked again."""


class WitnessAlarm(WitnessFailed):
    """The witness holds another history of this log than we do, or says so: somebody must look."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, its body capped."""

    status: int
    media_type: str
    body: bytes


class Transport:
    """Requests over one kept connection; opened again when the other side has closed it."""

    def __init__(self, url: str, timeout: float) -> None:
        """``timeout``: seconds for a whole answer. Raises ``MalformedInput``."""
        parts = _check_url(url)
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = make(parts.hostname or "", parts.port, timeout=timeout)

    def post(self, body: bytes) -> Reply:
        """The answer to ``add-checkpoint``; redirections are not followed. Raises ``WitnessFailed``."""
        return self._reach("POST", PATH, body)

    def get(self, path: str) -> Reply:
        """The answer to a read. Raises ``WitnessFailed``."""
        return self._reach("GET", path, None)

    def _reach(self, method: str, path: str, body: bytes | None) -> Reply:
        kept = self._connection.sock is not None
        try:
            try:
                return self._ask(method, path, body)
            except (http.client.BadStatusLine, BrokenPipeError, ConnectionResetError):
                if not kept:
                    raise
                # The witness let a silent connection go, as it may.
                self.close()
                return self._ask(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise WitnessFailed(f"no answer: {type(error).__name__}: {error}") from None

    def _ask(self, method: str, path: str, body: bytes | None) -> Reply:
        headers = {"Content-Type": "text/plain; charset=utf-8"} if body is not None else {}
        with within(self._connection, self._timeout):
            self._connection.request(method, self._prefix + path, body, headers)
            answer = self._connection.getresponse()
            found = answer.read(MAX_ANSWER_BYTES + 1)
            if len(found) > MAX_ANSWER_BYTES:
                raise http.client.HTTPException(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
            if answer.length:
                raise http.client.IncompleteRead(found, answer.length)
        answer.close()
        return Reply(answer.status, answer.headers.get("Content-Type", ""), found)

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError):
            self._connection.close()


def recall(url: str, origin: str, timeout: float) -> Note | None:
    """The checkpoint of a log that a witness cosigned last, as it shows it to monitors; ``None`` where it shows none.

    Nothing is verified. Raises ``WitnessFailed``.
    """
    with closing(Transport(url, timeout)) as line:
        reply = line.get(f"/{sha256(origin.encode()).hexdigest()}/checkpoint")
    if reply.status != 200:
        return None
    try:
        return parse_note(reply.body)
    except MalformedInput as error:
        raise WitnessFailed(f"it shows no checkpoint: {error}") from None


class WitnessClient:
    """One witness of one log, for one thread."""

    def __init__(self, verifiers: Sequence[Witness], post: Post, clock: Clock) -> None:
        """``verifiers``: its keys, by which it is believed."""
        self._verifiers = {(one.name, one.key_id): one for one in verifiers}
        self._post = post
        self._clock = clock
        self._known = 0
        """Size that the witness cosigned last, as far as we know; it corrects us."""

    def cosign(self, offer: Offer) -> tuple[Signature, ...]:
        """Its verified cosignatures, at least one. Raises ``WitnessFailed``, ``WitnessAlarm``."""
        signed, new = offer.signed, offer.signed.checkpoint
        old = min(self._known, new.size)
        for _ in range(ROUNDS):
            request = AddCheckpoint(old, tuple(offer.prove(old)), signed.note)
            reply = self._post(request.encode())
            if reply.status == 200:
                lines = self._verified(reply.body, signed)
                self._known = new.size
                return lines
            told = _told_size(reply)
            if told is None or told == old:
                raise _refused(reply, old, new)
            if told > new.size:
                raise WitnessAlarm(
                    f"it says that it cosigned {told} leaves of {new.origin}, we never signed more than {new.size}: "
                    "somebody else signs with our keys, or our history was lost; or the witness lies"
                )
            self._known = old = told
        raise WitnessFailed(f"it named another size {ROUNDS} times, the last was {old}")

    def _verified(self, body: bytes, signed: SignedCheckpoint) -> tuple[Signature, ...]:
        """Lines of unknown keys are ignored; one of a known key that fails spoils the answer."""
        found = {}
        try:
            for line in parse_cosignatures(body, signed.note.text):
                verifier = self._verifiers.get((line.name, line.key_id))
                if verifier is None:
                    continue
                verifier.verify(signed.note.text, line.signature)
                self._check_time(cosigned_at(line.signature))
                found[line.name, line.key_id] = line
        except (MalformedInput, VerificationFailed) as error:
            raise WitnessFailed(f"its cosignature is not good: {error}") from None
        if not found:
            raise WitnessFailed("it cosigned with none of the keys that the policy names")
        return tuple(found.values())

    def _check_time(self, seconds: int) -> None:
        if seconds == 0:
            raise VerificationFailed("it bears no time")
        if seconds > (now := self._clock()) + AHEAD:
            raise VerificationFailed(
                f"it is dated {format_time(seconds)}, and here it is {format_time(now)}: compare the clocks of the two"
            )


def _told_size(reply: Reply) -> int | None:
    if reply.status != 409 or reply.media_type != SIZE_TYPE:
        return None
    try:
        return parse_size_answer(reply.body)
    except MalformedInput as error:
        raise WitnessFailed(f"its 409 tells no size: {error}") from None


def _refused(reply: Reply, old: int, new: Checkpoint) -> WitnessFailed:
    said = reply.body[:200].decode("utf-8", "replace").strip()
    what = f"status {reply.status} for {old} to {new.size} leaves: {said!r}"
    if reply.status == 409 and old == new.size:
        return WitnessAlarm(f"it holds another tree of {new.size} leaves of {new.origin}: a fork, or a lie; {what}")
    if reply.status == 422 and old:
        return WitnessAlarm(f"our tree of {new.size} leaves does not extend what it holds: a fork, or a lie; {what}")
    return WitnessFailed(what)


def _check_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError as error:
        raise MalformedInput(f"{url[:80]!r} is not the address of a witness: {error}") from None
    strange = parts.query or parts.fragment or parts.username is not None or not url.isascii() or not url.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or strange or not port_fits or " " in url:
        raise MalformedInput(f"{url[:80]!r} is not the address of a witness: expected https://host[:port][/prefix]")
    return parts
