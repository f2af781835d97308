"""The bundles that are kept for ever: both verifiers say the same of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.verifier_js.both import GOLDEN, Second, Trial, first, outcomes

AT = "2026-02-02T00:00:00Z"
CASES = [
    ("1/evidence", "trust.json"),
    ("2/evidence", "trust.json"),
    ("4/evidence", "trust.json"),
    ("5/evidence", "trust.json"),
    ("rules-2/rotation", "trust-before.json"),
    ("rules-2/rotation", "trust-after.json"),
]


@pytest.mark.parametrize(("folder", "trust"), CASES)
def test_both_verifiers_say_the_same(second: Second, folder: str, trust: str) -> None:
    trial = Trial(folder, GOLDEN / folder / "case.zip", GOLDEN / folder / trust, AT)
    (found,) = second.judge([trial])
    assert outcomes(found) == outcomes(first(trial))


def test_the_command_prints_the_report_and_ends_with_its_status(second: Second) -> None:
    folder = GOLDEN / "2" / "evidence"
    given = [str(folder / "case.zip"), "--trust", str(folder / "trust.json"), "--at", AT, "--json"]
    done = second.run("cli.mjs", *given)
    report, expected = json.loads(done.stdout), first(Trial("2", folder / "case.zip", folder / "trust.json", AT))
    assert (done.returncode, done.stderr) == (0, "")
    same = ("verdict", "refused_at", "trust_fingerprint", "at", "bundle_sha256")
    assert [report[name] for name in same] == [expected[name] for name in same]
    assert outcomes(report) == outcomes(expected)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["case.zip"], "usage: "),
        (["gone.zip", "--trust", "trust.json", "--at", AT], "ENOENT"),
        (["case.zip", "--trust", "gone.json", "--at", AT], "ENOENT"),
        (["case.zip", "--trust", "trust.json", "--at", "2026"], "a time that is not "),
        (["case.zip", "--trust", "case.zip", "--at", AT], "not UTF-8"),
    ],
)
def test_what_cannot_be_opened_is_malformed(second: Second, arguments: list[str], said: str, tmp_path: Path) -> None:
    for name in ("case.zip", "trust.json"):
        (tmp_path / name).write_bytes((GOLDEN / "2" / "evidence" / name).read_bytes())
    given = [str(tmp_path / one) if one.endswith((".zip", ".json")) else one for one in arguments]
    done = second.run("cli.mjs", *given)
    assert done.returncode == 2
    answer = json.loads(done.stdout)
    assert (answer["verdict"], answer["claims"]) == ("malformed", [])
    assert said in answer["error"]
