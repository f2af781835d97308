"""Both verifiers on the same case: the Python command and the second one, each from outside."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallystick.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "fixtures" / "golden"
PATIENCE = 300
LONG_PATIENCE = 3600


@dataclass(frozen=True)
class Trial:
    """A bundle, or an anchor proof, judged by a trust file as of an instant."""

    name: str
    path: Path
    trust: Path
    at: str
    kind: str = "bundle"
    """Or an anchor proof, a signed PNG or a certificate as PDF alone: "anchor", "picture", "document"."""
    convictions: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Second:
    """What was built of the second verifier, and the Node that runs it."""

    node: Path
    folder: Path

    def run(self, program: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(self.node), str(self.folder / program), *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def judge(self, trials: Iterable[Trial]) -> list[dict[str, Any]]:
        """The reports, in the same order, of one process."""
        jobs = [
            {
                one.kind: str(one.path),
                "trust": str(one.trust),
                "at": one.at,
                "convictions": list(map(str, one.convictions)),
            }
            for one in trials
        ]
        done = self.run("batch.mjs", given="".join(json.dumps(job) + "\n" for job in jobs))
        assert done.returncode == 0, done.stderr
        reports = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
        assert len(reports) == len(jobs)
        return reports


def first(trial: Trial) -> dict[str, Any]:
    """What `python -m tallystick` prints."""
    command = {"bundle": "verify", "anchor": "verify-anchor"}[trial.kind]
    told = io.StringIO()
    with (
        contextlib.redirect_stdout(told),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(SystemExit),
    ):
        brought = [part for path in trial.convictions for part in ("--convictions", str(path))]
        main([command, str(trial.path), "--trust", str(trial.trust), "--at", trial.at, "--json", *brought])
    report: dict[str, Any] = json.loads(told.getvalue())
    return report


def outcomes(report: dict[str, Any]) -> dict[str, Any]:
    """What must be the same: verdict, the step that refused, and every claim."""
    if "claims" not in report:
        return {"verdict": report["verdict"], "outcome": report.get("outcome"), "fact": fact_of(report)}
    claims = {claim["id"]: [claim["step"], claim["outcome"], claim["required"]] for claim in report["claims"]}
    return {"verdict": report["verdict"], "refused_at": report.get("refused_at"), **claims}


def beside_c2pa(expected: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What is expected of a verifier that leaves some Content Credentials to other programs (films, unusual manifests).

    Only where it says so (step 12 needs an external fact), and only in what follows from that.
    """
    step, outcome, required = found.get("credential", [12, "", False])
    if outcome != "needs_external_fact" or expected["credential"][1] not in ("proved", "contradicted"):
        return expected
    follows = {**expected, "credential": [step, outcome, expected["credential"][2]]}
    if required:
        refused = expected["refused_at"]
        follows["refused_at"] = 12 if refused is None else min(refused, 12)
        follows["verdict"] = "not_proved" if expected["verdict"] == "proved" else expected["verdict"]
    return follows


def fact_of(report: dict[str, Any]) -> dict[str, Any] | None:
    """What an anchor proof shows, as both say it."""
    fact = report.get("fact")
    names = ("size", "root", "registry", "chain_id", "block", "block_hash", "block_time", "vouched_by")
    return None if fact is None else {name: fact[name] for name in names}


def compare(second: Second, trials: list[Trial], left: set[str] | None = None) -> int:
    """How many both judged alike; the first that differs fails. ``left`` gets the names of those left to others."""
    for trial, found in zip(trials, second.judge(trials), strict=True):
        expected, said = outcomes(first(trial)), outcomes(found)
        if said != expected and "credential" in expected:
            expected = beside_c2pa(expected, said)
            if left is not None:
                left.add(trial.name)
        assert said == expected, (trial.name, found)
    return len(trials)


def captured(folder: Path, *given: str) -> list[Trial]:
    """Every bundle that the first verifier judged while these tests ran; to be judged without a copy of the log."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.verifier_js.capture",
        "-p",
        "no:cacheprovider",
        *given,
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "TALLYSTICK_CAPTURE": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONG_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    rows = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    return [
        Trial(
            row["test"],
            folder / row["bundle"],
            folder / row["trust"],
            row["at"],
            convictions=tuple(folder / one for one in row["convictions"]),
        )
        for row in rows
    ]
