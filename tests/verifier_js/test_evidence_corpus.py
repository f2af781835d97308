"""The published corpus: the second verifier says of each bundle what `expected.json` says, of every claim."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import pytest

from tests.verifier_js.both import ROOT, Second, Trial, outcomes

CORPUS = ROOT / "fixtures" / "evidence"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())


def is_later(kind: str, name: str) -> bool:
    """Whether the case, whose manifests hold, is of version 5, which the second verifier does not know."""
    if name.endswith(".as-is"):
        return False
    with zipfile.ZipFile(CORPUS / kind / f"{name}.zip") as bundle:
        return "data/case.json" in bundle.namelist() and json.loads(bundle.read("data/case.json")).get("v") == 5


def told_by_second(kind: str, name: str) -> dict[str, Any]:
    """What is expected; of a case of version 5, that it is of a later version."""
    expected: dict[str, Any] = EXPECTED[kind][name]
    if is_later(kind, name):
        unread = dict.fromkeys(EXPECTED["bad"]["index-not-canonical"]["claims"], "not_proved")
        return {"verdict": "not_proved", "refused_at": 1, "claims": unread}
    return expected


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_every_bundle_of_the_corpus_is_judged_as_it_says(second: Second, kind: str) -> None:
    names = sorted(EXPECTED[kind])
    trials = [Trial(name, CORPUS / kind / f"{name}.zip", CORPUS / "trust.json", EXPECTED["at"]) for name in names]
    for trial, found in zip(trials, second.judge(trials), strict=True):
        said = outcomes(found)
        told = {claim: one[1] for claim, one in said.items() if isinstance(one, list)}
        judged = {"verdict": said["verdict"], "refused_at": said["refused_at"], "claims": told}
        assert judged == told_by_second(kind, trial.name), (trial.name, found)
