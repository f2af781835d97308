"""Readers of records as code: what ``tallystick.schema`` does field by field, written out for one kind of record.

Written once a kind was read often, from the same annotations and rules. Such a reader takes what is good in every
respect and says nothing of anything else: that is read again the slower way, which knows what is wrong and where.
A maker looks at nothing: it is for a value that was read before, in this process or in another.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from tallystick import schema
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import is_record

_PLAIN = (str, int, bool)


def write_reader(cls: Any, hint: Callable[[str], Any], required: Collection[str]) -> Callable[[Any], Any]:
    """Of the record ``cls``; it gives ``None`` for what is not good. ``hint``: the annotation of a field."""
    code = _read_fields(cls, hint, required)
    fields, places = cls.__annotations__, _places(cls)
    code.add(1, "found = {" + ", ".join(f"{name!r}: {places[name]}" for name in fields if name in required) + "}")
    for name in fields:
        if name not in required:
            code.add(1, f"if {places[name]} is not absent: found[{name!r}] = {places[name]}")
    # Each field that is known was looked at: where there are more, one is unknown.
    code.add(1, "if len(found) != len(value): return None")
    code.add(1, "made = new(cls)")
    code.add(1, "give(made, '__dict__', found)")
    code.add(1, "return made")
    return code.made()


def write_check(cls: Any, hint: Callable[[str], Any], required: Collection[str]) -> Callable[[Any], Any]:
    """As ``write_reader``, for who wants no record: it gives ``True`` for what is good."""
    code, places = _read_fields(cls, hint, required), _places(cls)
    count = " + ".join(
        [str(len(required)), *(f"({places[name]} is not absent)" for name in places if name not in required)]
    )
    code.add(1, f"return True if len(value) == {count} else None")
    return code.made()


def _places(cls: Any) -> dict[str, str]:
    return {name: f"_{at}" for at, name in enumerate(cls.__annotations__)}


def _read_fields(cls: Any, hint: Callable[[str], Any], required: Collection[str]) -> _Code:
    """As far as each field is read, and nothing made of them."""
    code = _Code(cls)
    code.add(0, "def read(value):")
    code.add(1, "if type(value) is not dict: return None")
    code.add(1, "get = value.get")
    code.add(1, "try:")
    for name, place in _places(cls).items():
        code.add(2, f"{place} = get({name!r}, absent)")
        if name not in required:
            code.add(2, f"if {place} is not absent:")
        code.field(3 if name not in required else 2, place, hint(name))
    code.add(1, "except wrong: return None")
    return code


_makers: dict[Any, Callable[[dict[str, Any]], Any]] = {}


def maker(cls: Any) -> Callable[[dict[str, Any]], Any]:
    """Makes the record ``cls`` of a value that was read as one before: nothing of it is looked at again.

    The value becomes the record: it must be nobody else's.
    """
    return _makers.get(cls) or _makers.setdefault(cls, _write_maker(cls))


def _write_maker(cls: Any) -> Callable[[dict[str, Any]], Any]:
    code, fields = _Code(cls), schema._Fields(cls)
    code.add(0, "def read(value):")
    for name in fields.hints:
        changed = code.changed(f"value[{name!r}]", fields.hint(name))
        if changed is not None:
            where = "" if name in fields.required else f"if {name!r} in value: "
            code.add(1, f"{where}value[{name!r}] = {changed}")
    code.add(1, "made = new(cls)")
    code.add(1, "give(made, '__dict__', value)")
    code.add(1, "return made")
    return code.made()


class _Code:
    """Lines of code, and what they call by name."""

    def __init__(self, cls: Any) -> None:
        self._lines: list[str] = []
        self._names: dict[str, Any] = {
            "absent": object(),
            "wrong": (MalformedInput, schema._Fault),
            "new": object.__new__,
            "give": object.__setattr__,
            "cls": cls,
        }

    def add(self, depth: int, line: str) -> None:
        self._lines.append(" " * depth + line)

    def made(self) -> Callable[[Any], Any]:
        exec("\n".join(self._lines), self._names)
        read: Callable[[Any], Any] = self._names["read"]
        return read

    def _named(self, value: Any) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = value
        return name

    def field(self, depth: int, place: str, hint: Any) -> None:
        """Leave at ``place`` what a field of this annotation becomes, or return."""
        origin = get_origin(hint)
        if origin is Annotated:
            base, *rules = get_args(hint)
            self.field(depth, place, base)
            for rule in rules:
                self._rule(depth, place, rule)
        elif origin in (Union, types.UnionType):
            (inner,) = (option for option in get_args(hint) if option is not type(None))
            self.field(depth, place, inner)
        elif origin is Literal and len(kinds := {type(option) for option in get_args(hint)}) == 1:
            self._plain(depth, place, *kinds)
            self.add(depth, f"if {place} not in {self._named(frozenset(get_args(hint)))}: return None")
        elif origin is tuple:
            self._list(depth, place, get_args(hint)[0])
        elif hint in _PLAIN:
            self._plain(depth, place, hint)
        elif hint is Any:
            # Of all others absence is no value.
            self.add(depth, f"if {place} is absent: return None")
        else:
            decoder = schema._decoder(hint) if is_record(hint) else schema._field(hint)
            # What is inside was read as often as this.
            known = schema._written.get(hint) if is_record(hint) else None
            self.add(depth, f"{place} = {self._named(known or decoder)}({place})")
            if known:
                self.add(depth, f"if {place} is None: return None")

    def changed(self, place: str, hint: Any) -> str | None:
        """What a good value at ``place`` becomes, where that is something else."""
        origin = get_origin(hint)
        if origin is Annotated or origin in (Union, types.UnionType):
            # The record or the list comes first, before rules and ``None``.
            return self.changed(place, get_args(hint)[0])
        if is_record(hint):
            return f"{self._named(maker(hint))}({place})"
        if origin is tuple:
            inner = self.changed("one", get_args(hint)[0])
            return f"tuple({place})" if inner is None else f"tuple([{inner} for one in {place}])"
        if origin is dict:
            inner = self.changed("one", get_args(hint)[1])
            return None if inner is None else f"{{key: {inner} for key, one in {place}.items()}}"
        return None

    def _plain(self, depth: int, place: str, kind: type[Any]) -> None:
        self.add(depth, f"if type({place}) is not {kind.__name__}: return None")

    def _rule(self, depth: int, place: str, rule: schema.Rule) -> None:
        check = f"{self._named(rule.check)}({place})"
        if rule.code is not None:
            self.add(depth, f"if not ({rule.code.format(place)}): {check}")
        elif rule.holds is not None:
            self.add(depth, f"if not {self._named(rule.holds)}({place}): {check}")
        else:
            self.add(depth, check)

    def _list(self, depth: int, place: str, inner: Any) -> None:
        found, item = f"{place}f", f"{place}i"
        self.add(depth, f"if type({place}) is not list: return None")
        self.add(depth, f"{found} = []")
        self.add(depth, f"for {item} in {place}:")
        self.field(depth + 1, item, inner)
        self.add(depth + 1, f"{found}.append({item})")
        self.add(depth, f"{place} = tuple({found})")
