"""SCRAPI over HTTP: statements that parties signed go in, receipts come out, and nobody speaks for another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cbor2
import httpx
import pytest

from tallystick import cose
from tallystick.base64s import to_base64url
from tallystick.events.objects import Basis
from tallystick.events.party import PartyKey
from tallystick.keys import PublicKey
from tallystick.receipt import parse_consistency, parse_inclusion
from tallystick.schema import write
from tallystick.statement import MAX_ENTRY_BYTES, Statement, parse_statement
from tallystick.tree_head import parse_log_keys, verify_tree_head
from tests.api.house import House, Party
from tests.api.test_submission import picture
from tests.world import Someone, key_from

STATEMENT = "application/scitt-statement+cose"
CONCISE = "application/concise-problem-details+cbor"
OURS = "urn:tallystick:problem"


def register(http: httpx.Client, entry: bytes, media_type: str = "application/cose", **headers: str) -> httpx.Response:
    return http.post("/entries", content=entry, headers={"Content-Type": media_type, **headers})


def concise(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, title and code of a concise problem; every one has a detail too."""
    assert answer.headers["content-type"] == CONCISE, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = cbor2.loads(answer.content)
    assert cose.dump(found) == answer.content
    assert set(found) == {-1, -2, OURS}
    assert found[-2]
    return answer.status_code, found[-1], found[OURS]["code"]


def log_key(house: House) -> PublicKey:
    return parse_log_keys(house.http.get("/vkeys").text.splitlines()).ed25519


def position_of(answer: httpx.Response) -> int:
    location = answer.headers["location"]
    assert location.startswith("/entries/")
    return int(location.removeprefix("/entries/"))


@pytest.fixture
def said(house: House, studio: Party) -> Statement:
    """A new statement of the studio, signed with its own key."""
    return house.world.object(studio.who)


# --- registered -----------------------------------------------------------------


def test_a_statement_is_registered_without_a_token_and_answered_with_its_receipt(house: House, said: Statement) -> None:
    answer = register(house.http, said.entry)
    assert answer.status_code == 201, answer.content
    assert answer.headers["content-type"] == "application/cose"
    position = position_of(answer)
    receipt = parse_inclusion(answer.content)
    proved = receipt.verify(said.entry, house.world.origin, log_key(house))
    assert (proved.index, receipt.subject) == (position, said.event.subject)
    assert house.http.get(f"/v1/entries/{position}").content == said.entry
    told = house.http.get(f"/v1/events/{position}").json()
    assert (told["issuer"], told["recorded_for"]) == (said.issuer, None)
    keys = parse_log_keys(house.http.get("/vkeys").text.splitlines())
    assert proved.size <= verify_tree_head(house.http.get("/checkpoint").content, keys).checkpoint.size


@pytest.mark.parametrize(
    "media_type",
    [
        "application/cose",
        "Application/COSE",
        'application/cose; cose-type="cose-sign1"',
        "application/scitt-statement+cose",
    ],
)
def test_the_media_types_of_a_statement(house: House, said: Statement, media_type: str) -> None:
    assert register(house.http, said.entry, media_type).status_code == 201


def test_the_same_statement_again_has_the_same_place_and_a_receipt(house: House, said: Statement) -> None:
    first = register(house.http, said.entry)
    again = register(house.http, said.entry)
    assert (first.status_code, again.status_code) == (201, 201)
    assert position_of(first) == position_of(again)
    parse_inclusion(again.content).verify(said.entry, house.world.origin, log_key(house))


def test_a_statement_with_the_other_s_of_its_ecdsa_signature_is_the_same(house: House) -> None:
    who = house.world.someone("with a curve", "es256")
    party = {"subject": who.id, "kind": "person", "roles": ["studio"], "keys": [write(who.valid_key())]}
    assert house.registrar.post("/v1/parties", party).status_code == 201
    said = house.world.object(who)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    flipped = said.entry[:-32] + (order - int.from_bytes(said.entry[-32:], "big")).to_bytes(32, "big")
    parse_statement(flipped).verify(who.signer.public)
    first, second = register(house.http, said.entry), register(house.http, flipped)
    assert position_of(first) == position_of(second)
    kept = house.http.get(f"/v1/entries/{position_of(first)}").content
    assert kept == said.entry
    # The receipt is of the bytes that stand in the log, whoever brought which.
    parse_inclusion(second.content).verify(kept, house.world.origin, log_key(house))


def test_a_fresh_receipt_is_at_the_locator(house: House, studio: Party, said: Statement) -> None:
    first = register(house.http, said.entry)
    studio.record("object.register", picture())
    house.registrar.post("/v1/checkpoints")
    answer = house.http.get(first.headers["location"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/cose"
    assert answer.headers["location"] == first.headers["location"]
    assert answer.headers["cache-control"] == "public, max-age=1"
    old, new = parse_inclusion(first.content), parse_inclusion(answer.content)
    assert new.size > old.size
    assert new.verify(said.entry, house.world.origin, log_key(house)).index == old.index
    grown = house.http.get("/v1/receipts/consistency", params={"from": old.size})
    proved = old.verify(said.entry, house.world.origin, log_key(house))
    parse_consistency(grown.content).verify(proved.root, house.world.origin, log_key(house))


def test_every_entry_has_a_receipt_the_first_ones_too(house: House) -> None:
    size = house.http.get("/v1/status").json()["checkpoint"]["size"]
    for position in range(min(size, 12)):
        receipt = parse_inclusion(house.http.get(f"/entries/{position}").content)
        entry = house.http.get(f"/v1/entries/{position}").content
        assert receipt.verify(entry, house.world.origin, log_key(house)).index == position


def test_a_token_lifts_nothing_but_the_limit(house: House, rival: Party, said: Statement) -> None:
    """Whoever brings a statement, it counts for who signed it."""
    answer = register(house.http, said.entry, Authorization=f"Bearer {rival.token}")
    assert answer.status_code == 201
    assert house.http.get(f"/v1/events/{position_of(answer)}").json()["party"] == said.issuer


def test_many_at_once_each_get_the_receipt_of_their_own(house: House, studio: Party) -> None:
    statements = [house.world.object(studio.who) for _ in range(24)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda one: register(house.http, one.entry), statements * 2))
    assert {answer.status_code for answer in answers} == {201}
    key = log_key(house)
    for statement, answer in zip(statements * 2, answers, strict=True):
        proved = parse_inclusion(answer.content).verify(statement.entry, house.world.origin, key)
        assert proved.index == position_of(answer)
    places = [position_of(answer) for answer in answers]
    assert places[:24] == places[24:]
    assert len(set(places)) == 24


# --- refused ---------------------------------------------------------------------


def test_nobody_speaks_for_another(house: House, studio: Party, rival: Party) -> None:
    for signer in (rival.who.signer, key_from("nobody's")):
        forged = house.world.object(Someone(studio.id, signer))
        assert concise(register(house.http, forged.entry)) == (400, "Rejected", "unknown-signer")
        bearer = f"Bearer {studio.token}"
        assert concise(register(house.http, forged.entry, Authorization=bearer))[2] == "unknown-signer"


def test_a_signature_that_was_touched_is_refused(house: House, said: Statement) -> None:
    bad = said.entry[:-1] + bytes([said.entry[-1] ^ 1])
    assert concise(register(house.http, bad)) == (400, "Rejected", "bad-signature")
    assert register(house.http, said.entry).status_code == 201


def test_admission_decides(house: House, studio: Party, rival: Party, said: Statement) -> None:
    world = house.world
    assert concise(register(house.http, world.object(world.someone("a stranger")).entry))[2] == "unknown-signer"
    register(house.http, said.entry)
    again = world.object(studio.who, subject=said.event.subject)
    assert concise(register(house.http, again.entry)) == (400, "Rejected", "already-registered")
    taken = world.object(rival.who, basis=(Basis("object", None, said.event.subject),))
    assert concise(register(house.http, taken.entry)) == (400, "Rejected", "not-holder")


def test_another_event_under_the_same_id_is_refused(house: House, studio: Party) -> None:
    world = house.world
    first, second = (
        world.say(studio.who, "object.register", one.event.subject, one.event.body, event_id="only-one")
        for one in (world.object(studio.who), world.object(studio.who))
    )
    assert register(house.http, first.entry).status_code == 201
    assert concise(register(house.http, second.entry)) == (400, "Rejected", "conflict")


def test_a_revoked_key_registers_nothing(house: House) -> None:
    party = house.party("studio")
    kid = party.who.signer.public.kid.hex()
    before, after = house.world.object(party.who), house.world.object(party.who)
    assert register(house.http, before.entry).status_code == 201
    house.registrar.record("party.key", PartyKey("revoke", None, kid), subject=party.id)
    assert concise(register(house.http, after.entry)) == (400, "Rejected", "key-revoked")
    # What it said while it was in force stands.
    assert register(house.http, before.entry).status_code == 201


def test_the_log_keeps_its_own_events_to_itself(house: House, studio: Party) -> None:
    said = house.world.say(
        Someone(house.world.origin, studio.who.signer),
        "log.batch",
        house.world.origin,
        house.world.batch(0, 1).event.body,
    )
    assert concise(register(house.http, said.entry))[0] == 400


def test_a_transparent_statement_is_no_entry(house: House, said: Statement) -> None:
    whole = house.http.get(f"/v1/statements/{position_of(register(house.http, said.entry))}").content
    status, title, _ = concise(register(house.http, whole))
    assert (status, title) == (400, "Malformed request")


SIGNER = key_from("any")
MALFORMED = {
    "nothing": b"",
    "JSON": b'{"type":"object.register"}',
    "no statement of ours": cose.sign1(SIGNER, {3: "text/plain", 4: SIGNER.public.kid}, b"hello"),
    "indefinite length": b"\xd2\x9f\x43\xa1\x01\x27\xa0\x40\x40\xff",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_statement(house: House, name: str) -> None:
    assert concise(register(house.http, MALFORMED[name])) == (400, "Malformed request", "malformed")


def test_the_errors_that_the_draft_names(house: House, said: Statement) -> None:
    parts = cbor2.loads(said.entry).value
    detached = cose.dump(cbor2.CBORTag(18, [parts[0], {}, None, parts[3]]))
    assert concise(register(house.http, detached)) == (400, "Payload Missing", "payload-missing")
    header = cose.dump({**cbor2.loads(parts[0]), 1: -35})
    other = cose.dump(cbor2.CBORTag(18, [header, {}, *parts[2:]]))
    assert concise(register(house.http, other)) == (400, "Bad Signature Algorithm", "bad-algorithm")


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "application/cbor", "", "application/cose+x"])
def test_other_content_types_are_refused(house: House, said: Statement, media_type: str) -> None:
    answer = register(house.http, said.entry, media_type)
    assert concise(answer) == (415, "Unsupported Media Type", "unsupported-type")


@pytest.mark.parametrize("declared", [True, False], ids=["with a length", "in chunks"])
def test_a_statement_that_is_too_large(house: House, declared: bool) -> None:
    body = bytes(MAX_ENTRY_BYTES + 1)
    content = body if declared else (body[at : at + 8192] for at in range(0, len(body), 8192))
    answer = house.http.post("/entries", content=content, headers={"Content-Type": "application/cose"})
    assert concise(answer) == (413, "Content Too Large", "too-large")


def test_a_wrong_token_is_refused_although_none_is_needed(house: House, said: Statement) -> None:
    answer = register(house.http, said.entry, Authorization="Bearer ts_wrong")
    assert concise(answer) == (401, "Unauthorized", "unauthenticated")
    assert answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "locator", ["-1", "+1", "01", "1.0", "x", "1e3", "٣", "9" * 20, str(1 << 63), "0x10", "a" * 64]
)
def test_locators_that_are_none(house: House, locator: str) -> None:
    assert concise(house.http.get(f"/entries/{locator}")) == (400, "Invalid locator", "invalid-locator")


def test_there_is_no_receipt_for_what_is_not_there(house: House) -> None:
    for path in ("/entries/1000000", f"/entries/{(1 << 63) - 1}"):
        assert concise(house.http.get(path)) == (404, "Not Found", "not-found")
    assert concise(house.http.get("/entries/1/receipt"))[0] == 404


def test_a_wrong_method_is_told_in_cbor_too(house: House) -> None:
    answer = house.http.get("/entries")
    assert concise(answer) == (405, "Method Not Allowed", "method-not-allowed")
    assert answer.headers["allow"] == "POST"
    assert house.http.get("/entriesx").headers["content-type"] == "application/problem+json"


def test_an_internal_error_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(position: int) -> bytes:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(house.services.receipts, "inclusion", fail)
    answer = house.http.get("/entries/0")
    assert concise(answer) == (500, "Internal Error", "internal")
    assert b"swordfish" not in answer.content


# --- keys ------------------------------------------------------------------------


def test_the_keys_are_a_cose_key_set(house: House) -> None:
    answer = house.http.get("/.well-known/scitt-keys", headers={"Accept": "application/cbor"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/cbor"
    assert answer.headers["access-control-allow-origin"] == "*"
    (members,) = cbor2.loads(answer.content)
    key = log_key(house)
    assert members == {1: 1, 2: key.kid, 3: -8, -1: 6, -2: key.raw}
    one = house.http.get(f"/.well-known/scitt-keys/{to_base64url(key.kid)}")
    assert one.status_code == 200
    assert cbor2.loads(one.content) == members
    unknown = house.http.get(f"/.well-known/scitt-keys/{to_base64url(bytes(32))}")
    assert concise(unknown) == (404, "No such key", "no-such-key")
    assert concise(house.http.get(f"/.well-known/scitt-keys/{key.kid.hex()}"))[0] == 404


# --- the description ----------------------------------------------------------------


def test_the_interface_is_described_as_it_is(house: House) -> None:
    paths = house.http.get("/openapi.json").json()["paths"]
    post, get = paths["/entries"]["post"], paths["/entries/{id}"]["get"]
    assert set(post["requestBody"]["content"]) == {"application/cose"}
    assert set(post["responses"]) == {"201", "202", "4XX", "5XX"}
    assert set(get["responses"]) == {"200", "202", "4XX", "5XX"}
    for operation in (post, get, paths["/.well-known/scitt-keys/{kid}"]["get"]):
        assert set(operation["responses"]["4XX"]["content"]) == {CONCISE}
    assert set(paths["/v1/receipts/{position}"]["get"]["responses"]["200"]["content"]) == {
        "application/scitt-receipt+cose"
    }
    assert "ReceiptedSchema" in str(paths["/v1/receipts"]["post"]["responses"]["201"])
