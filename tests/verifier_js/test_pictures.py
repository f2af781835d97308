"""The corpus of signed files: what the second verifier says of a picture alone, by the strict verdict of the document.

It may leave a file to other programs; it must accept nothing that is refused, and refuse nothing that is accepted.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.verifier_js.both import ROOT, Second, Trial

CORPUS = ROOT / "fixtures" / "c2pa"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())
LEFT_OPEN = {
    "picture-with-bytes-after-it-that-were-signed",
    "timestamp-by-an-unknown-clock",
    "timestamp-over-the-claim-alone",
    "with-an-identity",
    "with-an-identity-by-a-stranger",
    "with-an-identity-by-the-clock",
    "with-an-identity-of-another-kind",
    "with-an-identity-under-the-claim-root",
    "with-an-ingredient-by-a-stranger",
    "with-an-update",
    "with-assertions-that-are-not-judged",
    "with-two-updates",
}
"""Good pictures that are left to other programs: updates, identities, other people's assertions."""
WHOLE = {"signer.", "binding.", "assertion.hashedURI", "assertion.dataHash.mismatch", "assertion.not_created", "time."}
"""Groups of codes of which most files are refused here, too, and not only left open."""


def judged(second: Second, kind: str) -> dict[str, dict[str, Any]]:
    alone = {name: one["file"] for name, one in EXPECTED[kind].items() if not name.startswith("sidecar")}
    files = {name: CORPUS / kind / file for name, file in alone.items() if file.endswith(".png")}
    trials = [Trial(name, path, CORPUS / "trust.json", EXPECTED["at"], kind="picture") for name, path in files.items()]
    return dict(zip(files, second.judge(trials), strict=True))


def test_what_is_to_be_accepted(second: Second) -> None:
    found = judged(second, "good")
    assert {one["outcome"] for one in found.values()} == {"proved", "needs_external_fact"}
    assert {name for name, one in found.items() if one["outcome"] != "proved"} <= LEFT_OPEN
    assert sum(one["outcome"] == "proved" for one in found.values()) >= 6


def test_what_is_to_be_refused(second: Second) -> None:
    found = judged(second, "bad")
    assert {one["outcome"] for one in found.values()} == {"contradicted", "needs_external_fact"}
    refused = [name for name, one in found.items() if one["outcome"] == "contradicted"]
    assert len(refused) >= 100
    of_them = {EXPECTED["bad"][name]["code"] for name in refused}
    assert {group for group in WHOLE if any(code.startswith(group) for code in of_them)} == WHOLE


@pytest.mark.parametrize(
    "name",
    [
        "picture-changed",
        "licence-changed",
        "the-clock-signs-a-claim",
        "an-identity-signs-a-claim",
        "signer-under-a-strangers-root",
        "signer-expired",
        "binding-leaves-out-the-picture-too",
        "claim-changed-after-signing",
        "action-of-the-future",
        "licence-with-a-key-twice",
    ],
)
def test_the_worst_of_them_are_refused_and_not_left_open(second: Second, name: str) -> None:
    path = CORPUS / "bad" / EXPECTED["bad"][name]["file"]
    (found,) = second.judge([Trial(name, path, CORPUS / "trust.json", EXPECTED["at"], kind="picture")])
    assert found["outcome"] == "contradicted", found


def test_nothing_of_another_time_or_under_no_root_is_proved(second: Second, tmp_path: Any) -> None:
    path = CORPUS / "good" / "picture.png"
    trust = json.loads((CORPUS / "trust.json").read_text())
    (tmp_path / "none.json").write_text(json.dumps({**trust, "c2pa_roots": trust["cawg_roots"]}))
    cases = [
        Trial("now", path, CORPUS / "trust.json", EXPECTED["at"], kind="picture"),
        Trial("before it was made", path, CORPUS / "trust.json", "2025-05-01T00:00:00Z", kind="picture"),
        Trial("after its certificate", path, CORPUS / "trust.json", "2126-01-01T00:00:00Z", kind="picture"),
        Trial("under a root for identities", path, tmp_path / "none.json", EXPECTED["at"], kind="picture"),
    ]
    assert [one["outcome"] for one in second.judge(cases)] == ["proved", "contradicted", "contradicted", "contradicted"]
