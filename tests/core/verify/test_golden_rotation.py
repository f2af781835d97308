"""A kept bundle of a log whose keys were replaced: it stays proved, by the trust files of before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tallystick.trust import parse_trust
from tallystick.verify import verify_case

KEPT = Path(__file__).parents[3] / "fixtures" / "golden" / "rules-2" / "rotation"


@pytest.mark.parametrize(("trust", "version", "line"), [("before", 1, "shown"), ("after", 2, "trust")])
def test_the_kept_bundle_is_proved(trust: str, version: int, line: str) -> None:
    believed = parse_trust((KEPT / f"trust-{trust}.json").read_bytes())
    assert believed.file.v == version
    with (KEPT / "case.zip").open("rb") as file:
        report = verify_case(file, believed, json.loads((KEPT / "expected.json").read_text(encoding="utf-8"))["at"])
    assert report.verdict == "proved"
    told = [one for one in report.claim("checkpoint-signature").evidence if "rotated" in one.key]
    assert {one.key for one in told} == {f"checkpoint.rotated-{line}"}
    assert [one.values["role"] for one in told] == ["log", "registrar", "log-pq", "service", "status"]
