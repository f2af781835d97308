"""The corpus of anchor proofs: both verifiers say the same of each, and what the corpus expects."""

from __future__ import annotations

import json

from tests.verifier_js.both import ROOT, Second, Trial, first, outcomes

CORPUS = ROOT / "fixtures" / "anchors"


def trials() -> list[Trial]:
    expected = json.loads((CORPUS / "expected.json").read_text())
    return [
        Trial(f"{kind}/{name}", CORPUS / kind / f"{name}.json", CORPUS / "trust.json", expected["at"], "anchor")
        for kind in ("good", "bad")
        for name in expected[kind]
    ]


def test_both_verifiers_say_the_same_of_every_proof(second: Second) -> None:
    tried = trials()
    assert len(tried) > 280
    for trial, found in zip(tried, second.judge(tried), strict=True):
        assert outcomes(found) == outcomes(first(trial)), trial.name


def test_the_step_that_refuses_is_the_one_that_the_corpus_names(second: Second) -> None:
    expected = json.loads((CORPUS / "expected.json").read_text())["bad"]
    tried = [trial for trial in trials() if expected.get(trial.name.removeprefix("bad/"), "").startswith("step ")]
    assert len(tried) > 100
    for trial, found in zip(tried, second.judge(tried), strict=True):
        assert f"{expected[trial.name.removeprefix('bad/')]}: " in found["why"], trial.name
