"""Files of the exporter's report have no limit of their own, and do not count into that of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.case import case_members
from tallystick.trust import encode_trust
from tests.core.verify.kit import build_kit
from tests.verifier_js.both import Second, Trial, compare, first

MIB = 1 << 20
AT = "2026-02-02T00:00:00Z"
LENGTHS = [pytest.param(65 * MIB, id="65 MiB"), pytest.param(513 * MIB, id="513 MiB", marks=pytest.mark.exhaustive)]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_long_report_is_judged_alike(length: int, second: Second, tmp_path: Path) -> None:
    kit = build_kit(tmp_path / "log")
    members = case_members(kit.material(report={"report.en.html": bytes(length)}))
    (tmp_path / "case.zip").write_bytes(kit.bundle(members))
    (tmp_path / "trust.json").write_bytes(encode_trust(kit.trust().file))
    trial = Trial("long", tmp_path / "case.zip", tmp_path / "trust.json", AT)
    assert first(trial)["verdict"] == "proved"
    assert compare(second, [trial]) == 1
