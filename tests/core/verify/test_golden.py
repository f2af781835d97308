"""What was once proved stays proved: the kept bundle of each format version, by this program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tallystick.bundle import read_bundle
from tallystick.case import read_case
from tallystick.case.model import INDEX
from tallystick.trust import parse_trust
from tallystick.verify import verify_case

GOLDEN = Path(__file__).parents[3] / "fixtures" / "golden"
OPEN = {"content", "time", "credential", "completeness"}
VERSIONS = sorted(folder.parent.name for folder in GOLDEN.glob("*/evidence"))


def test_every_version_is_kept() -> None:
    assert VERSIONS == ["1", "2", "4", "5"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_kept_bundle_gets_the_same_answer(version: str) -> None:
    folder = GOLDEN / version / "evidence"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    trust = parse_trust((folder / "trust.json").read_bytes())
    with (folder / "case.zip").open("rb") as file:
        report = verify_case(file, trust, expected["at"])
        assert read_case(read_bundle(file)).index.format == f"tallystick-evidence/{version}"
    assert {"at": report.at, "verdict": report.verdict} == {key: expected[key] for key in ("at", "verdict")}
    assert {claim.id: claim.outcome for claim in report.claims} == expected["claims"]
    open_ones = {
        "1": {"time", "completeness"},
        "2": {"completeness", "credential"},
        "4": OPEN,
        "5": {"content", "completeness"},
    }
    assert {claim.id for claim in report.claims if claim.outcome != "proved"} == open_ones[version]


def test_the_tokens_of_the_kept_bundle_are_read_as_they_were() -> None:
    """One authority is independent, the other an operator's own, though the trust file says otherwise."""
    folder = GOLDEN / "2" / "evidence"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    with (folder / "case.zip").open("rb") as file:
        report = verify_case(file, parse_trust((folder / "trust.json").read_bytes()), expected["at"])
    found = {one["authority"]: (one["independent"], one["operator_only"]) for one in report.facts["timestamps"]}
    assert found == {"an observatory": (True, False), "the operator's own": (False, True)}


def test_the_kept_bundle_is_small_and_its_index_is_the_first_member() -> None:
    data = (GOLDEN / "1" / "evidence" / "case.zip").read_bytes()
    assert len(data) < 128 << 10
    assert INDEX.encode() in data


def test_what_the_kept_bundle_in_parts_shows() -> None:
    folder = GOLDEN / "4" / "evidence"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    with (folder / "case.zip").open("rb") as file:
        report = verify_case(file, parse_trust((folder / "trust.json").read_bytes()), expected["at"])
        index = read_case(read_bundle(file)).index
    (original,) = report.facts["originals"]
    assert original["parts"] == {
        "count": 3, "here": [[0, 0], [2, 2]], "files": ["a/one.bin"],
        "withheld": [{"first": 1, "last": 1, "reason": "another case is pending"}],
    }  # fmt: skip
    assert report.facts["standing"]["status"] == "revoked"
    assert index.adverse == tuple(one["position"] for one in report.facts["adverse"])


def test_what_the_kept_bundle_says_of_revocation() -> None:
    """Its signer was revoked between the clock's time and the log's; the clock stopped since."""
    folder = GOLDEN / "5" / "evidence"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    with (folder / "case.zip").open("rb") as file:
        report = verify_case(file, parse_trust((folder / "trust.json").read_bytes()), expected["at"])
    said = [one for member in report.facts["revocation"] for one in member["says"]]
    assert sorted((one["form"], one["of"], one.get("reason", "")) for one in said) == [
        ("answer", "CN=hall of the clock tower,O=Corpus", ""),
        ("list", "CN=Test signer,O=Registrar", ""),
        ("list", "CN=the clock tower,O=Corpus", "superseded"),
    ]
    (credential,) = report.facts["credentials"]
    assert [one["revoked"] for one in credential["revocation"]] == ["2026-01-31T23:00:00Z"]
