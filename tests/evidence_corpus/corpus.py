"""The corpus as files: bundles, the one trust file by which they are judged, and what must come of each."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.times import format_time
from tallystick.trust import Trust, encode_trust, parse_trust
from tallystick.verify import Report, verify_case
from tests.core.verify.kit import AT
from tests.evidence_corpus import (
    faults_of_capture,
    faults_of_cases,
    faults_of_custody,
    faults_of_facts,
    faults_of_histories,
    faults_of_kinds,
    faults_of_operators,
    faults_of_parts,
    faults_of_platform,
    faults_of_roots,
    faults_of_settlements,
    faults_of_time,
)
from tests.evidence_corpus.good import Worlds, trust_of, worlds
from tests.evidence_corpus.shelf import Fault

FAMILIES = (
    faults_of_cases,
    faults_of_operators,
    faults_of_histories,
    faults_of_time,
    faults_of_parts,
    faults_of_kinds,
    faults_of_facts,
    faults_of_capture,
    faults_of_custody,
    faults_of_platform,
    faults_of_settlements,
    faults_of_roots,
)
AS_IS = "as-is"
"""Ends the name of a bundle whose manifest is still the honest one."""


def corpus() -> dict[str, bytes]:
    """Path within fixtures/evidence -> file. Signatures are randomised: other bytes each time."""
    with tempfile.TemporaryDirectory() as name:
        made = worlds(Path(name))
        bad = list(_all(made))
        scenes = [one.scene for one in made.honest.values()] + [
            one.scene for one in bad if one.step != 2 and one.scene is not made.stranger.scene
        ]
        file = encode_trust(trust_of(scenes))
        trust = parse_trust(file)
        files, expected = {"trust.json": file}, dict[str, dict[str, Any]](good={}, bad={})
        for honest in made.honest.values():
            _put(files, expected, trust, "good", honest.name, honest.bundle())
        for fault in bad:
            told = _put(files, expected, trust, "bad", fault.name, fault.signed())
            check(fault, told)
            if (unsigned := fault.as_is()) is not None:
                told = _put(files, expected, trust, "bad", f"{fault.name}.{AS_IS}", unsigned)
                if (told["refused_at"], told["verdict"]) != (1, "not_proved"):
                    raise ValueError(f"{fault.name}, manifest as it was: {told}")
    files["expected.json"] = _json({"at": format_time(AT), **expected})
    return files


def _all(made: Worlds) -> Iterator[Fault]:
    names = set[str]()
    for family in FAMILIES:
        for fault in family.faults(made):
            if fault.name in names:
                raise ValueError(f"two faults are named {fault.name}")
            names.add(fault.name)
            yield fault


def _put(
    files: dict[str, bytes], expected: dict[str, Any], trust: Trust, folder: str, name: str, bundle: bytes
) -> dict[str, Any]:
    files[f"{folder}/{name}.zip"] = bundle
    expected[folder][name] = told = outcome(verify_case(io.BytesIO(bundle), trust, AT))
    return told


def outcome(report: Report) -> dict[str, Any]:
    """What a verifier must find, whatever its words."""
    claims = {claim.id: claim.outcome for claim in report.claims}
    return {"verdict": report.verdict, "refused_at": report.refused_at, "claims": claims}


def check(fault: Fault, told: dict[str, Any]) -> None:
    """That the step refuses it which must: what is written down as expected was decided before."""
    if (told["refused_at"], told["verdict"]) != (fault.step, fault.verdict):
        raise ValueError(f"{fault.name}: step {fault.step}, {fault.verdict} is expected, found {told}")
    for claim, expected in (fault.claims or {}).items():
        if told["claims"].get(claim) != expected:
            raise ValueError(f"{fault.name}: {claim} {expected} is expected, found {told}")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
