"""The plain walk through an event that ``tallystick.references`` must agree with: an oracle, slow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tallystick.errors import MalformedInput
from tallystick.identifiers import parse_identifier
from tallystick.schema import write
from tallystick.statement import Statement


def references(statement: Statement) -> frozenset[str]:
    """Every identifier among the texts of the statement."""
    return frozenset(text for text in _texts([statement.issuer, write(statement.event)]) if _is_identifier(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _is_identifier(text: str) -> bool:
    try:
        parse_identifier(text)
    except MalformedInput:
        return False
    return True
