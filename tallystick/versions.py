"""A later version of a format is no fault of the bytes: the reader says which program it needs."""

from __future__ import annotations

from typing import Any

from tallystick.errors import MalformedInput


class UnknownVersion(MalformedInput):
    """A later version of the format: nothing is wrong with the bytes, and nothing is proved by them here."""


def check_version(value: Any, what: str, *known: int) -> None:
    """Raise ``UnknownVersion`` for a JSON object whose ``v`` is another number; whatever else ``v`` is, ``read`` says.

    Comes before any other check: a later version may have other fields.
    """
    if isinstance(value, dict) and type(value.get("v")) is int and value["v"] not in known:
        *first, last = map(str, known)
        knows = f"versions {', '.join(first)} and {last}" if first else f"version {last}"
        raise UnknownVersion(f"{what} version {value['v']}; this program knows {knows}: install a newer one")


def require_version(value: Any, what: str, *known: int) -> None:
    """As ``check_version``, for an object that no record reads: ``v`` is there, and an integer."""
    check_version(value, what, *known)
    if not isinstance(value, dict) or type(value.get("v")) is not int:
        raise MalformedInput(f"{what}: expected an object with an integer v")
