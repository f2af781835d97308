"""What an entry is about, read the quick way, against the plain way: on statements, and on what only looks like one."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.map import reading
from ledger.map.disk import DiskMap
from ledger.map.reading import LONGEST, _in_their_places, mentioned
from tallystick import canonical, cose, layout
from tallystick.identifiers import has_form
from tallystick.map.memory import MemoryMap, about_entry
from tests.core.builders import CAPABILITY, OBJECT, OTHER, PARTY
from tests.ledger.map.test_disk import ENTRIES
from tests.ledger.test_fast_json import PUT

BODY = {"capability": CAPABILITY, "inputs": [{"object": OTHER, "role": "source"}], "more": {"x": [OBJECT, "10.5555/x"]}}
IN_PLACE = {
    "basis": [{"kind": "object", "subject": PARTY}, {"kind": "declared"}],
    "capability": CAPABILITY,
    "generation": {"capability": CAPABILITY, "job": OTHER},
    "inputs": [{"object": OTHER, "role": "source"}],
    "outputs": [OTHER, "10.5555/x"],
    "title_chain": [PARTY],
    "holder": PARTY,
    "to": "somebody",
    "workflow": OTHER,
}


def check_same(entry: bytes) -> bool:
    """Whether it is about anything."""
    plain, (own, named) = about_entry(entry), mentioned(entry)
    assert (set(own), {text for text in named if has_form(text)}) == (set(plain.own), set(plain.named))
    assert len(own) == len(plain.own)
    return bool(plain.own)


def payload(**changes: Any) -> bytes:
    """Longer than 255 bytes."""
    event = {"body": BODY, "event_id": "e" * 80, "subject": OBJECT, "time": "t", "type": "x.y", "v": 1, **changes}
    return canonical.encode({name: value for name, value in event.items() if value is not None})


def entry(data: bytes, subject: str = OBJECT, alg: int = -8, issuer: str = "log.example") -> bytes:
    return cose.envelope(layout.header(alg, bytes(32), issuer, subject), data, bytes(64))


def test_of_all_that_is_said() -> None:
    assert sum(check_same(one) for one in ENTRIES) > 20
    spans = [layout.usual(one) for one in ENTRIES]
    assert all(spans), "a statement is as statements are"
    read = [_in_their_places(one[start:end]) for one, (_, start, end) in zip(ENTRIES, spans, strict=True)]
    assert sum(found is not None for found in read) > 20, "most are read the quick way"


@pytest.mark.parametrize("which", [0, 9, 14])
def test_every_byte_of_a_statement_changed(which: int) -> None:
    whole = ENTRIES[which]
    for at in range(len(whole)):
        for change in (1, 0x20, 0x80):
            check_same(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
        check_same(whole[:at])
        check_same(whole[:at] + whole[at + 1 :])


CHANGES: list[dict[str, Any]] = [
    {},
    {"subject": None},
    {"subject": 5},
    {"subject": ""},
    {"subject": "log.example/map"},
    {"subject": "灯" * 7},
    {"body": [OTHER] * 9},
    {"body": {**BODY, "target": OTHER}},
    {"body": {**BODY, "target": OBJECT}},
    {"body": {**BODY, "target": [PARTY]}},
    {"body": {**BODY, "deep": {"target": PARTY}}},
    {"body": {"nothing": "x" * 200}},
    {"body": {"names": {OTHER: 1}, "x": "y" * 200}},
    {"body": {**BODY, "again": [OBJECT, OTHER, OTHER]}},
    {"private": {"a": OTHER}, "recorded_for": PARTY},
    {"recorded_for": PARTY},
    {"recorded_for": None, "body": {"x": "y" * 200}},
    {"type": "log.batch"},
    {"type": "log.time"},
    {"type": "log.map-root"},
    {"type": None},
    {"type": ["x"]},
]


ONCE = {"capability": CAPABILITY, "inputs": [{"object": OTHER}], "x": "y" * 20}
CHANGES += [{"body": ONCE}, {"body": ONCE, "recorded_for": PARTY}, {"body": {**ONCE, "workflow": PARTY}}]
CHANGES += [
    {"body": {**ONCE, **more}, **rest}
    for more, rest in [
        ({name: value}, rest) for name, value in IN_PLACE.items() for rest in ({}, {"recorded_for": PARTY})
    ]
]
CHANGES += [
    {"body": {**ONCE, "capability": OBJECT}},
    {"body": {**ONCE, "outputs": [OBJECT, PARTY]}},
    {"body": {**ONCE, "outputs": [PARTY, PARTY]}},
    {"body": {**ONCE, "outputs": [PARTY, "10." + "9" * 200]}},
    {"body": {**ONCE, "holder": "Fred", "note": PARTY}},
    {"body": {**ONCE, "holder": "10/5555", "note": PARTY}},
    {"body": {**ONCE, "holder": "10-5555", "note": PARTY}},
    {"body": {**ONCE, "note": PARTY}, "recorded_for": "Fred"},
    {"body": {**ONCE, "generation": {"job": PARTY, "inputs": [{"object": PARTY}]}}},
    {"body": {**ONCE, "generation": None}},
    {"body": {**ONCE, "inputs": PARTY}},
    {"body": {**ONCE, "inputs": [PARTY]}},
    {"body": {**ONCE, "outputs": [[PARTY]]}},
    {"body": {**ONCE, "target": PARTY}},
    {"body": {**ONCE, "title": "灯", "of": PARTY}},
    {"body": {"capability": CAPABILITY}, "event_id": "e"},
    {"body": {}, "event_id": "e", "time": None},
    {"body": ONCE, "subject": "log.example/map"},
    {"body": ONCE, "recorded_for": 5},
    {"body": ONCE, "event_id": PARTY},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
@pytest.mark.parametrize("header", [OBJECT, OTHER, "log.example/map", "", "灯" * 7, "x" * 29, "x" * 28])
def test_of_payloads_and_headers_of_any_kind(changes: dict[str, Any], header: str) -> None:
    """Whatever the header says of its subject: the payload decides, and the header must be one."""
    check_same(entry(payload(**changes), header))
    check_same(entry(payload(**changes), header, -7, "other"))


def test_who_it_is_recorded_for_is_not_looked_for_elsewhere() -> None:
    assert _in_their_places(payload(body=ONCE, recorded_for=PARTY)) == (OBJECT, ((OBJECT,), {CAPABILITY, OTHER}))
    assert _in_their_places(payload(body={**ONCE, "note": PARTY})) is None


def test_a_length_in_a_longer_form_than_it_needs() -> None:
    data = payload(body={"capability": CAPABILITY}, event_id="e")
    assert check_same(entry(data))
    long = entry(data).replace(bytes([0xA0, 0x58, len(data)]), bytes([0xA0, 0x59, 0, len(data)]))
    assert len(long) == len(entry(data)) + 1
    assert not check_same(long)


def nested(depth: int) -> bytes:
    return payload(body={**BODY, "deep": "?"}).replace(b'"?"', b"[" * depth + b'"10.5555/x"' + b"]" * depth)


@pytest.mark.parametrize("depth", [20, 29, 30, 31, 32, 33, 40, 1100])
def test_what_is_too_deep_is_about_nothing(depth: int) -> None:
    assert check_same(entry(nested(depth))) == (depth < 32)


@pytest.mark.parametrize("known", [True, False])
def test_a_header_that_only_begins_as_a_good_one(known: bool) -> None:
    """The beginning is remembered with the length of what follows: no byte more or fewer is a header."""
    reading._known.clear()
    good = entry(payload())
    header = layout.header(-8, bytes(32), "log.example", OBJECT)
    if known:
        assert check_same(good)
    for wrong in (header + b"x", header[:-1], header[:-2] + b"\xff\xff", header.replace(b"\x02\x78", b"\x00\x78")):
        assert not check_same(cose.envelope(wrong, payload(), bytes(64)))
        assert not check_same(cose.envelope(wrong, payload(subject=OBJECT + "x"), bytes(64)))
        assert not check_same(cose.envelope(wrong, payload(subject=OBJECT[:-1]), bytes(64)))
    assert check_same(good)


def test_a_header_of_another_subject_is_not_remembered() -> None:
    """Where its text is cut, what follows may make another one, or none."""
    reading._known.clear()
    other = entry(payload(subject="y" * 28), "\u00e9" + "x" * 27)
    assert check_same(other)
    assert not check_same(other.replace(b"\xa9" + b"x" * 27, b"z" * 28).replace(b"y" * 28, b"z" * 28))


@pytest.mark.parametrize("escaped", ["\\u0031\\u0030.", "1\\u0030.", "10\\u002e"])
def test_a_text_that_an_escape_hides(escaped: str) -> None:
    data = payload(body={"nothing": "x" * 200, "target": OTHER})
    assert check_same(entry(data.replace(b'"target":"10.', b'"target":"' + escaped.encode())))
    assert check_same(entry(data.replace(b'"target":"10.', b'"t\\u0061rget":"10.')))


def test_what_is_remembered_of_headers_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST_KNOWN", 3)
    for number in range(10):
        assert check_same(entry(payload(), issuer=f"log{number}"))
        assert len(reading._known) <= 3


STRANGE = [
    b"\\",
    b"\\u0031",
    b'"10.5555/x"',
    b'"target":"x",',
    b'"subject":"x",',
    b'"capability":"x",',
    b'"capability":"10.5555/x",',
    b'"outputs":[],',
    b'"body":{},',
    b'"body":{"outputs":["10.5555/x"]},',
    b'"recorded_for":"10.5555/x",',
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
]


@settings(max_examples=1500)
@given(
    st.lists(st.tuples(st.integers(0, 420), st.integers(0, 3), st.sampled_from([*PUT, *STRANGE]))),
    st.sampled_from(
        [{}, {"body": {**BODY, "target": OTHER}}, {"v": 0.5}, {"body": ONCE}, {"body": {"outputs": [OTHER]}}]
    ),
)
def test_the_same_of_hostile_payloads(changes: list[tuple[int, int, bytes]], event: dict[str, Any]) -> None:
    """Anything put anywhere, in place of up to three bytes."""
    event = {"body": BODY, "event_id": "e" * 80, "subject": OBJECT, "type": "x.y", **event}
    data = json.dumps(event, ensure_ascii=False).encode()
    for at, cut, put in changes:
        data = data[:at] + put + data[at + cut :]
    check_same(entry(data))


def test_of_a_text_that_is_too_long_nothing_is_held(tmp_path: Path) -> None:
    """Not in the map, which holds what it read of thousands of entries: as many megabytes as entries have."""
    text = "10.5555/" + "x" * LONGEST
    named, own = entry(payload(body={"x": text})), entry(payload(subject=text))
    assert mentioned(named) == ((OBJECT,), set()) == mentioned(entry(payload(body={"outputs": [text]})))
    with closing(DiskMap(tmp_path / "map.sqlite")) as found:
        plain = MemoryMap()
        for one in (named, own, own, *ENTRIES):
            found.take([one])
            plain.take(one)
        assert max(map(len, [*found._own, *found._named])) <= LONGEST
        found.flush()
        assert found.root() == plain.root()
