"""What a reader brings against a log: the second verifier judges fork evidence and conviction proofs alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tallystick.fork import accuse
from tallystick.trust import encode_trust
from tests.core.verify.kit import Kit, build_kit
from tests.core.verify.test_convictions import _resigned, forged
from tests.verifier_js.both import ROOT, Second, Trial, compare, first, outcomes

CORPUS = ROOT / "fixtures" / "convictions"
EXPECTED = json.loads((CORPUS / "expected.json").read_text())
AT = "2026-02-02T00:00:00Z"


def refused(report: dict[str, object]) -> str:
    """In the words of `expected.json`."""
    if report["verdict"] == "malformed":
        return "malformed"
    if report["step"] is not None:
        return f"step {report['step']}"
    if report["outcome"] == "needs_external_fact":
        return "external"
    if report["outcome"] is None:
        return "version"
    return "later" if "after the time" in str(report["why"]) else "log"


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_every_conviction_of_the_corpus_is_judged_as_it_says(second: Second, kind: str) -> None:
    names = sorted(EXPECTED[kind])
    trust, at = CORPUS / "trust.json", EXPECTED["at"]
    trials = [Trial(name, CORPUS / kind / f"{name}.json", trust, at, "conviction") for name in names]
    said = second.judge(trials)
    if kind == "good":
        assert {name: one["vouched_by"] for name, one in zip(names, said, strict=True)} == EXPECTED["good"]
        assert {one["outcome"] for one in said} == {"proved"}
    else:
        assert {name: refused(one) for name, one in zip(names, said, strict=True)} == EXPECTED["bad"]


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return build_kit(tmp_path_factory.mktemp("kit"))


def brought(kit: Kit, folder: Path) -> dict[str, bytes]:
    good = accuse(forged(kit, 3), _resigned(kit, 3))
    fork = json.loads(good)
    return {
        "a fork": good,
        "the case's own size": accuse(kit.honest.checkpoint, forged(kit, kit.log.size)),
        "one checkpoint twice": canonical({**fork, "second": fork["first"]}),
        "a note that is none": canonical({**fork, "first": "AAAA"}),
        "another version": canonical({**fork, "v": 2}),
        "another kind": canonical({**fork, "kind": "spoon"}),
        "a member more": canonical({**fork, "more": 1}),
        "no JSON": b"x",
        "in another layout": json.dumps(fork, indent=1).encode(),
        "a conviction of another log": (CORPUS / "good" / "sealed-prague-roots.json").read_bytes(),
        "a later conviction": canonical({**json.loads((CORPUS / "good" / "public-mined.json").read_text()), "v": 2}),
    }


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def test_what_is_brought_against_a_log_is_judged_alike(second: Second, kit: Kit, tmp_path: Path) -> None:
    bundle, trust = tmp_path / "case.zip", tmp_path / "trust.json"
    bundle.write_bytes(kit.bundle())
    trust.write_bytes(encode_trust(kit.scene.trust_file()))
    trials = []
    for name, data in brought(kit, tmp_path).items():
        path = tmp_path / f"{name}.json"
        path.write_bytes(data)
        trials.append(Trial(name, bundle, trust, AT, convictions=(path,)))
    assert compare(second, trials) == 11
    outcome = {trial.name: outcomes(first(trial))["verdict"] for trial in trials}
    assert outcome["a fork"] == outcome["the case's own size"] == "not_proved"
    assert outcome["no JSON"] == "malformed"
    (found,) = second.judge(trials[:1])
    (fork,) = found["facts"]["forks"]
    assert fork == first(trials[0])["facts"]["forks"][0]
