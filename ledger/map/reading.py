"""What an entry is about, read by code of its own: the answers of ``tallystick.map``, sooner.

What this does not see at once to be a statement, in the layout that statements have, is read the plain way. So is one
that names something in another place than those that are looked at here: as many texts must be found as there are.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, TypeAlias

import msgspec
import orjson

from ledger import fast_json
from tallystick import layout
from tallystick.canonical import MAX_DEPTH
from tallystick.map.about import BOOKKEEPING, TARGET
from tallystick.map.memory import about_entry

Mentioned: TypeAlias = tuple[Collection[str], Collection[str]]
"""Texts that are own, and texts that are named."""

LONGEST = 128
"""Characters, more than an identifier has: no longer text is named."""
_NOTHING: Mentioned = ((), ())
_BEGINS = b'"10.'
"""How an identifier begins in a payload of which no text has an escape."""
_MOST_KNOWN = 1024
_known = set[bytes]()
"""How entries begin whose headers are as they must be, up to the text of the subject, the header's length included:
whatever text fills up that length, ``layout.read`` takes it."""


_Short = Annotated[str, msgspec.Meta(max_length=LONGEST)]


class _Input(msgspec.Struct, gc=False):
    object: _Short = ""


class _Basis(msgspec.Struct, gc=False):
    subject: _Short = ""


class _Generation(msgspec.Struct, frozen=True, gc=False):
    capability: _Short = ""
    job: _Short = ""


class _Body(msgspec.Struct, gc=False):
    """Where most entries name something (docs/map.md §1): whatever type they have, for the value alone decides."""

    basis: tuple[_Basis, ...] = ()
    capability: _Short = ""
    generation: _Generation = _Generation()
    holder: _Short = ""
    inputs: tuple[_Input, ...] = ()
    object: _Short = ""
    outputs: tuple[_Short, ...] = ()
    title_chain: tuple[_Short, ...] = ()
    to: _Short = ""
    workflow: _Short = ""


class _Event(msgspec.Struct, gc=False):
    body: _Body
    subject: str
    type: str
    recorded_for: str = ""


_decode = msgspec.json.Decoder(_Event).decode


def mentioned(entry: bytes) -> Mentioned:
    """As ``about_entry``; but the texts that are named, each once, need not have the form of identifiers."""
    spans = layout.usual(entry)
    if spans is None:
        return about_entry(entry, fast_json.read)
    header, start, end = spans
    payload = entry[start:end]
    # Without escapes each quote is the beginning of a text, or its end.
    if b"\\" in payload or payload.count(b"{") + payload.count(b"[") > MAX_DEPTH:
        return about_entry(entry, fast_json.read)
    # In what it passes over ``msgspec`` takes bytes that are not UTF-8, and nothing else that is no JSON.
    found = (_in_their_places(payload) if payload.isascii() else None) or _anywhere(payload)
    if found is None:
        return about_entry(entry, fast_json.read)
    subject = found[0].encode()
    at = header - len(subject)
    if (entry[:at] in _known and entry[at:header] == subject) or _is_header_of(found[0], entry, at):
        return found[1]
    return about_entry(entry, fast_json.read)


def _in_their_places(payload: bytes) -> tuple[str, Mentioned] | None:
    """Subject, and what is mentioned; ``None``: something may be named elsewhere, or this is no event."""
    try:
        event = _decode(payload)
    except msgspec.DecodeError:
        return None
    subject, body = event.subject, event.body
    if event.type in BOOKKEEPING:
        return subject, _NOTHING
    count = payload.count(_BEGINS) - (subject[:3] == "10.") - (event.recorded_for[:3] == "10.")
    if not count:
        return subject, ((subject,), ())
    made = body.generation
    texts = {body.capability, made.capability, made.job, body.holder, body.object, body.to, body.workflow}
    if body.outputs:
        texts.update(body.outputs)
    if body.title_chain:
        texts.update(body.title_chain)
    for one in body.inputs:
        texts.add(one.object)
    for link in body.basis:
        texts.add(link.subject)
    texts.discard("")
    # As many as begin so, and no others: no name of a member does, none stands twice, and of two members of one name
    # neither was lost.
    if len(texts) == count and min(texts) >= "10." and max(texts) < "10/" and subject not in texts:
        return subject, ((subject,), texts)
    return None


def _anywhere(payload: bytes) -> tuple[str, Mentioned] | None:
    """The same, wherever it is named; ``None``: it is read the plain way."""
    try:
        event = orjson.loads(payload)
        kind, subject, body = event["type"], event["subject"], event["body"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if not (type(kind) is type(subject) is str and type(body) is dict):
        return None
    if kind in BOOKKEEPING:
        return subject, _NOTHING
    # Most entries name nothing else: there is nothing to look for.
    if payload.count(_BEGINS) == subject.startswith("10."):
        return subject, ((subject,), ())
    if TARGET in body:
        return None
    named = _texts(body)
    named.discard(subject)
    return subject, ((subject,), named)


def _is_header_of(subject: str, entry: bytes, at: int) -> bool:
    """Whether ``layout.read`` takes the header, and it is that of ``subject``, which stands at ``at``."""
    parts = layout.read(entry)
    if parts is None or parts.subject != subject:
        return False
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known.add(entry[:at])
    return True


def _texts(body: dict[str, Any]) -> set[str]:
    """The texts in a value of JSON that begin as identifiers do."""
    found, waiting = set[str](), list[Any](body.values())
    for value in waiting:
        kind = type(value)
        if kind is str:
            if value[:3] == "10." and len(value) <= LONGEST:
                found.add(value)
        elif kind is dict:
            waiting.extend(value.values())
        elif kind is list:
            waiting.extend(value)
    return found
