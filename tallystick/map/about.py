"""What an entry is about: a function of its payload alone (docs/map.md §1)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

from tallystick.canonical import check_nesting
from tallystick.identifiers import has_form

Relation: TypeAlias = Literal["own", "named"]
OWN: Relation = "own"
NAMED: Relation = "named"

BOOKKEEPING = frozenset({"log.batch", "log.time", "log.map-root"})
"""What the log writes down as it goes: about nothing."""
TARGET = "target"
"""Member of a body that names what the event is directed against."""

# Canonical JSON sorts members and escapes each quote inside a text. So what is here stands where the text has it, and
# the last ``event_id`` that holds a text is the event's own: behind it come only members whose names are fixed, and
# commitments, which are objects.
_TAIL = re.compile(rb',"subject":"([^"\\]*)","time":"[^"\\]*","type":"([^"\\]*)","v":[0-9]+\}')
_BODY, _AFTER_BODY, _SUBJECT = b'{"body":{', b',"event_id":"', b',"subject":"'
_CANDIDATE = re.compile(rb'"(?<=[:,\[]")(10\.[^"\\]*/[^"\\]*)"(?=[,\]}])')


class About(NamedTuple):
    """Texts that an entry is about, by relation; each once."""

    own: tuple[str, ...]
    named: tuple[str, ...]


_NOTHING = About((), ())


def about(payload: bytes) -> About:
    """Of the payload of an entry, which is the canonical JSON of an event."""
    at, end = payload.rfind(_SUBJECT), payload.rfind(_AFTER_BODY)
    tail = _TAIL.fullmatch(payload, at) if at >= 0 else None
    if tail is None or end < 0 or not payload.startswith(_BODY):
        return _by_value(payload)
    if tail[2].decode() in BOOKKEEPING:
        return _NOTHING
    texts = [text for one in _CANDIDATE.findall(payload, 0, end) if has_form(text := one.decode())]
    if not texts:
        return About((tail[1].decode(),), ())
    # A body that has a target may have one further down as well: there the reader of JSON decides.
    if b'"target":' in payload:
        return _by_value(payload)
    subject = tail[1].decode()
    return About((subject,), tuple(text for text in dict.fromkeys(texts) if text != subject))


def _by_value(payload: bytes) -> About:
    """The same from the JSON value."""
    check_nesting(payload)
    event = json.loads(payload)
    kind, subject, body = event["type"], event["subject"], event["body"]
    if not (isinstance(kind, str) and isinstance(subject, str) and isinstance(body, dict)) or kind in BOOKKEEPING:
        return _NOTHING
    subject.encode()  # A surrogate has no place in the map.
    target = body.get(TARGET)
    own = dict.fromkeys([subject])
    if isinstance(target, str) and has_form(target):
        own[target] = None
    named = dict.fromkeys(text for text in _texts(body) if has_form(text) and text not in own)
    return About(tuple(own), tuple(named))


def _texts(body: Any) -> Iterator[str]:
    """Every text in a JSON value; with a stack, for nesting is whoever wrote it to decide."""
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
