"""Which subjects an entry names: what an index needs, and what a bundle must bring along."""

from __future__ import annotations

from functools import lru_cache

from tallystick.errors import MalformedInput
from tallystick.identifiers import parse_identifier
from tallystick.statement import Statement

_OPENING = b'"10.'
# What stands before the quote that opens a value; no key of an event looks like an identifier. In canonical JSON a
# quote after one of these opens a text: inside a text a backslash would be before it, and "10." follows no closing one.
# A part without a quote was cut within a text, at a quote that has a backslash before it: no text ends there.
_BEFORE = frozenset(b":,[")


def references(statement: Statement) -> frozenset[str]:
    """Every identifier in the statement: issuer, subject, party recorded for, and all that its body names."""
    event, payload = statement.event, statement.parts.payload
    recorded = event.recorded_for
    named = _speakers(statement.issuer, None if recorded is None else recorded.party)
    if _is_identifier(event.subject):
        named |= {event.subject}
    # Most entries name nothing else: there is nothing to look for.
    if payload.count(_OPENING) != event.subject.startswith("10.") + (recorded is not None):
        named |= {text for text in _named(payload) if _is_identifier(text)}
    return named


# A batch has few speakers.
@lru_cache(maxsize=1024)
def _speakers(issuer: str, party: str | None) -> frozenset[str]:
    return frozenset([text for text in (issuer, party) if text is not None and _is_identifier(text)])


def _named(payload: bytes) -> list[str]:
    """Texts that look like identifiers."""
    found, before = [], 0
    for part in payload.split(_OPENING):
        if before in _BEFORE and (end := part.find(b'"')) >= 0:
            found.append("10." + part[:end].decode())
        before = part[-1] if part else 0
    return found


def _is_identifier(text: str) -> bool:
    try:
        parse_identifier(text)
    except MalformedInput:
        return False
    return True
