"""A class made here is one of ``dataclasses`` in all that anybody can see; only its methods come later."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import field
from typing import Any

import pytest

from tallystick import lazy_dataclass
from tallystick.lazy_dataclass import _LATER, _Unmade, is_record

Make = Callable[..., Any]


def plain(dataclass: Make) -> Any:
    """The same class by either decorator."""

    @dataclass(frozen=True)
    class Plain:
        """A text."""

        name: str
        size: int = 3
        found: dict[str, int] = field(default_factory=dict)

        @property
        def double(self) -> int:
            return 2 * self.size

    return Plain


def slotted(dataclass: Make) -> Any:
    @dataclass(frozen=True, slots=True)
    class Slotted:
        name: str
        size: int = 3

    return Slotted


def mutable(dataclass: Make) -> Any:
    @dataclass
    class Mutable:
        name: str
        size: int = 3

    return Mutable


def checked(dataclass: Make) -> Any:
    @dataclass(frozen=True)
    class Checked:
        size: int

        def __post_init__(self) -> None:
            if self.size < 0:
                raise ValueError("below zero")

    return Checked


@lazy_dataclass.dataclass(frozen=True)
class Kept:
    """At the top of a module, so that it can be pickled."""

    name: str


@lazy_dataclass.dataclass(frozen=True, slots=True)
class KeptInSlots:
    """The same, in slots."""

    name: str


def single(dataclass: Make) -> Any:
    @dataclass(frozen=True)
    class Single:
        name: str

    return Single


def odd_names(dataclass: Make) -> Any:
    """Names that the written code has uses of its own for."""

    @dataclass(frozen=True)
    class Odd:
        _set: str
        _1: int = 3
        _0: int = 4

    return Odd


KINDS = {"plain": plain, "slotted": slotted, "mutable": mutable}


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """The class by us, and by the standard library."""
    make = KINDS[request.param]
    return make(lazy_dataclass.dataclass), make(dataclasses.dataclass)


def outcome(does: Callable[[], object]) -> object:
    """The value, or the error with its text, that differs in the name of no class."""
    try:
        return does()
    except Exception as error:
        return type(error), str(error).split("<locals>")[-1]


def test_nothing_is_written_before_it_is_asked_for() -> None:
    made = plain(lazy_dataclass.dataclass)
    assert {name for name in _LATER if isinstance(vars(made)[name], _Unmade)} == set(_LATER)
    made("a")
    assert not isinstance(vars(made)["__init__"], _Unmade)
    assert isinstance(vars(made)["__eq__"], _Unmade)


def test_the_same_values_come_of_the_same_arguments(pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    for arguments in ((), ("a",), ("a", 4), ("a", 4, {}, 5)):
        assert outcome(lambda: vars_of(ours(*arguments))) == outcome(lambda: vars_of(theirs(*arguments)))  # noqa: B023
    assert vars_of(ours(name="a", size=9)) == vars_of(theirs(name="a", size=9))
    assert [p.name for p in inspect.signature(ours).parameters.values()] == [
        p.name for p in inspect.signature(theirs).parameters.values()
    ]


def vars_of(one: Any) -> dict[str, Any]:
    return {each.name: getattr(one, each.name) for each in dataclasses.fields(one)}


def test_equality_hash_and_text(pair: tuple[Any, Any]) -> None:
    answers = []
    for kind in pair:
        one, same, other = kind("a"), kind("a"), kind("b")
        answers.append(
            [
                *(one == same, one == other, one != other, one == ("a", 3), kind.__hash__ is None),
                repr(one).split("<locals>.")[-1],
                outcome(lambda: hash(one) == hash(same)),  # noqa: B023
            ]
        )
    assert answers[0] == answers[1]
    assert answers[0][:4] == [True, False, True, False]


def test_what_is_frozen_stays(pair: tuple[Any, Any]) -> None:
    answers = []
    for kind in pair:
        one = kind("a")
        answers.append([outcome(lambda: setattr(one, "name", "b")), outcome(lambda: delattr(one, "name"))])  # noqa: B023
    assert answers[0] == answers[1]
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        plain(lazy_dataclass.dataclass)("a").name = "b"


def test_the_tools_of_dataclasses_know_it(pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    assert dataclasses.is_dataclass(ours)
    assert [(f.name, f.type, f.default) for f in dataclasses.fields(ours)] == [
        (f.name, f.type, f.default) for f in dataclasses.fields(theirs)
    ]
    assert dataclasses.asdict(ours("a")) == dataclasses.asdict(theirs("a"))
    assert vars_of(dataclasses.replace(ours("a"), size=8)) == vars_of(theirs("a", 8))
    assert (ours.__match_args__, ours.__doc__ or "") == (theirs.__match_args__, (plain.__doc__ and ours.__doc__) or "")
    assert ours.__dataclass_params__.frozen == theirs.__dataclass_params__.frozen


def test_a_factory_makes_a_new_one_each_time() -> None:
    kind = plain(lazy_dataclass.dataclass)
    assert kind("a").found is not kind("a").found
    assert not hasattr(kind, "found")


def test_what_is_checked_after_the_values_is_checked() -> None:
    kind = checked(lazy_dataclass.dataclass)
    assert kind(1).size == 1
    with pytest.raises(ValueError, match="below zero"):
        kind(-1)


@pytest.mark.parametrize("kind", [Kept, KeptInSlots])
def test_it_is_copied_and_pickled(kind: Any) -> None:
    one = kind("a")
    assert [copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))] == [one] * 3
    assert hasattr(one, "__dict__") == (kind is Kept)


@pytest.mark.parametrize("make", [single, odd_names, checked])
def test_fields_of_any_name_are_told_apart(make: Make) -> None:
    ours, theirs = make(lazy_dataclass.dataclass), make(dataclasses.dataclass)
    values = range(1, 1 + len(dataclasses.fields(theirs)))
    assert vars_of(ours(*values)) == vars_of(theirs(*values))
    assert vars_of(ours(1)) == vars_of(theirs(1))
    assert (ours(1) == ours(1), ours(1) == ours(2), hash(ours(1)) == hash(theirs(1))) == (True, False, True)
    assert outcome(lambda: ours(*range(9))) == outcome(lambda: theirs(*range(9)))
    assert outcome(ours) == outcome(theirs)


def test_two_classes_with_as_many_fields_keep_to_their_own() -> None:
    @lazy_dataclass.dataclass(frozen=True)
    class Left:
        name: str
        size: int = 3

    @lazy_dataclass.dataclass(frozen=True)
    class Right:
        place: str
        depth: int = 8

    assert (vars_of(Left("a")), vars_of(Right("b"))) == ({"name": "a", "size": 3}, {"place": "b", "depth": 8})
    assert Left(size=1, name="c") == Left("c", 1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'name'"):
        Right(name="a")
    assert Left("a") != Right("a", 3)


def test_a_default_before_none_is_refused_as_by_the_library() -> None:
    def make() -> Any:
        @lazy_dataclass.dataclass(frozen=True)
        class Wrong:
            size: int = 3
            name: str

        return Wrong

    with pytest.raises(SyntaxError):
        make()("a")


def test_a_field_that_takes_no_part_in_equality_is_left_to_the_library() -> None:
    def noted(dataclass: Make) -> Any:
        @dataclass(frozen=True)
        class Noted:
            name: str
            note: str = field(default="", compare=False, repr=False)

        return Noted

    for kind in (noted(lazy_dataclass.dataclass), noted(dataclasses.dataclass)):
        assert (kind("a", "b") == kind("a", "c"), kind("a", "b") == kind("b", "b")) == (True, False)
        assert hash(kind("a", "b")) == hash(kind("a", "c"))
        assert repr(kind("a", "b")).endswith("Noted(name='a')")


def test_one_that_inherits_or_writes_its_own_is_left_to_the_library() -> None:
    @lazy_dataclass.dataclass(frozen=True)
    class Own:
        name: str

        def __eq__(self, other: object) -> bool:
            return True

    @lazy_dataclass.dataclass(frozen=True)
    class Child(Kept):
        size: int = 0

    assert Own("a") == Own("b")
    assert (Child("a", 2).name, Child("a", 2).size) == ("a", 2)
    assert not [one for kind in (Own, Child) for one in vars(kind).values() if isinstance(one, _Unmade)]


def test_what_is_a_record_is_known_without_writing_anything() -> None:
    kind = plain(lazy_dataclass.dataclass)
    assert (is_record(kind), is_record(kind("a")), is_record(str), is_record("a")) == (True, False, False, False)
    assert isinstance(vars(kind)["__dataclass_fields__"], _Unmade)
