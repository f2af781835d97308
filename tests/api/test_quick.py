"""The quick readers of bodies against the schemas: what they take, the schemas read the same; no more is theirs."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from pydantic import ValidationError

from api.batches.reading import (
    MAX_ITEMS,
    read_batch,
    read_draft,
    read_statement,
)
from api.routes import events, quick
from api.routes.base import MAX_BODY_BYTES, Schema
from api.routes.events import (
    QUICK,
    DraftBatch,
    DraftSchema,
    StatementBatch,
    StatementSchema,
)
from tallystick.schema import FieldError
from tests.api.house import House, Party, problem
from tests.api.test_submission import picture

DRAFT: dict[str, Any] = {
    "type": "object.register",
    "body": {"kind": "image", "basis": [{"kind": "declared"}]},
    "event_id": "e-1",
    "subject": "10.5555/A-000G-40R4-0M30-E209-9",
    "time": "2026-02-01T00:00:00Z",
    "private": {"title": "é", "price": {"amount": "1"}},
}
STATEMENT: dict[str, Any] = {"statement": "0oRD", "disclosures": ["WyJ4Il0", ""]}
SPOILS: list[Any] = [None, True, 0, 1, "", "x", "=", "0oRD\n", [], ["x"], [1], {}, {"x": 1}, ["x"] * 33]


def by_schema(schema: type[Schema], value: Any) -> Any:
    """What the route makes of a body, or nothing where it says what is wrong."""
    try:
        made = schema.model_validate(value)
        if isinstance(made, DraftBatch):
            return [one.draft() for one in made.events]
        if isinstance(made, StatementBatch):
            return [one.signed() for one in made.statements]
        return made.draft() if isinstance(made, DraftSchema) else made.signed()  # type: ignore[attr-defined]
    except (ValidationError, FieldError):
        return None


def spoil(value: Any, chance: random.Random) -> Any:
    """One change, at the top or a level below."""
    if isinstance(value, dict) and chance.random() < 0.9:
        name = chance.choice([*value, "other", ""])
        if chance.random() < 0.2:
            return {key: item for key, item in value.items() if key != name}
        return {**value, name: chance.choice([*SPOILS, *value.values()])}
    return chance.choice(SPOILS)


@pytest.mark.parametrize(
    ("read", "schema", "good"), [(read_draft, DraftSchema, DRAFT), (read_statement, StatementSchema, STATEMENT)]
)
def test_one_item(read: Any, schema: type[Schema], good: dict[str, Any]) -> None:
    chance = random.Random(schema.__name__)
    assert read(good) == by_schema(schema, good) is not None
    taken = 0
    for _ in range(3000):
        value = good
        for _ in range(chance.choice((1, 1, 2, 4))):
            value = spoil(value, chance)
        kept = copy.deepcopy(value)
        found = read(value)
        assert found == by_schema(schema, value)
        assert value == kept
        taken += found is not None
    assert 300 < taken < 2700


@pytest.mark.parametrize(
    ("name", "read", "schema", "good"),
    [("events", read_draft, DraftBatch, DRAFT), ("statements", read_statement, StatementBatch, STATEMENT)],
)
def test_batches(name: str, read: Any, schema: type[Schema], good: dict[str, Any]) -> None:
    chance = random.Random(name)
    values: list[Any] = [{name: [good] * count} for count in (0, 1, 2, MAX_ITEMS, MAX_ITEMS + 1)]
    values += [{name: good}, {name: None}, {}, {name: [good], "other": 1}, {"other": [good]}, [good], None, "x"]
    values += [{name: [good, spoil(good, chance), good]} for _ in range(300)]
    for value in values:
        assert read_batch(value, name, read) == by_schema(schema, value)


BODIES: list[tuple[str, bytes]] = [
    ("/v1/events", b'{"type":"object.register","body":{},"body":{}}'),
    ("/v1/events", b'{"type":"object.register","body":{"size":1.5}}'),
    ("/v1/events", b'{"type":"object.register"'),
    ("/v1/events", b"[" * 5000),
    ("/v1/events", b'{"type":"object.register","body":{},"x":1}'),
    ("/v1/events", b'{"type":"object.register","body":{}}'),
    ("/v1/events", b""),
    ("/v1/events/batch", b'{"events":[]}'),
    ("/v1/events/batch", b'{"events":[{"type":"object.register","body":{}},{"type":"object.register"}]}'),
    ("/v1/events/batch", json.dumps({"events": [{"type": "nothing", "body": {}}]}).encode()),
    ("/v1/statements", b'{"statement":"x"}'),
    ("/v1/statements/batch", b'{"statements":[{"statement":"0oRD"},{"statement":"x"}]}'),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_what_is_wrong_is_said_the_same_with_and_without(
    house: House, studio: Party, monkeypatch: pytest.MonkeyPatch, path: str, body: bytes
) -> None:
    def ask() -> tuple[int, Any, Any]:
        headers = {"Authorization": f"Bearer {studio.token}", "Content-Type": "application/json"}
        answer = house.http.post(path, content=body, headers=headers)
        return answer.status_code, answer.headers["content-type"], answer.json()

    with_quick = ask()
    monkeypatch.setattr(quick.ShortWay, "_account", lambda *_: None)
    assert with_quick == ask()


def test_good_ones_are_answered_the_same(house: House, studio: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    event = {"type": "object.register", "body": picture(), "event_id": "quick-1", "private": {"title": "é"}}
    first, again = studio.post("/v1/events", event), studio.post("/v1/events", event)
    many = studio.post("/v1/events/batch", {"events": [event, {**event, "event_id": "no id"}]})
    monkeypatch.setattr(quick.ShortWay, "_account", lambda *_: None)
    slow, slow_many = (
        studio.post("/v1/events", event),
        studio.post("/v1/events/batch", {"events": [event, {**event, "event_id": "no id"}]}),
    )
    assert (first.status_code, again.status_code, slow.status_code) == (201, 200, 200)
    assert first.json() == {**slow.json(), "duplicate": False}
    for one, other in ((again, slow), (many, slow_many)):
        assert one.content == other.content
        assert one.headers.items() - other.headers.items() <= {("date", one.headers.get("date"))}


def test_without_a_scope_nothing_is_submitted(house: House, studio: Party) -> None:
    reader = house.with_token(studio.who, "read-private")
    for path, body in (("/v1/events", DRAFT), ("/v1/events/batch", {"events": [DRAFT]}), ("/v1/statements", STATEMENT)):
        assert problem(reader.post(path, body)) == (403, "forbidden", None)
    assert problem(reader.post("/v1/events", {"type": "object.register"}))[1] == "malformed"


def test_the_long_way_is_open(house: House, studio: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks, with a charset, with another case of Bearer: not for the short way, and recorded all the same."""
    taken: list[bool] = []
    account = quick.ShortWay._account

    def watch(self: Any, *given: Any) -> Any:
        found = account(self, *given)
        taken.append(found is not None)
        return found

    monkeypatch.setattr(quick.ShortWay, "_account", watch)
    body = json.dumps({"type": "object.register", "body": picture()}).encode()
    plain = {"Authorization": f"Bearer {studio.token}", "Content-Type": "application/json"}
    ways: list[tuple[dict[str, str], Any]] = [
        (plain, body),
        (plain, iter([body[:9], body[9:]])),
        ({**plain, "Content-Type": "application/json; charset=utf-8"}, body),
        ({**plain, "Authorization": f"bearer {studio.token}"}, body),
    ]
    answers = [house.http.post("/v1/events", headers=headers, content=content) for headers, content in ways]
    assert [one.status_code for one in answers] == [201] * 4
    assert taken == [True, False, False, False]
    assert len({answer.json()["position"] for answer in answers}) == 4


@pytest.mark.parametrize(("path", "limit"), [(path, one.limit) for path, one in QUICK.items()])
def test_the_limits_are_those_of_the_routes(path: str, limit: int) -> None:
    route = next(one for one in events.routes.routes if getattr(one, "path", "") == path)
    assert (getattr(route, "max_body_size", None) or MAX_BODY_BYTES) == limit


def test_a_fault_is_told_as_everywhere(house: House, studio: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(house.services.submission, "submit_single", fail)
    answer = studio.post("/v1/events", {"type": "object.register", "body": picture()})
    assert problem(answer) == (500, "internal", None)
    assert "swordfish" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
