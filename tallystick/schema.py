"""Strict records: frozen dataclasses that read from and write to JSON values by their annotations.

A record refuses unknown fields, missing fields and wrong types, and its errors
name the field, what was found and what was expected. A field whose default is
``None`` is optional and, when ``None``, absent from the JSON: one meaning, one form.
Used for everything that is hashed or signed; no third-party model library, so
that the verifier stays small.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar, Union, dataclass_transform, get_args, get_origin

from tallystick.base64s import from_base64
from tallystick.errors import MalformedInput
from tallystick.identifiers import Letter, is_known, parse_identifier
from tallystick.lazy_dataclass import dataclass, is_record
from tallystick.times import parse_time
from tallystick.versions import UnknownVersion

T = TypeVar("T")
Decoder = Callable[[Any], Any]
"""Raises ``_Fault``."""

_decoders: dict[Any, Decoder] = {}
_written: dict[Any, Callable[[Any], Any]] = {}
_checks: dict[Any, Callable[[Any], Any]] = {}
OFTEN = 100
"""Records of a kind are read by code of their own from then on; to write it takes as long as to read fifty."""


class FieldError(MalformedInput):
    """A field of a record is not as its schema demands. ``field`` is its path, such as ``body.content.bytes``."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = problem


@dataclass(frozen=True)
class Rule:
    """A constraint on one value; ``check`` raises ``MalformedInput``.

    ``holds``: something quicker that is true of most values that ``check`` passes, and of no other; ``code``: the same
    as an expression of ``{0}``, the value, for readers that are written out.
    """

    what: str
    check: Callable[[Any], object]
    holds: Callable[[Any], object] | None = None
    code: str | None = None


def matching(pattern: str, what: str) -> Rule:
    """Text that the whole of ``pattern`` matches."""
    matches = re.compile(pattern, re.ASCII).fullmatch

    def check(text: str) -> None:
        if not matches(text):
            raise MalformedInput(f"expected {what}, found {text[:60]!r}")

    return Rule(what, check, matches)


# Control characters (C0, DEL, C1), line separators, and what turns the direction of the text around it: on a
# terminal or page they make a report say what its author did not. A fixed list, the same in every Unicode version.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def check_visible(value: str) -> None:
    """Raise ``MalformedInput`` when ``value`` holds a character that changes how the text around it is shown."""
    found = _UNSEEN.search(value)
    if found:
        raise MalformedInput(f"holds a control character (U+{ord(found[0]):04X})")


def text(longest: int, shortest: int = 1) -> Rule:
    """Text of ``shortest`` to ``longest`` characters, none of them a control (``check_visible``)."""

    def check(value: str) -> None:
        if not shortest <= len(value) <= longest:
            raise MalformedInput(f"expected {shortest} to {longest} characters, found {len(value)}")
        check_visible(value)

    # What changes how text is shown is itself nothing to be shown, in every version of Unicode.
    return Rule(
        f"text of at most {longest} characters",
        check,
        code=f"{shortest:d} <= len({{0}}) <= {longest:d} and {{0}}.isprintable()",
    )


def between(least: int, most: int) -> Rule:
    """An integer in a closed range."""

    def check(value: int) -> None:
        if not least <= value <= most:
            raise MalformedInput(f"expected {least} to {most}, found {value}")

    return Rule(f"{least} to {most}", check, code=f"{least:d} <= {{0}} <= {most:d}")


def items(most: int, least: int = 0) -> Rule:
    """A list or mapping with so many members."""

    def check(value: Any) -> None:
        if not least <= len(value) <= most:
            raise MalformedInput(f"expected {least} to {most} items, found {len(value)}")

    return Rule(f"{least} to {most} items", check, code=f"{least:d} <= len({{0}}) <= {most:d}")


def identifier(letter: Letter | None = None) -> Rule:
    """An identifier of the given type."""
    return Rule("an identifier", lambda value: parse_identifier(value, letter), lambda value: is_known(value, letter))


def base64_bytes(most: int) -> Rule:
    """Canonical base64 of at most ``most`` bytes."""

    def check(value: str) -> None:
        if len(value) > (most + 2) // 3 * 4:
            raise MalformedInput(f"expected base64 of at most {most} bytes")
        from_base64(value)

    return Rule("base64", check)


HEX32 = matching("[0-9a-f]{64}", "64 lowercase hex digits")
HEX20 = matching("[0-9a-f]{40}", "40 lowercase hex digits")
TIME = Rule("a time", parse_time)
NAME = matching("[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "1 to 64 letters, digits, dots, underscores or hyphens")
WORD = matching("[a-z][a-z0-9-]{0,39}", "a lowercase word")
COUNT = between(0, (1 << 53) - 1)


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen dataclass that ``read`` and ``write`` understand."""
    return dataclass(frozen=True)(cls)


def is_good(cls: type[Any], value: Any) -> bool:
    """Whether ``read`` takes it, as far as that is quickly seen: of what is not, nothing is said."""
    check = _checks.get(cls)
    if check is None:
        if cls not in _written:
            return False
        from tallystick.schema_written import write_check

        fields = _Fields(cls)
        check = _checks[cls] = write_check(cls, fields.hint, fields.required)
    return check(value) is True


def read(cls: type[T], value: Any, path: str = "") -> T:
    """A record of ``cls`` from a JSON value. Raises ``FieldError``."""
    written = _written.get(cls)
    if written is not None and (made := written(value)) is not None:
        return made  # type: ignore[no-any-return]
    try:
        found: T = _decoder(cls)(value)
    except _Fault as fault:
        field = f"{path}{fault.path}" if path else fault.path.removeprefix(".")
        if fault.later_version:
            raise UnknownVersion(f"{field}: {fault.problem}") from None
        raise FieldError(field, fault.problem) from None
    return found


_PLAIN = frozenset({str, int, bool, type(None)})
_names: dict[type[Any], tuple[str, ...]] = {}


def write(value: Any) -> Any:
    """The JSON value of a record: ``None`` fields are absent, tuples are lists."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind in _names or dataclasses.is_dataclass(value):
        names = _names.get(kind) or _names.setdefault(kind, tuple(field.name for field in dataclasses.fields(value)))
        return {
            name: item if type(item) in _PLAIN else write(item)
            for name in names
            if (item := getattr(value, name)) is not None
        }
    if isinstance(value, dict):
        return {key: write(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [write(item) for item in value]
    return value


class _Fault(Exception):
    """What is wrong, and where within the value at hand: ``path`` grows from the inside out, for who reads well
    pays for no paths. ``.name`` and ``[index]`` one after the other.
    """

    def __init__(self, problem: str, path: str = "", later_version: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path
        self.later_version = later_version

    def inside(self, place: str) -> _Fault:
        self.path = place + self.path
        return self


def _decoder(cls: Any) -> Decoder:
    return _decoders.get(cls) or _decoders.setdefault(cls, _build_decoder(cls))


class _Fields(dict[str, Decoder]):
    """A decoder for each field, made when a value first has it: most bodies lack most of what they may have."""

    def __init__(self, cls: Any) -> None:
        super().__init__()
        self.hints: dict[str, str] = cls.__annotations__
        self.names = vars(sys.modules[cls.__module__])
        self.required = [name for name in self.hints if not hasattr(cls, name)]

    def __missing__(self, name: str) -> Decoder:
        if name not in self.hints:
            raise self.unknown()
        return self.setdefault(name, _field(self.hint(name)))

    def hint(self, name: str) -> Any:
        """An annotation of ours, as written in the module of its class."""
        return eval(self.hints[name], self.names)

    def unknown(self, place: str = "") -> _Fault:
        return _Fault(f"unknown field; this version knows: {', '.join(self.hints)}", place)

    def check_names(self, value: dict[str, Any]) -> None:
        """All names come before any value."""
        for name in value:
            if name not in self.hints:
                raise self.unknown(_place(name))
        for name in self.required:
            if name not in value:
                raise _Fault("missing", _place(name))


def _build_decoder(cls: Any) -> Decoder:
    fields = _Fields(cls)
    count, required, new = len(fields.hints), frozenset(fields.required), object.__new__
    if hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__}: a record checks its values by rules, not in __post_init__")

    reads = 0

    def decode(value: Any) -> Any:
        nonlocal reads
        written = _written.get(cls)
        if written is not None:
            made = written(value)
            if made is not None:
                return made
            # What is wrong with it, the way below says.
        elif (reads := reads + 1) == OFTEN:
            from tallystick.schema_written import write_reader

            _written[cls] = write_reader(cls, fields.hint, fields.required)
        if not isinstance(value, dict):
            raise _Fault(f"expected an object, found {_kind(value)}")
        found, name = {}, ""
        try:
            for name, item in value.items():
                found[name] = fields[name](item)
        except _Fault as fault:
            fields.check_names(value)
            raise fault.inside(_place(name)) from None
        if len(found) != count and not required <= found.keys():
            fields.check_names(value)
        # As the constructor would, without one call for each field; what is absent has its default from the class.
        made = new(cls)
        made.__dict__.update(found)
        return made

    return decode


def _field(hint: Any) -> Decoder:
    """A decoder for one annotation."""
    if get_origin(hint) is Annotated:
        base, *rules = get_args(hint)
        return _ruled(base, [rule.check for rule in rules])
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (option for option in get_args(hint) if option is not type(None))
        return _field(inner)
    if get_origin(hint) is Literal:
        return _literal(get_args(hint))
    if get_origin(hint) is tuple:
        return _list(_field(get_args(hint)[0]))
    if get_origin(hint) is dict:
        return _mapping(_field(get_args(hint)[1]))
    if is_record(hint):
        return _decoder(hint)
    if hint is Any:
        return lambda value: value
    return _scalar(hint)


def _ruled(base: Any, checks: list[Callable[[Any], object]]) -> Decoder:
    if base in _NAMES and len(checks) == 1:
        return _ruled_scalar(base, checks[0])
    inner = _field(base)

    def decode(value: Any) -> Any:
        found = inner(value)
        try:
            for check in checks:
                check(found)
        except MalformedInput as error:
            raise _of_rule(error) from None
        return found

    return decode


def _ruled_scalar(kind: Any, check: Callable[[Any], object]) -> Decoder:
    """As ``_ruled`` for the commonest fields, in one call."""

    def decode(value: Any) -> Any:
        if type(value) is not kind:
            raise _Fault(f"expected {_NAMES[kind]}, found {_kind(value)}")
        try:
            check(value)
        except MalformedInput as error:
            raise _of_rule(error) from None
        return value

    return decode


def _of_rule(error: MalformedInput) -> _Fault:
    if isinstance(error, UnknownVersion):
        return _Fault(str(error), later_version=True)
    if isinstance(error, FieldError):
        return _Fault(error.problem, _place(error.field))
    return _Fault(str(error))


def _literal(options: tuple[Any, ...]) -> Decoder:
    kinds = {type(option) for option in options}

    def decode(value: Any) -> Any:
        # type() rather than ==: in Python True == 1, in JSON it is not.
        if type(value) not in kinds or value not in options:
            raise _Fault(f"expected one of {', '.join(map(str, options))}; found {str(value)[:60]!r}")
        return value

    return decode


def _list(inner: Decoder) -> Decoder:
    def decode(value: Any) -> Any:
        if not isinstance(value, list):
            raise _Fault(f"expected a list, found {_kind(value)}")
        found: list[Any] = []
        try:
            for item in value:
                found.append(inner(item))
        except _Fault as fault:
            raise fault.inside(f"[{len(found)}]") from None
        return tuple(found)

    return decode


def _mapping(inner: Decoder) -> Decoder:
    def decode(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _Fault(f"expected an object, found {_kind(value)}")
        for key in value:
            if not isinstance(key, str):
                raise _Fault("expected text keys")
            try:
                NAME.check(key)
            except MalformedInput as error:
                raise _Fault(f"key {key[:60]!r}: {error}") from None
        found, key = {}, ""
        try:
            for key, item in value.items():
                found[key] = inner(item)
        except _Fault as fault:
            raise fault.inside(_place(key)) from None
        return found

    return decode


def _scalar(kind: Any) -> Decoder:
    def decode(value: Any) -> Any:
        if type(value) is not kind:
            raise _Fault(f"expected {_NAMES[kind]}, found {_kind(value)}")
        return value

    return decode


_NAMES: dict[Any, str] = {str: "text", int: "an integer", bool: "true or false"}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "an integer", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def _place(name: str) -> str:
    # A key of hostile JSON may hold terminal controls; field names of ours need no escapes.
    shown = ascii(name[:60])[1:-1]
    return f".{shown}" if shown else ""
