"""How a record of the schema reads in a document: a line for each field, with its form.

The limits are taken out of the rules themselves, so that a table of a document is compared with what is enforced.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from tallystick.digests import DigestPair
from tallystick.events.log import AnchorTarget
from tallystick.events.objects import CONTENT
from tallystick.fork import ForkEvidence
from tallystick.identifiers import Letter
from tallystick.keys import KeyText
from tallystick.schema import HEX20, HEX32, NAME, TIME, WORD, Rule

NAMED = {DigestPair: "digest pair", KeyText: "key", AnchorTarget: "anchor target", ForkEvidence: "fork evidence"}
RULES = {
    id(HEX20): "hex, 20 bytes",
    id(HEX32): "hex, 32 bytes",
    id(NAME): "name",
    id(TIME): "time",
    id(WORD): "word",
    id(CONTENT): "digest record",
}
SCALARS = {str: "text", int: "integer", bool: "true or false"}


def rows(cls: type[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(field, form) of each field, those of records inside it under their dotted names; `?` marks optional ones."""
    hints = get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        optional = field.default is None
        name = f"{prefix}{field.name}{'?' if optional else ''}"
        form, inner = _form(hints[field.name])
        yield name, form
        if inner is not None:
            yield from rows(inner, f"{prefix}{field.name}{'[]' if form.startswith('list') else ''}.")


def _form(hint: Any) -> tuple[str, type[Any] | None]:
    """What may stand there, and the record whose fields are told apart."""
    rules: list[Rule] = []
    if get_origin(hint) is Annotated:
        hint, *rules = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (option for option in get_args(hint) if option is not type(None))
        return _form(Annotated[inner, *rules] if rules else inner)
    if get_origin(hint) is Literal:
        return " ".join(f"`{option}`" for option in get_args(hint)), None
    if get_origin(hint) is tuple:
        return _list(get_args(hint)[0], rules)
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return (NAMED[hint], None) if hint in NAMED else ("record", hint)
    return ", ".join(filter(None, (_rule(rule) for rule in rules))) or SCALARS[hint], None


def _list(item: Any, rules: list[Rule]) -> tuple[str, type[Any] | None]:
    form, inner = _form(item)
    (count,) = rules
    return f"list of {_span(count)}: {form}", inner


def _rule(rule: Rule) -> str:
    """A rule in words."""
    if id(rule) in RULES:
        return RULES[id(rule)]
    limits = inspect.getclosurevars(rule.check).nonlocals  # type: ignore[arg-type]
    if rule.what == "an identifier":
        return f"identifier {Letter(limits['letter']).value}" if limits["letter"] else "identifier"
    if rule.what == "base64":
        return f"base64, ≤ {limits['most']} bytes"
    if "longest" in limits:
        return f"text, {limits['shortest']}–{limits['longest']}"
    if "most" in limits:
        return _span(rule)
    if "matches" in limits:
        return f"`{limits['matches'].__self__.pattern.replace('|', chr(92) + '|')}`"
    return ""


def _span(rule: Rule) -> str:
    limits = inspect.getclosurevars(rule.check).nonlocals  # type: ignore[arg-type]
    least, most = limits["least"], limits["most"]
    return f"{least}–{'2^53−1' if most == (1 << 53) - 1 else most}" if least != most else str(most)
