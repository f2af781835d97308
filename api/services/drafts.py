"""Drafts: events as a client gives them, before private values are salted and somebody signs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from api.services.chance import take
from api.services.voices import Voice
from ledger.fast_json import encode_read
from tallystick import canonical
from tallystick.commitments import MAX_DISCLOSURE_BYTES, MIN_SALT_BYTES, Disclosure, disclose
from tallystick.digests import DigestPair
from tallystick.errors import MalformedInput
from tallystick.events import Settled, settle_event
from tallystick.events.envelope import MAX_PRIVATE
from tallystick.events.kinds import SUBJECTS
from tallystick.identifiers import RANDOM_BYTES, Letter, new_identifier
from tallystick.licence.terms import decode_terms
from tallystick.schema import FieldError, write

# The event that brings a subject into being: there, and only there, the service may make its identifier.
_MAKES: dict[str, Letter] = {
    "party.register": Letter.PARTY,
    "object.register": Letter.OBJECT,
    "capability.file": Letter.CAPABILITY,
    "job.register": Letter.JOB,
    "licence.grant": Letter.LICENCE,
    "certificate.issue": Letter.CERTIFICATE,
    "dispute.open": Letter.DISPUTE,
}


class Draft(NamedTuple):
    """An event to be. ``private`` holds values, not digests.

    ``subject``, ``event_id`` and ``time`` may be left to the service; without an event id
    of its own a client cannot repeat the event safely.
    """

    type: str
    body: canonical.JsonValue
    event_id: str | None = None
    subject: str | None = None
    time: str | None = None
    private: Mapping[str, canonical.JsonValue] = MappingProxyType({})


class Ready(NamedTuple):
    """A draft that became an event, ready to be signed, and what opens its commitments."""

    draft: Draft
    settled: Settled
    disclosures: tuple[Disclosure, ...]


def settle_draft(draft: Draft, voice: Voice, prefix: str, origin: str, now: str) -> Ready:
    """Raises ``MalformedInput``, most often a ``FieldError`` that names the field."""
    if len(draft.private) > MAX_PRIVATE:
        # Said before thousands of them are salted and hashed, for which others would have to wait.
        raise FieldError("private", f"expected 1 to {MAX_PRIVATE} items, found {len(draft.private)}")
    disclosures = tuple([_salt(name, value) for name, value in draft.private.items()]) if draft.private else ()
    commitments = {one.name: one.commitment for one in disclosures}
    settled = settle_event(_value(draft, voice, commitments, _subject(draft, prefix, origin), now), encode_read)
    if draft.type == "licence.grant":
        _check_terms(draft.private)
    return Ready(draft, settled, disclosures)


def _salt(name: str, value: canonical.JsonValue) -> Disclosure:
    try:
        opened = disclose(name, value, take(MIN_SALT_BYTES))
    except MalformedInput as error:
        raise FieldError(f"private.{name}", str(error)) from None
    if len(opened.text) > MAX_DISCLOSURE_BYTES:
        raise FieldError(f"private.{name}", f"a private value takes at most {MAX_DISCLOSURE_BYTES} bytes")
    return opened


def _value(
    draft: Draft, voice: Voice, commitments: dict[str, DigestPair], subject: str, now: str
) -> canonical.JsonValue:
    value: dict[str, Any] = {
        "v": 1,
        "type": draft.type,
        "event_id": take(16).hex() if draft.event_id is None else draft.event_id,
        "subject": subject,
        "time": now if draft.time is None else draft.time,
        "body": draft.body,
    }
    if voice.recorded_for:
        value["recorded_for"] = voice.recorded_value
    if commitments:
        value["private"] = write(commitments)
    return value


def _subject(draft: Draft, prefix: str, origin: str) -> str:
    if draft.subject is not None:
        return draft.subject
    if draft.type in _MAKES:
        return str(new_identifier(_MAKES[draft.type], take(RANDOM_BYTES), prefix))
    # Of the log itself; or of a type that nobody knows, which is what has to be said then.
    if not SUBJECTS.get(draft.type):
        return origin
    raise FieldError("subject", f"missing; {draft.type} is about something that is registered already")


def _check_terms(private: Mapping[str, canonical.JsonValue]) -> None:
    try:
        decode_terms(dict(private))
    except FieldError as error:
        raise FieldError(error.field.replace("terms", "private", 1), error.problem) from None
