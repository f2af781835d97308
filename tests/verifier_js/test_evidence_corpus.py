"""The published corpus: the second verifier says of each bundle what `expected.json` says, of every claim."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.verifier_js.both import ROOT, Second, Trial, outcomes

CORPUS = ROOT / "fixtures" / "evidence"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())
LEFT_OPEN = re.compile("pdf-.*-an-answer|card-that-encloses-|card-whose-signer-was-revoked-")
"""Signed files that the second verifier may leave to other programs: PDFs and cards with revocation answers."""


def told_by_second(kind: str, name: str) -> list[dict[str, Any]]:
    """What it may say: what is expected or, of a file that it leaves open, that this claim needs an external fact."""
    expected: dict[str, Any] = EXPECTED[kind][name]
    if not LEFT_OPEN.match(name) or expected["refused_at"] not in (None, 12):
        return [expected]
    claims = {**expected["claims"], "credential": "needs_external_fact"}
    return [expected, {"verdict": "not_proved", "refused_at": 12, "claims": claims}]


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_every_bundle_of_the_corpus_is_judged_as_it_says(second: Second, kind: str) -> None:
    names = sorted(EXPECTED[kind])
    trials = [Trial(name, CORPUS / kind / f"{name}.zip", CORPUS / "trust.json", EXPECTED["at"]) for name in names]
    for trial, found in zip(trials, second.judge(trials), strict=True):
        said = outcomes(found)
        told = {claim: one[1] for claim, one in said.items() if isinstance(one, list)}
        judged = {"verdict": said["verdict"], "refused_at": said["refused_at"], "claims": told}
        assert judged in told_by_second(kind, trial.name), (trial.name, found)
