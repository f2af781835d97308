"""The plain reading and writing of records that ``tallystick.schema`` must agree with: an oracle, slow."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from tallystick.errors import MalformedInput
from tallystick.schema import NAME, FieldError, Rule
from tallystick.versions import UnknownVersion

T = TypeVar("T")
Decoder = Callable[[Any, str], Any]

_decoders: dict[Any, Decoder] = {}


def read(cls: type[T], value: Any, path: str = "") -> T:
    """A record of ``cls`` from a JSON value. Raises ``FieldError``."""
    found: T = _decoder(cls)(value, path)
    return found


def write(value: Any) -> Any:
    """The JSON value of a record: ``None`` fields are absent, tuples are lists."""
    if dataclasses.is_dataclass(value):
        fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: write(item) for name, item in fields if item is not None}
    if isinstance(value, dict):
        return {key: write(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [write(item) for item in value]
    return value


def _decoder(cls: Any) -> Decoder:
    if cls not in _decoders:
        _decoders[cls] = _build_decoder(cls)
    return _decoders[cls]


def _build_decoder(cls: Any) -> Decoder:
    hints = get_type_hints(cls, include_extras=True)
    fields = {field.name: _field(hints[field.name]) for field in dataclasses.fields(cls)}
    required = [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]

    def decode(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise FieldError(path, f"expected an object, found {_kind(value)}")
        for name in value:
            if name not in fields:
                known = ", ".join(fields)
                raise FieldError(_join(path, name), f"unknown field; this version knows: {known}")
        for name in required:
            if name not in value:
                raise FieldError(_join(path, name), "missing")
        return cls(**{name: fields[name](item, _join(path, name)) for name, item in value.items()})

    return decode


def _field(hint: Any) -> Decoder:
    """A decoder for one annotation."""
    if get_origin(hint) is Annotated:
        base, *rules = get_args(hint)
        return _ruled(_field(base), rules)
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (option for option in get_args(hint) if option is not type(None))
        return _field(inner)
    if get_origin(hint) is Literal:
        return _literal(get_args(hint))
    if get_origin(hint) is tuple:
        return _list(_field(get_args(hint)[0]))
    if get_origin(hint) is dict:
        return _mapping(_field(get_args(hint)[1]))
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return _decoder(hint)
    if hint is Any:
        return lambda value, path: value
    return _scalar(hint)


def _ruled(inner: Decoder, rules: list[Rule]) -> Decoder:
    def decode(value: Any, path: str) -> Any:
        found = inner(value, path)
        for rule in rules:
            try:
                rule.check(found)
            except UnknownVersion as error:
                raise UnknownVersion(f"{path}: {error}") from None
            except FieldError as error:
                raise FieldError(_join(path, error.field), error.problem) from None
            except MalformedInput as error:
                raise FieldError(path, str(error)) from None
        return found

    return decode


def _literal(options: tuple[Any, ...]) -> Decoder:
    kinds = {type(option) for option in options}

    def decode(value: Any, path: str) -> Any:
        # type() rather than ==: in Python True == 1, in JSON it is not.
        if type(value) not in kinds or value not in options:
            raise FieldError(path, f"expected one of {', '.join(map(str, options))}; found {str(value)[:60]!r}")
        return value

    return decode


def _list(inner: Decoder) -> Decoder:
    def decode(value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise FieldError(path, f"expected a list, found {_kind(value)}")
        return tuple(inner(item, f"{path}[{index}]") for index, item in enumerate(value))

    return decode


def _mapping(inner: Decoder) -> Decoder:
    def decode(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise FieldError(path, f"expected an object, found {_kind(value)}")
        for key in value:
            if not isinstance(key, str):
                raise FieldError(path, "expected text keys")
            try:
                NAME.check(key)
            except MalformedInput as error:
                raise FieldError(path, f"key {key[:60]!r}: {error}") from None
        return {key: inner(item, _join(path, key)) for key, item in value.items()}

    return decode


def _scalar(kind: Any) -> Decoder:
    def decode(value: Any, path: str) -> Any:
        if type(value) is not kind:
            raise FieldError(path, f"expected {_NAMES[kind]}, found {_kind(value)}")
        return value

    return decode


_NAMES: dict[Any, str] = {str: "text", int: "an integer", bool: "true or false"}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "an integer", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def _join(path: str, name: str) -> str:
    # A key of hostile JSON may hold terminal controls; field names of ours need no escapes.
    shown = ascii(name[:60])[1:-1]
    return ".".join(part for part in (path, shown) if part)
