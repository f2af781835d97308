"""Statements as they are written fast, against cbor2, against what reading them gives, and against a plain walk."""

from __future__ import annotations

import dataclasses
import random
from typing import Any, get_args, get_type_hints

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tallystick.statement as statement_module
from tallystick import canonical, content, cose, layout
from tallystick.admission.state import HeldKey
from tallystick.errors import MalformedInput
from tallystick.events import BODIES, Event, encode_event, envelope, event_value, parse_event, settle_event
from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.references import references
from tallystick.statement import CONTENT_TYPE, Statement, parse_statement, sign_settled, sign_statement, statement_again
from tests.core.oracles import references as plain
from tests.world import World, key_from

WORLD = World()
LOG = WORLD.sequence([WORLD.key_set(), WORLD.policy(), *WORLD.main_job()])
SIGNERS = {"ed25519": key_from("fast"), "es256": key_from("fast", "es256")}
ISSUERS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cf"]), min_size=1, max_size=255)
A, B = (WORLD.object().event.subject for _ in range(2))


def test_the_payload_alone_is_what_cbor2_finds() -> None:
    taken = 0
    for entry in [one.entry for one in LOG]:
        for at in [-1, *range(len(entry))]:
            for value in (0, 1, 23, 0x40, 0x58, 0x59, 0xFF):
                changed = entry if at < 0 else entry[:at] + bytes([value]) + entry[at + 1 :]
                found = layout.payload(changed)
                if found is None:
                    assert layout.read(changed) is None
                    continue
                tag = cbor2.loads(changed)
                taken += 1
                assert (tag.tag, tag.value[1:3]) == (18, [{}, found])
                assert cbor2.dumps(tag, canonical=True) == changed
        assert layout.payload(entry[:-1]) is layout.payload(entry + b"\0") is layout.payload(entry[:40]) is None
    assert taken > 1000


@pytest.mark.parametrize("header", [0, 1, 22, 23, 24, 25, 100, 254, 255])
@pytest.mark.parametrize("payload", [0, 23, 24, 255, 256, 257])
def test_a_length_that_is_not_in_its_shortest_form_is_no_statements(header: int, payload: int) -> None:
    """One byte behind the head for fewer than 24, two for fewer than 256."""
    head, body, signature = bytes([header]) + bytes(header), bytes(payload), b"\x58\x40" + bytes(64)
    short = b"\xa0\x58" + bytes([payload]) if payload < 256 else b""
    for lengths, least in ((short, 24), (b"\xa0\x59" + payload.to_bytes(2, "big"), 256)):
        entry = b"\xd2\x84\x58" + head + lengths + body + signature
        if not lengths or header < 24 or payload < least:
            assert layout.usual(entry) is layout.payload(entry) is None
            continue
        start = 4 + header + len(lengths)
        assert layout.usual(entry) == (4 + header, start, start + payload)
        assert cbor2.dumps(cbor2.loads(entry), canonical=True) == entry


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=80) | st.none(), st.booleans())
def test_envelopes_are_what_cbor2_writes(protected: bytes, signature: bytes, payload: bytes | None, free: bool) -> None:
    unprotected = {394: [b"x"], 5: "y"} if free else {}
    made = cose.envelope(protected, payload, signature, unprotected)
    assert made == cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, payload, signature]), canonical=True)
    assert cose.frames(protected, payload or b"") == (
        cose.sig_structure(protected, payload or b""),
        cose.envelope(protected, payload or b"", signature).removesuffix(cbor2.dumps(signature)),
    )
    signed = cose.sig_structure(protected, payload or b"")
    assert signed == cbor2.dumps(["Signature1", protected, b"", payload or b""], canonical=True)


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 65_535, 65_536, 1 << 24, (1 << 24) + 1])
def test_items_of_every_width_of_head(size: int) -> None:
    assert cose.bytes_item(bytes(size)) == cbor2.dumps(bytes(size), canonical=True)
    assert cose.head_size(size) == len(cbor2.dumps(bytes(size), canonical=True)) - size
    assert cose.text_item("x" * size) == cbor2.dumps("x" * size, canonical=True)
    assert cose.text_item("é" * (size // 2)) == cbor2.dumps("é" * (size // 2), canonical=True)


@pytest.mark.parametrize("alg", SIGNERS)
@given(issuer=ISSUERS)
def test_a_signed_statement_is_what_reading_it_gives(alg: str, issuer: str) -> None:
    for one in LOG:
        signer, settled = SIGNERS[alg], settle_event(event_value(one.event))
        made = sign_settled(signer, issuer, settled)
        assert made == parse_statement(made.entry)
        start = layout.payload_at(made.parts)
        assert made.entry[start : start + len(made.parts.payload)] == settled.payload
        again = statement_again(made.entry, issuer, signer.public.kid, made.event, made.statement_id)
        assert (again.issuer, again.kid, again.statement_id) == (issuer, made.kid, made.statement_id)
        assert again == made
        made.verify(signer.public)
        header = {
            1: made.envelope.protected[1],
            3: CONTENT_TYPE,
            4: signer.public.kid,
            15: {1: issuer, 2: one.event.subject},
        }
        assert made.envelope.protected_bytes == cbor2.dumps(header, canonical=True)


def test_settled_events_are_one_meaning_and_one_byte_string() -> None:
    for one in LOG:
        value: Any = canonical.decode(one.envelope.payload or b"", 1 << 16)
        settled = settle_event(value)
        assert settled.event == one.event == parse_event(value)
        assert settled.payload == one.envelope.payload == encode_event(one.event)
        assert event_value(one.event) == value


@pytest.mark.parametrize(
    "spoilt", [{"recorded_for": None}, {"private": None}, {"private": {}}, {"body": None}, {"v": True}]
)
def test_what_has_a_second_form_is_not_settled(spoilt: dict[str, Any]) -> None:
    with pytest.raises(MalformedInput):
        settle_event({**event_value(LOG[-2].event), **spoilt})


def test_statements_that_cannot_be_read_are_not_signed() -> None:
    event = LOG[-2].event
    with pytest.raises(MalformedInput, match="EdDSA"):
        sign_statement(key_from("other", "es256k"), "issuer", event)
    with pytest.raises(MalformedInput, match="iss"):
        sign_statement(SIGNERS["es256"], "is\nsuer", event)
    with pytest.raises(MalformedInput, match="iss"):
        sign_statement(SIGNERS["es256"], "x" * 256, event)


TRAPS = [
    A, B, f"x{A}", f"{A}x", f'"{A}', f'{A}"', f'x:"{A}"', f',"{A}', f"\\{A}", f"{A}\\", f'[\\"{A}\\"', "10.", "10./",
    A.lower(), A[:-1] + ("0" if A[-1] != "0" else "1"), "10.5555/A-é", f"{A}/{B}", f" {A}", "ab:", "ab,", f'ab:"{A}',
]  # fmt: skip


@given(
    st.lists(st.sampled_from(TRAPS) | st.text('10.5/A-:,[\\" x', max_size=12), max_size=5),
    st.sampled_from([*TRAPS, "i"]),
)
def test_references_are_what_a_walk_finds(texts: list[str], issuer: str) -> None:
    pointer = StatusPointer(issuer, 1)
    event = Event("licence.grant", "e", B, "2026-02-01T00:00:00Z", LicenceGrant(A, tuple(texts), pointer))
    # Its records hold texts that no parser would let in: the walk and the search must agree on any.
    payload = canonical.encode(event_value(event))
    statement = Statement(b"", layout.Parts(b"", -8, b"", issuer, B, payload, b""), event)
    assert references(statement) == plain.references(statement)


def test_references_of_a_log() -> None:
    assert [references(one) for one in LOG] == [plain.references(one) for one in LOG]
    assert any(len(references(one)) > 3 for one in LOG)


def general(entry: bytes) -> Any:
    """What the rules one after the other make of an entry; the message where they refuse it."""
    try:
        return statement_module._read_generally(entry)
    except MalformedInput as error:
        return str(error)


def spoiled(entry: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(entry))
    some = chance.choice([b"", b"\x00", b"\x18", b"\x58", b"\x59", b"\x78", b"\xa0", bytes([chance.randrange(256)])])
    return entry[:at] + some + entry[at + chance.choice((0, 1, 1, 1, 2)) :]


def test_the_layout_is_read_as_the_rules_read_it() -> None:
    """Every statement has it; whatever else has it is read the same; and nothing is read that the rules refuse."""
    chance, taken = random.Random("layout"), 0
    for one in LOG:
        assert layout.read(one.entry) == general(one.entry)
        assert isinstance(layout.read(one.entry), layout.Parts)
        for _ in range(2000):
            entry = spoiled(one.entry, chance)
            found = layout.read(entry)
            if found is not None:
                taken += 1
                expected = general(entry)
                # What the issuer may hold is looked at after either.
                assert found == expected or str(expected).startswith("the issuer (iss)")
    assert taken > 1000


HEADS = [
    b"\x43abc", b"\x58\x03abc", b"\x59\x00\x03abc", b"\x5a\x00\x00\x00\x03abc", b"\x5f\x43abc\xff", b"\x63abc", b"\xf6",
]  # fmt: skip


@pytest.mark.parametrize("payload", HEADS)
@pytest.mark.parametrize("signature", HEADS)
def test_only_the_shortest_heads_have_the_layout(payload: bytes, signature: bytes) -> None:
    protected = LOG[3].envelope.protected_bytes
    entry = b"\xd2\x84" + cose.bytes_item(protected) + b"\xa0" + payload + signature
    assert (layout.read(entry) is not None) == (payload == signature == b"\x43abc")
    assert layout.read(entry) is None or layout.read(entry) == general(entry)


def integers(cls: Any, path: str) -> list[str]:
    """The integers in a record, and in its records, that no rule bounds."""
    found = []
    for name, hint in get_type_hints(cls, include_extras=True).items():
        found += [f"{path}.{name}"] if hint is int else []
        found += [inner for part in _parts(hint) for inner in integers(part, f"{path}.{name}")]
    return found


def _parts(hint: Any) -> list[Any]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return [hint]
    return [part for argument in get_args(hint) for part in _parts(argument)]


def test_every_integer_of_an_event_is_bounded() -> None:
    """So that what was read is inside the profile of canonical JSON, and is not looked through again."""
    records = [envelope._Envelope, content.FileContent, content.FolderContent, *BODIES.values()]
    assert [name for cls in records for name in integers(cls, cls.__name__)] == []
    assert integers(HeldKey, "x") == ["x.added"]
    registered = event_value(next(one.event for one in LOG if one.event.type == "object.register"))
    with pytest.raises(MalformedInput, match="surrogate"):
        settle_event({**registered, "body": {**registered["body"], "media_type": "\ud800"}})
