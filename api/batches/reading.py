"""What a good body of a submission says. A body that is not good in every respect is left to the framework."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from api.services.drafts import Draft
from ledger import fast_json
from tallystick import canonical
from tallystick.base64s import from_base64
from tallystick.errors import MalformedInput

MAX_ITEMS = 1000
"""Drafts or statements in one call."""
MAX_DISCLOSURES = 32
DRAFT_FIELDS = frozenset({"type", "body", "event_id", "subject", "time", "private"})
STATEMENT_FIELDS = frozenset({"statement", "disclosures"})

T = TypeVar("T")


class SignedStatement(NamedTuple):
    """A statement that a party signed itself: the entry's bytes and the RFC 9901 disclosures it gives us to keep."""

    entry: bytes
    disclosures: Sequence[str] = ()


def read_draft(value: Any) -> Draft | None:
    """What the schema of a draft would make of ``value``, if nothing is wrong with it."""
    if type(value) is not dict or not value.keys() <= DRAFT_FIELDS:
        return None
    kind, body, private = value.get("type"), value.get("body"), value.get("private", {})
    event_id, subject, time = value.get("event_id"), value.get("subject"), value.get("time")
    if type(kind) is not str or type(body) is not dict or type(private) is not dict:
        return None
    if not all(one is None or type(one) is str for one in (event_id, subject, time)):
        return None
    return Draft(kind, body, event_id, subject, time, private)


def read_statement(value: Any) -> SignedStatement | None:
    """As ``read_draft``, for the schema of a statement."""
    if type(value) is not dict or not value.keys() <= STATEMENT_FIELDS:
        return None
    text, disclosures = value.get("statement"), value.get("disclosures", [])
    if type(text) is not str or type(disclosures) is not list or len(disclosures) > MAX_DISCLOSURES:
        return None
    if disclosures and not all(type(one) is str for one in disclosures):
        return None
    try:
        return SignedStatement(from_base64(text), tuple(disclosures))
    except MalformedInput:
        return None


def read_batch(value: Any, name: str, read: Callable[[Any], T | None]) -> list[T] | None:
    """The items that stand under ``name``, if nothing is wrong with any."""
    if type(value) is not dict or value.keys() != {name}:
        return None
    items = value[name]
    if type(items) is not list or not 1 <= len(items) <= MAX_ITEMS:
        return None
    found = [one for item in items if (one := read(item)) is not None]
    return found if len(found) == len(items) else None


def draft_in(body: bytes) -> Draft | None:
    """Of the body of a request with one event."""
    return read_draft(_value_in(body))


def drafts_in(body: bytes) -> list[Draft] | None:
    """Of the body of a batch of events."""
    return read_batch(_value_in(body), "events", read_draft)


def statement_in(body: bytes) -> SignedStatement | None:
    """Of the body of a request with one statement."""
    return read_statement(_value_in(body))


def statements_in(body: bytes) -> list[SignedStatement] | None:
    """Of the body of a batch of statements."""
    found = _bare_statements(body)
    return read_batch(_value_in(body), "statements", read_statement) if found is None else found


class _Bare(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    statement: bytes


class _BareBatch(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    statements: list[_Bare]


_bare_batch = msgspec.json.Decoder(_BareBatch).decode


def _bare_statements(body: bytes) -> list[SignedStatement] | None:
    """Of a batch with nothing but statements in it, as most are. ``None``: of any other, or one with anything wrong."""
    if not body.isascii() or b"\\" in body:
        return None
    try:
        items = _bare_batch(body).statements
    except msgspec.DecodeError:
        return None
    # Without escapes the quotes are those around texts: the list's name, and of each item its name and its text. So
    # nothing stands twice.
    if not 1 <= len(items) <= MAX_ITEMS or body.count(b'"') != 2 + 4 * len(items):
        return None
    quote, found = body.find, []
    at = quote(b'"', quote(b'"') + 1)
    for one in items:
        # Behind the name comes the text, as the bytes are written in base64: there is no other way to spell them.
        text = b'"%b"' % b2a_base64(one.statement, newline=False)
        at = quote(b'"', quote(b'"', quote(b'"', at + 1) + 1) + 1)
        if not body.startswith(text, at):
            return None
        at += len(text) - 1
        found.append(SignedStatement(one.statement))
    return found


def _value_in(body: bytes) -> canonical.JsonValue:
    """``null``, which is no good body either, for what is no JSON of ours."""
    try:
        return fast_json.decode_relaxed(body, len(body))
    except MalformedInput:
        return None
