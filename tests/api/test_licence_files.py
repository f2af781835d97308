"""Cards and signed originals: whom they are made for, what they show, and what a licensee can prove with them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.errors import OutcomeUnknown
from tallystick import c2pa
from tallystick.base64s import from_base64
from tallystick.c2pa import C2paVerdict, judge
from tallystick.commitments import parse_disclosure
from tallystick.digests import digest_pair
from tallystick.events import Event
from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.identifiers import Letter
from tallystick.licence.credential import LicenceCredential, decode_credential
from tallystick.schema import write
from tallystick.statement import parse_statement
from tests.api.desk import PNG, Desk, file_list, picture_bytes, told
from tests.api.house import House, Party, problem


def card_of(desk: Desk, licence: str, **asked: Any) -> bytes:
    told(desk.studio.post(f"/v1/licences/{licence}/card", asked))
    answer = desk.studio.get(f"/v1/licences/{licence}/card")
    assert (answer.status_code, answer.headers["content-type"]) == (200, PNG)
    return answer.content


def original_of(
    desk: Desk, licence: str, data: bytes, media_type: str = PNG, who: Party | None = None, **form: str
) -> httpx.Response:
    files = {"file": ("the original.png", data, media_type)}
    return (who or desk.studio).post(f"/v1/licences/{licence}/original", files=files, data=form)


def verdict_of(desk: Desk, data: bytes) -> C2paVerdict:
    """The strict verdict of the core as of now, by the service's own clock."""
    at = datetime.fromtimestamp(desk.house.world.clock, UTC)
    return judge(c2pa.read(data, PNG), c2pa.roots_of(desk.trust)[0], at)


def credential_of(desk: Desk, data: bytes) -> LicenceCredential:
    found = verdict_of(desk, data).licence
    assert found is not None
    return decode_credential(found)


def shown_names(credential: LicenceCredential) -> set[str]:
    """Names of the private values that a file discloses."""
    return {parse_disclosure(text).name for texts in credential.disclosures.values() for text in texts}


def events_of(credential: LicenceCredential) -> list[Event]:
    """The entries that a file shows."""
    return [parse_statement(from_base64(one.entry)).event for one in credential.entries]


def scratch(desk: Desk) -> list[Path]:
    """Files in the making that nobody will finish."""
    return sorted((desk.house.services.settings.credentials / "work").iterdir())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("licensee")


# --- cards -----------------------------------------------------------------------------


def test_a_card_proves_the_licence_to_its_licensee_offline(desk: Desk, folder: Path) -> None:
    licence, _ = desk.licence()
    card = folder / "card.png"
    card.write_bytes(card_of(desk, licence))
    found = desk.check(card, staple=desk.staple(licence))
    assert (found.answer, found.licence) == ("valid", licence)
    assert desk.check(card, "play in US on streaming", desk.staple(licence)).answer == "not_valid"
    assert desk.check(card).answer == "cannot_tell"
    told(desk.status(licence, "revoke"))
    assert desk.check(card, staple=desk.staple(licence)).answer == "not_valid"


def test_a_card_is_logged_by_its_digest_and_judged_as_of_its_admission(desk: Desk) -> None:
    licence, _ = desk.licence()
    issued = told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    data = desk.studio.get(f"/v1/licences/{licence}/card").content
    event = parse_statement(desk.house.http.get(f"/v1/entries/{issued['position']}").content).event
    assert (event.type, event.subject, event.body.purpose) == ("credential.issue", licence, "card")
    assert (event.body.file, event.body.size) == (digest_pair(data), len(data))
    assert (issued["sha256"], issued["size"]) == (digest_pair(data).sha256, len(data))
    verdict = verdict_of(desk, data)
    (licensed,) = (one.body.object for one in events_of(credential_of(desk, data)) if one.type == "licence.grant")
    assert (verdict.problems, verdict.ingredients[0].instance_id) == ((), licensed)
    assert all(action.when == datetime.fromtimestamp(desk.house.world.clock, UTC) for action in verdict.actions)


def test_no_card_says_that_it_was_made_before_its_grant(desk: Desk) -> None:
    """The clock fell behind the log: the log keeps its time, and so does the card."""
    licence, _ = desk.licence()
    logged = desk.house.world.clock
    desk.house.world.clock -= 30
    try:
        data = card_of(desk, licence)
    finally:
        desk.house.world.clock = logged
    (when,) = {action.when for action in verdict_of(desk, data).actions}
    assert when == datetime.fromtimestamp(logged, UTC)


def test_a_card_keeps_price_and_contract_to_itself_unless_asked(desk: Desk) -> None:
    licence, _ = desk.licence()
    by_default = credential_of(desk, card_of(desk, licence))
    assert shown_names(by_default) == set(desk.house.world.terms("x")) - {"payment"}
    all_told = credential_of(desk, card_of(desk, licence, disclose=["payment", "territory", "territory"]))
    assert shown_names(all_told) == {"payment", "territory"}
    nothing = credential_of(desk, card_of(desk, licence, disclose=[]))
    assert nothing.disclosures == {}


def test_the_title_is_shown_only_where_it_is_disclosed(desk: Desk) -> None:
    """It is a private value of the object, and whoever reads the card can check it."""
    object_id, data = desk.picture(title="纸灯笼 The Paper Lantern")
    licence = desk.grant(object_id, data)
    shown = card_of(desk, licence)
    assert "title" in shown_names(credential_of(desk, shown))
    assert "Paper Lantern" in str(verdict_of(desk, shown).title)
    hidden = card_of(desk, licence, disclose=["territory"])
    assert verdict_of(desk, hidden).title == f"{licence} {object_id}"
    assert shown_names(credential_of(desk, hidden)) == {"territory"}
    assert b"Paper Lantern" not in hidden


@pytest.mark.parametrize(
    "title", ["🏮 lantern", "x" * 300, "  ", "\u202elantern"], ids=["emoji", "long", "blank", "bidi"]
)
def test_a_title_that_cannot_be_printed_hinders_no_card(desk: Desk, title: str) -> None:
    object_id, data = desk.picture(title=title)
    licence = desk.grant(object_id, data)
    shown = credential_of(desk, card_of(desk, licence))
    assert shown.licence == licence
    assert "title" in shown_names(shown)


def test_a_card_of_an_unknown_term(desk: Desk) -> None:
    licence, _ = desk.licence()
    answer = desk.studio.post(f"/v1/licences/{licence}/card", {"disclose": ["consent"]})
    assert problem(answer) == (422, "malformed", "disclose")


def test_a_card_shows_the_entries_that_the_licence_rests_on_and_no_others(desk: Desk) -> None:
    desk.licence()
    licence, _ = desk.licence()
    found = credential_of(desk, card_of(desk, licence))
    events = events_of(found)
    kinds = sorted(event.type for event in events if event.type != "log.batch")
    assert kinds == sorted(
        ["log.key-set", "log.policy", "party.register", "party.register", "object.register", "licence.grant"]
    )
    parties = {event.subject for event in events if event.type == "party.register"}
    assert parties == {desk.studio.id, desk.licensee.id}


def test_the_latest_card_is_for_licensor_holder_and_registrar(desk: Desk, rival: Party, house: House) -> None:
    licence, _ = desk.licence()
    path = f"/v1/licences/{licence}/card"
    assert problem(desk.studio.get(path)) == (404, "not-found", None)
    first, second = card_of(desk, licence), card_of(desk, licence, disclose=["territory"])
    assert first != second
    for reader in (desk.studio, desk.licensee, house.registrar):
        assert reader.get(path).content == second
    assert problem(rival.get(path)) == (403, "forbidden", "licence")
    assert problem(house.http.get(path)) == (401, "unauthenticated", None)
    submitter = house.with_token(desk.studio.who, "submit")
    assert problem(submitter.get(path)) == (403, "forbidden", None)
    unknown = house.world.identifier(Letter.LICENCE)
    assert problem(desk.studio.get(f"/v1/licences/{unknown}/card")) == (404, "not-found", "licence")


def test_files_are_made_for_the_licensor_and_the_registrar(desk: Desk, rival: Party, house: House) -> None:
    licence, data = desk.licence()
    reader = house.with_token(desk.studio.who, "read-private", "evidence")
    path = f"/v1/licences/{licence}/card"
    for stranger in (rival, desk.licensee):
        assert problem(stranger.post(path, {})) == (403, "forbidden", "licence")
        assert problem(original_of(desk, licence, data, who=stranger)) == (403, "forbidden", "licence")
    assert problem(reader.post(path, {})) == (403, "forbidden", None)
    assert problem(original_of(desk, licence, data, who=reader)) == (403, "forbidden", None)
    assert problem(house.http.post(path, json={})) == (401, "unauthenticated", None)
    told(house.registrar.post(path, {}))


def test_no_files_of_what_is_no_licence(desk: Desk) -> None:
    unknown = desk.house.world.identifier(Letter.LICENCE)
    assert problem(desk.studio.post(f"/v1/licences/{unknown}/card", {})) == (404, "not-found", "licence")
    assert problem(original_of(desk, unknown, b"x")) == (404, "not-found", "licence")
    object_id, _ = desk.picture()
    assert problem(desk.studio.post(f"/v1/licences/{object_id}/card", {}))[:2] == (422, "malformed")


@pytest.mark.parametrize("action", ["suspend", "revoke", "expire"])
def test_no_files_of_a_licence_that_is_not_in_force(desk: Desk, action: str) -> None:
    licence, data = desk.licence()
    told(desk.status(licence, action))
    assert problem(desk.studio.post(f"/v1/licences/{licence}/card", {})) == (409, "wrong-state", "licence")
    assert problem(original_of(desk, licence, data)) == (409, "wrong-state", "licence")


def test_a_grant_whose_terms_speak_of_another_content_gets_no_card(desk: Desk) -> None:
    """The studio signed it itself, so nobody looked at the terms before."""
    world = desk.house.world
    object_id, data = desk.picture()
    terms = desk.terms(object_id, data, asset={"object": object_id, "sha256": "cd" * 32})
    pointer = StatusPointer(**told(desk.studio.post("/v1/status-indexes")))
    licence = world.identifier(Letter.LICENCE)
    body = LicenceGrant(object_id, (object_id,), pointer, desk.licensee.id)
    desk.said(desk.studio, world.say(desk.studio.who, "licence.grant", licence, body, terms))
    answer = desk.studio.post(f"/v1/licences/{licence}/card", {})
    assert problem(answer) == (422, "inconsistent", "terms.asset.sha256")


# --- what goes wrong in between ------------------------------------------------------------


def test_a_card_that_could_not_be_logged_can_be_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    licence, _ = desk.licence()
    submission = desk.house.services.submission

    async def fails(*_: Any) -> Any:
        raise OutcomeUnknown("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(submission, "record_one", fails)
        assert problem(desk.studio.post(f"/v1/licences/{licence}/card", {})) == (503, "unavailable", None)
        assert problem(desk.studio.get(f"/v1/licences/{licence}/card")) == (404, "not-found", None)
    card_of(desk, licence)
    assert scratch(desk) == []


def test_cards_made_at_the_same_time_do_not_get_into_each_others_way(desk: Desk) -> None:
    licences = [desk.licence()[0] for _ in range(4)]

    async def ask() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {desk.studio.token}"}
        async with httpx.AsyncClient(base_url=desk.house.http.base_url, headers=headers, timeout=120) as http:
            paths = [f"/v1/licences/{licence}/card" for licence in licences * 2]
            return await asyncio.gather(*(http.post(path, json={}) for path in paths))

    answers = asyncio.run(ask())
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.json()["position"] for answer in answers}) == 8


def test_credentials_are_for_the_service_alone(desk: Desk) -> None:
    folder = desk.house.services.settings.credentials
    assert folder.stat().st_mode & 0o077 == 0


# --- originals -------------------------------------------------------------------------------


def test_an_original_comes_back_with_the_licence_in_it(desk: Desk, folder: Path) -> None:
    licence, data = desk.licence()
    answer = original_of(desk, licence, data)
    assert (answer.status_code, answer.headers["content-type"]) == (200, PNG)
    signed = folder / "signed.png"
    signed.write_bytes(answer.content)
    assert desk.check(signed, staple=desk.staple(licence)).answer == "valid"
    position = answer.headers["x-tallystick-position"]
    event = parse_statement(desk.house.http.get(f"/v1/entries/{position}").content).event
    assert (event.subject, event.body.purpose, event.body.media_type) == (licence, "original", PNG)
    assert (event.body.file.sha256, event.body.size) == (digest_pair(answer.content).sha256, len(answer.content))
    assert scratch(desk) == []
    kept = desk.house.services.files.find(event.body.file.sha256)
    assert kept is None


def test_the_disclosed_terms_of_an_original_are_chosen(desk: Desk) -> None:
    licence, data = desk.licence()
    answer = original_of(desk, licence, data, disclose="territory,payment")
    assert shown_names(credential_of(desk, answer.content)) == {"territory", "payment"}


def test_other_bytes_are_not_the_original(desk: Desk) -> None:
    licence, data = desk.licence()
    for other in (picture_bytes(3), data + b"x", b""):
        assert problem(original_of(desk, licence, other)) == (422, "inconsistent", "file")
    assert scratch(desk) == []


def test_one_file_of_a_folder_with_its_list(desk: Desk) -> None:
    object_id, files = desk.folder()
    licence = desk.grant(object_id, files)
    entries = write(file_list(files))
    told_list = json.dumps(entries)
    data = files["纹理/灯.png"]
    assert original_of(desk, licence, data, files=told_list).status_code == 200
    assert problem(original_of(desk, licence, data)) == (422, "malformed", "files")
    assert problem(original_of(desk, licence, picture_bytes(3), files=told_list)) == (422, "inconsistent", "file")
    assert problem(original_of(desk, licence, data, files=json.dumps(entries[:2]))) == (422, "inconsistent", "files")
    assert problem(original_of(desk, licence, data, files=json.dumps(entries[::-1])))[:2] == (422, "malformed")
    assert problem(original_of(desk, licence, data, files="[1]")) == (422, "malformed", "files[0]")
    assert problem(original_of(desk, licence, data, files="{")) == (422, "malformed", "files")


@pytest.mark.parametrize("media_type", ["model/gltf+json", "text/html", "application/octet-stream", "image/png2"])
def test_a_format_that_carries_no_licence_gets_a_sidecar(desk: Desk, media_type: str) -> None:
    licence, data = desk.licence()
    answer = original_of(desk, licence, data, media_type)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/c2pa")
    at = datetime.fromtimestamp(desk.house.world.clock, UTC)
    verdict = judge(c2pa.read(data, media_type, answer.content), c2pa.roots_of(desk.trust)[0], at)
    assert verdict.licence is not None
    assert (verdict.licence["licence"], verdict.embedded) == (licence, False)
    event = parse_statement(desk.house.http.get(f"/v1/entries/{answer.headers['x-tallystick-position']}").content).event
    assert (event.body.media_type, event.body.file) == ("application/c2pa", digest_pair(answer.content))


def test_bytes_that_are_not_of_their_media_type(desk: Desk) -> None:
    licence, data = desk.licence()
    assert problem(original_of(desk, licence, data, "image/jpeg")) == (422, "malformed", "file")
    assert scratch(desk) == []
