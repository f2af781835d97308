"""The published corpus: the second verifier says of each bundle what `expected.json` says, of every claim."""

from __future__ import annotations

import json

import pytest

from tests.verifier_js.both import ROOT, Second, Trial, beside_c2pa, first, outcomes

CORPUS = ROOT / "fixtures" / "evidence"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_every_bundle_of_the_corpus_is_judged_as_it_says(second: Second, kind: str) -> None:
    names = sorted(EXPECTED[kind])
    trials = [Trial(name, CORPUS / kind / f"{name}.zip", CORPUS / "trust.json", EXPECTED["at"]) for name in names]
    left_to_others = []
    for trial, found in zip(trials, second.judge(trials), strict=True):
        expected = EXPECTED[kind][trial.name]
        said = outcomes(found)
        told = {claim: one[1] for claim, one in said.items() if isinstance(one, list)}
        if (said["verdict"], said["refused_at"], told) != (
            expected["verdict"],
            expected["refused_at"],
            expected["claims"],
        ):
            assert said == beside_c2pa(outcomes(first(trial)), said), (trial.name, found)
            left_to_others.append(trial.name)
    assert {name.removesuffix(".as-is") for name in left_to_others} <= LEFT_TO_OTHERS


LEFT_TO_OTHERS = {
    name
    for kind in ("good", "bad")
    for name in EXPECTED[kind]
    if name.startswith(("card-", "certificate-file-", "licence-with-its-card", "object-with-its-certificate"))
}
"""Where a Content Credential, or a certificate in PDF, is all that is left: the second verifier says so."""
