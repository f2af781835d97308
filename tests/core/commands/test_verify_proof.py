"""`tallystick verify-proof`: exit status, both languages, JSON, trust file or policy, and nothing of the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.__main__ import main
from tallystick.report.proof_words import WORDS
from tallystick.trust import encode_trust
from tests.core.test_tlog_proof import ENTRIES, INDEX, LINES, PROOF, WORLD, head, note, trust

Run = Callable[..., int]
AT = "2026-02-01T00:00:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p").write_bytes(replace(PROOF, extra=b"\x1b[2Jhello").encode())
    (tmp_path / "few").write_bytes(replace(PROOF, note=note(head(), cosign=1)).encode())
    (tmp_path / "entry").write_bytes(ENTRIES[INDEX])
    (tmp_path / "other").write_bytes(ENTRIES[0])
    for quorum in range(3):
        (tmp_path / f"trust{quorum}").write_bytes(encode_trust(trust(quorum).file))
    log = WORLD.signers.keys.verifier_keys()[0]
    witnesses = f"witness ed {LINES[0]}\nwitness pq {LINES[1]}\ngroup both 2 ed pq\n"
    (tmp_path / "policy").write_text(f"# ours\nlog {log}\n{witnesses}quorum both\n")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    def verify(proof: str = "p", entry: str = "entry", whom: str = "trust2", *more: str) -> int:
        how = "--policy" if whom.startswith("policy") else "--trust"
        given = ["verify-proof", str(folder / proof), "--entry", str(folder / entry), how, str(folder / whom)]
        return main([*given, *(more or ("--at", AT))])

    return verify


def test_proved_by_trust_file(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "PROVED: this entry is in the log",
        f"  log {WORLD.origin} signed that it stands at position 123 of 300 entries; root {head().root.hex()}",
        f"  signed at {AT}, by the log's own word",
        "  cosigned in time by the witnesses witness.example/ed, witness.example/pq",
        "  9 bytes of extra data came along: nothing authenticates them",
        "This does not prove:",
        "  - who signed the entry, or that it is true",
        "  - that it still stands: later entries may suspend, revoke or dispute it",
    ]
    assert run("p", "entry", "trust0") == 0
    assert WORDS["limit-view"].en in capsys.readouterr().out


def test_proved_by_policy(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("p", "entry", "policy", "--at", AT, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "verdict": "proved",
        "origin": WORLD.origin,
        "index": 123,
        "size": 300,
        "root": head().root.hex(),
        "signed_at": None,
        "witnesses": ["ed", "pq"],
        "extra_bytes": 9,
    }


def test_in_chinese(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("p", "entry", "trust2", "--at", AT, "--lang", "zh") == 0
    assert "已证明：该条目已在日志中" in capsys.readouterr().out
    assert run("few", "entry", "trust2", "--at", AT, "--lang", "zh") == 1
    assert capsys.readouterr().err.startswith("未证明: 1 of the trusted witnesses cosigned by then, 2 must have")


def test_not_proved_is_exit_status_1(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for given in (
        ("few",),
        ("few", "entry", "policy"),
        ("p", "other"),
        ("p", "entry", "trust2", "--at", "2026-01-31T23:59:59Z"),
    ):
        assert run(*given) == 1
        assert "PROVED: this" not in capsys.readouterr().out
    assert run("few", "entry", "trust2", "--at", AT, "--json") == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "not_proved"


def test_malformed_is_exit_status_2(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "cut").write_bytes((folder / "p").read_bytes()[:-1])
    (folder / "long").write_bytes(bytes(70_000))
    (folder / "policy-none").write_text("log\n")
    for given in (
        ("cut",),
        ("missing",),
        ("p", "long"),
        ("p", "entry", "entry"),
        ("p", "entry", "policy-none"),
        ("p", "entry", "trust2", "--at", "today"),
    ):
        assert run(*given) == 2
        head = "cannot be opened or written: " if given == ("missing",) else "malformed: "
        assert capsys.readouterr().err.startswith(head)
    with pytest.raises(SystemExit):
        main(["verify-proof", str(folder / "p"), "--entry", str(folder / "entry")])


def test_the_clock_is_said_when_it_is_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [str(folder / "p"), "--entry", str(folder / "entry"), "--trust", str(folder / "trust2")]
    assert main(["verify-proof", *given]) == 0
    assert "by the clock of this machine" in capsys.readouterr().err
