"""Numbers of certificates by the registrar's own scheme: each given once, in order, by the log itself.

The log refuses a number that was used, in the transaction that gives a position. So whoever records the lowest free
number has it, and whoever comes second takes the next: no counter stands beside the log, nothing is lost when a process
dies, and no number is passed over.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ledger.store import Reads
from tallystick.admission.state import number_key
from tallystick.errors import MalformedInput

_FIELDS = {"year", "kind", "seq"}
_WIDTH = re.compile(r"0[1-9]|01[0-2]|")
_CATEGORY = re.compile(r"[A-Z0-9]{1,8}", re.ASCII)
MAX_SEQUENCE = 10**12


class Numbering:
    """A template such as ``沪作登字-{year}-{kind}-{seq:08}``; each text of it but for ``seq`` is counted from 1.

    ``zone``: of the registrar; by it the year changes.
    """

    def __init__(self, template: str, zone: str, clock: Callable[[], int]) -> None:
        """Raises ``MalformedInput`` for a template or zone that cannot be."""
        self._template = template
        self._clock = clock
        self._known: dict[str, int] = {}
        try:
            parts = list(string.Formatter().parse(template))
            self._zone = ZoneInfo(zone)
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise MalformedInput(f"certificate numbers {template[:80]!r} in zone {zone[:40]!r}: {error}") from None
        names = [name for _, name, _, _ in parts if name is not None]
        wrong = [form for _, name, form, turn in parts if name and (turn or not _WIDTH.fullmatch(form or ""))]
        widths = [form for _, name, form, _ in parts if name not in (None, "seq") and form]
        if names.count("seq") != 1 or not set(names) <= _FIELDS or len(set(names)) != len(names) or wrong or widths:
            raise MalformedInput(
                f"certificate numbers {template[:80]!r}: expected a text with {{seq}} or {{seq:08}} once, "
                "and {year} and {kind} at most once"
            )
        self._by_kind = "kind" in names
        found = "".join(re.escape(text) + (_SHAPES[name] if name else "") for text, name, _, _ in parts)
        self._shape = re.compile(found)

    def belongs(self, number: str) -> bool:
        """Whether a number is one that the sequence gives."""
        return self._shape.fullmatch(number) is not None

    def lowest_free(self, reads: Reads, category: str) -> str:
        """The number to try next. Raises ``MalformedInput`` where the template asks for a kind that is not given."""
        if self._by_kind and not _CATEGORY.fullmatch(category):
            raise MalformedInput("the number has a code of the kind: 1 to 8 of A-Z and 0-9, such as I")
        year = datetime.fromtimestamp(self._clock(), UTC).astimezone(self._zone).year

        def at(sequence: int) -> str:
            return self._template.format(year=year, kind=category, seq=sequence)

        def used(sequence: int) -> bool:
            return reads.get(number_key(at(sequence))) is not None

        series, low, step = at(0), self._known.get(at(0), 0), 1
        while used(low + step):
            low, step = low + step, step * 2
            if low > MAX_SEQUENCE:
                raise MalformedInput(f"the sequence {series} is used up")
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if used(middle) else (low, middle)
        self._known[series] = low
        return at(high)


_SHAPES = {"year": "[0-9]{4}", "kind": "[A-Z0-9]{1,8}", "seq": "[0-9]+"}
