"""Status lists and staples: bound to the published checkpoint, right after every change, closed to mischief."""

from __future__ import annotations

from typing import Any

import pytest

from api.services import licence_tokens, status_lists
from api.services.status_lists import LIST_SIZE
from ledger.submission import Receipt, prepare
from tallystick.admission.standing import standing_at
from tallystick.base64s import from_base64
from tallystick.events.licence import MAX_STATUS_INDEX, LicenceGrant, LicenceTransfer, StatusPointer
from tallystick.identifiers import Letter
from tallystick.licence.staple import decode_staple
from tallystick.licence.status_list import MEDIA_TYPE, Status, StatusList, verify_status_list
from tallystick.merkle import verify_inclusion
from tallystick.statement import parse_statement
from tallystick.times import format_time
from tallystick.token.vc import Purpose
from tests.api.desk import Desk, told
from tests.api.house import Party, problem

STOP = {"action": "suspend", "grounds": "request"}


def listed(desk: Desk, number: int = 1) -> StatusList:
    answer = desk.house.http.get(f"/v1/status-lists/{number}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    key = desk.house.services.keyring.signers["status"].public
    return verify_status_list(answer.content, key, f"{desk.house.world.origin}/status/{number}")


def granted(desk: Desk, pointer: StatusPointer, who: Party | None = None) -> tuple[str, int]:
    """A licence that the studio signs itself, with a pointer of its choice."""
    world, object_and_data = desk.house.world, desk.picture()
    licence = world.identifier(Letter.LICENCE)
    body = LicenceGrant(object_and_data[0], (object_and_data[0],), pointer, desk.licensee.id)
    statement = world.say(desk.studio.who, "licence.grant", licence, body, desk.terms(*object_and_data))
    return licence, desk.said(desk.studio, statement)


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ((), Status.VALID),
        (("suspend",), Status.SUSPENDED),
        (("suspend", "reinstate"), Status.VALID),
        (("suspend", "revoke"), Status.INVALID),
        (("expire",), Status.EXPIRED),
    ],
    ids=["granted", "suspended", "reinstated", "revoked", "expired"],
)
def test_list_and_staple_say_what_the_published_log_says(
    desk: Desk, actions: tuple[str, ...], expected: Status
) -> None:
    object_id, data = desk.picture()
    request = {"object": object_id, "terms": desk.terms(object_id, data)}
    answer = told(desk.studio.post("/v1/licences", request))
    licence, index = answer["licence"], answer["status"]["index"]
    for action in actions:
        told(desk.status(licence, action))
    desk.publish()
    head = desk.house.services.proofs.checkpoint()
    found = listed(desk)
    assert found.status(index) is expected
    assert found.checkpoint == head.checkpoint
    staple = decode_staple(desk.house.http.get(f"/v1/licences/{licence}/staple").content)
    assert staple.checkpoint == head.note.encode()
    entry = parse_statement(desk.house.http.get(f"/v1/entries/{answer['position']}").content)
    path = [from_base64(node) for node in staple.proof]
    verify_inclusion(entry.leaf, answer["position"], head.checkpoint.size, path, head.checkpoint.root)
    stapled = verify_status_list(
        from_base64(staple.list), desk.house.services.keyring.signers["status"].public, found.uri
    )
    assert (stapled.checkpoint, stapled.status(index)) == (head.checkpoint, expected)


def test_an_index_that_nobody_has_is_not_valid(desk: Desk) -> None:
    desk.licence()
    desk.publish()
    found = listed(desk)
    pointers = {state.pointer.index for state in desk.house.services.statuses._book._states.values()}
    free = next(index for index in range(found.count) if index not in pointers)
    assert found.status(free) is Status.INVALID


def test_a_list_is_signed_anew_when_the_log_has_grown_or_time_has_passed(desk: Desk) -> None:
    desk.licence()
    desk.publish()
    first = desk.house.http.get("/v1/status-lists/1").content
    assert desk.house.http.get("/v1/status-lists/1").content == first
    desk.picture()
    desk.publish()
    grown = desk.house.http.get("/v1/status-lists/1").content
    assert grown != first
    desk.house.world.clock += 61
    later = listed(desk)
    assert later.issued_at == desk.house.world.clock
    assert later.expires_at == later.issued_at + desk.house.services.settings.status_lifetime


HIGH = [LIST_SIZE, MAX_STATUS_INDEX]


def test_strangers_have_no_list_worked_out_again_that_says_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a full list that takes a third of a second, for each checkpoint of a busy log and each list of it."""
    licence, _ = desk.licence()
    desk.publish()
    before, asked = listed(desk), list[str]()

    def counted(book: Any, of: str, now: str) -> Any:
        asked.append(of)
        return standing_at(book, of, now)

    monkeypatch.setattr(status_lists, "standing_at", counted)
    desk.picture()
    desk.publish()
    after = listed(desk)
    assert (after.packed, asked) == (before.packed, [])
    assert after.checkpoint.size > before.checkpoint.size
    # A licence that changes makes it new, and so does a change when its time has come.
    later = format_time(desk.house.world.clock + 600)
    told(desk.studio.post(f"/v1/licences/{licence}/status", {**STOP, "effective": later}))
    desk.publish()
    assert (listed(desk).packed, licence in asked) == (before.packed, True)
    desk.house.world.clock += 600
    assert listed(desk).packed != before.packed


@pytest.mark.parametrize("index", HIGH)
def test_an_index_beyond_the_list_is_refused(desk: Desk, index: int) -> None:
    """It would make the list of everybody sixteen times as long; whoever signs it, and however it is sent."""
    world, (object_id, data) = desk.house.world, desk.picture()
    own = StatusPointer(f"{world.origin}/status/1", index)
    body = LicenceGrant(object_id, (object_id,), own, desk.licensee.id, transfer="free")
    said = world.say(desk.studio.who, "licence.grant", world.identifier(Letter.LICENCE), body, world.terms(object_id))
    refused = (422, "inconsistent", "body.status.index")
    assert problem(desk.studio.state(said)) == refused
    drafted = desk.studio.submit("licence.grant", body, private=desk.terms(object_id, data))
    assert problem(drafted) == refused
    licence = desk.grant(object_id, data, transfer="free")
    moved = LicenceTransfer(desk.studio.id, "agreement", world.now(), own)
    licensee = {"party": desk.studio.id, "holder_kid": desk.studio.who.signer.public.kid.hex()}
    said = world.say(desk.licensee.who, "licence.transfer", licence, moved, {"licensee": licensee})
    assert problem(desk.licensee.state(said)) == refused
    elsewhere = StatusPointer("https://elsewhere.example/status/1", index)
    granted(desk, elsewhere)


def test_a_list_of_any_number_is_refused(desk: Desk) -> None:
    """A list for each licence would be a list of lists without end, which anybody may ask for."""
    world, (object_id, data) = desk.house.world, desk.picture()
    for number, taken in ((status_lists.MOST_LISTS + 1, False), (10**150, False), (status_lists.MOST_LISTS, True)):
        body = LicenceGrant(object_id, (object_id,), StatusPointer(f"{world.origin}/status/{number}", 5))
        answer = desk.studio.submit("licence.grant", body, private=desk.terms(object_id, data))
        if taken:
            assert answer.status_code == 201, answer.text
        else:
            assert problem(answer) == (422, "inconsistent", "body.status.list")


def test_a_high_index_from_before_neither_breaks_the_list_nor_is_lost(desk: Desk) -> None:
    """As logs may hold it that were begun before such indices were refused; the others must not suffer."""
    other, _ = desk.licence()
    world, (object_id, data) = desk.house.world, desk.picture()
    pointer = StatusPointer(f"{world.origin}/status/1", MAX_STATUS_INDEX)
    body = LicenceGrant(object_id, (object_id,), pointer, desk.licensee.id)
    licence, terms = world.identifier(Letter.LICENCE), desk.terms(object_id, data)
    said = world.say(desk.studio.who, "licence.grant", licence, body, terms)
    sent = prepare(said, world.disclosures[said.statement_id])
    (outcome,) = desk.house.services.log.submit_many([sent]).result(60)
    assert isinstance(outcome, Receipt)
    desk.publish()
    found = listed(desk)
    assert (found.count, found.status(MAX_STATUS_INDEX)) == (MAX_STATUS_INDEX + 1, Status.VALID)
    assert desk.house.http.get(f"/v1/licences/{other}/staple").status_code == 200
    told(desk.studio.post(f"/v1/licences/{licence}/card", {}))


def test_a_bitstring_list_is_made_once_of_each_list_that_is_signed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask for it, as often as it likes."""
    made: list[tuple[str, str]] = []
    write = licence_tokens.status_credential

    def noted(issuer: str, uri: str, purpose: Purpose, *rest: Any) -> dict[str, Any]:
        made.append((uri.rpartition("/")[2], purpose))
        return write(issuer, uri, purpose, *rest)

    monkeypatch.setattr(licence_tokens, "status_credential", noted)
    desk.licence()
    desk.publish()
    purposes = ("revocation", "suspension")

    def asked() -> list[str]:
        return [desk.house.http.get(f"/v1/status-lists/1/{purpose}").text for purpose in purposes]

    def settled() -> tuple[list[str], int]:
        """Asked until no list was signed anew meanwhile; a signature is another each time, so equal ones are one."""
        for _ in range(20):
            before = asked()
            count = len(made)
            if (asked(), asked()) == (before, before) and len(made) == count:
                return before, count
        raise AssertionError("each request made a list of its own")

    first, count = settled()
    assert first[0] != first[1]
    assert {purpose for _, purpose in made} == set(purposes)
    desk.picture()
    desk.publish()
    later, more = settled()
    assert (later != first, more > count) == (True, True)


@pytest.mark.parametrize(
    "suffix", ["elsewhere.example/status/1", "{origin}/status/01", "{origin}/status/x", "{origin}"]
)
def test_a_list_of_another_is_not_signed_here(desk: Desk, suffix: str) -> None:
    uri = suffix.format(origin=desk.house.world.origin)
    licence, _ = granted(desk, StatusPointer(uri, 5))
    desk.publish()
    assert problem(desk.house.http.get(f"/v1/licences/{licence}/staple")) == (409, "conflict", "status")
    assert problem(desk.studio.post(f"/v1/licences/{licence}/card", {})) == (409, "conflict", "status")


def test_lists_and_staples_of_nothing(desk: Desk) -> None:
    desk.licence()
    for number in (0, -1, 77):
        assert problem(desk.house.http.get(f"/v1/status-lists/{number}")) == (404, "not-found", "number")
    unknown = desk.house.world.identifier(Letter.LICENCE)
    for name in (unknown, "nonsense"):
        assert problem(desk.house.http.get(f"/v1/licences/{name}/staple")) == (404, "not-found", "licence")


def test_a_reserved_index_is_not_handed_out_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even while the licence that will take it is not logged yet."""
    import api.services.status_lists as module

    drawn = iter([3, 3, 3, 4])
    monkeypatch.setattr(module.secrets, "randbelow", lambda size: next(drawn))
    statuses = desk.house.services.statuses
    assert [statuses.reserve().index, statuses.reserve().index] == [3, 4]


def test_a_full_list_is_followed_by_another(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import api.services.status_lists as module

    statuses = desk.house.services.statuses
    monkeypatch.setattr(module, "LIST_SIZE", 1)
    first = statuses.reserve()
    assert (statuses.reserve().list, first.index) == (f"{desk.house.world.origin}/status/2", 0)
    monkeypatch.setattr(statuses, "_number", 1)


def test_behind_the_last_list_the_first_has_room_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A party that reserves without end brought everybody's licences to lists of numbers that are refused."""
    monkeypatch.setattr(status_lists, "MOST_LISTS", 3)
    monkeypatch.setattr(status_lists, "LIST_SIZE", 8)
    monkeypatch.setattr(status_lists, "_REMEMBERED", 8)
    services = desk.house.services
    found = status_lists.StatusLists(services.log, "log.example", services.keyring.signers["status"], 60, lambda: 0)
    numbers = [int(one.list.rpartition("/")[2]) for one in found.reserve_many(200)]
    assert set(numbers) == {1, 2, 3}
    assert 1 in numbers[-40:]
