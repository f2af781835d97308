"""What an entry is about: own and named, of every type that there is, and the table in the document."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from tallystick import cose
from tallystick.events import Event
from tallystick.events.capability import CapabilityGrade
from tallystick.events.dispute import DisputeOpening
from tallystick.events.kinds import BODIES, SUBJECTS
from tallystick.identifiers import check_character
from tallystick.keys import LocalSigner
from tallystick.map import About, MemoryMap, about
from tallystick.map.about import BOOKKEEPING, TARGET
from tallystick.map.memory import about_entry
from tallystick.map.proof import EMPTY_ROOT
from tallystick.statement import sign_statement
from tests.core import builders
from tests.core.builders import CAPABILITY, DISPUTE, OBJECT, ORIGIN, OTHER, PARTY, PARTY_KEY
from tests.core.map import naive
from tests.docs.forms import rows
from tests.docs.pages import page, section, table, words

EVENTS: list[Event] = [
    one
    for name, found in vars(builders).items()
    if name.isupper() and isinstance(found, dict)
    for one in found.values()
    if isinstance(one, Event)
]


def of(event: Event, key: LocalSigner = PARTY_KEY) -> About:
    return about(sign_statement(key, PARTY, event).parts.payload)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_as_the_words_say(event: Event) -> None:
    payload = sign_statement(PARTY_KEY, PARTY, event).parts.payload
    own, named = naive.about(json.loads(payload))
    found = about(payload)
    assert (set(found.own), set(found.named)) == (own, named)
    assert len(found.own) == len(own)
    assert len(found.named) == len(named)


def test_every_type_is_among_these() -> None:
    assert {event.type for event in EVENTS} == set(BODIES)


def test_the_table_names_what_the_schema_names() -> None:
    """A new type, or a new field that holds an identifier, has its line in the document."""
    told: dict[str, set[str]] = {}
    for kinds, fields, *_ in table(section(page("map.md"), "1. What an entry is about")):
        for kind in words(kinds):
            assert kind not in told
            told[kind] = words(fields)
    assert told == {kind: _identifiers(cls) for kind, cls in BODIES.items() if kind not in BOOKKEEPING}


def _identifiers(cls: type[Any]) -> set[str]:
    found = set()
    for name, form in rows(cls):
        if "identifier" in form:
            found.add(name.replace("?", "") + ("[]" if form.startswith("list") else ""))
    return found


def test_bookkeeping_is_known_by_the_log_alone() -> None:
    assert all(SUBJECTS[kind] == () for kind in BOOKKEEPING if kind in SUBJECTS)


def test_who_says_it_is_not_what_it_is_about() -> None:
    event = dataclasses.replace(builders.event("capability.grade", CAPABILITY, CapabilityGrade("A", "s")))
    assert of(dataclasses.replace(event, **builders.RECORDED)) == About((CAPABILITY,), ())


def test_a_target_is_own_and_not_named() -> None:
    assert of(builders.event("dispute.open", DISPUTE, DisputeOpening(OBJECT, "other"))) == About((DISPUTE, OBJECT), ())


def test_a_text_that_happens_to_be_an_identifier_counts() -> None:
    assert of(builders.event("capability.grade", CAPABILITY, CapabilityGrade("A", OTHER))) == About(
        (CAPABILITY,), (OTHER,)
    )
    assert of(builders.event("capability.grade", CAPABILITY, CapabilityGrade("A", CAPABILITY))) == About(
        (CAPABILITY,), ()
    )
    assert of(builders.event("capability.grade", CAPABILITY, CapabilityGrade("A", f"see {OTHER}"))) == About(
        (CAPABILITY,), ()
    )


def _payload(body: Any, kind: str = "later.type", **more: Any) -> bytes:
    event = {"body": body, "event_id": "e", "subject": OBJECT, "time": "t", "type": kind, "v": 1, **more}
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("body", "own", "named"),
    [
        ({}, {OBJECT}, set()),
        ({"a": {"b": [[OTHER], {"c": PARTY}]}}, {OBJECT}, {OTHER, PARTY}),
        ({TARGET: OTHER}, {OBJECT, OTHER}, set()),
        ({TARGET: OBJECT}, {OBJECT}, set()),
        ({TARGET: [OTHER]}, {OBJECT}, {OTHER}),
        ({"a": {TARGET: OTHER}}, {OBJECT}, {OTHER}),
        ({TARGET: OTHER, "more": [OTHER, PARTY]}, {OBJECT, OTHER}, {PARTY}),
        ({OTHER: 1}, {OBJECT}, set()),
        ({"a": f',"event_id":"{OTHER}'}, {OBJECT}, set()),
        ({"a": f'","event_id":"x","subject":"{OTHER}"'}, {OBJECT}, set()),
        ({"event_id": OTHER, "z": PARTY}, {OBJECT}, {OTHER, PARTY}),
        ({"a": OTHER[:-1] + "?"}, {OBJECT}, set()),
        ({"a": "灯", "b": OTHER}, {OBJECT}, {OTHER}),
    ],
    # A set is told in another order by each process.
    ids=lambda one: str(sorted(one) if isinstance(one, set) else one),
)
def test_types_that_nobody_knows_yet(body: Any, own: set[str], named: set[str]) -> None:
    found = about(_payload(body))
    assert (set(found.own), set(found.named)) == (own, named)


@pytest.mark.parametrize("kind", sorted(BOOKKEEPING))
def test_bookkeeping_is_about_nothing(kind: str) -> None:
    assert about(_payload({"target": OTHER, "a": PARTY}, kind)) == About((), ())


def test_a_letter_that_is_not_assigned_yet_names_something() -> None:
    head = "10.5555/Z-0000-0000-0000-0001"
    assert of(
        builders.event("capability.grade", CAPABILITY, CapabilityGrade("A", f"{head}-{check_character(head)}"))
    ) == (About((CAPABILITY,), (f"{head}-{check_character(head)}",)))


def test_an_origin_with_quotes() -> None:
    assert about(_payload({"a": OTHER}, subject='log"\\x')) == About(('log"\\x',), (OTHER,))


def test_whose_commitments_are_named_as_the_members_are() -> None:
    pair = {"sha256": "00" * 32, "sm3": "00" * 32}
    private = {"event_id": pair, "subject": pair, "type": pair}
    assert about(_payload({"a": OTHER}, private=private)) == About((OBJECT,), (OTHER,))


@pytest.mark.parametrize(
    "entry", [b"", b"\x00", b"entry", b"\xd2\x84\x40\xa0\x40\x40", b"{}", b"\xd2\x84\x40\xa0\x42[]\x40"]
)
def test_what_is_no_statement_is_about_nothing(entry: bytes) -> None:
    assert about_entry(entry) == About((), ())


def test_of_an_entry() -> None:
    statement = sign_statement(
        PARTY_KEY, PARTY, builders.event("dispute.open", DISPUTE, DisputeOpening(OBJECT, "other"))
    )
    assert about_entry(statement.entry) == About((DISPUTE, OBJECT), ())
    assert ORIGIN not in about_entry(statement.entry).own


@pytest.mark.parametrize(
    "event",
    [
        '{"body":{},"subject":"\\ud800","type":"x"}',
        '{"body":{},"subject":5,"type":"x"}',
        '{"body":{},"subject":null,"type":"x"}',
        '{"body":[],"subject":"s","type":"x"}',
        '{"body":{},"subject":"s","type":[]}',
        '{"body":' + "[" * 6000 + "]" * 6000 + ',"subject":"s","type":"x"}',
        '{"body":{"a":' + "[" * 40 + "]" * 40 + '},"subject":"s","type":"x"}',
    ],
    ids=["a surrogate", "a number", "null", "a list as body", "a list as type", "6000 deep", "40 deep"],
)
def test_a_payload_of_another_form_is_about_nothing(event: str) -> None:
    """Whatever a process lets Python recurse to: the root of the map hangs on it."""
    entry = cose.sign1(PARTY_KEY, {}, event.encode())
    assert about_entry(entry) == About((), ())
    taken = MemoryMap()
    taken.take(entry)
    assert (taken.size, taken.root()) == (1, EMPTY_ROOT)


def test_a_name_of_a_member_is_no_text() -> None:
    payload = f'{{"body":{{"0":1,"{OTHER}":2}},"event_id":"e","subject":"{OBJECT}","time":"t","type":"x.y","v":1}}'
    assert about(payload.encode()) == About((OBJECT,), ())


HEAD, TAIL = '"event_id":"e",', f'"subject":"{OBJECT}","time":"t","type":"dispute.open","v":1}}'
OTHER_FORMS = {
    "a space before the text": f'{{"body":{{"target": "{OTHER}"}},{HEAD}{TAIL}',
    "a newline behind the text": f'{{"body":{{"target":"{OTHER}"\n}},{HEAD}{TAIL}',
    "an escaped slash": f'{{"body":{{"target":"{OTHER}"}},{HEAD}{TAIL}'.replace("/", "\\/", 1),
    "an escaped letter": f'{{"body":{{"target":"{OTHER}"}},{HEAD}{TAIL}'.replace("10.", "\\u0031\\u0030.", 1),
    "an escaped name": f'{{"body":{{"t\\u0061rget":"{OTHER}"}},{HEAD}{TAIL}',
    "a second body": f'{{"body":{{}},{HEAD}"body":{{"target":"{OTHER}"}},{TAIL}',
    "no event id but the body's": f'{{"body":{{"event_id":"e","target":"{OTHER}"}},{TAIL}',
    "a second target": f'{{"body":{{"target":"x","target":"{OTHER}"}},{HEAD}{TAIL}',
    "a long number": f'{{"body":{{"n":{"9" * 5000},"target":"{OTHER}"}},{HEAD}{TAIL}',
    "spaces around all": f' {{"body":{{"target":"{OTHER}"}},{HEAD}{TAIL} ',
}


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_a_log_cannot_hide_a_dispute_by_another_form_of_json(name: str) -> None:
    """No statement has such a payload, and a log that writes one must not state a map in which it is about nothing."""
    entry = cose.sign1(PARTY_KEY, {}, OTHER_FORMS[name].encode())
    assert about_entry(entry) == About((OBJECT, OTHER), ())


NO_JSON = {
    "nothing behind a colon": f'{{"body":{{"a":}},{HEAD}{TAIL}',
    "a number that is none": f'{{"body":{{"a":NaN}},{HEAD}{TAIL}',
    "an infinite number": f'{{"body":{{"a":-Infinity}},{HEAD}{TAIL}',
    "a mark of the order of bytes": f'\ufeff{{"body":{{}},{HEAD}{TAIL}',
    "a control character": f'{{"body":{{"a":"\n"}},{HEAD}{TAIL}',
    "two values": f'{{"body":{{}},{HEAD}{TAIL}{{}}',
}


@pytest.mark.parametrize("name", [*NO_JSON, "of another encoding"])
def test_what_is_no_json_is_about_nothing(name: str) -> None:
    data = NO_JSON[name].encode() if name in NO_JSON else f'{{"body":{{}},{HEAD}{TAIL}'.encode("utf-16")
    assert about_entry(cose.sign1(PARTY_KEY, {}, data)) == About((), ())


def test_a_text_that_an_escape_hides_elsewhere_in_the_body_is_found() -> None:
    payload = f'{{"body":{{"a":"{OTHER}"}},{HEAD}{TAIL}'.replace("10.", "10\\u002e", 1)
    assert about(payload.encode()) == About((OBJECT,), (OTHER,))
