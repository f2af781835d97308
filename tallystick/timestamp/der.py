"""Distinguished Encoding Rules (ITU-T X.690 §10), as far as timestamp tokens and certificates need them.

A length is definite and of the fewest bytes, a tag is of one byte, an integer or object identifier has no needless
byte: what BER leaves open is malformed here.
"""

from __future__ import annotations

from collections.abc import Iterator

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8, GENERALIZED_TIME, SEQUENCE, SET = 0x0C, 0x18, 0x30, 0x31
_MAX_OID_BYTES = 64
_DEEPEST = 32
_ENUMERATED, _RELATIVE_OID, _CONSTRUCTED, _CLASS, _NUMBER = 0x0A, 0x0D, 0x20, 0xC0, 0x1F
_OF_PARTS = frozenset({0x08, 0x0B, 0x10, 0x11, 0x1D})
"""Universal types made of values: EXTERNAL, EMBEDDED PDV, SEQUENCE, SET, CHARACTER STRING; DER has no others so."""


def context(number: int, *, constructed: bool = True) -> int:
    """The tag ``[number]``."""
    return (0xA0 if constructed else 0x80) | number


@dataclass(frozen=True, slots=True)
class Element:
    """One value: its tag, its content, and all of its bytes."""

    tag: int
    content: bytes
    whole: bytes


class Fields:
    """The values inside ``data``, taken one after another. ``what`` names them in errors."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._at = 0
        self._what = what

    def take(self, tag: int, name: str) -> Element:
        """The next value, which must have this tag. Raises ``MalformedInput``."""
        found = self.maybe(tag)
        if found is None:
            raise MalformedInput(f"{self._what}: {name} is missing, or something stands in its place")
        return found

    def maybe(self, tag: int) -> Element | None:
        """The next value if it has this tag. Raises ``MalformedInput`` when what stands there is no value."""
        if self._at < len(self._data) and self._data[self._at] == tag:
            return self.next()
        return None

    def next(self) -> Element:
        """The next value, whatever it is. Raises ``MalformedInput``."""
        found, self._at = _element(self._data, self._at, self._what)
        return found

    @property
    def more(self) -> bool:
        """Whether values are left."""
        return self._at < len(self._data)

    def end(self) -> None:
        """Raise ``MalformedInput`` if anything is left."""
        if self.more:
            raise MalformedInput(f"{self._what}: {len(self._data) - self._at} bytes more than its fields")


def single(data: bytes, tag: int, what: str) -> Element:
    """The one value that ``data`` is. Raises ``MalformedInput``."""
    fields = Fields(data, what)
    found = fields.take(tag, "the whole of it")
    fields.end()
    return found


def members(data: bytes, what: str, most: int) -> Iterator[Element]:
    """The values inside a SEQUENCE OF or SET OF, at most ``most``. Raises ``MalformedInput``."""
    fields = Fields(data, what)
    for _ in range(most):
        if not fields.more:
            return
        yield fields.next()
    fields.end()


def _element(data: bytes, at: int, what: str) -> tuple[Element, int]:
    try:
        tag, first = data[at], data[at + 1]
        start = at + 2
        if first < 0x80:
            length = first
        else:
            count = first & 0x7F
            length = int.from_bytes(data[start : start + count], "big")
            if not 1 <= count <= 3 or length < 0x80 or length >> (8 * count - 8) == 0:
                raise MalformedInput(f"{what}: a length is not in its one form (DER)")
            start += count
    except IndexError:
        raise MalformedInput(f"{what}: it ends inside a value") from None
    if tag & 0x1F == 0x1F:
        raise MalformedInput(f"{what}: a tag of several bytes is not known here")
    end = start + length
    if end > len(data):
        raise MalformedInput(f"{what}: a value is said to be longer than what holds it")
    return Element(tag, data[start:end], data[at:end]), end


def integer(content: bytes, what: str, most_bytes: int = 21) -> int:
    """A two's complement integer in the fewest bytes. Raises ``MalformedInput``."""
    needless = len(content) > 1 and content[0] == (0xFF if content[1] & 0x80 else 0)
    if not 1 <= len(content) <= most_bytes or needless:
        raise MalformedInput(f"{what} is not an integer of at most {most_bytes} bytes in its one form (DER)")
    return int.from_bytes(content, "big", signed=True)


def truth(content: bytes, what: str) -> bool:
    """A BOOLEAN that may be left out when false, and so is always true. Raises ``MalformedInput``."""
    if content != b"\xff":
        raise MalformedInput(f"{what} is not in its one form (DER): true is FF, false is left out")
    return True


def oid(content: bytes, what: str) -> str:
    """An object identifier in dotted form. Raises ``MalformedInput``."""
    arcs: list[int] = []
    value, begun = 0, False
    for byte in content[:_MAX_OID_BYTES]:
        if not begun and byte == 0x80:
            break
        value, begun = value << 7 | byte & 0x7F, bool(byte & 0x80)
        if not begun:
            arcs.append(value)
            value = 0
    else:
        if arcs and not begun and len(content) <= _MAX_OID_BYTES:
            first = min(arcs[0] // 40, 2)
            return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
    raise MalformedInput(f"{what} is not an object identifier in its one form (DER)")


def require_form(value: Element, inside: int, what: str) -> None:
    """That what nobody reads is DER too (docs/evidence/timestamps.md §2). ``inside``: values around it.

    Raises ``MalformedInput``.
    """
    waiting = [(value, inside)]
    while waiting:
        one, depth = waiting.pop()
        if depth > _DEEPEST:
            raise MalformedInput(f"{what}: values stand in more than {_DEEPEST} others")
        if not one.tag & _CLASS:
            _require_universal(one, what)
        if one.tag & _CONSTRUCTED:
            fields = Fields(one.content, what)
            while fields.more:
                waiting.append((fields.next(), depth + 1))


def _require_universal(one: Element, what: str) -> None:
    number, content = one.tag & _NUMBER, one.content
    if number == 0 or bool(one.tag & _CONSTRUCTED) != (number in _OF_PARTS):
        raise MalformedInput(f"{what}: a value of type {number} is not in its one form (DER)")
    if number in (INTEGER, _ENUMERATED):
        integer(content, what, most_bytes=len(content))
    elif number == BOOLEAN and content not in (b"\x00", b"\xff"):
        raise MalformedInput(f"{what}: a truth value is not in its one form (DER)")
    elif number == NULL and content:
        raise MalformedInput(f"{what}: a NULL is empty")
    elif number in (OID, _RELATIVE_OID) and (not content or content[-1] & 0x80 or _is_needless(content)):
        raise MalformedInput(f"{what}: an object identifier is not in its one form (DER)")
    elif number == BIT_STRING and not _is_bits(content):
        raise MalformedInput(f"{what}: a bit string is not in its one form (DER)")


def _is_needless(content: bytes) -> bool:
    """Whether an arc of an object identifier begins with a byte that says nothing."""
    return any(byte == 0x80 and (at == 0 or not content[at - 1] & 0x80) for at, byte in enumerate(content))


def _is_bits(content: bytes) -> bool:
    """Unused bits: at most seven, which are zeros."""
    unused = content[0] if content else 8
    last = content[-1] if len(content) > 1 else 0
    return unused <= 7 and (len(content) > 1 or unused == 0) and not last & (1 << unused) - 1
