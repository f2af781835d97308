"""Licence tokens from the service, checked offline by strangers and online by pipelines: one engine, one answer."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import zxingcpp
from PIL import Image

from api.routes.base import MAX_BODY_BYTES
from api.services.licence_tokens import LIFETIME
from tallystick.base64s import from_base64
from tallystick.client.http import Client
from tallystick.errors import VerificationFailed
from tallystick.identifiers import Letter
from tallystick.licence.bearer import read_licence_token
from tallystick.licence.check import CheckRequest, LicenceCheck, check_licence
from tallystick.licence.document import answer_document
from tallystick.licence.evidence import decode_evidence
from tallystick.licence.qr import parse_code
from tallystick.licence.question import parse_question
from tallystick.licence.status_list import FreshnessPolicy, Status
from tallystick.times import UnixSeconds
from tallystick.token.binding import Expected, bind
from tallystick.token.issuer import require_issuer
from tallystick.token.jose import parse_jws, write_jwk
from tallystick.token.licence import LicenceToken, issuer_of, parse_licence_token
from tallystick.token.metadata import DOCUMENT
from tallystick.token.status_jwt import verify_status_jwt
from tallystick.token.vc import decode_bits
from tests.api.desk import PNG, Desk, picture_bytes, told
from tests.api.house import House, Party, open_house, problem
from tests.architecture.tree import ROOT
from tests.core.token.kit import AUDIENCE, NONCE
from tests.world import START

ASKED = "play in DE on streaming"
NEEDED = ("use", "territory", "window", "media")
SCHEMA = json.loads((ROOT / "docs" / "licence-check.schema.json").read_bytes())


def issued(desk: Desk, licence: str, who: Party | None = None, **asked: Any) -> LicenceToken:
    """A token, as the service gives it."""
    answer = (who or desk.licensee).post(f"/v1/licences/{licence}/token", asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/dc+sd-jwt"
    assert answer.headers["cache-control"] == "no-store"
    return parse_licence_token(answer.text)


def shown(desk: Desk, token: LicenceToken, *names: str) -> str:
    """Presented by the licensee now."""
    signer = desk.licensee.who.signer
    return bind(token.showing(names or NEEDED), signer, AUDIENCE, NONCE, desk.house.world.clock).text


def evidence(desk: Desk, licence: str) -> bytes:
    desk.publish()
    answer = desk.house.http.get(f"/v1/licences/{licence}/staple?version=2")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.tallystick.licence-status+json"
    return answer.content


def offline(desk: Desk, text: str, proof: bytes, question: str = ASKED) -> LicenceCheck:
    """What a stranger finds who has the trust file, the token and its evidence."""
    trust = desk.trust
    request = CheckRequest(
        parse_question(question),
        desk.house.world.now(),
        FreshnessPolicy(trust.file.status_max_age),
        expected=Expected(AUDIENCE, NONCE),
    )
    return check_licence(read_licence_token(text, trust, request), trust.logs, request, decode_evidence(proof))


def online(desk: Desk, **asked: Any) -> dict[str, Any]:
    """What the service answers; it has its form."""
    found = told(desk.licensee.post("/v1/licences/check", {"question": ASKED, **asked}), 200)
    jsonschema.validate(found, SCHEMA)
    return found


# --- the licensee's story ----------------------------------------------------------------


def test_a_token_proves_the_licence_offline_until_it_is_revoked(desk: Desk) -> None:
    licence, _ = desk.licence()
    token = issued(desk, licence)
    assert {one.name for one in token.shown} == set(desk.house.world.terms("x"))
    text = shown(desk, token)
    found = offline(desk, text, evidence(desk, licence))
    assert (found.answer, found.licence) == ("valid", licence)
    assert offline(desk, text, evidence(desk, licence), "play in US on streaming").answer == "not_valid"
    told(desk.status(licence, "revoke"))
    assert offline(desk, text, evidence(desk, licence)).answer == "not_valid"


def test_online_and_offline_answer_alike(desk: Desk) -> None:
    licence, _ = desk.licence()
    text, proof = shown(desk, issued(desk, licence)), evidence(desk, licence)
    for question in (ASKED, "play in US on streaming", "play in DE on theatrical", "ai-inference in DE"):
        there = online(desk, question=question, token=text, audience=AUDIENCE, nonce=NONCE)
        here = answer_document(offline(desk, text, proof, question), desk.trust.fingerprint)
        assert there == json.loads(json.dumps(here))


def test_the_type_is_served_as_the_token_hashes_it(desk: Desk) -> None:
    answer = desk.house.http.get("/v1/vct/licence")
    assert (answer.content, answer.headers["content-type"]) == (DOCUMENT, "application/json")


def test_a_token_shows_what_was_asked_for(desk: Desk) -> None:
    licence, _ = desk.licence()
    assert [one.name for one in issued(desk, licence, disclose=["territory", "window"]).shown] == [
        "territory",
        "window",
    ]
    assert issued(desk, licence, disclose=[]).shown == ()
    answer = desk.licensee.post(f"/v1/licences/{licence}/token", {"disclose": ["consent"]})
    assert problem(answer) == (422, "malformed", "disclose")


def test_how_long_a_token_speaks(desk: Desk) -> None:
    licence, _ = desk.licence()
    now = desk.house.world.clock
    assert issued(desk, licence).claims.exp == now + LIFETIME
    assert issued(desk, licence, lifetime=3600).claims.exp == now + 3600
    for wrong in (59, 366 * 86_400 + 1, "3600"):
        assert problem(desk.licensee.post(f"/v1/licences/{licence}/token", {"lifetime": wrong}))[:2] == (
            422,
            "malformed",
        )


# --- who gets one -------------------------------------------------------------------------


def test_tokens_are_for_licensor_licensee_and_registrar(desk: Desk, rival: Party, house: House) -> None:
    licence, _ = desk.licence()
    for who in (desk.studio, desk.licensee, house.registrar):
        assert issued(desk, licence, who).holder == desk.licensee.who.signer.public
    path = f"/v1/licences/{licence}/token"
    assert problem(rival.post(path, {})) == (403, "forbidden", "licence")
    assert problem(house.http.post(path, json={})) == (401, "unauthenticated", None)
    assert problem(house.with_token(desk.studio.who, "submit").post(path, {})) == (403, "forbidden", None)
    unknown = house.world.identifier(Letter.LICENCE)
    assert problem(desk.studio.post(f"/v1/licences/{unknown}/token", {})) == (404, "not-found", "licence")


@pytest.mark.parametrize("action", ["suspend", "revoke", "expire"])
def test_no_token_of_a_licence_that_is_not_in_force(desk: Desk, action: str) -> None:
    licence, _ = desk.licence()
    told(desk.status(licence, action))
    assert problem(desk.licensee.post(f"/v1/licences/{licence}/token", {})) == (409, "wrong-state", "licence")


def test_the_key_is_the_licensees(desk: Desk, rival: Party) -> None:
    """Of a licensee whose key is not registered here: it sends it, and it must be the one that the term names."""
    world = desk.house.world
    outside = world.someone("outside licensee", "es256")
    object_id, data = desk.picture()
    terms = desk.terms(object_id, data)
    terms["licensee"] = {"party": desk.licensee.id, "holder_kid": outside.signer.public.kid.hex()}
    licence = desk.grant(object_id, data, terms=terms)
    path = f"/v1/licences/{licence}/token"
    assert problem(desk.licensee.post(path, {})) == (422, "malformed", "holder_key")
    other = write_jwk(rival.who.signer.public)
    assert problem(desk.licensee.post(path, {"holder_key": other})) == (422, "malformed", "holder_key")
    assert problem(desk.licensee.post(path, {"holder_key": {"kty": "EC"}})) == (422, "malformed", "holder_key")
    token = issued(desk, licence, holder_key=write_jwk(outside.signer.public))
    text = bind(token.showing(NEEDED), outside.signer, AUDIENCE, NONCE, world.clock).text
    assert offline(desk, text, evidence(desk, licence)).answer == "valid"


# --- the check online ---------------------------------------------------------------------------


def test_a_file_is_checked_online(desk: Desk) -> None:
    licence, data = desk.licence()
    signed = desk.studio.post(f"/v1/licences/{licence}/original", files={"file": ("a.png", data, PNG)}).content
    desk.publish()
    asked = {"question": (None, ASKED)}

    def check(name: str, content: bytes, **fields: Any) -> dict[str, Any]:
        sent = {**asked, **fields, "file": (name, content, PNG)}
        found = told(desk.licensee.post("/v1/licences/check", files=sent), 200)
        jsonschema.validate(found, SCHEMA)
        return found

    assert (check("a.png", signed)["answer"], check("ordner/b.png", signed)["licence"]) == ("valid", licence)
    changed = bytearray(signed)
    changed[changed.rindex(b"IDAT") + 8] ^= 1
    assert (check("a.png", bytes(changed))["answer"], check("a.png", picture_bytes())["answer"]) == ("not_valid",) * 2
    token = shown(desk, issued(desk, licence)).encode()
    fields = {"audience": (None, AUDIENCE), "nonce": (None, NONCE)}
    assert check("token.txt", token + b"\n", **fields)["answer"] == "valid"
    told(desk.status(licence, "suspend"))
    desk.publish()
    assert check("a.png", signed)["deciding"]["stage"] == "status"


def test_an_own_licence_is_asked_about_by_its_identifier(desk: Desk, rival: Party, house: House) -> None:
    licence, _ = desk.licence()
    desk.publish()
    found = online(desk, licence=licence)
    assert (found["answer"], found["reasons"][0]["outcome"]) == ("valid", "condition")
    assert online(desk, licence=licence, question="play in US on streaming")["answer"] == "not_valid"
    asked = {"question": ASKED, "licence": licence}
    assert problem(rival.post("/v1/licences/check", asked)) == (403, "forbidden", "licence")
    assert problem(house.http.post("/v1/licences/check", json=asked)) == (401, "unauthenticated", None)
    unknown = {**asked, "licence": house.world.identifier(Letter.LICENCE)}
    assert problem(desk.studio.post("/v1/licences/check", unknown)) == (404, "not-found", "licence")


def test_a_presentation_is_for_who_asked(desk: Desk) -> None:
    licence, _ = desk.licence()
    desk.publish()
    token = issued(desk, licence)
    text = shown(desk, token)
    assert online(desk, token=text, audience=AUDIENCE, nonce="another")["deciding"]["stage"] == "holder"
    assert online(desk, token=token.sd_jwt.text, audience=AUDIENCE, nonce=NONCE)["answer"] == "not_valid"
    assert online(desk, token=text)["answer"] == "valid"
    desk.house.world.clock += 301
    assert online(desk, token=text, audience=AUDIENCE, nonce=NONCE)["deciding"]["stage"] == "holder"
    assert online(desk, token=text, audience=AUDIENCE, nonce=NONCE, presented_within=3600)["answer"] == "valid"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"token": "x"}, None),
        ({"token": "eyJ~"}, None),
        ({}, "token"),
        ({"token": "a~", "licence": "b"}, "token"),
        ({"token": "a~", "nonce": "n"}, "nonce"),
        ({"licence": "10.5555/L-0"}, None),
        ({"token": "a~", "question": "steal in DE"}, None),
        ({"token": "a~", "question": "play"}, None),
        ({"token": 7}, "token"),
        ({"token": "a~", "rings": 1}, "rings"),
    ],
)
def test_what_is_no_question(desk: Desk, asked: dict[str, Any], field: str | None) -> None:
    found = problem(desk.licensee.post("/v1/licences/check", {"question": ASKED, **asked}))
    assert found == (422, "malformed", field)


def test_a_question_of_any_size_is_refused_unread(desk: Desk) -> None:
    """The route takes files of 256 MiB; a body that is parsed in memory is none of them."""
    address = desk.house.http.base_url
    with socket.create_connection((address.host, address.port or 80), timeout=20) as connection:
        connection.sendall(
            b"POST /v1/licences/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Authorization: Bearer " + desk.licensee.token.encode() + b"\r\nContent-Type: application/json\r\n"
            b"Content-Length: " + str(MAX_BODY_BYTES + 1).encode() + b"\r\n\r\n"
        )
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("size", "found"), [(MAX_BODY_BYTES, 422), (MAX_BODY_BYTES + 1, 413)])
def test_a_question_in_chunks_is_refused_as_soon_as_it_is_too_large(desk: Desk, size: int, found: int) -> None:
    head, tail = b'{"question":"play in DE on streaming","token":"', b'"}'
    body = head + b"a" * (size - len(head) - len(tail)) + tail
    headers = {"Authorization": f"Bearer {desk.licensee.token}", "Content-Type": "application/json"}
    chunks = (body[at : at + 65_536] for at in range(0, size, 65_536))
    answer = desk.house.http.post("/v1/licences/check", content=chunks, headers=headers)
    assert problem(answer)[:2] == (found, {413: "too-large", 422: "malformed"}[found])


def test_a_token_of_another_service(desk: Desk, tmp_path: Path) -> None:
    """Complete, honest, and not of this log: nothing of it is believed here."""
    with open_house(tmp_path, origin="log.example/another") as other:
        foreign = Desk(other, other.party("studio"), other.party("licensee"))
        licence, _ = foreign.licence()
        text = shown(foreign, issued(foreign, licence))
    found = online(desk, token=text, audience=AUDIENCE, nonce=NONCE)
    assert (found["answer"], found["deciding"]["stage"]) == ("not_valid", "issuer")


def test_a_pipeline_asks_with_the_client(desk: Desk, tmp_path: Path) -> None:
    licence, data = desk.licence()
    with Client(str(desk.house.http.base_url), desk.licensee.token) as client:
        token = client.licence_token(licence, disclose=list(NEEDED))
        text = shown(desk, parse_licence_token(token))
        assert offline(desk, text, evidence(desk, licence)).answer == "valid"
        assert decode_evidence(client.licence_evidence(licence)).licence == licence
        assert client.check_licence(ASKED, token=text, audience=AUDIENCE, nonce=NONCE)["answer"] == "valid"
        assert client.check_licence("play in US on streaming", licence=licence)["answer"] == "not_valid"
        (tmp_path / "picture.png").write_bytes(data)
        assert client.check_licence(ASKED, tmp_path / "picture.png")["deciding"]["stage"] == "signature"
        (tmp_path / "shown.txt").write_text(text)
        found = client.check_licence(ASKED, tmp_path / "shown.txt", audience=AUDIENCE, nonce=NONCE)
        assert (found["answer"], found["licence"]) == ("valid", licence)


def test_the_code_on_paper_names_the_grant(desk: Desk) -> None:
    licence, _ = desk.licence()
    proof = decode_evidence(evidence(desk, licence))
    answer = desk.house.http.get(f"/v1/licences/{licence}/qr")
    assert answer.headers["content-type"] == "image/png"
    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.content)))
    parse_code(read.text).require_same(proof)
    other, _ = desk.licence()
    with pytest.raises(VerificationFailed):
        parse_code(read.text).require_same(decode_evidence(evidence(desk, other)))
    unknown = desk.house.world.identifier(Letter.LICENCE)
    assert problem(desk.house.http.get(f"/v1/licences/{unknown}/qr")) == (404, "not-found", "licence")


# --- status lists for relying parties ------------------------------------------------------------------


def test_the_list_of_a_token_as_relying_parties_read_it(desk: Desk) -> None:
    """SD-JWT VC: the list is a JWT, and its subject is what the token names; all lists are told in one place."""
    licence, _ = desk.licence()
    named = issued(desk, licence).claims.status.status_list
    desk.publish()
    path, http = f"/v1/status-lists/{named.uri.rpartition('/')[2]}", desk.house.http
    key = desk.house.services.keyring.signers["status"].public
    for accept, kind in (
        ("application/statuslist+jwt", "jwt"),
        ("application/statuslist+cwt", "cwt"),
        ("*/*", "cwt"),
        ("application/statuslist+jwt, application/statuslist+cwt", "cwt"),
    ):
        answer = http.get(path, headers={"Accept": accept})
        assert answer.headers["content-type"] == f"application/statuslist+{kind}"
        assert (answer.headers["cache-control"], answer.headers["vary"]) == ("public, max-age=60", "Accept")
    text = http.get(path, headers={"Accept": "application/statuslist+jwt"}).text
    assert verify_status_jwt(text, key, named.uri).status(named.idx) is Status.VALID
    assert named.uri in told(http.get("/v1/status-lists"), 200)["status_lists"]
    told(desk.status(licence, "suspend"))
    desk.publish()
    text = http.get(path, headers={"Accept": "application/statuslist+jwt"}).text
    assert verify_status_jwt(text, key, named.uri).status(named.idx) is Status.SUSPENDED


def test_the_export_as_w3c_credential(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    http, path = desk.house.http, f"/v1/licences/{licence}/vc"
    answer = desk.licensee.post(path, {})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vc+jwt")

    def read(token: str) -> dict[str, Any]:
        jws = parse_jws(token, "vc+jwt")
        (leaf,) = jws.header["x5c"]
        key, _ = require_issuer(
            [from_base64(leaf)], desk.trust.token_roots, issuer, UnixSeconds(desk.house.world.clock)
        )
        jws.verify(key)
        found: dict[str, Any] = json.loads(jws.payload)
        return found

    issuer = issuer_of(desk.house.world.origin)
    said = read(answer.text)
    assert "payment" not in said["credentialSubject"]["terms"]
    assert set(NEEDED) < set(said["credentialSubject"]["terms"])
    assert "payment" in read(desk.licensee.post(path, {"disclose": ["payment"]}).text)["credentialSubject"]["terms"]
    assert problem(rival.post(path, {})) == (403, "forbidden", "licence")

    def bit(purpose: str) -> int:
        desk.publish()
        (entry,) = (one for one in said["credentialStatus"] if one["statusPurpose"] == purpose)
        number, index = entry["statusListCredential"].split("/")[-2], int(entry["statusListIndex"])
        listed = read(http.get(f"/v1/status-lists/{number}/{purpose}").text)
        assert listed["id"] == entry["statusListCredential"]
        return decode_bits(listed["credentialSubject"]["encodedList"])[index >> 3] >> (7 - index % 8) & 1

    assert (bit("revocation"), bit("suspension")) == (0, 0)
    told(desk.status(licence, "suspend"))
    assert (bit("revocation"), bit("suspension")) == (0, 1)
    told(desk.status(licence, "revoke"))
    assert (bit("revocation"), bit("suspension")) == (1, 0)
    assert http.get("/v1/status-lists/1/refresh").status_code == 422


# --- rotation ---------------------------------------------------------------------------------------


def test_a_new_signer_leaves_old_tokens_good(tmp_path: Path) -> None:
    """A year before its certificate ends the signer is replaced at a start; the root stays, and so does trust."""
    later = START + 365 * 86_400
    with open_house(tmp_path) as first:
        desk = Desk(first, first.party("studio"), first.party("licensee"))
        licence, _ = desk.licence()
        old, trust = issued(desk, licence, lifetime=366 * 86_400), first.http.get("/v1/trust").content
    with open_house(tmp_path, clock=later) as again:
        desk.house = again
        again.world.clock = later
        answer = again.registrar.post(f"/v1/licences/{licence}/token", {})
        assert answer.status_code == 200, answer.text
        new = parse_licence_token(answer.text)
        assert again.http.get("/v1/trust").content == trust
        proof = evidence(desk, licence)
        assert new.chain != old.chain
        for one in (old, new):
            assert offline(desk, shown(desk, one), proof).answer == "valid"
