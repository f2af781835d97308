"""``dataclass`` whose methods are written when they are first used (decision 0042).

The standard library compiles six functions for each frozen dataclass, at import: for the two hundred of this package
that was a quarter of the time of a cold ``tallystick verify``, which calls a few of them. Here a descriptor stands at
each name; on first use it has the method written and puts it in its own place. To a type checker, and once it is
used, a class of this kind is one of ``dataclasses``.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, *, frozen: bool = False, slots: bool = False) -> Any:
        """As ``dataclasses.dataclass``, of which it knows these two arguments."""
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, slots=slots)
        own = vars(cls)
        if cls.__bases__ != (object,) or _LATER.keys() & own.keys() or any(map(_unusual, own.values())):
            return dataclasses.dataclass(frozen=frozen, slots=slots)(cls)
        return _unmade(cls, frozen, slots)


def _unusual(value: object) -> bool:
    """Whether it is a field with more to it than a default."""
    if not isinstance(value, dataclasses.Field):
        return False
    said = (value.init, value.repr, value.hash, value.compare, value.kw_only)
    return said != (True, True, None, True, dataclasses.MISSING)


def is_record(kind: Any) -> bool:
    """Whether ``kind`` is a class that ``dataclass`` made; nothing is written for the answer."""
    return isinstance(kind, type) and "__dataclass_params__" in vars(kind)


_PARAMS = tuple(
    vars(dataclasses.dataclass(frozen=frozen)(type("_", (), {})))["__dataclass_params__"] for frozen in (False, True)
)


class _Unmade:
    """Stands at ``name`` of a class until somebody looks there."""

    __slots__ = ("frozen", "name", "namespace", "owner")

    def __init__(self, name: str, owner: type, namespace: dict[str, Any], frozen: bool) -> None:
        self.name, self.owner, self.namespace, self.frozen = name, owner, namespace, frozen

    def __get__(self, instance: object, owner: type) -> Any:
        # Two threads may both come here: what they make is equal, and the later one stays.
        made = _LATER[self.name](self)
        setattr(self.owner, self.name, made)
        return made.__get__(instance, owner) if callable(made) else made

    def by_the_library(self, **wanted: bool) -> Any:
        """``name`` as the standard library makes it."""
        twin = type(self.owner.__name__, (), dict(self.namespace))
        asked = {"init": False, "repr": False, "eq": False, **wanted}
        return vars(dataclasses.dataclass(**asked)(twin))[self.name]


def _init(of: _Unmade) -> Any:
    """Code that is compiled once for all classes with as many fields, under the names of this one."""
    names = tuple(of.namespace["__annotations__"])
    defaults = [of.namespace.get(name, dataclasses.MISSING) for name in names]
    given = tuple(value for value in defaults if value is not dataclasses.MISSING)
    at_the_end = all(value is not dataclasses.MISSING for value in defaults[len(names) - len(given) :])
    if not at_the_end or any(isinstance(value, dataclasses.Field) for value in given):
        return _written_init(of)
    code = _code(len(names), of.frozen, hasattr(of.owner, "__post_init__"))
    own = dict(zip(_places(len(names)), names, strict=True))
    renamed: Any = {part: tuple(own.get(name, name) for name in getattr(code, part)) for part in _NAMING}
    made = FunctionType(code.replace(**renamed), {"_set": object.__setattr__}, "__init__", given)
    made.__qualname__ = f"{of.owner.__qualname__}.__init__"
    return made


_NAMING: Any = ("co_varnames", "co_consts", "co_names")


def _places(count: int) -> list[str]:
    return [f"_{place}" for place in range(count)]


@cache
def _code(count: int, frozen: bool, checked: bool) -> CodeType:
    """``__init__`` of fields that are called ``_0``, ``_1``, …; where ``checked``, it ends in ``__post_init__``."""
    namespace: dict[str, Any] = {"__annotations__": dict.fromkeys(_places(count))}
    owner = type("_", (), {"__post_init__": None} if checked else {})
    code: CodeType = _written_init(_Unmade("__init__", owner, namespace, frozen)).__code__
    return code


def _equal(of: _Unmade) -> Any:
    values = _values(of)

    def __eq__(self: Any, other: Any) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash(of: _Unmade) -> Any:
    values = _values(of)

    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


def _values(of: _Unmade) -> Any:
    """What gives the fields of an instance as a tuple."""
    names = tuple(of.namespace["__annotations__"])
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _written_init(of: _Unmade) -> Any:
    """As the standard library writes it, and nothing beside it."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_absent": dataclasses.MISSING}
    parameters, lines = ["self"], []
    for name in of.namespace["__annotations__"]:
        default, value = of.namespace.get(name, dataclasses.MISSING), name
        if isinstance(default, dataclasses.Field):
            known[f"_make_{name}"], value = default.default_factory, f"_make_{name}() if {name} is _absent else {name}"
            parameters.append(f"{name}=_absent")
        elif default is not dataclasses.MISSING:
            known[f"_default_{name}"] = default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        lines.append(f" _set(self,{name!r},{value})" if of.frozen else f" self.{name}={value}")
    if hasattr(of.owner, "__post_init__"):
        lines.append(" self.__post_init__()")
    exec(f"def __init__({','.join(parameters)}):\n" + "\n".join(lines or [" pass"]), known)
    made = known["__init__"]
    made.__qualname__ = f"{of.owner.__qualname__}.__init__"
    return made


_LATER: dict[str, Any] = {
    "__init__": _init,
    "__repr__": lambda of: of.by_the_library(repr=True),
    "__eq__": _equal,
    "__hash__": _hash,
    "__dataclass_fields__": lambda of: of.by_the_library(),
    "__match_args__": lambda of: of.by_the_library(),
}


def _refuse_setting(self: Any, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


def _unmade(cls: type, frozen: bool, slots: bool) -> type:
    own, names = vars(cls), cls.__annotations__
    kept = ("__module__", "__qualname__", "__doc__", "__post_init__", *names)
    # Without a text of its own the standard library would write one, which takes longer than all else.
    namespace = {"__doc__": ""} | {name: own[name] for name in kept if name in own} | {"__annotations__": names}
    methods: dict[str, Any] = {"__dataclass_params__": _PARAMS[frozen]}
    if frozen:
        methods |= {"__setattr__": _refuse_setting, "__delattr__": _refuse_deleting}
    if slots:
        bare = {name: value for name, value in own.items() if name not in (*names, "__dict__", "__weakref__")}
        bare |= {"__qualname__": cls.__qualname__, "__slots__": tuple(names)}
        cls = type(cls)(cls.__name__, cls.__bases__, bare)
        methods |= {"__getstate__": _state, "__setstate__": _restore} if frozen else {}
    else:
        for name in names:
            # A factory is not a default that an instance may see.
            if isinstance(own.get(name), dataclasses.Field):
                delattr(cls, name)
    for name in _LATER:
        methods[name] = _Unmade(name, cls, namespace, frozen)
    if not frozen:
        methods["__hash__"] = None
    for name, value in methods.items():
        setattr(cls, name, value)
    return cls
