"""What an entry is about, read by code of its own: the answers of ``tallystick.map``, sooner.

What this does not see at once to be a statement, in the layout that statements have, is read the plain way.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

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
_MOST_KNOWN = 1024
_known = set[bytes]()
"""How entries begin whose headers are as they must be, up to the text of the subject, the header's length included:
whatever text fills up that length, ``layout.read`` takes it."""


def mentioned(entry: bytes) -> Mentioned:
    """As ``about_entry``; but the texts that are named, each once, need not have the form of identifiers."""
    spans = layout.usual(entry)
    if spans is None:
        return about_entry(entry, fast_json.read)
    header, start, end = spans
    payload = entry[start:end]
    # Without escapes each quote is the beginning of a text, or its end.
    if b"\\" not in payload and payload.count(b"{") + payload.count(b"[") <= MAX_DEPTH:
        try:
            event = orjson.loads(payload)
            kind, subject, body = event["type"], event["subject"], event["body"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return about_entry(entry, fast_json.read)
        if type(kind) is type(subject) is str and type(body) is dict and _is_header_of(subject, entry, header):
            if kind in BOOKKEEPING:
                return _NOTHING
            # Most entries name nothing else: there is nothing to look for.
            if payload.count(b'"10.') == subject.startswith("10."):
                return (subject,), ()
            if TARGET not in body:
                named = _texts(body)
                named.discard(subject)
                return (subject,), named
    return about_entry(entry, fast_json.read)


def _is_header_of(subject: str, entry: bytes, end: int) -> bool:
    """Whether ``layout.read`` takes the header, and it is that of ``subject``."""
    text = subject.encode()
    at = end - len(text)
    begin = entry[:at]
    if entry[at:end] == text and begin in _known:
        return True
    parts = layout.read(entry)
    if parts is None or parts.subject != subject:
        return False
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known.add(begin)
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
