"""Days as a registrar writes them: a text that reads as a day of the calendar is one."""

from __future__ import annotations

import re
from datetime import date

from tallystick.errors import MalformedInput

_DAY = re.compile(r"\s*(\d{4})\s*[-/.年]\s*(\d{1,2})\s*(?:月|(?:[-/.月]\s*(\d{1,2})\s*日?))?\s*", re.ASCII)


def check_day(text: str) -> None:
    """Raise ``MalformedInput`` for a day that no calendar has, such as 2026-02-30; any other text is left as it is."""
    found = _DAY.fullmatch(text)
    if found is None:
        return
    year, month, day = int(found[1]), int(found[2]), int(found[3] or 1)
    try:
        date(year, month, day)
    except ValueError:
        raise MalformedInput(f"{text!r} is no day of the calendar: compare it with the application") from None
