"""What an entry is about: a function of its payload alone (docs/map.md §1)."""

from __future__ import annotations

import json
from collections.abc import Callable
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

_BEGINS = b'"10.'
"""How an identifier begins in a payload of which no text has an escape."""


class About(NamedTuple):
    """Texts that an entry is about, by relation; each once."""

    own: tuple[str, ...]
    named: tuple[str, ...]


_NOTHING = About((), ())


def read_json(data: bytes) -> Any:
    """The value of JSON as RFC 8259 has it. Raises ``ValueError``."""
    return _reader.decode(data.decode("utf-8"))


def about(payload: bytes, read: Callable[[bytes], Any] = read_json) -> About:
    """Of the payload of an entry, whoever wrote it in whatever form: the value alone decides.

    ``read``: does what ``read_json`` does, except that numbers may be any. Raises ``ValueError`` (``MalformedInput``
    too), ``KeyError`` or ``TypeError`` for one that is about nothing.
    """
    check_nesting(payload)
    event = read(payload)
    kind, subject, body = event["type"], event["subject"], event["body"]
    if not (isinstance(kind, str) and isinstance(subject, str) and isinstance(body, dict)) or kind in BOOKKEEPING:
        return _NOTHING
    subject.encode()  # A surrogate has no place in the map.
    if b"\\" not in payload and payload.count(_BEGINS) == subject.startswith("10."):
        return About((subject,), ())  # Most entries name nothing else: there is nothing to look for.
    target = body.get(TARGET)
    own = dict.fromkeys([subject])
    if isinstance(target, str) and has_form(target):
        own[target] = None
    named = dict.fromkeys([text for text in _texts(body) if text[:3] == "10." and text not in own and has_form(text)])
    return About(tuple(own), tuple(named))


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


# JSON as RFC 8259 has it, and no more than that: numbers of any length, but not NaN. Of members of one name the last.
_reader = json.JSONDecoder(parse_int=float, parse_constant=_no_number)


def _texts(body: Any) -> list[str]:
    """Every text in a JSON value; with a stack, for nesting is whoever wrote it to decide."""
    found, waiting = list[str](), [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found
