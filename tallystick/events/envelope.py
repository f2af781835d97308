"""What all events share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from tallystick import canonical
from tallystick.digests import DigestPair
from tallystick.errors import MalformedInput
from tallystick.events.kinds import BODIES, RULES, SUBJECTS
from tallystick.identifiers import Letter, letter_of, parse_identifier
from tallystick.schema import NAME, TIME, FieldError, identifier, items, read, record, text, write
from tallystick.versions import UnknownVersion, check_version

VERSION = 1


@record
class RecordedFor:
    """The service signed this statement for ``party``, whom it knew by ``authenticated_by``."""

    party: Annotated[str, identifier(Letter.PARTY)]
    authenticated_by: Literal["api-token"]


MAX_PRIVATE = 32
"""Commitments of one event."""


@record
class _Envelope:
    v: Literal[1]
    type: Annotated[str, text(40)]
    event_id: Annotated[str, NAME]
    subject: Annotated[str, text(255)]
    time: Annotated[str, TIME]
    body: Any
    recorded_for: RecordedFor | None = None
    private: Annotated[dict[str, DigestPair], items(MAX_PRIVATE, 1)] | None = None


@record
class Event:
    """One event. ``body`` is the record that ``BODIES[type]`` names; ``private`` holds commitments by name."""

    type: str
    event_id: str
    subject: str
    time: str
    body: Any
    recorded_for: RecordedFor | None = None
    private: dict[str, DigestPair] | None = None

    @property
    def commitments(self) -> dict[str, DigestPair]:
        """The salted commitments by name; empty where there are none."""
        return self.private or {}


def parse_event(value: canonical.JsonValue) -> Event:
    """An event from its JSON value. Raises ``MalformedInput`` naming the field, or the version to install."""
    check_version(value, "event", VERSION)
    envelope = read(_Envelope, value)
    kind = envelope.type
    if kind not in BODIES:
        raise UnknownType("type", f"unknown event type {kind!r}; this version knows: {', '.join(BODIES)}")
    _check_subject(kind, envelope.subject)
    if kind == "log.policy":
        _check_rules(envelope.body)
    # The envelope's own fields, which nobody else sees: the constructor sets each by a call.
    fields = vars(envelope)
    fields["body"] = read(BODIES[kind], envelope.body, "body")
    del fields["v"]
    event = object.__new__(Event)
    object.__setattr__(event, "__dict__", fields)
    return event


class Settled(NamedTuple):
    """An event that was found good, and the one byte string that stands for it. Only ``settle_event`` makes it."""

    event: Event
    payload: bytes


def settle_event(
    value: canonical.JsonValue, encode: Callable[[canonical.JsonValue], bytes] = canonical.encode_read
) -> Settled:
    """As ``parse_event``, with the canonical bytes: what was read says nothing but ``value``.

    ``encode`` does for values that were read what ``canonical.encode_read`` does: a service may bring a faster one.
    """
    return Settled(parse_event(value), encode(value))


def encode_event(event: Event) -> bytes:
    """Canonical bytes. Raises ``MalformedInput`` for an event that ``parse_event`` would refuse."""
    return settle_event(event_value(event)).payload


def event_value(event: Event) -> dict[str, Any]:
    """The JSON value of an event."""
    return {"v": VERSION, **write(event)}


class UnknownRules(FieldError, UnknownVersion):
    """A registration policy of later rules: what it admits, this version cannot decide."""


def _check_rules(body: Any) -> None:
    if isinstance(body, dict) and type(body.get("version")) is int and body["version"] > RULES:
        raise UnknownRules(
            "body.version", f"rules version {body['version']}; this program knows {RULES}: install a newer one"
        )


class UnknownType(FieldError, UnknownVersion):
    """An event type that this version lacks. Types are only ever added, so a newer program may know it."""


def _check_subject(kind: str, subject: str) -> None:
    letters = SUBJECTS[kind]
    if not letters:
        return  # log.*: the subject is the origin, compared at admission
    try:
        found = letter_of(parse_identifier(subject))
    except MalformedInput as error:
        raise FieldError("subject", str(error)) from None
    if found not in letters:
        expected = " or ".join(letter.name.lower() for letter in letters)
        raise FieldError("subject", f"{subject} names a {found.name.lower()}, expected a {expected}")
