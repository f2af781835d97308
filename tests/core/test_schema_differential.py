"""The fast reader of records against the plain one: the same record or the same refusal, for good and spoilt values."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tallystick import canonical, schema
from tallystick.admission import MemoryState, decide, encode_state
from tallystick.admission.state import _KINDS
from tallystick.content import FileEntry, FolderContent
from tallystick.errors import MalformedInput
from tallystick.events import BODIES
from tallystick.events.envelope import _Envelope
from tallystick.schema_written import write_check, write_reader
from tests.core.oracles import schema as plain
from tests.world import World

SPOILS: list[Any] = [
    None, True, 0, -1, 2**53, 1.5, "", "x", "é\n", "[x]", "10.5555/A-000G-40R4-0M30-E209-9", "0" * 64, [], ["x"], {},
    {"x": 1}, {"": 1}, {"[0]": None}, {"\x1b": 2}, "2026-02-01T00:00:00Z", [[]], [{}], {"v": 2, "form": "file"},
]  # fmt: skip


def values() -> list[tuple[type[Any], Any]]:
    """Records of every kind in a little log, as JSON."""
    world, states = World(), MemoryState()
    found: list[tuple[type[Any], Any]] = []
    for position, statement in enumerate(world.sequence([world.key_set(), world.policy(), *world.main_job()])):
        value = canonical.decode(statement.envelope.payload or b"", 1 << 16)
        found += [(_Envelope, value), (BODIES[value["type"]], value["body"])]
        changes = decide(statement, position, world.clock, states).changes
        states.apply(changes)
        found += [(_KINDS[encode_state(state)["kind"]], schema.write(state)) for _, state in changes]
    return [*found, *OTHERS]


KEY = {"key": World().studio.valid_key().key.__dict__, "not_before": "2026-02-01T00:00:00Z"}
OTHERS: list[tuple[type[Any], Any]] = [
    (FolderContent, {"v": 1, "form": "folder", "root": "a" * 64, "count": 2, "size": 3}),
    (FileEntry, {"path": "a", "sha256": "b" * 64, "size": 1, "sm3": "c" * 64}),
    (BODIES["party.key"], {"action": "add", "add": KEY, "revoke": "d" * 64}),
    (BODIES["licence.status"], {"action": "revoke", "grounds": "breach", "effective": "2026-02-01T00:00:00Z"}),
    (BODIES["certificate.withdraw"], {"grounds": "error"}),
]
VALUES = values()
KINDS = sorted({cls for cls, _ in VALUES}, key=lambda cls: cls.__name__)


def outcome(read: Any, cls: type[Any], value: Any, path: str) -> tuple[Any, ...]:
    try:
        return "read", read(cls, value, path)
    except MalformedInput as error:
        return type(error), str(error), getattr(error, "field", None), getattr(error, "problem", None)


def spoil(value: Any, chance: random.Random) -> Any:
    """One change somewhere inside."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        if chance.random() < 0.15:
            return {key: item for key, item in value.items() if key != name}
        if chance.random() < 0.1:
            return {**value, chance.choice(["x", "", "[0]", "\x1b[2J", "v", "kind", "form"]): chance.choice(SPOILS)}
        return {**value, name: spoil(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        return [*value[:at], spoil(value[at], chance), *value[at + 1 :]]
    if isinstance(value, str) and chance.random() < 0.3:
        return value + chance.choice(["", "0", "\n", "é"])
    return chance.choice(SPOILS)


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_readers_and_writers_agree(cls: type[Any]) -> None:
    chance = random.Random(cls.__name__)
    for value in [value for kind, value in VALUES if kind is cls]:
        made = schema.read(cls, value)
        assert schema.write(made) == plain.write(made) == value
        # Made without the constructor, and yet what the constructor makes.
        again = cls(**vars(made))
        assert (made, hash(repr(made)), repr(made)) == (again, hash(repr(again)), repr(again))
        for _ in range(300):
            spoilt = value
            for _ in range(chance.choice((1, 1, 2, 3))):
                spoilt = spoil(spoilt, chance)
            path = chance.choice(("", "body", "a[0]"))
            assert outcome(schema.read, cls, spoilt, path) == outcome(plain.read, cls, spoilt, path)


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_a_written_reader_takes_what_is_good_and_nothing_else(cls: type[Any]) -> None:
    """Alone, for in its place the slower reader answers where it says nothing."""
    fields = schema._Fields(cls)
    read = write_reader(cls, fields.hint, fields.required)
    check = write_check(cls, fields.hint, fields.required)
    chance = random.Random(cls.__name__)
    for value in [value for kind, value in VALUES if kind is cls]:
        assert read(value) == plain.read(cls, value)
        assert check(value) is True
        # One that is there in place of another, too.
        swapped = [{name: item for name, item in {**value, "x": 1}.items() if name != gone} for gone in value]
        for spoilt in [*swapped, {**value, "x": 1}, *(spoil(value, chance) for _ in range(200))]:
            made = read(spoilt)
            expected = outcome(plain.read, cls, spoilt, "")
            assert made is None or expected == ("read", made)
            # Who only looks sees the same.
            assert check(spoilt) is (None if made is None else True)
        assert read([value]) is check([value]) is None


EDGES: list[tuple[schema.Rule, list[Any]]] = [
    (schema.text(5), ["", "x", "x" * 5, "x" * 6, "a\n", "\u202e", "é" * 5, "\x7f"]),
    (schema.text(5, 2), ["x", "xx", "x" * 5, "x" * 6]),
    (schema.between(-3, 7), [-4, -3, 0, 7, 8]),
    (schema.items(4, 1), [(), (1,), (1,) * 4, (1,) * 5, {}, {"x": 1}]),
    (schema.items(4), [(), (1,) * 4, (1,) * 5]),
    (schema.COUNT, [-1, 0, (1 << 53) - 1, 1 << 53]),
]


@pytest.mark.parametrize(("rule", "values"), EDGES)
def test_a_rule_that_is_written_out_says_the_same(rule: schema.Rule, values: list[Any]) -> None:
    assert rule.code is not None
    taken = 0
    for value in values:
        try:
            rule.check(value)
            good = True
        except MalformedInput:
            good = False
        assert bool(eval(rule.code.format("value"), {"value": value})) == good
        taken += good
    assert 0 < taken < len(values)
