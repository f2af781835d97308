"""The published corpus: the second verifier says of each bundle what `expected.json` says, of every claim."""

from __future__ import annotations

import json

import pytest

from tests.verifier_js.both import ROOT, Second, Trial, outcomes

CORPUS = ROOT / "fixtures" / "evidence"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_every_bundle_of_the_corpus_is_judged_as_it_says(second: Second, kind: str) -> None:
    names = sorted(EXPECTED[kind])
    trials = [Trial(name, CORPUS / kind / f"{name}.zip", CORPUS / "trust.json", EXPECTED["at"]) for name in names]
    for trial, found in zip(trials, second.judge(trials), strict=True):
        said = outcomes(found)
        told = {claim: one[1] for claim, one in said.items() if isinstance(one, list)}
        judged = {"verdict": said["verdict"], "refused_at": said["refused_at"], "claims": told}
        assert judged == EXPECTED[kind][trial.name], (trial.name, found)
