"""`tallystick verify` shows what a second C2PA engine says of signed files, beside a report that does not change."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tallystick.__main__ import main

GOLDEN = Path(__file__).parents[3] / "fixtures" / "golden" / "1" / "evidence"
AT = "2026-12-01T00:00:00Z"


def run(folder: Path = GOLDEN) -> int:
    return main(["verify", str(folder / "case.zip"), "--trust", str(folder / "trust.json"), "--at", AT])


def test_both_verdicts_are_shown_and_the_report_is_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, shown = run(), capsys.readouterr()
    lines = shown.err.splitlines()
    assert lines[0] == "second opinions, which decide nothing:"
    assert len(lines) > 1
    for line in lines[1:]:
        assert line.startswith("data/credentials/")
        assert "encypher-c2pa 1.7.1 says valid, signer trusted" in line
    monkeypatch.setitem(sys.modules, "encypher_c2pa", None)
    assert run() == status
    alone = capsys.readouterr()
    assert (alone.out, alone.err) == (shown.out, "")


def test_a_disagreement_is_named_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = run()
    capsys.readouterr()

    class Contrary:
        __version__ = "0"

        @staticmethod
        def verify_bytes(*_: object) -> str:
            return (
                '{"present":true,"integrity":"invalid","signature":"valid","hard_binding":"mismatch",'
                '"validation_state":"Invalid","validation_results":{"failure":[{"code":"assertion.dataHash.mismatch"}]}}'
            )

    monkeypatch.setitem(sys.modules, "encypher_c2pa", Contrary)  # type: ignore[arg-type]
    assert run() == status
    shown = capsys.readouterr().err
    assert "DISAGREEMENT: encypher-c2pa 0 refuses what we accept: assertion.dataHash.mismatch" in shown


def test_what_is_no_bundle_has_no_second_opinion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "case.zip").write_bytes(b"no bundle")
    (tmp_path / "trust.json").write_bytes((GOLDEN / "trust.json").read_bytes())
    assert run(tmp_path) == 2
    assert "second" not in capsys.readouterr().err
