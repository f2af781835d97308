"""Which subjects an entry names: what an index needs, and what a bundle must bring along."""

from __future__ import annotations

import re

from tallystick.errors import MalformedInput
from tallystick.identifiers import parse_identifier
from tallystick.statement import Statement

# A value (no key of an event can look like this) that is a whole text without escapes. In canonical JSON a quote after
# one of these three opens a text: inside a text it would have a backslash before it, and "10." follows no closing one.
_CANDIDATE = re.compile(rb'"(?<=[:,\[]")(10\.[^"\\/]*/[^"\\]*)"')


def references(statement: Statement) -> frozenset[str]:
    """Every identifier in the statement: issuer, subject, party recorded for, and all that its body names."""
    named = {statement.issuer, *(text.decode() for text in _CANDIDATE.findall(statement.parts.payload))}
    return frozenset(text for text in named if _is_identifier(text))


def _is_identifier(text: str) -> bool:
    try:
        parse_identifier(text)
    except MalformedInput:
        return False
    return True
