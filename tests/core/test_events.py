"""Events: every type round-trips, every field is strict, and arbitrary JSON is never more than malformed."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick import canonical
from tallystick.digests import DigestPair
from tallystick.errors import MalformedInput
from tallystick.events import BODIES, Event, encode_event, parse_event
from tallystick.events.again import event_again
from tallystick.events.kinds import SUBJECTS
from tallystick.identifiers import Letter
from tallystick.schema import FieldError
from tallystick.versions import UnknownVersion
from tests.core.builders import FULL, LEAST, ORIGIN, PAIR, identifier

LIMIT = 1 << 16
EVENTS = [*FULL.values(), *LEAST.values()]
VALUES: dict[str, Any] = {kind: canonical.decode(encode_event(one), LIMIT) for kind, one in FULL.items()}


def test_every_type_has_an_example() -> None:
    assert set(FULL) == set(BODIES) == set(SUBJECTS)
    assert set(LEAST) <= set(FULL)


@pytest.mark.parametrize("event", EVENTS, ids=lambda one: one.type)
def test_round_trip(event: Event) -> None:
    data = encode_event(event)
    found, again = parse_event(canonical.decode(data, LIMIT)), event_again(canonical.decode(data, LIMIT))
    assert found == event
    assert (again, repr(again)) == (event, repr(found))
    assert canonical.decode(data, LIMIT)["v"] == 1
    assert event.commitments == (event.private or {})


def places(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and container of every object inside a JSON value."""
    if isinstance(value, dict):
        yield path, value
        for name, item in value.items():
            yield from places(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from places(item, f"{path}[{at}]")


@pytest.mark.parametrize("kind", FULL)
def test_unknown_fields_are_refused_everywhere(kind: str) -> None:
    for number, (path, _) in enumerate(places(VALUES[kind])):
        changed = copy.deepcopy(VALUES[kind])
        list(places(changed))[number][1]["zz"] = 1
        with pytest.raises(FieldError) as caught:
            parse_event(changed)
        if path == "private":
            assert caught.value.field == "private.zz"
        else:
            assert caught.value.field == (f"{path}.zz" if path else "zz")


OPTIONAL = {
    "recorded_for", "private", "proof", "not_after", "sealer", "add", "revoke", "score", "effective", "workflow",
    "holder", "parent", "supersedes", "declaration", "subject", "generation", "media_type",
    "successor", "log", "until",
}  # fmt: skip
OPTIONAL_IN = {
    "capture.record": {"tool", "environment", "model", "parameters", "stored", "notary", "party", "related"},
    "capture.attest": {"statement"},
    "custody.record": {"previous", "receiver"},
    "platform.file": {"valid_until"},
    "settlement.record": {"period", "also", "documents"},
}
"""Further ones of single types, whose names are demanded elsewhere."""


@pytest.mark.parametrize("kind", FULL)
def test_missing_fields_null_and_wrong_types_are_refused_everywhere(kind: str) -> None:
    for number, (path, container) in enumerate(places(VALUES[kind])):
        for name in container:
            for wrong in (None, True, 1.5, -1, "", [], {}, [None], "x" * 5000):
                changed = copy.deepcopy(VALUES[kind])
                place = list(places(changed))[number][1]
                # An empty list or number is right in some places; what is accepted must read back as it was.
                place[name] = wrong
                with pytest.raises(FieldError) if wrong is None else _malformed_or_faithful(changed):
                    parse_event(changed)
            changed = copy.deepcopy(VALUES[kind])
            del list(places(changed))[number][1][name]
            optional = OPTIONAL | (OPTIONAL_IN.get(kind, set()) if path != "recorded_for" else set())
            if path != "private" and (name not in optional or (not path and name == "subject")):
                with pytest.raises(FieldError) as caught:
                    parse_event(changed)
                assert name in str(caught.value)


class _malformed_or_faithful:
    """Accepts ``FieldError`` and ``UnknownVersion`` alone; what raises nothing must be written back unchanged."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if kind is None:
            assert canonical.decode(encode_event(parse_event(self.value)), LIMIT) == self.value
        return kind is not None and issubclass(kind, FieldError | UnknownVersion)


@pytest.mark.parametrize("kind", [kind for kind in FULL if SUBJECTS[kind]])
def test_subjects_name_the_right_kind_of_thing(kind: str) -> None:
    for letter in Letter:
        changed = {**VALUES[kind], "subject": identifier(letter)}
        if letter in SUBJECTS[kind]:
            parse_event(changed)
        else:
            with pytest.raises(FieldError, match=f"^subject: .* names a {letter.name.lower()}, expected a"):
                parse_event(changed)
    for subject in ("", "x", ORIGIN, VALUES[kind]["subject"][:-1] + "?", VALUES[kind]["subject"].lower()):
        with pytest.raises(FieldError, match=r"^subject: "):
            parse_event({**VALUES[kind], "subject": subject})


def test_versions() -> None:
    value = VALUES["log.policy"]
    for version in (0, 2, -1, 2**60):
        with pytest.raises(UnknownVersion, match="install a newer one"):
            parse_event({**value, "v": version})
    for version in (True, False, "1", 1.0, None, [1]):
        with pytest.raises(FieldError, match=r"^v: "):
            parse_event({**value, "v": version})


def test_types() -> None:
    for kind in ("", "log", "log.Policy", "log.policy ", "constructor", "x" * 41, "__class__"):
        with pytest.raises(FieldError, match=r"^type: "):
            parse_event({**VALUES["log.policy"], "type": kind})


@pytest.mark.parametrize("kind", FULL)
def test_a_body_of_another_type_is_refused(kind: str) -> None:
    for other in FULL:
        if BODIES[other] is not BODIES[kind]:
            with pytest.raises(FieldError, match=r"^body"):
                parse_event({**VALUES[kind], "body": VALUES[other]["body"]})


def test_the_event_id_is_the_clients_and_tame() -> None:
    for bad in ("", "-a", "a b", "a/b", "é", "a" * 65, "a\n"):
        with pytest.raises(FieldError, match=r"^event_id: "):
            parse_event({**VALUES["log.policy"], "event_id": bad})


def test_commitments_are_digest_pairs_under_tame_names() -> None:
    value = VALUES["job.register"]
    pair = {"sha256": PAIR.sha256, "sm3": PAIR.sm3}
    parse_event({**value, "private": {f"n{number}": pair for number in range(32)}})
    bad: list[Any] = [
        {}, {f"n{number}": pair for number in range(33)}, {"a b": pair}, {"": pair}, {"a": PAIR.sha256},
        {"a": "text"}, {"a": {"sha256": PAIR.sha256}}, {"a": {**pair, "md5": ""}},
        {"a": {**pair, "sm3": PAIR.sm3.upper()}}, [pair], None,
    ]  # fmt: skip
    for private in bad:
        with pytest.raises(FieldError, match=r"^private"):
            parse_event({**value, "private": private})


def test_keys_that_are_none_never_enter() -> None:
    """So that no rule, replay or report meets a key that cannot be loaded."""
    value = copy.deepcopy(VALUES["party.register"])
    for bad in ({"alg": "es256"}, {"public": "AAAA"}, {"public": "AQ" + "A" * 41 + "="}, {"alg": "rsa"}):
        value["body"]["keys"][0]["key"] = {**VALUES["party.register"]["body"]["keys"][0]["key"], **bad}
        with pytest.raises(FieldError, match=r"^body\.keys\[0\]\.key"):
            parse_event(value)


def test_an_event_that_could_not_be_read_is_not_written() -> None:
    for change in (
        {"event_id": "a b"},
        {"time": "now"},
        {"subject": "x"},
        {"private": {}},
        {"private": {"a": DigestPair("0", "0")}},
        {"body": FULL["log.policy"].body},
        {"type": "object.registered"},
    ):
        with pytest.raises(MalformedInput):
            encode_event(dataclasses.replace(FULL["object.register"], **change))


NAMES = sorted({name for value in VALUES.values() for _, place in places(value) for name in place})
WORDS = st.sampled_from(
    [*BODIES, ORIGIN, "2026-02-01T12:00:00Z", identifier(Letter.OBJECT), "0" * 64, "file", "folder"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


@settings(max_examples=300)
@given(JSON)
def test_arbitrary_json_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedInput):
        parse_event(value)


@settings(max_examples=400)
@given(st.sampled_from(sorted(VALUES)), JSON, st.data())
def test_events_with_one_value_replaced_are_malformed_or_faithful(kind: str, value: Any, data: st.DataObject) -> None:
    changed = copy.deepcopy(VALUES[kind])
    place = data.draw(st.sampled_from([container for _, container in places(changed)]))
    place[data.draw(st.sampled_from(sorted(place)))] = value
    try:
        found = parse_event(changed)
        written = encode_event(found)
    except MalformedInput:
        return
    assert canonical.decode(written, LIMIT) == changed
