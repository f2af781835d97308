"""Values of PDF (ISO 32000-2 §7.3), read strictly: one meaning, no comments, no name or key twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

MAX_DEPTH = 24
_SPACE = re.compile(rb"[ \n\r\t]*")
_NUMBER = re.compile(rb"[+-]?(?:[0-9]{1,10}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(?![^ \n\r\t\[\]<>/()])")
_REFERENCE = re.compile(rb"([1-9][0-9]{0,6}) 0 R(?![^ \n\r\t\[\]<>/()])")
_NAME = re.compile(rb"/([!-\"$&'*-.0-;=?-Z\\^-z|~#]{1,127})(?![^ \n\r\t\[\]<>/()])")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_HEX = re.compile(rb"<([0-9A-Fa-f]*)>")
_WORD = re.compile(rb"(true|false|null)(?![^ \n\r\t\[\]<>/()])")
_WORDS = {b"true": True, b"false": False, b"null": None}
_OCTAL = re.compile(rb"[0-7]{3}")
_LETTERS = {0x6E: 10, 0x72: 13, 0x74: 9, 0x62: 8, 0x66: 12, 0x28: 0x28, 0x29: 0x29, 0x5C: 0x5C}


@dataclass(frozen=True, slots=True)
class Name:
    """A name, its escapes resolved."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to an object."""

    number: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written."""

    text: bytes


Dictionary = dict[bytes, Any]
"""Keys without the stroke."""


class Values:
    """Reads values from ``data``, one after another."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def space(self) -> None:
        """Pass over white space."""
        found = _SPACE.match(self._data, self.at)
        assert found is not None  # it may be empty
        self.at = found.end()

    def take(self, token: bytes) -> bool:
        """Whether ``token`` stands here; then it is passed."""
        if self._data.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def value(self, depth: int = 0) -> Any:
        """The next value. Raises ``MalformedInput``."""
        if depth > MAX_DEPTH:
            raise MalformedInput(f"the PDF nests values deeper than {MAX_DEPTH}")
        self.space()
        if self.take(b"<<"):
            return self._dictionary(depth)
        if self.take(b"["):
            return self._array(depth)
        if self.take(b"("):
            return self._literal()
        return self._simple()

    def _simple(self) -> Any:
        for pattern, make in (
            (_REFERENCE, lambda found: Ref(int(found[1]))),
            (_NUMBER, lambda found: Number(found[0])),
            (_NAME, lambda found: Name(unescaped(found[1]))),
            (_HEX, lambda found: bytes.fromhex(found[1].decode("ascii") + "0" * (len(found[1]) % 2))),
            (_WORD, lambda found: _WORDS[found[1]]),
        ):
            if found := pattern.match(self._data, self.at):
                self.at = found.end()
                return make(found)
        raise MalformedInput(f"the PDF holds no value at byte {self.at}")

    def _dictionary(self, depth: int) -> Dictionary:
        found: Dictionary = {}
        while True:
            self.space()
            if self.take(b">>"):
                return found
            key = self._simple()
            if not isinstance(key, Name) or key.text in found:
                raise MalformedInput(f"a dictionary of the PDF has a key that is no name, or one twice, at {self.at}")
            found[key.text] = self.value(depth + 1)

    def _array(self, depth: int) -> tuple[Any, ...]:
        found: list[Any] = []
        while True:
            self.space()
            if self.take(b"]"):
                return tuple(found)
            found.append(self.value(depth + 1))

    def _literal(self) -> bytes:
        """A string in parentheses; none inside it but escaped ones."""
        out = bytearray()
        while self.at < len(self._data):
            byte = self._data[self.at]
            self.at += 1
            if byte == 0x29:
                return bytes(out)
            if byte == 0x28:
                break
            if byte == 0x5C:
                byte = self._escape()
            elif byte == 0x0D:  # every end of a line that is not escaped says LF (ISO 32000-2 7.3.4.2)
                self.take(b"\n")
                byte = 0x0A
            out.append(byte)
        raise MalformedInput(f"a string of the PDF does not end, or holds a bare parenthesis, before byte {self.at}")

    def _escape(self) -> int:
        if found := _OCTAL.match(self._data, self.at):
            self.at += 3
            return int(found[0], 8) & 0xFF
        letter = self._data[self.at] if self.at < len(self._data) else 0
        self.at += 1
        if letter not in _LETTERS:
            raise MalformedInput(f"a string of the PDF has an unknown escape at byte {self.at}")
        return _LETTERS[letter]


def unescaped(name: bytes) -> bytes:
    """A name with ``#2F`` and the like resolved. Raises ``MalformedInput`` for a stray ``#``, and for ``#00``.

    No name holds a zero (ISO 32000-2 7.3.5). To a reader in C it ends there, and ``/OpenAction#00`` is ``/OpenAction``.
    """
    escapes = _ESCAPED.findall(name)
    if name.count(b"#") != len(escapes) or b"00" in escapes:
        raise MalformedInput("a name of the PDF has an escape that is none")
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), name)


def named(value: Any) -> Iterator[int]:
    """The number of an object each time that a value names it."""
    if isinstance(value, Ref):
        yield value.number
    if isinstance(value, dict):
        value = tuple(value.values())
    for one in value if isinstance(value, tuple) else ():
        yield from named(one)


def keys_of(value: Any) -> set[bytes]:
    """Every key of every dictionary in a value."""
    return set().union(*dictionaries(value))


def dictionaries(value: Any) -> Iterator[Dictionary]:
    """Every dictionary in a value."""
    if isinstance(value, dict):
        yield value
        value = tuple(value.values())
    for one in value if isinstance(value, tuple) else ():
        yield from dictionaries(one)
