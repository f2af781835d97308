"""The published schema of `tallystick verify --json`: closed, the program's own words, and every report fits it.

The attacks, the kept bundles and all else that this folder verifies are held to it by conftest.py.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from tallystick.__main__ import main
from tallystick.evm.chains import Voucher
from tallystick.fork import Kind as ForkKind
from tallystick.report.as_json import report_value
from tallystick.time_interval import Kind as SourceKind
from tallystick.time_interval import Word
from tallystick.trust import encode_trust
from tallystick.verify.outcome import CLAIM_IDS, Outcome, Verdict
from tests.core.verify.kit import Kit
from tests.core.verify.mutate import flipped
from tests.core.verify.report_schema import SCHEMA, faults, faults_of

DEFINED = SCHEMA["$defs"]


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") == "object":
            yield value
        for part in value.values():
            yield from objects(part)
    elif isinstance(value, list):
        for part in value:
            yield from objects(part)


def test_it_is_a_schema_and_closed() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    found = list(objects(SCHEMA))
    opened = [one for one in found if one.get("additionalProperties") is not False]
    # A value that a party disclosed is what the party made it.
    assert opened == list(DEFINED["facts"]["properties"]["disclosed"]["patternProperties"].values())
    assert len(found) > 20


def test_its_words_are_those_of_the_program() -> None:
    pairs = {one["properties"]["id"]["const"]: one["properties"]["step"] for one in DEFINED["claim"]["oneOf"]}
    assert pairs == {name: {"const": step} for name, step in CLAIM_IDS.items()} | {"integrity": {"enum": [1, 2]}}
    assert DEFINED["step"]["enum"] == [1, *CLAIM_IDS.values()]
    assert DEFINED["outcome"]["enum"] == list(get_args(Outcome))
    assert DEFINED["report"]["properties"]["verdict"]["enum"] == list(get_args(Verdict))
    source = DEFINED["source"]["properties"]
    assert set(source["kind"]["enum"]) == set(get_args(SourceKind))
    assert set(source["by"]["enum"]) == set(get_args(Word))
    assert set(DEFINED["fork"]["properties"]["kind"]["enum"]) == set(get_args(ForkKind))
    for where in (DEFINED["anchor"], DEFINED["fork"]["properties"]["conviction"]):
        assert set(where["properties"]["vouched_by"]["enum"]) == set(get_args(Voucher))
    claims = DEFINED["report"]["properties"]["claims"]
    assert (claims["minItems"], claims["maxItems"]) == (len(CLAIM_IDS) - 4, len(CLAIM_IDS))


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: kept for key, kept in value.items() if key != name}


def test_a_report_fits_and_a_changed_one_does_not(kit: Kit) -> None:
    report = kit.verify(kit.bundle())
    value = report_value(report)
    assert faults_of(report) == []
    assert faults(value) == []
    for name in value:
        assert faults(without(value, name)), name
    for name in value["claims"][0]:
        assert faults(value | {"claims": [without(value["claims"][0], name), *value["claims"][1:]]}), name
    changes: list[tuple[str, Any]] = [
        ("verdict", "legally valid"), ("refused_at", 99), ("more", 1), ("at", "2026-01-01"), ("bundle_sha256", ""),
        ("facts", {**value["facts"], "legally_valid": True}), ("claims", value["claims"][:3]),
    ]  # fmt: skip
    for name, other in changes:
        assert faults({**value, name: other}), name
    moved = deepcopy(value)
    moved["claims"][3]["step"] = 4
    assert faults(moved), "a claim under another claim's step"


def test_what_the_command_prints_fits(tmp_path: Path, kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = kit.bundle()
    (tmp_path / "good.zip").write_bytes(bundle)
    (tmp_path / "bad.zip").write_bytes(flipped(bundle, len(bundle) // 2))
    (tmp_path / "none.zip").write_bytes(b"not a bundle")
    (tmp_path / "trust.json").write_bytes(encode_trust(kit.scene.trust_file()))
    (tmp_path / "no-trust.json").write_bytes(b"{}")
    runs = [("good.zip", "trust.json"), ("bad.zip", "trust.json"), ("none.zip", "trust.json")]
    runs += [("good.zip", "no-trust.json"), ("missing.zip", "trust.json")]
    verdicts = []
    for case, trust in runs:
        main(
            ["verify", str(tmp_path / case), "--trust", str(tmp_path / trust), "--at", "2026-02-02T00:00:00Z", "--json"]
        )
        told = json.loads(capsys.readouterr().out)
        assert faults(told) == []
        verdicts.append((told["verdict"], "error" in told))
    assert verdicts == [
        ("proved", False), ("not_proved", False), ("malformed", False), ("malformed", True), ("malformed", True),
    ]  # fmt: skip


def test_a_file_too_long_to_be_a_bundle_fits(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.verify.engine.MAX_FILE_BYTES", 3)
    monkeypatch.setattr("tallystick.bundle.container.MAX_FILE_BYTES", 3)
    from tallystick.verify import verify_case

    report = verify_case(io.BytesIO(kit.bundle()), kit.trust(), 0)
    assert (report.bundle_sha256, report.verdict) == ("-", "malformed")
    assert faults_of(report) == []
