"""What an exporter encloses for people: it has its place, the exporter signed it, and nothing rests on it."""

from __future__ import annotations

import hashlib

import pytest

from tallystick.bundle.bag import encode_manifest
from tallystick.case import case_members
from tallystick.case.model import INDEX
from tallystick.errors import MalformedInput
from tallystick.report.content import document
from tallystick.report.enclosed import enclosed_pages, enclosed_reports
from tallystick.verify import Report
from tests.core.verify.kit import Kit
from tests.core.verify.mutate import Members, described, edit_json, rezip, tags_of

LIE = b"<h1>PROVED: everything</h1>"


def enclosing(kit: Kit, **files: bytes) -> Members:
    named = {name.replace("_", "."): data for name, data in files.items()}
    members = case_members(kit.material(report=named))
    return {name: data for name, data in members.items() if isinstance(data, bytes)}


def outcomes(report: Report) -> dict[str, str]:
    return {claim.id: claim.outcome for claim in report.claims}


@pytest.fixture
def plain(kit: Kit) -> Report:
    return kit.verify(kit.bundle())


def test_nothing_rests_on_what_it_says(kit: Kit, plain: Report) -> None:
    said = kit.verify(kit.bundle(enclosing(kit, report_en_html=LIE)))
    silent = kit.verify(kit.bundle(enclosing(kit, report_en_html=b"")))
    assert outcomes(said) == outcomes(silent) == outcomes(plain)
    assert said.verdict == "proved"
    assert said.facts == silent.facts, "what covers the rest is the same, whatever the report says"
    assert said.bundle_sha256 != silent.bundle_sha256


def test_what_it_covers_is_all_but_itself(kit: Kit) -> None:
    members = enclosing(kit, report_en_html=LIE)
    sha256 = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    del sha256["data/report/report.en.html"]
    report = kit.verify(kit.bundle(members))
    assert report.facts["covers"] == hashlib.sha256(encode_manifest(sha256)).hexdigest()
    for name in ("data/log/checkpoint", INDEX):
        assert name in sha256


def test_changed_after_the_export_it_is_not_what_the_exporter_signed(kit: Kit) -> None:
    members = enclosing(kit, report_en_html=LIE)
    changed = {**members, "data/report/report.en.html": LIE.replace(b"everything", b"nothing at")}
    report = kit.verify(rezip(changed | tags_of(kit.bundle(members))))
    assert (report.refused_at, report.verdict) == (1, "not_proved")


@pytest.mark.parametrize(
    "name", ["data/report/other.html", "data/report/Report.html", "data/report/a/b.html", "data/report.html"]
)
def test_a_page_without_a_place_is_malformed(kit: Kit, name: str) -> None:
    members = enclosing(kit, report_en_html=LIE)
    assert kit.verify(kit.bundle(described({**members, name: LIE}))).verdict == "malformed"


def test_a_page_that_is_promised_and_missing_is_malformed(kit: Kit) -> None:
    members = enclosing(kit, report_en_html=LIE, report_zh_html=LIE)
    del members["data/report/report.zh.html"]
    assert kit.verify(kit.bundle(described(members))).verdict == "malformed"


@pytest.mark.parametrize(
    "names",
    [
        [], ["data/report/b", "data/report/a"], ["data/report/a", "data/report/a"], ["data/report/../case.json"],
        ["data/log/checkpoint"], ["data/report/A"], [f"data/report/{number:02}" for number in range(65)],
    ],
)  # fmt: skip
def test_names_that_no_index_has(kit: Kit, names: list[str]) -> None:
    members = edit_json(enclosing(kit, a=LIE, b=LIE), INDEX, lambda index: index.update(report=names))
    assert kit.verify(kit.bundle(described(members))).verdict == "malformed"


def test_a_report_makes_it_version_4_and_no_earlier_version_has_one(kit: Kit) -> None:
    members = enclosing(kit, report_en_html=LIE)
    assert b'"v":4' in members[INDEX]
    for version in (1, 2, 3):
        older = edit_json(members, INDEX, lambda index, v=version: index.update(v=v, format=f"tallystick-evidence/{v}"))
        assert kit.verify(kit.bundle(described(older))).verdict == "malformed"


def test_a_writer_refuses_what_a_reader_would(kit: Kit) -> None:
    with pytest.raises(MalformedInput):
        case_members(kit.material(report={"Report.html": LIE}))


def test_the_pages_say_whose_word_they_are_and_what_they_cover(kit: Kit) -> None:
    report = kit.verify(kit.bundle(enclosing(kit, report_en_html=b"")))
    pages = enclosed_pages(report, enclosed_reports(report))
    assert sorted(pages) == [
        "cn-16-18.zh.html", "cn-opinion.zh.html", "fre-902-13.en.html", "fre-902-14.en.html", "report.en.html",
        "report.zh.html", "vermont-1913.en.html",
    ]  # fmt: skip
    for name, page in pages.items():
        assert report.facts["covers"].encode() in page, name
        assert report.bundle_sha256.encode() not in page, name
    assert b"Enclosed by the exporter" in pages["report.en.html"]
    assert "由出具方随包附入".encode() in pages["report.zh.html"]
    own = document(report, "en")
    assert not any("Enclosed by" in line for line in own.alarms)
    assert enclosed_pages(report, enclosed_reports(report)) == pages
