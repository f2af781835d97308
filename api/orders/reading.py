"""An order is read licence by licence: whatever its megabytes say, the values of one are held at a time.

Values take up to twenty times their bytes of memory. So the outer object is walked here, and each licence is decoded
when it is asked for.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from tallystick import canonical
from tallystick.errors import MalformedInput
from tallystick.schema import FieldError

MAX_VALUE_BYTES = 1 << 20
"""Of one licence."""
MAX_MEMBERS, MAX_MEMBER_BYTES = 16, 1 << 16
"""Members beside the licences, and bytes of each: these are held together, whether or not anybody knows their names."""
_WINDOWS = (1 << 11, 1 << 14, MAX_MEMBER_BYTES, 1 << 18, MAX_VALUE_BYTES)
"""Bytes that are looked at for the end of a value, one after the other: most values are short."""
_SPACE = re.compile(rb"[ \t\n\r]*")
_FIND_END = json.JSONDecoder().raw_decode


class OrderText:
    """``members``: the object's but ``items``, of which ``values`` are read later, and once."""

    def __init__(self, data: bytes, items: str, most: int) -> None:
        """Walk through it once. Raises ``MalformedInput`` for what is no object, ``FieldError`` for too many items."""
        self._data, self._at = data, 0
        self._name, self._most = items, most
        self.members: dict[str, Any] = {}
        self._items: int | None = None
        self._walk()

    def _walk(self) -> None:
        self._expect(b"{", "expected an object")
        while not self._follows(b"}"):
            if self.members or self.has_items:
                self._expect(b",", "expected a comma or the end of the object")
            name = self._value()
            self._expect(b":", "expected a colon after a name")
            if not isinstance(name, str) or name in self.members or (name == self._name and self.has_items):
                raise MalformedInput(f"{str(name)[:60]!r} is no name, or stands twice")
            if len(self.members) == MAX_MEMBERS:
                raise MalformedInput(f"the object has more than {MAX_MEMBERS} members")
            if name == self._name and self._follows(b"["):
                self._items = self._at
                for number, _ in enumerate(self._spans(), 1):
                    if number > self._most:
                        raise FieldError(self._name, f"expected at most {self._most} items")
            else:
                self.members[name] = self._value()
        if self._after_space() != len(self._data):
            raise MalformedInput("not JSON: something follows the object")

    @property
    def has_items(self) -> bool:
        """Whether there is a list of them."""
        return self._items is not None

    def values(self) -> Iterator[Any]:
        """The items, one after another."""
        if self._items is not None:
            self._at = self._items
            for start, end in self._spans():
                yield canonical.decode_relaxed(self._data[start:end], MAX_VALUE_BYTES)

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Where each item stands, in a list whose bracket was passed; its end is passed when this ends."""
        first = True
        while not self._follows(b"]"):
            if not first:
                self._expect(b",", "expected a comma or the end of the list")
            first, start = False, self._after_space()
            yield start, self._end_of_value(MAX_VALUE_BYTES)

    def _value(self) -> Any:
        start = self._after_space()
        return canonical.decode_relaxed(self._data[start : self._end_of_value(MAX_MEMBER_BYTES)], MAX_MEMBER_BYTES)

    def _end_of_value(self, most: int) -> int:
        """Behind the value that stands here, of at most so many bytes."""
        start, problem = self._after_space(), "expected a value"
        for window in (one for one in _WINDOWS if one <= most):
            try:
                piece = self._data[start : start + window]
                canonical.check_nesting(piece)  # however far the process lets Python recurse
                text, _ = codecs.utf_8_decode(piece, "strict", False)
                _, end = _FIND_END(text)
            except ValueError as error:
                problem = str(error)
                continue
            self._at = start + len(text[:end].encode())
            return self._at
        more = f", or a value has more than {most} bytes" if start + most < len(self._data) else ""
        raise MalformedInput(f"not JSON: {problem} (from byte {start}){more}")

    def _after_space(self) -> int:
        found = _SPACE.match(self._data, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _follows(self, mark: bytes) -> bool:
        """Whether this comes next; if so, it is passed."""
        at = self._after_space()
        if self._data[at : at + 1] != mark:
            return False
        self._at = at + 1
        return True

    def _expect(self, mark: bytes, problem: str) -> None:
        if not self._follows(mark):
            raise MalformedInput(f"not JSON: {problem} (at byte {self._at})")
