"""Strict records: every refusal names the field, what was found and what was expected."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import MalformedInput
from tallystick.identifiers import Letter
from tallystick.schema import (
    COUNT,
    HEX20,
    HEX32,
    NAME,
    TIME,
    WORD,
    FieldError,
    Rule,
    base64_bytes,
    between,
    identifier,
    items,
    matching,
    read,
    record,
    text,
    write,
)


@record
class Inner:
    """A record inside another."""

    flag: bool
    word: Annotated[str, WORD] | None = None


@record
class Outer:
    """One field of each kind."""

    name: Annotated[str, text(5)]
    count: Annotated[int, between(1, 9)]
    mode: Literal["on", "off", 1]
    inner: Inner
    many: Annotated[tuple[Inner, ...], items(2)]
    pairs: Annotated[dict[str, Inner], items(2, 1)] | None = None
    anything: Any = None


GOOD: dict[str, Any] = {
    "name": "abc",
    "count": 5,
    "mode": "on",
    "inner": {"flag": True},
    "many": [{"flag": False, "word": "w-1"}],
    "pairs": {"a.b": {"flag": True}},
    "anything": [1],
}
VALUE = Outer("abc", 5, "on", Inner(True), (Inner(False, "w-1"),), {"a.b": Inner(True)}, [1])


def test_round_trip() -> None:
    assert read(Outer, GOOD) == VALUE
    assert write(VALUE) == GOOD
    least = {name: GOOD[name] for name in ("name", "count", "mode", "inner", "many")}
    assert write(read(Outer, least)) == least
    assert write(read(Outer, {**least, "mode": 1}))["mode"] == 1


def test_records_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        VALUE.name = "x"  # type: ignore[misc]


REFUSALS: dict[str, tuple[Any, str, str]] = {
    "unknown field": ({"extra": 1}, "extra", "unknown field; this version knows: name, count, mode, inner, many"),
    "unknown, deep": ({"inner": {"flag": True, "x": 1}}, "inner.x", "unknown field; this version knows: flag, word"),
    "a long unknown field": ({"x" * 500: 1}, "x" * 60, "unknown field"),
    "missing, deep": ({"inner": {}}, "inner.flag", "missing"),
    "missing in a list": ({"many": [{"flag": True}, {}]}, "many[1].flag", "missing"),
    "missing in a mapping": ({"pairs": {"k": {}}}, "pairs.k.flag", "missing"),
    "null for text": ({"name": None}, "name", "expected text, found null"),
    "number for text": ({"name": 1}, "name", "expected text, found an integer"),
    "list for text": ({"name": []}, "name", "expected text, found a list"),
    "too long": ({"name": "abcdef"}, "name", "expected 1 to 5 characters, found 6"),
    "too short": ({"name": ""}, "name", "expected 1 to 5 characters, found 0"),
    "control character": ({"name": "a\nb"}, "name", "holds a control character"),
    "delete character": ({"name": "\x7f"}, "name", "holds a control character (U+007F)"),
    "an escape of 8-bit terminals": ({"name": "a\x9b"}, "name", "holds a control character (U+009B)"),
    "text turned round": ({"name": "a\u202eb"}, "name", "holds a control character (U+202E)"),
    "text isolated": ({"name": "\u2066a"}, "name", "holds a control character (U+2066)"),
    "a line separator": ({"name": "a\u2028"}, "name", "holds a control character (U+2028)"),
    "an unknown field with an escape": ({"\x1b[2J": 1}, "\\x1b[2J", "unknown field"),
    "an unknown field outside ASCII": ({"é": 1}, "\\xe9", "unknown field"),
    "true for a number": ({"count": True}, "count", "expected an integer, found true or false"),
    "text for a number": ({"count": "5"}, "count", "expected an integer, found text"),
    "float for a number": ({"count": 5.0}, "count", "expected an integer, found float"),
    "too small": ({"count": 0}, "count", "expected 1 to 9, found 0"),
    "too large": ({"count": 10}, "count", "expected 1 to 9, found 10"),
    "not an option": ({"mode": "ON"}, "mode", "expected one of on, off, 1; found 'ON'"),
    "true for option 1": ({"mode": True}, "mode", "expected one of on, off, 1; found 'True'"),
    "1.0 for option 1": ({"mode": 1.0}, "mode", "expected one of"),
    "null for an option": ({"mode": None}, "mode", "expected one of"),
    "a list for an option": ({"mode": ["on"]}, "mode", "expected one of"),
    "number for true": ({"inner": {"flag": 1}}, "inner.flag", "expected true or false, found an integer"),
    "text for true": ({"inner": {"flag": "true"}}, "inner.flag", "expected true or false, found text"),
    "list for a record": ({"inner": []}, "inner", "expected an object, found a list"),
    "null for a record": ({"inner": None}, "inner", "expected an object, found null"),
    "null for an optional field": ({"inner": {"flag": True, "word": None}}, "inner.word", "expected text, found null"),
    "null for an optional mapping": ({"pairs": None}, "pairs", "expected an object, found null"),
    "object for a list": ({"many": {}}, "many", "expected a list, found an object"),
    "text for a list": ({"many": "ab"}, "many", "expected a list, found text"),
    "too many": ({"many": [{"flag": True}] * 3}, "many", "expected 0 to 2 items, found 3"),
    "an empty mapping": ({"pairs": {}}, "pairs", "expected 1 to 2 items, found 0"),
    "a bad key": ({"pairs": {"a b": {"flag": True}}}, "pairs", "key 'a b': expected 1 to 64 letters"),
    "an empty key": ({"pairs": {"": {"flag": True}}}, "pairs", "key '': expected"),
    "a key that is no text": ({"pairs": {1: {"flag": True}}}, "pairs", "expected text keys"),
    "a bad word": ({"inner": {"flag": True, "word": "Word"}}, "inner.word", "expected a lowercase word, found 'Word'"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_every_error_names_field_found_and_expected(name: str) -> None:
    change, field, problem = REFUSALS[name]
    with pytest.raises(FieldError) as caught:
        read(Outer, {**GOOD, **change})
    assert caught.value.field == field
    assert caught.value.problem.startswith(problem)
    assert str(caught.value) == f"{field}: {caught.value.problem}"


@pytest.mark.parametrize("name", ["name", "count", "mode", "inner", "many"])
def test_every_required_field_is_missed(name: str) -> None:
    with pytest.raises(FieldError, match=f"^{name}: missing$"):
        read(Outer, {key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize("value", [None, [], "x", 1, True, 1.5, [GOOD]])
def test_what_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(FieldError, match=r"^expected an object, found"):
        read(Outer, value)


def test_a_path_may_lead_the_field() -> None:
    with pytest.raises(FieldError, match=r"^body.inner.flag: missing"):
        read(Outer, {**GOOD, "inner": {}}, "body")


RULES: dict[str, tuple[Rule, list[Any], list[Any]]] = {
    "hex 32": (
        HEX32,
        ["0" * 64, "0123456789abcdef" * 4],
        ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n"],
    ),
    "hex 20": (HEX20, ["0" * 40], ["0" * 41, "0x" + "0" * 38, "G" * 40]),
    "time": (TIME, ["2026-01-01T00:00:00Z"], ["2026-01-01", "", "2026-01-01T00:00:00Z\n"]),
    "name": (NAME, ["a", "A.b_c-9", "0" * 64], ["", "-a", ".a", "_a", "a b", "é", "a\n", "0" * 65, "a/b"]),
    "word": (WORD, ["a", "model-3d", "a" * 40], ["", "A", "3d", "-a", "a_b", "a" * 41, "a\n"]),
    "count": (COUNT, [0, (1 << 53) - 1], [-1, 1 << 53]),
    "identifier": (identifier(), ["10.5555/A-000G-40R4-0M30-E209-9"], ["10.5555/A-000G-40R4-0M30-E209-8", "", "x"]),
    "party": (identifier(Letter.PARTY), [], ["10.5555/A-000G-40R4-0M30-E209-9"]),
    "base64": (base64_bytes(4), ["", "AAAA", "AAAAAA=="], ["AAAAAAAAA===", "A", "AB==", "AAAAAAAAAAAA"]),
    "pattern": (matching("a|b+", "a or bs"), ["a", "bb"], ["ab", "ba", "", "a\n"]),
    "items": (items(2, 1), [[1], {"a": 1}], [[], [1, 2, 3]]),
}


@pytest.mark.parametrize("name", RULES)
def test_rules(name: str) -> None:
    rule, good, bad = RULES[name]
    for value in good:
        rule.check(value)
    for value in bad:
        with pytest.raises(MalformedInput):
            rule.check(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*GOOD, "flag", "word"]) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(JSON)
def test_any_json_is_a_record_or_a_field_error(value: Any) -> None:
    try:
        found = read(Outer, value)
    except FieldError:
        return
    assert write(found) == value
