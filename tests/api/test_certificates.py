"""Registration certificates: the registrar's alone, printed before they are logged, resumable, one for each number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pypdfium2 as pdfium
import pytest
import zxingcpp

from credentials.certificate import render_certificate
from credentials.certificate_facts import CertificateFacts
from ledger.errors import OutcomeUnknown
from tallystick.base64s import from_base64
from tallystick.certificate import ATTACHMENT, decode_document, disclosed, prove_certificate
from tallystick.certificate_qr import verify_qr
from tallystick.digests import digest_pair
from tallystick.identifiers import Letter
from tallystick.pdf.pades import PadesVerdict, judge_document
from tallystick.pdf.refusal import DocumentRefused
from tallystick.statement import parse_statement
from tests.api.desk import Desk, told
from tests.api.house import House, Party, problem

PDF = "application/pdf"
AUTHOR = "林 Lin, who wrote it"


def request(desk: Desk, number: str, **more: Any) -> dict[str, Any]:
    object_id = more.pop("object", None) or desk.picture()[0]
    holder = {"name": "灯笼影业 Lantern Pictures", "party": desk.studio.id, "share": "100 %"}
    return {"object": object_id, "number": number, "title": "纸灯笼", "authors": [AUTHOR], "holders": [holder], **more}


def issue(desk: Desk, number: str, **more: Any) -> dict[str, Any]:
    return told(desk.house.registrar.post("/v1/certificates", request(desk, number, **more)))


def test_a_certificate_is_logged_printed_signed_and_logged_again(desk: Desk) -> None:
    asked = request(desk, "2026-F-1", references=[{"name": "公映许可证 film permit", "value": "电审故字〔2026〕第1号"}])
    issued = told(desk.house.registrar.post("/v1/certificates", asked))
    said = parse_statement(desk.house.http.get(f"/v1/entries/{issued['position']}").content)
    assert (said.event.type, said.event.body.object, said.event.body.number) == (
        "certificate.issue",
        asked["object"],
        "2026-F-1",
    )
    assert said.kid == desk.house.services.keyring.signers["registrar"].public.kid
    assert set(said.event.commitments) == {"title", "authors", "holders", "references"}
    assert AUTHOR.encode() not in said.entry
    answer = desk.house.registrar.get(f"/v1/certificates/{issued['certificate']}/file")
    assert (answer.status_code, answer.headers["content-type"]) == (200, PDF)
    file = parse_statement(desk.house.http.get(f"/v1/entries/{issued['credential']['position']}").content).event
    assert (file.subject, file.body.purpose) == (issued["certificate"], "certificate")
    assert (file.body.file, file.body.size) == (digest_pair(answer.content), len(answer.content))


def read_pdf(desk: Desk, data: bytes) -> PadesVerdict:
    """What a reader with the service's trust file finds."""
    at = datetime.fromtimestamp(desk.house.world.clock + 5, UTC)
    return judge_document(data, desk.trust.pdf_roots, desk.trust.time_authorities, at, ATTACHMENT)


def file_of(desk: Desk, issued: dict[str, Any]) -> bytes:
    answer = desk.house.registrar.get(f"/v1/certificates/{issued['certificate']}/file")
    assert answer.status_code == 200, answer.text
    return answer.content


def test_the_pdf_carries_the_entry_with_its_proof(desk: Desk) -> None:
    issued = issue(desk, "2026-F-2")
    verdict = read_pdf(desk, file_of(desk, issued))
    payload = decode_document(verdict.attachment)
    entry = parse_statement(from_base64(payload.entry))
    trusted = desk.trust.logs[payload.log]
    head = prove_certificate(payload, entry, trusted.history)
    assert (payload.certificate, payload.number) == (issued["certificate"], "2026-F-2")
    assert (entry.event.subject, payload.position, head.size > payload.position) == (
        issued["certificate"],
        issued["position"],
        True,
    )
    assert disclosed(payload, entry)["authors"] == [AUTHOR]
    assert [(one.over, one.fact and one.fact.operator_only) for one in verdict.stamps] == [
        ("signature", True),
        ("document", True),
    ]
    assert verdict.problems == ()


def test_purposes_are_kept_apart(desk: Desk) -> None:
    """The trust file has documents, claims and clocks under roots of their own, and none does for another."""
    trust = desk.trust
    data = file_of(desk, issue(desk, "2026-F-2b"))
    assert len({*trust.pdf_roots, *trust.c2pa_roots, *(one.root for one in trust.time_authorities)}) == 3
    at = datetime.fromtimestamp(desk.house.world.clock + 5, UTC)
    for roots in (trust.c2pa_roots, tuple(one.root for one in trust.time_authorities), ()):
        with pytest.raises(DocumentRefused, match=r"pdf\.signer"):
            judge_document(data, roots, trust.time_authorities, at, ATTACHMENT)


def test_the_codes_on_the_paper(desk: Desk) -> None:
    """Read from the rendered pages by a reader of codes: the one leads to the page, the other is proved offline."""
    issued = issue(desk, "2026-F-2c")
    pages = pdfium.PdfDocument(file_of(desk, issued))
    found = {one.text for page in pages for one in zxingcpp.read_barcodes(page.render(scale=3).to_pil())}
    link = f"{desk.house.services.settings.address}/certificates/{issued['certificate']}"
    (code,) = found - {link}
    assert link in found
    fact = verify_qr(code, desk.trust)
    entry = parse_statement(desk.house.http.get(f"/v1/entries/{issued['position']}").content)
    assert (fact.certificate, fact.number, fact.position, fact.leaf) == (
        issued["certificate"],
        "2026-F-2c",
        issued["position"],
        entry.leaf,
    )
    text = "".join(page.get_textpage().get_text_range() for page in pages)
    assert all(f"{at} of {len(pages)}" in text for at in range(1, len(pages) + 1))
    assert text.count("2026-F-2c") >= len(pages)


def test_only_the_registrar_certifies(desk: Desk, house: House) -> None:
    asked = request(desk, "2026-F-3")
    assert problem(desk.studio.post("/v1/certificates", asked)) == (403, "forbidden", None)
    half = house.with_token(house.registrar.who, "submit", "read-private")
    assert problem(half.post("/v1/certificates", asked)) == (403, "forbidden", None)
    silent = house.with_token(house.registrar.who, "registrar")
    assert problem(silent.post("/v1/certificates", asked)) == (403, "forbidden", None)
    assert problem(house.http.post("/v1/certificates", json=asked)) == (401, "unauthenticated", None)


def test_the_file_is_for_the_registrar_and_the_objects_holder(desk: Desk, rival: Party, house: House) -> None:
    """It shows names; who may show it to others is up to them."""
    path = f"/v1/certificates/{issue(desk, '2026-F-4')['certificate']}/file"
    assert desk.studio.get(path).content == house.registrar.get(path).content
    assert problem(rival.get(path)) == (403, "forbidden", "certificate")
    assert problem(house.http.get(path)) == (401, "unauthenticated", None)
    submitter = house.with_token(desk.studio.who, "submit")
    assert problem(submitter.get(path)) == (403, "forbidden", None)
    unknown = house.world.identifier(Letter.CERTIFICATE)
    assert problem(desk.studio.get(f"/v1/certificates/{unknown}/file")) == (404, "not-found", "certificate")


def test_the_same_request_again_finds_the_same_certificate_and_file(desk: Desk) -> None:
    asked = request(desk, "2026-F-5")
    first, second = (desk.house.registrar.post("/v1/certificates", asked) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


@pytest.mark.parametrize("step", ["publish", "sign", "keep", "log"])
def test_a_certificate_that_was_cut_short_is_finished(desk: Desk, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ``certificate.issue`` was logged its number is taken: the PDF must be made later."""
    asked = request(desk, f"2026-cut-{step}")
    services = desk.house.services
    issuer = services.certificates._issuer

    def fails(*_: Any, **__: Any) -> Any:
        raise OutcomeUnknown("cut short")

    async def record_one(voice: Any, draft: Any) -> Any:
        if draft.type == "credential.issue":
            fails()
        return await type(services.submission).record_one(services.submission, voice, draft)

    with monkeypatch.context() as patched:
        if step == "publish":
            patched.setattr(issuer, "publish", fails)
        elif step == "sign":
            patched.setattr(services.certificates._seal, "sign", fails)
        elif step == "keep":
            patched.setattr(issuer.files, "keep", fails)
        else:
            patched.setattr(services.submission, "record_one", record_one)
        assert problem(desk.house.registrar.post("/v1/certificates", asked)) == (503, "unavailable", None)
    events = desk.house.http.get("/v1/events", params={"subject": asked["object"], "type": "certificate.issue"})
    (logged,) = events.json()["events"]
    resumed = told(desk.house.registrar.post("/v1/certificates", asked), 200)
    assert (resumed["position"], resumed["certificate"]) == (logged["position"], logged["subject"])
    assert desk.house.registrar.get(f"/v1/certificates/{resumed['certificate']}/file").status_code == 200


def test_a_number_is_used_once(desk: Desk) -> None:
    issue(desk, "2026-F-6")
    answer = desk.house.registrar.post("/v1/certificates", request(desk, "2026-F-6"))
    assert problem(answer) == (409, "conflict", "number")
    assert "2026-F-6" in answer.json()["detail"]
    named = desk.house.registrar.post("/v1/certificates", request(desk, "2026-F-6", event_id="another-id"))
    assert problem(named) == (409, "already-used", "body.number")
    reused = desk.house.registrar.post("/v1/certificates", request(desk, "2026-F-6b", event_id="by-me"))
    again = desk.house.registrar.post("/v1/certificates", request(desk, "2026-F-6c", event_id="by-me"))
    assert (reused.status_code, problem(again)) == (201, (409, "conflict", "event_id"))


def test_a_newer_certificate_supersedes_an_older_one_of_the_same_object(desk: Desk) -> None:
    object_id, _ = desk.picture()
    first = issue(desk, "2026-F-7", object=object_id)
    second = issue(desk, "2026-F-8", object=object_id, supersedes=first["certificate"])
    state = desk.house.http.get(f"/v1/subjects/{first['certificate']}").json()
    assert "withdrawn" in str(state)
    other = desk.house.registrar.post("/v1/certificates", request(desk, "2026-F-9", supersedes=second["certificate"]))
    assert problem(other) == (422, "inconsistent", "body.supersedes")


def test_a_withdrawn_certificate_is_not_printed_any_more(desk: Desk) -> None:
    asked = request(desk, "2026-F-10")
    first = told(desk.house.registrar.post("/v1/certificates", asked))
    desk.house.registrar.record("certificate.withdraw", {"grounds": "error"}, subject=first["certificate"])
    answer = desk.house.registrar.post("/v1/certificates", asked)
    assert problem(answer) == (409, "wrong-state", "number")


def test_disputes_stand_on_the_certificate_with_their_outcome(
    desk: Desk, rival: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id, _ = desk.picture()
    disputes = [rival.record("dispute.open", {"target": object_id, "claim": "authorship"})["subject"] for _ in range(2)]
    ended = {"outcome": "rejected", "grounds": "evidence"}
    desk.house.registrar.record("dispute.resolve", ended, subject=disputes[0])
    printed: list[CertificateFacts] = []

    def render(facts: CertificateFacts) -> bytes:
        printed.append(facts)
        return render_certificate(facts)

    monkeypatch.setattr("api.services.certificates.render_certificate", render)
    issue(desk, "2026-F-11", object=object_id)
    told = (f"{disputes[0]} 驳回 rejected", f"{disputes[1]} 未决 open")
    assert [facts.disputes for facts in printed] == [told, told], "once in rehearsal"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "🏮"}, None),
        ({"published": "2026-02-30"}, "published"),
        ({"created": "2025年11月31日"}, "created"),
        ({"title": ""}, "title"),
        ({"title": "x" * 301}, "title"),
        ({"authors": ["x"] * 51}, "authors"),
        ({"authors": ["\u202e"]}, None),
        ({"holders": [{"name": "x", "rank": "1"}]}, "holders[0].rank"),
        ({"holders": [{"name": "x", "share": "33.3 %"}] * 3}, "holders"),
        ({"holders": [{"name": "x", "share": "50 %"}, {"name": "y"}]}, "holders"),
        ({"isan": "0000-0000-D07A-0091-Q"}, "isan"),
        ({"eidr": "10.5240/7791-8534-2C23-9030-8610-6"}, "eidr"),
        ({"iscc": "ISCC:AAAT4EBWK27737D2AA"}, "iscc"),
        ({"doi": "10.5240/7791-8534-2C23-9030-8610-6"}, "doi"),
        ({"references": [{"name": "ISAN", "value": "1"}]}, "references[0].value"),
        ({"number": ""}, "number"),
    ],
    ids=[
        "emoji",
        "no such day",
        "no such day in Chinese",
        "no title",
        "long title",
        "many authors",
        "bidi",
        "unknown field",
        "shares of 99.9 %",
        "a share of some",
        "isan",
        "eidr",
        "iscc",
        "doi",
        "reference",
        "no number",
    ],
)
def test_what_cannot_be_printed_is_refused_before_it_is_logged(
    desk: Desk, change: dict[str, Any], field: str | None
) -> None:
    before = desk.publish()
    asked = {**request(desk, "2026-never"), **change}
    status, code, named = problem(desk.house.registrar.post("/v1/certificates", asked))
    assert (status, code) == (422, "malformed")
    assert named == field or field is None
    events = desk.house.http.get("/v1/events", params={"subject": asked["object"], "type": "certificate.issue"})
    assert events.json()["events"] == []
    assert desk.publish() > before


def test_the_fullest_certificate_can_be_printed(desk: Desk) -> None:
    """Whatever the schema takes has room on paper."""
    line = "灯" * 300
    holder = {"name": line, "party": line, "share": "1/50"}
    issued = issue(
        desk,
        "灯" * 80,
        title=line,
        kind=line,
        authority=line,
        authors=[line] * 50,
        holders=[holder] * 50,
        created=line,
        published=line,
        references=[{"name": line, "value": line}] * 50,
    )
    printed = desk.house.registrar.get(f"/v1/certificates/{issued['certificate']}/file")
    entry = parse_statement(desk.house.http.get(f"/v1/entries/{issued['credential']['position']}").content)
    assert entry.event.body.file == digest_pair(printed.content)
    assert printed.content.startswith(b"%PDF-")


def test_certificates_of_what_is_not_there(desk: Desk) -> None:
    unknown = request(desk, "2026-F-12", object=desk.house.world.identifier(Letter.OBJECT))
    assert problem(desk.house.registrar.post("/v1/certificates", unknown)) == (404, "not-found", "object")
    licence, _ = desk.licence()
    wrong = request(desk, "2026-F-13", object=licence)
    assert problem(desk.house.registrar.post("/v1/certificates", wrong))[:2] == (422, "malformed")
