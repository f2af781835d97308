"""What both verifiers state besides outcomes: the same facts, member for member, wherever either states one.

Left aside are sentences (``needs``, ``trust``, the name of a ``source``), which of several sources that crossed are
named, tokens that prove nothing, and the signed files that the second verifier leaves to other programs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.verifier_js.both import GOLDEN, Second, Trial, captured, first
from tests.verifier_js.test_evidence_corpus import CORPUS, EXPECTED
from tests.verifier_js.test_golden import AT, CASES

FEW = 12


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    """The facts of a report without what is told in words."""
    facts: dict[str, Any] = json.loads(json.dumps(report.get("facts", {})))
    for anchor in facts.get("anchors", []):
        anchor.pop("needs", None)
        anchor.pop("trust", None)
    if "timestamps" in facts:
        facts["timestamps"] = [_without(one, "trust") for one in facts["timestamps"] if one["proved"]]
    if "time" in facts:
        sources = [_without(one, "source") for one in facts["time"]["sources"]]
        facts["time"]["sources"] = sorted(json.dumps(one, sort_keys=True) for one in sources)
        facts["time"]["contradictions"] = sorted({one["kind"] for one in facts["time"]["contradictions"]})
    return facts


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def same(second: Second, trials: list[Trial]) -> int:
    """How many state the same; the first that differs fails."""
    for trial, found in zip(trials, second.judge(trials), strict=True):
        expected, said = comparable(first(trial)), comparable(found)
        if any(one["id"] == "credential" and one["outcome"] == "needs_external_fact" for one in found["claims"]):
            del expected["credentials"], said["credentials"]
        differing = {name for name in expected | said if expected.get(name) != said.get(name)}
        assert not differing, (trial.name, {name: (expected.get(name), said.get(name)) for name in sorted(differing)})
    return len(trials)


def corpus(kind: str) -> list[Trial]:
    names = sorted(EXPECTED[kind])
    return [Trial(name, CORPUS / kind / f"{name}.zip", CORPUS / "trust.json", EXPECTED["at"]) for name in names]


def test_facts_of_what_is_kept_for_ever(second: Second) -> None:
    kept = [Trial(folder, GOLDEN / folder / "case.zip", GOLDEN / folder / trust, AT) for folder, trust in CASES]
    assert same(second, kept) == len(CASES)


def test_facts_of_the_corpus(second: Second) -> None:
    assert same(second, corpus("good")) >= 22
    assert same(second, corpus("bad")[::FEW]) >= 30


@pytest.mark.exhaustive
def test_facts_of_the_whole_corpus(second: Second) -> None:
    assert same(second, corpus("bad")) >= 380


@pytest.mark.exhaustive
def test_facts_of_every_bundle_that_the_first_verifiers_tests_make(second: Second, tmp_path: Path) -> None:
    kept = ("--deselect", "tests/core/verify/test_flips.py", "--deselect", "tests/core/verify/test_fuzz.py")
    assert same(second, captured(tmp_path, "tests/core/verify", *kept)) > 1000


def test_a_fact_that_differs_would_be_told(second: Second) -> None:
    trial = next(one for one in corpus("good") if one.name == "licence-with-its-histories")
    expected, (found,) = first(trial), second.judge([trial])
    assert comparable(expected) == comparable(found)
    found["facts"]["standing"]["status"] = "valid"
    assert comparable(expected) != comparable(found)
    assert expected["facts"]["standing"]["status"] == "revoked"
