"""What an export encloses for people: report and forms about the very bundle, and nothing that it withholds."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest

from credentials.report_pdf import render_report
from tallystick.report.enclosed import enclosed_pages, enclosed_reports
from tallystick.times import parse_time
from tallystick.verify import verify_case
from tests.api.desk import AnchorDriver, Desk, case_of, member_names
from tests.api.house import problem

SECRET = "a title that only the studio may tell"
PAGES = [
    "cn-16-18.zh.html", "cn-opinion.zh.html", "fre-902-13.en.html", "fre-902-14.en.html", "report.en.html",
    "report.en.pdf", "report.zh.html", "report.zh.pdf", "trust-list.json", "vermont-1913.en.html",
]  # fmt: skip


def enclosed(bundle: bytes) -> dict[str, bytes]:
    """By file name."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        return {
            name.removeprefix("data/report/"): opened.read(name)
            for name in opened.namelist()
            if name.startswith("data/report/")
        }


@pytest.fixture(scope="module")
def exported(desk: Desk, anchor: AnchorDriver) -> bytes:
    object_id, data = desk.picture(title=SECRET)
    anchor.anchor()
    answer = desk.export(desk.studio, "object", object_id, originals={"any name.png": data}, disclose="none")
    content: bytes = answer.content
    return content


def test_every_export_encloses_report_and_forms(exported: bytes) -> None:
    assert sorted(enclosed(exported)) == PAGES
    assert case_of(exported).index.report == tuple(f"data/report/{name}" for name in PAGES)


def test_they_are_about_this_very_bundle(desk: Desk, exported: bytes) -> None:
    """The same verification, here, makes the same bytes: under the exporter's trust file, as of the time they say."""
    said = re.search(r"verified as of ([0-9-]+) ([0-9:]+Z)", enclosed(exported)["report.en.html"].decode())
    assert said is not None
    report = verify_case(io.BytesIO(exported), desk.trust, parse_time(f"{said[1]}T{said[2]}"))
    reports = enclosed_reports(report)
    pages = enclosed_pages(report, reports) | {f"{name}.pdf": render_report(one) for name, one in reports.items()}
    pages["trust-list.json"] = desk.house.http.get("/v1/trust").content
    assert pages == enclosed(exported)
    assert report.verdict == "proved"
    assert report.facts["covers"].encode() in pages["report.en.html"]


def test_they_are_as_of_the_latest_time_that_the_case_shows(desk: Desk, exported: bytes) -> None:
    report = desk.verify(exported)
    latest = max(one["block_time"] for one in report.facts["anchors"])
    assert f"verified as of {latest.replace('T', ' ')}" in enclosed(exported)["report.en.html"].decode()
    assert latest > case_of(exported).index.exported_at


def test_the_same_facts_give_the_same_bytes(desk: Desk, exported: bytes) -> None:
    subject = case_of(exported).index.subject
    desk.house.world.clock += 1000
    again, once_more = (desk.ask(desk.studio, "object", subject, disclose="none").content for _ in range(2))
    assert again == once_more
    assert len(enclosed(again)) == len(PAGES)


def test_a_report_tells_the_digest_that_a_reader_finds(desk: Desk, exported: bytes) -> None:
    covers = desk.verify(exported).facts["covers"]
    found = re.findall(r"[0-9a-f]{64}", enclosed(exported)["report.zh.html"].decode())
    assert covers in found


def test_they_tell_nothing_that_the_bundle_withholds(exported: bytes) -> None:
    assert [name for name, page in enclosed(exported).items() if SECRET.encode() in page] == []
    assert SECRET.encode() not in exported


def test_a_bundle_that_proves_nothing_says_so(desk: Desk) -> None:
    object_id, _ = desk.picture()
    bundle = desk.export(desk.studio, "object", object_id).content
    assert desk.verify(bundle).verdict == "not_proved"
    pages = enclosed(bundle)
    assert "NOT PROVED: at least one" in pages["report.en.html"].decode()
    assert "未获证明" in pages["cn-16-18.zh.html"].decode()


def test_they_can_be_left_out(desk: Desk) -> None:
    object_id, _ = desk.picture()
    bundle = desk.export(desk.studio, "object", object_id, report=False).content
    assert not [name for name in member_names(bundle) if name.startswith("data/report/")]
    assert case_of(bundle).index.report is None


@pytest.mark.parametrize("asked", ["yes", 1, None])
def test_it_is_asked_with_true_or_false(desk: Desk, asked: Any) -> None:
    object_id, _ = desk.picture()
    desk.publish()
    answer = desk.ask(desk.studio, "object", object_id, report=asked)
    assert (problem(answer)[0], problem(answer)[2]) == (422, "request.report")


def test_nothing_is_left_beside_it(desk: Desk, exported: bytes) -> None:
    assert exported
    folder = desk.house.services.settings.data
    assert list(folder.rglob("*.draft")) == []
