"""The demo from outside: what it says, what it leaves behind, and what it does when it cannot begin."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
from rich.cells import cell_len

from demo.screen import WIDEST
from tests.demo.runs import Run, play

ASSETS = ("lantern", "notes", "single", "teapot")
REFUSED = {
    "a model signature by a key that is not the provider's": "(bad-model-signature)",
    "a job whose capability is not approved": "(capability-not-approved)",
    "a job that names an unregistered object": "(unregistered)",
    "a second tree of": "the contract reverts: fork or stale",
    "the case with one bit changed": "step 1: the bytes are not those of the signed manifests",
    "data/entries/11.cose dated back by a year by the exporter itself": "step 3: the signature of entry 11",
    "the licence's revocation left out by the exporter itself": "events were withheld",
}
"""What the demo tries and must see refused, and the reason that it prints under it."""
REQUIRED = ("integrity", "statement-signature", "inclusion", "checkpoint-signature", "entitlement", "disclosure",
            "content", "traceability", "anchor", "credential", "completeness")  # fmt: skip
IDENTIFIER = re.compile(r"10\.5555/[AMW](-[0-9A-Z]{4}){4}-[0-9A-Z]")


@pytest.fixture(params=ASSETS)
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.getfixturevalue(request.param)
    return found


def test_it_ends_well_and_says_how_long_it_took(run: Run) -> None:
    assert run.code == 0, run.said
    assert re.fullmatch(r"   \d+ s; open .*report\.html to read the whole report", run.lines[-1])


def test_the_chapters_come_in_order(run: Run) -> None:
    found = [int(told[1]) for line in run.lines if (told := re.match(r"(\d+)\. ", line))]
    assert found == list(range(1, 11))


def test_everything_that_must_be_refused_is_refused_with_its_reason(run: Run) -> None:
    said = " ".join(run.said.split())
    found = said.split("✗ refused: ")[1:]
    assert len(found) == len(REFUSED)
    for told, (what, reason) in zip(found, REFUSED.items(), strict=True):
        assert told.startswith(what)
        assert reason in told


def test_the_case_is_proved_with_the_originals_in_it(run: Run) -> None:
    report = run.verify()
    assert report.verdict == "proved"
    assert {claim.id for claim in report.claims if claim.required} == set(REQUIRED)
    assert report.claim("time").outcome == "needs_external_fact"


def test_the_changed_cases_are_refused_by_this_process_too(run: Run) -> None:
    bit, entry, out = (run.verify(f"case-{what}.zip") for what in ("bit-changed", "dated-back", "left-out"))
    assert (bit.verdict, bit.claim("integrity").outcome) == ("not_proved", "contradicted")
    assert (entry.verdict, entry.refused_at, entry.claim("integrity").outcome) == ("not_proved", 3, "proved")
    assert (out.verdict, out.refused_at, out.claim("completeness").outcome) == ("not_proved", 13, "contradicted")
    assert [one.id for one in out.claims if one.outcome != "proved"] == ["time", "completeness"]


def test_the_licence_is_asked_four_times(run: Run) -> None:
    answers = re.findall(r'✓ "play in (\w\w on \w+)", (with\w*) .*: (valid|not valid|cannot tell)$', run.said, re.M)
    assert answers == [
        ("DE on streaming", "with", "valid"),
        ("US on theatrical", "with", "not valid"),
        ("DE on streaming", "with", "not valid"),
        ("DE on streaming", "without", "cannot tell"),
    ]


def test_the_report_comes_claim_by_claim_with_its_first_lines(run: Run) -> None:
    assert "   │ PROVED: every required claim is proved on what the bundle holds." in run.lines
    assert "   │ Time rests on the operator alone: it needs a fact from outside this bundle." in run.lines
    outcomes = re.findall(r"^   ([✓?]) [A-Z][^:]*: (proved|needs an external fact)$", run.said, re.M)
    assert outcomes.count(("✓", "proved")) == len(REQUIRED)
    assert outcomes.count(("?", "needs an external fact")) == 1
    assert len(outcomes) == 12


def test_every_line_fits_and_no_identifier_of_the_table_is_broken(run: Run) -> None:
    # A path that the user chose may be longer than any line.
    wide = [line for line in run.lines if cell_len(line) > WIDEST and str(run.out.parent) not in line]
    assert wide == []
    rows = [line.split("│")[2].strip() for line in run.lines if line.startswith("│")]
    assert len([cell for cell in rows if IDENTIFIER.fullmatch(cell)]) == 4


def test_every_path_of_the_table_leads_to_something(run: Run) -> None:
    rows = [line.split("│")[1:3] for line in run.lines if line.startswith("│")]
    places = [place.strip() for made, place in rows if made.strip() and not IDENTIFIER.fullmatch(place.strip())]
    paths = [place for place in places if place != "nowhere" and not place.startswith("block")]
    assert len(paths) >= 8
    assert [path for path in paths if not (run.out / path).exists()] == []


def test_a_picture_carries_the_licence_and_other_files_do_not(lantern: Run, notes: Run, single: Run) -> None:
    assert (lantern.out / "licensee" / "licensed-concept.png").is_file()
    for run in (notes, single):
        assert not list((run.out / "licensee").glob("licensed-*"))
        assert "No picture in the asset" in run.said


def test_every_file_of_the_asset_is_in_the_bundle(notes: Run, single: Run) -> None:
    assert originals(notes) == ["drafts/场景一.txt", "empty.bin"]
    assert originals(single) == ["灯笼 v2.blend"]


def originals(run: Run) -> list[str]:
    names = zipfile.ZipFile(run.out / "case.zip").namelist()
    return sorted(name.split("/", 3)[3] for name in names if name.startswith("data/originals/"))


def test_a_second_run_in_the_same_folder_leaves_nothing_of_the_first(lantern: Run, notes: Run) -> None:
    assert (lantern.out / "ledger").is_dir()
    assert lantern.verify().facts["subject"] != notes.verify().facts["subject"]
    assert not (lantern.out / "notes").exists()


def test_the_report_on_disk_is_html_of_the_same_verdict(lantern: Run) -> None:
    page = (lantern.out / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "PROVED: every required claim" in page


# --- what cannot begin --------------------------------------------------------------


def test_an_asset_that_is_not_there(tmp_path: Path) -> None:
    run = play(tmp_path / "out", tmp_path / "nothing")
    assert run.code == 1
    assert f"there is no {tmp_path / 'nothing'}: name a file or folder" in " ".join(run.said.split())
    assert not (tmp_path / "out").exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "out" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    run = play(tmp_path / "out")
    assert run.code == 1
    assert "was not made by this demo: move it away" in " ".join(run.said.split())
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("asset", [".", "out/asset.png"])
def test_an_asset_that_the_output_would_replace(tmp_path: Path, asset: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "made-by-tallystick-demo").touch()
    (tmp_path / "out" / "asset.png").write_bytes(b"mine")
    run = play(tmp_path / "out", tmp_path / asset)
    assert run.code == 1
    assert "lie in one another" in " ".join(run.said.split())
    assert (tmp_path / "out" / "asset.png").read_bytes() == b"mine"


def test_a_folder_without_a_file(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run = play(tmp_path / "out", tmp_path / "empty")
    assert run.code == 1
    assert "holds no file" in " ".join(run.said.split())


def test_what_it_leaves_names_no_path_of_this_machine(lantern: Run) -> None:
    here = str(lantern.out.parent).encode()
    kept = [path for path in lantern.out.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert [path for path in kept if here in path.read_bytes()] == []
    assert json.loads((lantern.out / "trust.json").read_bytes())["v"] == 4
