"""The certificate as a picture: who gets it, what stands in it, and what a stranger proves with it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from credentials.certificate_card import HEIGHT, WIDTH
from tallystick import c2pa
from tallystick.__main__ import main
from tallystick.c2pa.verdict import CERTIFICATE
from tallystick.certificate_qr import PREFIX, verify_qr
from tallystick.digests import digest_pair
from tallystick.identifiers import Letter
from tallystick.statement import parse_statement
from tests.api.desk import PNG, Desk, told
from tests.api.house import Party, open_house, problem
from tests.api.test_certificates import file_of, issue, request
from tests.api.test_file_receipts import update_of
from tests.api.test_licence_files import card_of


def card(desk: Desk, certificate: str) -> tuple[bytes, dict[str, Any]]:
    issued = told(desk.house.registrar.post(f"/v1/certificates/{certificate}/card"))
    answer = desk.house.registrar.get(f"/v1/certificates/{certificate}/card")
    assert (answer.status_code, answer.headers["content-type"]) == (200, PNG)
    return answer.content, issued


@pytest.fixture(scope="module")
def issued(desk: Desk) -> dict[str, Any]:
    return issue(desk, "2026-K-1")


@pytest.fixture(scope="module")
def picture(desk: Desk, issued: dict[str, Any]) -> bytes:
    return card(desk, issued["certificate"])[0]


def verified(
    desk: Desk, tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, str]:
    file, trust = tmp_path / "card.png", tmp_path / "trust.json"
    file.write_bytes(data)
    trust.write_bytes(desk.house.http.get("/v1/trust").content)
    status = main(["verify-certificate", str(file), "--trust", str(trust), "--at", desk.house.world.now(), *more])
    caught = capsys.readouterr()
    return status, caught.out + caught.err


def test_a_card_is_logged_beside_the_pdf(desk: Desk) -> None:
    one = issue(desk, "2026-K-2")
    pdf = file_of(desk, one)
    data, logged = card(desk, one["certificate"])
    said = parse_statement(desk.house.http.get(f"/v1/entries/{logged['position']}").content).event
    assert (said.subject, said.body.form, said.body.purpose) == (one["certificate"], "c2pa", "card")
    assert (said.body.media_type, said.body.file, said.body.size) == (PNG, digest_pair(data), len(data))
    assert logged["dated"]["missing"].startswith("no timestamp authority is named here")
    assert file_of(desk, one) == pdf, "the PDF is still the certificate's file"


def test_its_code_is_proved_and_its_picture_can_be_read(desk: Desk, issued: dict[str, Any], picture: bytes) -> None:
    image = Image.open(io.BytesIO(picture))
    assert image.size == (WIDTH, HEIGHT)
    (code,) = [one.text for one in zxingcpp.read_barcodes(image.convert("RGB"))]
    assert code.startswith(PREFIX)
    fact = verify_qr(code, desk.trust)
    assert (fact.certificate, fact.number, fact.position) == (issued["certificate"], "2026-K-1", issued["position"])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_stranger_verifies_the_card(
    desk: Desk,
    issued: dict[str, Any],
    picture: bytes,
    tmp_path: Path,
    lang: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, said = verified(desk, tmp_path, picture, capsys, "--lang", lang)
    assert status == 0, said
    assert ("PROVED" in said, "已证明" in said) == (lang == "en", lang == "zh")
    assert issued["certificate"] in said
    assert ("its signer's word" in said, "签名人的陈述" in said) == (lang == "en", lang == "zh")
    status, said = verified(desk, tmp_path, picture, capsys, "--json")
    facts = json.loads(said)
    assert (status, facts["from"], facts["position"]) == (0, "card", issued["position"])
    assert "receipt" not in facts


def test_the_card_with_its_receipt(
    desk: Desk, picture: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    updated = update_of(desk, picture)
    assert updated.status_code == 200, updated.text
    assert "receipt of the log: PROVED" in verified(desk, tmp_path, updated.content, capsys)[1]
    facts = json.loads(verified(desk, tmp_path, updated.content, capsys, "--json")[1])
    assert facts["receipt"]["outcome"] == "proved"


def test_what_is_no_card_of_a_certificate_or_was_changed(
    desk: Desk, issued: dict[str, Any], picture: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = picture.index(b"IDAT") + 100
    changed = picture[:place] + bytes([picture[place] ^ 1]) + picture[place + 1 :]
    status, said = verified(desk, tmp_path, changed, capsys)
    assert (status, "assertion.dataHash.mismatch" in said) == (1, True)
    status, said = verified(desk, tmp_path, card_of(desk, desk.licence()[0]), capsys)
    assert (status, "no certificate stands in it" in said) == (1, True)
    bare = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(bare, "PNG")
    status, said = verified(desk, tmp_path, bare.getvalue(), capsys)
    assert (status, "credential.absent" in said) == (1, True)
    assert verified(desk, tmp_path, picture[:100], capsys)[0] == 2


def test_a_card_of_another_log(desk: Desk, picture: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_house(tmp_path / "other") as other:
        (tmp_path / "theirs.json").write_bytes(other.http.get("/v1/trust").content)
    (tmp_path / "card.png").write_bytes(picture)
    status = main(
        [
            "verify-certificate",
            str(tmp_path / "card.png"),
            *("--trust", str(tmp_path / "theirs.json"), "--at", desk.house.world.now()),
        ]
    )
    assert (status, "signer.untrusted" in capsys.readouterr().err) == (1, True)


def test_who_gets_it(desk: Desk, rival: Party, issued: dict[str, Any], picture: bytes) -> None:
    path = f"/v1/certificates/{issued['certificate']}/card"
    assert desk.studio.get(path).content == picture
    assert problem(rival.get(path)) == (403, "forbidden", "certificate")
    assert problem(desk.studio.post(path)) == (403, "forbidden", None)
    assert problem(desk.house.http.get(path)) == (401, "unauthenticated", None)
    without = issue(desk, "2026-K-3")["certificate"]
    assert problem(desk.house.registrar.get(f"/v1/certificates/{without}/card"))[:2] == (404, "not-found")
    unknown = desk.house.world.identifier(Letter.CERTIFICATE)
    assert problem(desk.house.registrar.post(f"/v1/certificates/{unknown}/card")) == (404, "not-found", "certificate")


def test_none_is_made_of_a_certificate_that_ended(desk: Desk) -> None:
    one = issue(desk, "2026-K-4")
    desk.house.registrar.record("certificate.withdraw", {"grounds": "error"}, subject=one["certificate"])
    answer = desk.house.registrar.post(f"/v1/certificates/{one['certificate']}/card")
    assert problem(answer) == (409, "wrong-state", "certificate")


def test_the_fullest_certificate_fits_on_a_card(desk: Desk) -> None:
    line = "灯" * 300
    holder = {"name": line, "party": line, "share": "1/50"}
    asked = request(desk, "灯" * 80, title=line, kind=line, authority=line, authors=[line] * 50, holders=[holder] * 50)
    one = told(desk.house.registrar.post("/v1/certificates", asked))
    data, _ = card(desk, one["certificate"])
    (code,) = [found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(data)).convert("RGB"))]
    assert verify_qr(code, desk.trust).number == "灯" * 80
    (kept,) = [found for found in c2pa.read(data, PNG).manifest.assertions if found.label == CERTIFICATE]
    assert json.loads(kept.content)["number"] == "灯" * 80


def test_a_card_is_proved_in_a_case(desk: Desk) -> None:
    object_id, _ = desk.picture()
    one = issue(desk, "2026-K-5", object=object_id)
    card(desk, one["certificate"])
    report = desk.verify(desk.export(desk.house.registrar, "object", object_id).content)
    assert report.claim("credential").outcome == "proved", report.claim("credential").evidence
    assert len(report.facts["credentials"]) == 2
