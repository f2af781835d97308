"""A second verifier of convictions, written from the document, on the corpus: the same is accepted and refused."""

from __future__ import annotations

import json

import pytest

from tests.architecture.tree import ROOT
from tests.docs.second_conviction import convicted
from tests.docs.second_verifier import NotProved

CORPUS = ROOT / "fixtures" / "convictions"
JUDGED = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
TRUST = json.loads((CORPUS / "trust.json").read_text(encoding="utf-8"))
OTHERS = {"malformed", "version", "external", "later", "log"}


@pytest.mark.parametrize("name", JUDGED["good"])
def test_a_good_conviction_proof_holds(name: str) -> None:
    proof = json.loads((CORPUS / "good" / f"{name}.json").read_bytes())
    assert convicted(proof, TRUST) == JUDGED["good"][name]


@pytest.mark.parametrize("name", [name for name, by in JUDGED["bad"].items() if by not in OTHERS])
def test_a_bad_conviction_proof_is_refused_at_its_step(name: str) -> None:
    proof = json.loads((CORPUS / "bad" / f"{name}.json").read_bytes())
    with pytest.raises(NotProved) as refused:
        convicted(proof, TRUST)
    assert f"step {refused.value.args[0]}" == JUDGED["bad"][name]


@pytest.mark.parametrize("name", [name for name, by in JUDGED["bad"].items() if by == "external"])
def test_a_header_that_nobody_vouches_for_is_told(name: str) -> None:
    assert convicted(json.loads((CORPUS / "bad" / f"{name}.json").read_bytes()), TRUST) == "nobody"
