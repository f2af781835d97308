"""Receipts over HTTP: by position for those who speak JSON, pending until publication, and what clients may ask for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cbor2
import pytest

from api.keyring import passphrase_of
from api.limits import Limits
from api.services.errors import TooMany, Unavailable
from api.services.receipts import ReceiptService
from ledger.rotation import rotate_key
from tallystick import cose
from tallystick.base64s import from_base64, to_base64url
from tallystick.key_history import KeyHistory, Replacement
from tallystick.keyfile import write_key
from tallystick.receipt import key_members, key_set, parse_consistency, parse_inclusion
from tallystick.statement import Statement
from tallystick.transparent import split, verify_receipts
from tallystick.trust import parse_trust
from tests.api.house import House, Party, open_house, problem
from tests.api.test_scitt import concise, log_key, position_of, register
from tests.api.test_submission import picture
from tests.world import key_from


@pytest.fixture
def said(house: House, studio: Party) -> Statement:
    """A new statement of the studio, signed with its own key."""
    return house.world.object(studio.who)


# --- for those who speak JSON ------------------------------------------------------


def test_an_event_that_the_service_signed_has_a_receipt_as_well(house: House, studio: Party) -> None:
    told = studio.record("object.register", picture(b"for a receipt"))
    answer = house.http.get(f"/v1/receipts/{told['position']}", params={"wait": 10})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/scitt-receipt+cose"
    entry = house.http.get(f"/v1/entries/{told['position']}").content
    proved = parse_inclusion(answer.content).verify(entry, house.world.origin, log_key(house))
    assert proved.index == told["position"]


def test_an_event_and_its_receipt_in_one_answer(house: House, studio: Party) -> None:
    event = {"type": "object.register", "body": picture(b"at once"), "event_id": "receipted", "private": {"title": "x"}}
    answer = studio.post("/v1/receipts", event)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert set(told["private"]) == {"title"}
    entry = house.http.get(f"/v1/entries/{told['position']}").content
    proved = parse_inclusion(from_base64(told["receipt"])).verify(entry, house.world.origin, log_key(house))
    assert proved.index == told["position"]
    again = studio.post("/v1/receipts", event)
    assert (again.status_code, again.json()["position"], again.json()["duplicate"]) == (200, told["position"], True)
    assert again.json()["receipt"]
    assert problem(house.http.post("/v1/receipts", json=event)) == (401, "unauthenticated", None)
    assert problem(studio.post("/v1/receipts", {**event, "body": picture(b"other")})) == (409, "conflict", "event_id")
    assert problem(studio.post("/v1/receipts", {"type": 7, "body": {}})) == (422, "malformed", "type")


def test_a_transparent_statement_verifies_with_a_trust_file_alone(house: House, said: Statement) -> None:
    position = position_of(register(house.http, said.entry))
    answer = house.http.get(f"/v1/statements/{position}")
    assert answer.headers["content-type"] == "application/scitt-statement+cose"
    entry, receipts = split(answer.content)
    assert entry == said.entry
    trust = parse_trust(house.http.get("/v1/trust").content)
    (included,) = verify_receipts(entry, receipts, trust).included
    assert included.index == position


@pytest.mark.parametrize("path", ["receipts", "statements"])
def test_json_problems_of_receipts(house: House, path: str) -> None:
    for query in ({}, {"wait": 1}):
        answer = house.http.get(f"/v1/{path}/1000000", params=query)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (404, "not-found", "position")
    for position, query in (
        ("-1", {}),
        ("x", {}),
        ("1", {"wait": "31"}),
        ("1", {"wait": "-1"}),
        ("1", {"wait": "nan"}),
    ):
        assert house.http.get(f"/v1/{path}/{position}", params=query).status_code == 422, (position, query)


def test_there_is_no_receipt_of_growth_that_was_none(house: House) -> None:
    size = house.registrar.post("/v1/checkpoints").json()["size"]
    for old, status in ((0, 422), (size, 422), (size + 1, 404), (-1, 422)):
        assert house.http.get("/v1/receipts/consistency", params={"from": old}).status_code == status, old
    assert house.http.get("/v1/receipts/consistency").status_code == 422


# --- pending ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A service that publishes on demand alone, and does not wait long."""
    with open_house(tmp_path_factory.mktemp("slow"), publish_every=3600.0) as opened:
        opened.services.registration.patience = 0.1
        yield opened


def test_until_it_is_published_a_registration_is_pending(slow: House) -> None:
    party = slow.party("studio")
    slow.registrar.post("/v1/checkpoints")
    said = slow.world.object(party.who)
    answer = register(slow.http, said.entry)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["cache-control"] == "no-store"
    location = answer.headers["location"]
    asked = slow.http.get(location)
    assert (asked.status_code, asked.content, asked.headers["location"]) == (202, b"", location)
    again = register(slow.http, said.entry)
    assert (again.status_code, again.headers["location"]) == (202, location)
    position = position_of(answer)
    assert slow.http.get(f"/v1/receipts/{position}").status_code == 404
    assert "not published yet" in slow.http.get(f"/v1/receipts/{position}", params={"wait": 0.1}).json()["detail"]
    slow.registrar.post("/v1/checkpoints")
    receipt = slow.http.get(location)
    assert receipt.status_code == 200
    parse_inclusion(receipt.content).verify(said.entry, slow.world.origin, log_key(slow))
    assert register(slow.http, said.entry).status_code == 201


def test_who_waits_is_told_as_soon_as_it_is_published(slow: House) -> None:
    party = slow.party("studio")
    slow.registrar.post("/v1/checkpoints")
    told = party.record("object.register", picture())
    publish = threading.Timer(0.3, lambda: slow.services.log.publish_now())
    publish.start()
    with ThreadPoolExecutor(8) as pool:
        path = f"/v1/receipts/{told['position']}"
        answers = list(pool.map(lambda _: slow.http.get(path, params={"wait": 20}), range(8)))
    publish.join()
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.content for answer in answers}) == 1


def test_a_flipped_bit_on_the_disk_is_never_signed(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        party = house.party("studio")
        answer = register(house.http, house.world.object(party.who).entry)
        assert answer.status_code == 201
        position = position_of(answer)
        size = parse_inclusion(answer.content).size
        bundle = next((house.services.settings.log / "public").glob(f"tile/entries/000.p/{size}"))
        data = bytearray(bundle.read_bytes())
        entry = house.http.get(f"/v1/entries/{position}").content
        data[data.index(entry) + len(entry) - 1] ^= 1
        bundle.chmod(0o644)
        bundle.write_bytes(data)
        assert concise(house.http.get(f"/entries/{position}")) == (500, "Internal Error", "internal")
        assert house.http.get("/entries/0").status_code == 200


# --- keys that were replaced ---------------------------------------------------------


def test_a_tree_is_for_the_key_of_its_size_to_sign(house: House) -> None:
    """Between a rotation and the next publication this process holds the new key, and the tree is of the old one."""
    services, old, new = house.services, house.services.keyring.signers["log"], key_from("the next log key")
    size = services.proofs.checkpoint().checkpoint.size
    first = services.keyring.log_signers(house.world.origin).keys

    def receipts(position: int) -> ReceiptService:
        replaced = Replacement(position, "2026-02-01T00:00:00Z", "log", new.public.to_text())
        history = KeyHistory(first, (replaced,))
        return ReceiptService(services.log.published, services.proofs, lambda: size, new, history)

    with pytest.raises(Unavailable, match="before the log's key was replaced"):
        receipts(size).inclusion(0)
    with pytest.raises(Unavailable, match="before the log's key was replaced"):
        receipts(size).consistency(2)
    after = receipts(size - 1)
    entry = house.http.get("/v1/entries/0").content
    parse_inclusion(after.inclusion(0)).verify(entry, house.world.origin, new.public)
    assert after.key_set() == key_set([new.public, old.public])
    for key in (old.public, new.public):
        assert after.key(to_base64url(key.kid)) == cose.dump(key_members(key))


def test_receipts_of_before_and_after_a_rotation(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        studio = house.party("studio").who
        before, after = house.world.object(studio), house.world.object(studio)
        answer = register(house.http, before.entry)
        old, settings, signers = log_key(house), house.services.settings, house.services.keyring.signers
        passphrase = passphrase_of(settings.keys, settings.passphrase, create=False)
    new = key_from("the next log key")
    rotate_key(settings.log, signers, "log", new, lambda: house.world.clock)
    (settings.keys / "log.pem").unlink()
    write_key(settings.keys / "log.pem", new, passphrase)
    with open_house(tmp_path) as again:
        given = register(again.http, after.entry)
        assert given.status_code == 201
        origin, size = again.world.origin, parse_inclusion(answer.content).size
        parse_inclusion(given.content).verify(after.entry, origin, new.public)
        first = parse_inclusion(answer.content).verify(before.entry, origin, old)
        fresh = parse_inclusion(again.http.get(answer.headers["location"]).content)
        assert fresh.verify(before.entry, origin, new.public).index == first.index
        grown = parse_consistency(again.http.get("/v1/receipts/consistency", params={"from": size}).content)
        grown.verify(first.root, origin, new.public)
        keys = cbor2.loads(again.http.get("/.well-known/scitt-keys").content)
        assert [one[2] for one in keys] == [new.public.kid, old.kid]


# --- limits -----------------------------------------------------------------------


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_client_has_a_bucket_that_time_refills() -> None:
    clock = Clock()
    limits = Limits(per_second=2.0, burst=3, clock=clock)

    def ask(client: str) -> None:
        with limits.one(client):
            pass

    for _ in range(3):
        ask("a")
    for _ in range(2):
        with pytest.raises(TooMany, match="only 2 requests per second"):
            ask("a")
    ask("b")
    clock.now += 0.5
    ask("a")
    with pytest.raises(TooMany):
        ask("a")
    clock.now += 60
    for _ in range(3):
        ask("a")
    with pytest.raises(TooMany):
        ask("a")


def test_only_so_many_are_under_way() -> None:
    limits = Limits(at_once=2)
    with limits.one("a"), limits.one("b"), pytest.raises(TooMany, match="under way"), limits.one("c"):
        pass
    with limits.one("c"):
        pass


def test_too_many_requests_are_told_when_to_come_again(
    house: House, said: Statement, studio: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.services.limits, "_burst", 0)
    answer = register(house.http, said.entry)
    assert concise(answer) == (429, "Too Many Requests", "too-many-requests")
    assert answer.headers["retry-after"] == "1"
    assert register(house.http, said.entry, Authorization=f"Bearer {studio.token}").status_code == 201


def test_who_sends_slowly_takes_no_place_from_others(
    house: House, said: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.services.limits, "_at_once", 1)
    where = house.http.base_url
    head = b"POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection((where.host, where.port)) as slow:
        slow.sendall(head + b"\xd2")
        assert register(house.http, said.entry).status_code == 201
