"""What becomes of certificates: their numbers, how they stand, renewal, and what a stranger proves offline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pypdfium2 as pdfium
import pytest
import zxingcpp

from tallystick.__main__ import main
from tallystick.certificate_qr import PREFIX
from tallystick.digests import digest_pair
from tallystick.identifiers import Letter
from tallystick.statement import parse_statement
from tests.api.desk import Desk, told
from tests.api.house import Party, open_house, problem
from tests.api.test_certificates import AUTHOR, file_of, issue, read_pdf, request

TEMPLATE = "沪作登字-{year}-{kind}-{seq:08}"


@pytest.fixture
def numbered(tmp_path: Path) -> Iterator[Desk]:
    with open_house(tmp_path / "data", certificate_numbers=TEMPLATE) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))


def ask(desk: Desk, **more: Any) -> dict[str, Any]:
    return {**request(desk, "", category="I"), **more}


def test_the_scheme_gives_numbers_in_order(numbered: Desk) -> None:
    given = [told(numbered.house.registrar.post("/v1/certificates", ask(numbered)))["number"] for _ in range(3)]
    year = datetime.fromtimestamp(numbered.house.world.clock, UTC).year
    assert given == [f"沪作登字-{year}-I-{sequence:08}" for sequence in (1, 2, 3)]
    other = told(numbered.house.registrar.post("/v1/certificates", ask(numbered, category="F")))
    assert other["number"] == f"沪作登字-{year}-F-00000001"


def test_a_repeated_request_keeps_its_number_also_in_the_next_year(numbered: Desk) -> None:
    asked = ask(numbered)
    first = told(numbered.house.registrar.post("/v1/certificates", asked))
    told(numbered.house.registrar.post("/v1/certificates", ask(numbered)))
    numbered.house.world.clock += 366 * 86_400
    again = told(numbered.house.registrar.post("/v1/certificates", asked), 200)
    assert (again["number"], again["certificate"]) == (first["number"], first["certificate"])
    year = datetime.fromtimestamp(numbered.house.world.clock, UTC).year
    fresh = told(numbered.house.registrar.post("/v1/certificates", ask(numbered)))
    assert fresh["number"] == f"沪作登字-{year}-I-00000001"


def test_the_year_changes_by_the_registrars_zone(numbered: Desk) -> None:
    """An hour before midnight in London it is the next year in Shanghai."""
    numbered.house.world.clock = int(datetime(2030, 12, 31, 23, tzinfo=UTC).timestamp())
    given = told(numbered.house.registrar.post("/v1/certificates", ask(numbered)))
    assert given["number"] == "沪作登字-2031-I-00000001"


def test_many_at_once_have_each_their_own_number_without_a_gap(numbered: Desk) -> None:
    asked = [ask(numbered) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        posts = [pool.submit(numbered.house.registrar.post, "/v1/certificates", one) for one in (*asked, *asked)]
        answers = [one.result(timeout=60) for one in posts]
    assert {one.status_code for one in answers} <= {200, 201}
    numbers = [one.json()["number"] for one in answers]
    assert sorted(int(one[-8:]) for one in set(numbers)) == [1, 2, 3, 4, 5, 6]
    assert numbers[:6] == numbers[6:], "the same request is the same certificate"


def test_another_process_took_the_number(numbered: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and recording: the log refuses the second, who takes the next."""
    service, rival = numbered.house.services.certificates, ask(numbered)
    look, taken = service._number_for, []

    def slow(party: str, asked: Any) -> Any:
        found = look(party, asked)
        if not taken:
            taken.append(found)
            body = {"object": rival["object"], "number": found[0]}
            numbered.house.registrar.record("certificate.issue", body, private={"title": "of another"})
        return found

    monkeypatch.setattr(service, "_number_for", slow)
    given = told(numbered.house.registrar.post("/v1/certificates", ask(numbered)))
    assert (taken[0][0][-1], given["number"][-1]) == ("1", "2")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "沪作登字-2026-I-00000009"}, "number"),
        ({"category": ""}, "category"),
        ({"category": "i"}, "category"),
    ],
)
def test_numbers_that_the_scheme_does_not_let_be_chosen(numbered: Desk, change: dict[str, Any], field: str) -> None:
    answer = numbered.house.registrar.post("/v1/certificates", ask(numbered, **change))
    assert problem(answer) == (422, "malformed", field)
    older = told(numbered.house.registrar.post("/v1/certificates", ask(numbered, number="1998-old-17")))
    assert older["number"] == "1998-old-17"


# --- standing ------------------------------------------------------------------------------------------------


def standing(desk: Desk, name: str) -> dict[str, Any]:
    return told(desk.house.http.get(f"/v1/certificates/{quote(name)}/standing"), 200)


def shown(desk: Desk, name: str, lang: str) -> httpx.Response:
    return desk.house.http.get(f"/certificates/{quote(name)}", params={"lang": lang})


def test_a_certificate_in_force(desk: Desk) -> None:
    issued = issue(desk, "沪作登字-2026-I-77")
    desk.publish()
    found = standing(desk, "沪作登字-2026-I-77")
    assert found == standing(desk, issued["certificate"])
    assert (found["state"], found["ending"], found["disputes"], found["published"]) == ("in-force", None, [], True)
    for lang, word in (("zh", "有效"), ("en", "In force")):
        page = shown(desk, "沪作登字-2026-I-77", lang)
        assert (page.status_code, f'<p class="state good">{word}</p>' in page.text) == (200, True)
        assert AUTHOR not in page.text
        assert "灯笼影业" not in page.text
        assert "<script" not in page.text


def test_a_superseded_certificate_never_reads_as_in_force(desk: Desk) -> None:
    object_id, _ = desk.picture()
    first = issue(desk, "2026-S-1", object=object_id)
    changed = request(desk, "2026-S-2", object=object_id, supersedes=first["certificate"], authors=["林琳"])
    second = told(desk.house.registrar.post("/v1/certificates", changed))
    found = standing(desk, "2026-S-1")
    assert (found["state"], found["ending"]["superseded_by"], found["ending"]["number"]) == (
        "superseded",
        second["certificate"],
        "2026-S-2",
    )
    assert (found["ending"]["reason"], found["ending"]["corrected"]) == ("correction", ["authors"])
    newer = standing(desk, "2026-S-2")
    assert (newer["state"], newer["supersedes"], newer["reason"]) == ("in-force", first["certificate"], "correction")
    for lang, word in (("zh", "已被替代"), ("en", "SUPERSEDED")):
        page = shown(desk, "2026-S-1", lang).text
        assert word in page
        assert "state good" not in page
        assert second["certificate"] in page
    text = "".join(page.get_textpage().get_text_range() for page in pdfium.PdfDocument(file_of(desk, second)))
    assert AUTHOR in text, "what was corrected stays visible on the new certificate"
    report = desk.verify(desk.export(desk.house.registrar, "object", object_id).content)
    assert first["certificate"] in str(report.facts["adverse"])


def test_a_reissue_says_the_same(desk: Desk) -> None:
    object_id, _ = desk.picture()
    first = issue(desk, "2026-S-3", object=object_id)
    again = request(desk, "2026-S-4", object=object_id, supersedes=first["certificate"])
    differs = desk.house.registrar.post("/v1/certificates", {**again, "reason": "correction"})
    assert problem(differs) == (422, "malformed", "reason")
    other = desk.house.registrar.post("/v1/certificates", {**again, "title": "x", "reason": "reissue"})
    assert problem(other) == (422, "malformed", "reason")
    alone = desk.house.registrar.post("/v1/certificates", {**request(desk, "2026-S-5"), "reason": "reissue"})
    assert problem(alone) == (422, "malformed", "reason")
    told(desk.house.registrar.post("/v1/certificates", again))
    assert standing(desk, "2026-S-3")["ending"]["reason"] == "reissue"
    twice = request(desk, "2026-S-6", object=object_id, supersedes=first["certificate"])
    assert problem(desk.house.registrar.post("/v1/certificates", twice)) == (409, "wrong-state", "body.supersedes")


def test_a_withdrawn_certificate_shows_its_grounds(desk: Desk) -> None:
    issued = issue(desk, "2026-S-7")
    desk.house.registrar.record("certificate.withdraw", {"grounds": "court-order"}, subject=issued["certificate"])
    found = standing(desk, "2026-S-7")
    assert (found["state"], found["ending"]["grounds"], found["published"]) == ("withdrawn", "court-order", False)
    page = shown(desk, issued["certificate"], "en").text
    assert "WITHDRAWN" in page
    assert "court-order" in page
    assert "法院裁定" in shown(desk, issued["certificate"], "zh").text


def test_disputes_show_with_how_they_stand(desk: Desk, rival: Party) -> None:
    object_id, _ = desk.picture()
    issued = issue(desk, "2026-S-8", object=object_id)
    of_object = rival.record("dispute.open", {"target": object_id, "claim": "authorship"})["subject"]
    of_paper = rival.record("dispute.open", {"target": issued["certificate"], "claim": "content"})["subject"]
    assert "There are open disputes." in shown(desk, "2026-S-8", "en").text
    ended = {"outcome": "rejected", "grounds": "evidence"}
    desk.house.registrar.record("dispute.resolve", ended, subject=of_object)
    found = {one["dispute"]: one["status"] for one in standing(desk, "2026-S-8")["disputes"]}
    assert found == {of_object: "rejected", of_paper: "open"}


def test_a_dispute_that_no_checkpoint_covers_yet_is_not_called_published(
    desk: Desk, rival: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is its outcome: what the page says must be provable, all of it."""
    object_id, _ = desk.picture()
    issued = issue(desk, "2026-S-9", object=object_id)
    desk.publish()
    published = desk.house.services.log.published
    assert standing(desk, "2026-S-9")["published"] is True
    covered = published.checkpoint()
    monkeypatch.setattr(published, "checkpoint", lambda: covered)
    dispute = rival.record("dispute.open", {"target": issued["certificate"], "claim": "content"})["subject"]
    assert standing(desk, "2026-S-9")["published"] is False
    monkeypatch.undo()
    desk.publish()
    assert standing(desk, "2026-S-9")["published"] is True
    covered = published.checkpoint()
    monkeypatch.setattr(published, "checkpoint", lambda: covered)
    ended = {"outcome": "rejected", "grounds": "evidence"}
    desk.house.registrar.record("dispute.resolve", ended, subject=dispute)
    found = standing(desk, "2026-S-9")
    assert ([one["status"] for one in found["disputes"]], found["published"]) == (["rejected"], False)


@pytest.mark.parametrize(
    "name", ["2026-never", "10.5555/R-0000-0000-0000-0000-1", "<script>alert(1)</script>", "x" * 300]
)
def test_what_was_never_issued(desk: Desk, name: str) -> None:
    page = shown(desk, name, "en")
    assert (page.status_code, "NOT ISSUED HERE" in page.text, "<script" in page.text) == (404, True, False)
    assert problem(desk.house.http.get(f"/v1/certificates/{quote(name)}/standing"))[:2] == (404, "not-found")


# --- renewal ---------------------------------------------------------------------------------------------------


def test_a_renewed_file_is_logged_beside_the_old_one(desk: Desk) -> None:
    issued = issue(desk, "2026-R-1")
    old = file_of(desk, issued)
    desk.house.world.clock += 200 * 86_400
    renewed = told(desk.house.registrar.post(f"/v1/certificates/{issued['certificate']}/renewal"))
    new = file_of(desk, issued)
    assert (new.startswith(old), len(new) > len(old)) == (True, True)
    assert [one.over for one in read_pdf(desk, new).stamps] == ["signature", "document", "document"]
    said = parse_statement(desk.house.http.get(f"/v1/entries/{renewed['position']}").content).event
    assert (said.subject, said.body.form, said.body.file) == (issued["certificate"], "pades", digest_pair(new))
    assert problem(desk.studio.post(f"/v1/certificates/{issued['certificate']}/renewal")) == (403, "forbidden", None)
    unknown = desk.house.world.identifier(Letter.CERTIFICATE)
    answer = desk.house.registrar.post(f"/v1/certificates/{unknown}/renewal")
    assert problem(answer) == (404, "not-found", "certificate")


def test_both_files_are_proved_in_a_case(desk: Desk) -> None:
    object_id, _ = desk.picture()
    issued = issue(desk, "2026-R-2", object=object_id)
    desk.house.world.clock += 86_400
    told(desk.house.registrar.post(f"/v1/certificates/{issued['certificate']}/renewal"))
    report = desk.verify(desk.export(desk.house.registrar, "object", object_id).content)
    assert report.claim("credential").outcome == "proved", report.claim("credential").evidence
    assert len(report.facts["credentials"]) == 2


# --- offline -----------------------------------------------------------------------------------------------------


@pytest.fixture
def papers(desk: Desk, tmp_path: Path) -> tuple[Path, Path, Path, str]:
    """Trust file, PDF, the text of its code in a file, an instant."""
    issued = issue(desk, f"2026-P-{next(desk.shades)}")
    data, pdf, trust, text = file_of(desk, issued), tmp_path / "c.pdf", tmp_path / "trust.json", tmp_path / "code.txt"
    pdf.write_bytes(data)
    trust.write_bytes(desk.house.http.get("/v1/trust").content)
    pictures = [page.render(scale=3).to_pil() for page in pdfium.PdfDocument(data)]
    codes = [one.text for picture in pictures for one in zxingcpp.read_barcodes(picture)]
    text.write_text(next(one for one in codes if one.startswith(PREFIX)) + "\n")
    return trust, pdf, text, desk.house.world.now()


def verified(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["verify-certificate", *map(str, arguments)])
    caught = capsys.readouterr()
    return status, caught.out + caught.err


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_stranger_verifies_the_pdf(
    papers: tuple[Path, Path, Path, str], lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trust, pdf, _, at = papers
    status, said = verified(capsys, pdf, "--trust", trust, "--at", at, "--lang", lang)
    assert status == 0, said
    assert ("PROVED" in said, "已证明" in said) == (lang == "en", lang == "zh")
    assert f"as logged: authors: {AUTHOR}" in said or f"日志所承诺的作者：{AUTHOR}" in said
    assert ("权利人" in said) == (lang == "zh")
    assert '{"' not in said, "a judge is not to read JSON"
    assert ("as of the checkpoint" in said) == (lang == "en")
    assert ("operator's own word" in said or "运营方的陈述" in said) is True
    changed = pdf.read_bytes().replace(b"/Rotate 0", b"/Rotate 9", 1)
    pdf.write_bytes(changed)
    status, said = verified(capsys, pdf, "--trust", trust, "--at", at, "--lang", lang)
    assert (status, "pdf.signature" in said) == (1, True)
    pdf.write_bytes(b"%PDF-1.4 nothing")
    assert verified(capsys, pdf, "--trust", trust, "--at", at)[0] == 2


def test_a_stranger_verifies_the_code(
    papers: tuple[Path, Path, Path, str], desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust, _, text, at = papers
    for given in (text, text.read_text().strip()):
        status, said = verified(capsys, given, "--trust", trust, "--at", at)
        assert (status, "PROVED" in said, "still in force" in said) == (0, True, True), said
    status, said = verified(capsys, text, "--trust", trust, "--at", at, "--json")
    assert (status, json.loads(said)["from"]) == (0, "code")
    text.write_text(text.read_text().replace("2", "3"))
    assert verified(capsys, text, "--trust", trust, "--at", at)[0] in (1, 2)


def test_a_pdf_of_another_log(
    papers: tuple[Path, Path, Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own trust file proves it; this reader's does not."""
    _, pdf, text, at = papers
    with open_house(tmp_path / "other") as other:
        theirs = tmp_path / "theirs.json"
        theirs.write_bytes(other.http.get("/v1/trust").content)
    for given in (pdf, text):
        status, said = verified(capsys, given, "--trust", theirs, "--at", at)
        assert (status, "NOT PROVED" in said) == (1, True)
