"""Which subjects an entry names: what an index needs, and what a bundle must bring along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tallystick.errors import MalformedInput
from tallystick.identifiers import parse_identifier
from tallystick.schema import write
from tallystick.statement import Statement


def references(statement: Statement) -> frozenset[str]:
    """Every identifier in the statement: issuer, subject, party recorded for, and all that its body names."""
    return frozenset(
        found for text in _texts([statement.issuer, write(statement.event)]) for found in _identifier(text)
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _identifier(text: str) -> tuple[str, ...]:
    # The cheap test first: this runs for every text of every entry.
    if not text.startswith("10.") or "/" not in text:
        return ()
    try:
        return (parse_identifier(text),)
    except MalformedInput:
        return ()
