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

# Any text of the payload that could be an identifier, where no text of it has an escape.
_LITERAL = re.compile(rb'"(10\.[^"]*/[^"]*)"')


class About(NamedTuple):
    """Texts that an entry is about, by relation; each once."""

    own: tuple[str, ...]
    named: tuple[str, ...]


_NOTHING = About((), ())


def about(payload: bytes) -> About:
    """Of the payload of an entry, whoever wrote it in whatever form: the value alone decides.

    Raises ``ValueError`` (``MalformedInput`` too), ``KeyError`` or ``TypeError`` for one that is about nothing.
    """
    check_nesting(payload)
    event = _reader.decode(payload.decode("utf-8"))
    kind, subject, body = event["type"], event["subject"], event["body"]
    if not (isinstance(kind, str) and isinstance(subject, str) and isinstance(body, dict)) or kind in BOOKKEEPING:
        return _NOTHING
    literal = subject.encode()  # A surrogate has no place in the map.
    if b"\\" not in payload and all(found == literal for found in _LITERAL.findall(payload)):
        return About((subject,), ())  # Most entries name nothing else: there is nothing to look for.
    target = body.get(TARGET)
    own = dict.fromkeys([subject])
    if isinstance(target, str) and has_form(target):
        own[target] = None
    named = dict.fromkeys(text for text in _texts(body) if has_form(text) and text not in own)
    return About(tuple(own), tuple(named))


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


# JSON as RFC 8259 has it, and no more than that: numbers of any length, but not NaN. Of members of one name the last.
_reader = json.JSONDecoder(parse_int=float, parse_constant=_no_number)


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
