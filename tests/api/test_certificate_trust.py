"""`verify-certificate` says no more than the trust file allows: its quorum of witnesses, and whose a picture is."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from tallystick import c2pa, canonical
from tallystick.__main__ import main
from tallystick.base64s import to_base64
from tallystick.c2pa.log_receipt import LogReceipt, encode_receipt
from tallystick.c2pa.receipt_shown import ReceiptShown
from tallystick.c2pa.verdict import CERTIFICATE, LICENCE
from tallystick.certificate import CertificatePayload, decode_payload
from tallystick.certificate_check import _proved
from tallystick.cosignature import cosign_ml_dsa
from tallystick.digests import digest_pair
from tallystick.errors import VerificationFailed
from tallystick.note import COSIGNATURE_ML_DSA_44, Note, parse_note, verifier_key
from tallystick.schema import write
from tallystick.trust import Trust, parse_trust
from tests.api.desk import PNG, Desk
from tests.api.test_certificate_cards import card
from tests.api.test_certificates import file_of, issue
from tests.api.test_file_receipts import update_of, updated_by
from tests.api.test_licence_files import card_of
from tests.core.c2pa import kit
from tests.world import key_from

WITNESS = key_from("witness", "ml-dsa-44")
KEY = verifier_key("witness.example", COSIGNATURE_ML_DSA_44, WITNESS.public.raw)

Papers = dict[str, bytes]


@pytest.fixture(scope="module")
def papers(desk: Desk) -> Papers:
    """Every form of one certificate, made by a service that has no witnesses."""
    one = issue(desk, "2026-T-1")
    picture, _ = card(desk, one["certificate"])
    (code,) = [found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)).convert("RGB"))]
    forms = {"PDF": file_of(desk, one), "card": picture, "card with its receipt": update_of(desk, picture).content}
    return {**forms, "code": code.encode()}


def trust_of(desk: Desk, **changes: Any) -> bytes:
    value = json.loads(desk.house.http.get("/v1/trust").content)
    return json.dumps({**value, **changes}).encode()


def demanding(desk: Desk, quorum: int) -> bytes:
    return trust_of(desk, witnesses={"keys": [KEY], "quorum": quorum})


def verified(
    desk: Desk, folder: Path, data: bytes, trust: bytes, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, str]:
    (folder / "given").write_bytes(data)
    (folder / "trust.json").write_bytes(trust)
    asked = ["--trust", str(folder / "trust.json"), "--at", desk.house.world.now(), *more]
    status = main(["verify-certificate", str(folder / "given"), *asked])
    caught = capsys.readouterr()
    return status, caught.out + caught.err


# --- witnesses -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PDF", "card", "card with its receipt", "code"])
def test_nothing_is_proved_below_the_quorum(
    desk: Desk, papers: Papers, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(desk, tmp_path, papers[form], demanding(desk, 0), capsys)[0] == 0
    status, said = verified(desk, tmp_path, papers[form], demanding(desk, 1), capsys)
    assert (status, said.startswith("NOT PROVED: ")) == (1, True), said
    assert ("1 witnesses and a code shows none" if form == "code" else "none of the trusted witnesses cosigned") in said
    status, said = verified(desk, tmp_path, papers[form], demanding(desk, 1), capsys, "--json")
    assert (status, json.loads(said)["verdict"]) == (1, "not_proved")


def witnessed(payload: CertificatePayload, seconds: int) -> CertificatePayload:
    note = parse_note(payload.checkpoint.encode())
    line = cosign_ml_dsa(note.text, "witness.example", WITNESS, seconds)
    return dataclasses.replace(payload, checkpoint=Note(note.text, (*note.signatures, line)).encode())


def test_a_cosignature_counts_from_when_it_was_made(desk: Desk, papers: Papers) -> None:
    trust, now = parse_trust(demanding(desk, 1)), desk.house.world.clock
    payload = decode_payload(said_by(papers["card"]))
    assert _proved(witnessed(payload, now), trust, now)[1].size > payload.position
    with pytest.raises(VerificationFailed, match="0 of the trusted witnesses cosigned by then"):
        _proved(witnessed(payload, now + 1), trust, now)


# --- whose picture it is ---------------------------------------------------------------------


def said_by(picture: bytes) -> Any:
    """The certificate that a card brings: anyone can copy it."""
    (kept,) = [one for one in c2pa.read(picture, PNG).manifest.assertions if one.label == CERTIFICATE]
    return canonical.decode(kept.content, 1 << 20)


def drawn_by_mallory(assertions: dict[str, Any]) -> bytes:
    picture, out = Image.new("RGB", (700, 200), "white"), io.BytesIO()
    ImageDraw.Draw(picture).text((20, 80), "CERTIFICATE OF REGISTRATION  holder: MALLORY 100 %", fill="black")
    picture.save(out, "PNG")
    said = kit.manifest(assertions=assertions, source_type=None, published=False)
    return kit.signed_by(kit.claim_signer(), out.getvalue(), PNG, said)


def with_mallory(desk: Desk) -> bytes:
    """A trust file that names the root of another signer of pictures, too."""
    ours = json.loads(desk.house.http.get("/v1/trust").content)["c2pa_roots"]
    return trust_of(desk, c2pa_roots=sorted([*ours, to_base64(kit.der(kit.world().root.certificate))]))


UNKNOWN = {"en": "this picture is not shown to be one that the registrar issued", "zh": "未显示此图片由登记机构签发"}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_strangers_picture_of_a_true_certificate(
    desk: Desk, papers: Papers, tmp_path: Path, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record is proved and the picture is not: the words come before all others."""
    picture = drawn_by_mallory({CERTIFICATE: said_by(papers["card"])})
    status, said = verified(desk, tmp_path, picture, with_mallory(desk), capsys, "--lang", lang)
    first, second, *_ = said.splitlines()
    assert (status, first.startswith(("PROVED:", "已证明"))) == (0, False)
    assert UNKNOWN[lang] in second
    status, said = verified(desk, tmp_path, picture, with_mallory(desk), capsys, "--json", "--lang", lang)
    facts = json.loads(said)
    assert (status, facts["picture_recorded"], UNKNOWN["en"] in facts["problems"][0]) == (0, False, True)


def test_our_own_card_is_shown_to_be_ours_by_its_receipt(
    desk: Desk, papers: Papers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = trust_of(desk)
    assert UNKNOWN["en"] in verified(desk, tmp_path, papers["card"], trust, capsys)[1]
    told = {"en": "records this very file, as it was issued, under this certificate", "zh": "记录了签发时的本文件"}
    for lang, words in told.items():
        status, said = verified(desk, tmp_path, papers["card with its receipt"], trust, capsys, "--lang", lang)
        assert (status, words in said.splitlines()[1], UNKNOWN[lang] in said) == (0, True, False), said
    facts = json.loads(verified(desk, tmp_path, papers["card with its receipt"], trust, capsys, "--json")[1])
    assert (facts["picture_recorded"], facts["problems"]) == (True, [])


def test_a_strangers_picture_with_the_receipt_of_ours(
    desk: Desk, papers: Papers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = judged(desk, papers["card with its receipt"])
    picture = drawn_by_mallory({CERTIFICATE: said_by(papers["card"])})
    updated = updated_by(desk, tmp_path, picture, kit.claim_signer(), verdict.receipt or {})
    said = verified(desk, tmp_path, updated, with_mallory(desk), capsys)[1]
    assert ("receipt of the log: NOT PROVED" in said, UNKNOWN["en"] in said.splitlines()[1]) == (True, True)


def judged(desk: Desk, data: bytes, trust: Trust | None = None) -> c2pa.C2paVerdict:
    roots = c2pa.roots_of(trust or desk.trust)[0]
    return c2pa.judge(c2pa.read(data, PNG), roots, datetime.fromtimestamp(desk.house.world.clock, UTC))


def test_a_licensor_records_his_picture_under_his_own_licence(
    desk: Desk, papers: Papers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log takes his word for files of his licence. A file that names both is no file of the certificate."""
    licence, _ = desk.licence()
    held = judged(desk, card_of(desk, licence)).licence
    picture = drawn_by_mallory({LICENCE: held, CERTIFICATE: said_by(papers["card"])})
    body = {"form": "c2pa", "purpose": "card", "media_type": PNG, "file": write(digest_pair(picture))}
    done = desk.studio.record("credential.issue", {**body, "size": len(picture)}, subject=licence)
    desk.publish()
    published = desk.house.services.log.published
    head = published.checkpoint()
    receipt = LogReceipt(
        v=1,
        subject=licence,
        file=digest_pair(picture),
        index=done["position"],
        entry=to_base64(desk.house.http.get(f"/v1/entries/{done['position']}").content),
        checkpoint=head.note.encode(),
        proof=tuple(map(to_base64, published.prove_inclusion(done["position"], head.checkpoint.size))),
        anchors=(),
        timestamps=(),
    )
    updated = updated_by(desk, tmp_path, picture, kit.claim_signer(), encode_receipt(receipt))
    said = verified(desk, tmp_path, updated, with_mallory(desk), capsys)[1]
    assert "receipt of the log: PROVED" in said
    assert UNKNOWN["en"] in said.splitlines()[1]


def test_another_trusted_log_cannot_record_the_picture(
    desk: Desk, papers: Papers, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is to be a file of this certificate, the certificate's own log says."""
    other = ReceiptShown("proved", log="log.example/other", index=1, size=2, root="00")
    monkeypatch.setattr("tallystick.c2pa.receipt_shown.shown_receipt", lambda *_: other)
    status, said = verified(desk, tmp_path, papers["card with its receipt"], trust_of(desk), capsys)
    assert (status, UNKNOWN["en"] in said.splitlines()[1]) == (0, True)


def test_the_log_alone_does_not_say_that_the_registrar_issued_a_picture(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is in the tree, the tree is signed, and who said it is not the registrar."""
    one = issue(desk, "2026-T-2")
    service = desk.house.services.voices.of_service()
    monkeypatch.setattr(type(desk.house.services.voices), "of_registrar", lambda _: service, raising=False)
    picture, _ = card(desk, one["certificate"])
    updated = update_of(desk, picture).content
    for lang in ("en", "zh"):
        status, said = verified(desk, tmp_path, updated, trust_of(desk), capsys, "--lang", lang)
        first, second, *_ = said.splitlines()
        assert (status, first.startswith(("PROVED:", "已证明")), UNKNOWN[lang] in second) == (0, False, True), said
    facts = json.loads(verified(desk, tmp_path, updated, trust_of(desk), capsys, "--json")[1])
    assert (facts["picture_recorded"], UNKNOWN["en"] in facts["problems"][0]) == (False, True)


def test_what_is_issued_under_a_certificate_the_registrar_signs_and_of_a_licence_the_service(desk: Desk) -> None:
    one = issue(desk, "2026-T-3")
    card(desk, one["certificate"])
    licence, _ = desk.licence()
    card_of(desk, licence)
    voices = desk.house.services.voices
    for subject, speaker, count in ((one["certificate"], voices.registrar, 2), (licence, voices.service, 1)):
        events = desk.house.http.get("/v1/events", params={"subject": subject, "type": "credential.issue"}).json()
        assert [event["issuer"] for event in events["events"]] == [speaker] * count
