"""Instants in signed and hashed values: RFC 3339, UTC, whole seconds, exactly ``YYYY-MM-DDTHH:MM:SSZ``.

One form per instant, so that text order is time order. Nothing here knows what time it is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType

from tallystick.errors import MalformedInput

UnixSeconds = NewType("UnixSeconds", int)

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
_NUMBERS = re.compile(r"[0-9]+", re.ASCII)
_LAST = 253402300799  # 9999-12-31T23:59:59Z


# The events of a batch have few instants, and each is read several times.
@lru_cache(maxsize=4096)
def parse_time(text: str) -> UnixSeconds:
    """Seconds since 1970-01-01T00:00:00Z. Raises ``MalformedInput`` for another form or no date."""
    if not _FORM.fullmatch(text):
        raise MalformedInput(f"{text[:40]!r} is not a time of the form 2026-01-31T12:00:00Z")
    try:
        # strptime takes five times as long, and ISO parsers of Python versions differ about hour 24.
        year, month, day, hour, minute, second = map(int, _NUMBERS.findall(text))
        return UnixSeconds(int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()))
    except ValueError as error:
        raise MalformedInput(f"{text!r} is not a time: {error}") from None


@lru_cache(maxsize=4096)
def format_time(seconds: int) -> str:
    """The one text of an instant. Raises ``MalformedInput`` outside the years 0001 to 9999."""
    if not -62135596800 <= seconds <= _LAST:
        raise MalformedInput(f"{seconds} is outside the years 0001 to 9999")
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
