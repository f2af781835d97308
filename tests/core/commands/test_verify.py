"""`tallystick verify`: exit status, JSON, languages, files, and never a traceback."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.__main__ import main
from tallystick.schema import write
from tallystick.trust import TrustedExporter, encode_trust
from tests.core.verify.kit import Kit
from tests.core.verify.mutate import flipped
from tests.world import World

WHEN = "2026-02-02T00:00:00Z"
Run = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path, kit: Kit) -> Path:
    (tmp_path / "case.zip").write_bytes(kit.bundle())
    (tmp_path / "trust.json").write_bytes(encode_trust(kit.scene.trust_file()))
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    def verify(*more: str, bundle: str = "case.zip", trust: str = "trust.json", at: str | None = WHEN) -> int:
        given = ["verify", str(folder / bundle), "--trust", str(folder / trust), *more]
        return main([*given, *(["--at", at] if at else [])])

    return verify


def test_proved_is_exit_status_0(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("PROVED")
    assert out[1] == "Time rests on the operator alone: it needs a fact from outside this bundle."


def test_a_clock_that_is_behind_the_export_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """By a day: everything is not proved then, and nothing is wrong with the bundle."""
    assert run() == 0
    assert "clock" not in capsys.readouterr().err
    early = "2025-12-31T00:00:00Z"
    assert run(at=early) == 1
    told = capsys.readouterr().err
    assert told.startswith("note: the bundle says it was exported at 2026-")
    assert f"after the time of verification, {early}: compare the clock of this machine, or give another" in told
    assert run("--lang", "zh", at=early) == 1
    assert f"晚于验证所据时间 {early}：请核对本机时钟" in capsys.readouterr().err


def test_the_chinese_report_says_the_same(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--lang", "zh") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("已证明")
    assert out[1] == "时间仅依据运营方自身陈述：须以证据包以外的事实印证。"


def test_json_has_the_promised_shape(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["verdict"], value["at"], value["refused_at"]) == ("proved", WHEN, None)
    assert value["trust_fingerprint"] == hashlib.sha256((folder / "trust.json").read_bytes()).hexdigest()
    assert value["bundle_sha256"] == hashlib.sha256((folder / "case.zip").read_bytes()).hexdigest()
    assert [claim["step"] for claim in value["claims"]] == list(range(2, 14))
    for claim in value["claims"]:
        assert set(claim) == {"id", "step", "outcome", "required", "evidence"}
        assert claim["outcome"] in ("proved", "not_proved", "contradicted", "needs_external_fact")
        assert all(isinstance(line, str) and line for line in claim["evidence"])


@pytest.mark.parametrize("at", [60, 20_000, -30])
def test_one_changed_byte_is_exit_status_1_or_2(
    at: int,
    run: Run,
    folder: Path,
    kit: Kit,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = kit.bundle()
    (folder / "case.zip").write_bytes(flipped(bundle, at % len(bundle)))
    assert run() in (1, 2)
    assert not capsys.readouterr().out.startswith("PROVED")


def test_not_proved_names_step_and_next_move(
    run: Run, folder: Path, kit: Kit, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "trust.json").write_bytes(encode_trust(kit.scene.trust_file(exporters=())))
    assert run("--json") == 1
    value = json.loads(capsys.readouterr().out)
    assert (value["verdict"], value["refused_at"]) == ("not_proved", 2)
    assert "Next: " in value["claims"][0]["evidence"][0]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "case.zip").write_bytes(b""),
        lambda folder: (folder / "case.zip").write_bytes(b"PK" * 500),
        lambda folder: (folder / "case.zip").unlink(),
        lambda folder: ((folder / "case.zip").unlink(), (folder / "case.zip").mkdir()),
        lambda folder: (folder / "trust.json").unlink(),
        lambda folder: (folder / "trust.json").write_bytes(b"{}"),
        lambda folder: (folder / "trust.json").write_bytes(b"\xff" * 10),
        lambda folder: (folder / "trust.json").write_bytes(b"[" * 2_000_000),
    ],
    ids=["empty", "junk", "no bundle", "a folder", "no trust", "empty trust", "binary trust", "deep trust"],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_malformed_is_exit_status_2(
    change: Callable[[Path], object], form: str, run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder)
    assert run(*(["--json"] if form == "json" else [])) == 2
    said = capsys.readouterr()
    if form == "json":
        assert json.loads(said.out)["verdict"] == "malformed"
    assert "Traceback" not in said.out + said.err


@pytest.mark.parametrize("at", ["yesterday", "2026-02-02", "2026-02-02T00:00:00+01:00", "2026-02-30T00:00:00Z", ""])
def test_a_time_of_another_form_is_exit_status_2(at: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--at", at, at=None) == 2
    assert "is not a time" in capsys.readouterr().err


def test_a_later_trust_file_is_not_proved_and_says_what_to_install(
    run: Run,
    folder: Path,
    kit: Kit,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "trust.json").write_text(json.dumps(write(kit.scene.trust_file()) | {"v": 9}))
    assert run() == 1
    assert "install a newer one" in capsys.readouterr().err


def test_the_clock_is_the_default_and_is_printed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", at=None) == 0
    said = capsys.readouterr()
    told = re.match(r"as of (\S+), by the clock of this machine", said.err)
    assert told is not None
    assert json.loads(said.out)["at"] == told[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_html_page_is_written_too(language: str, run: Run, folder: Path) -> None:
    assert run("--html", str(folder / "report.html"), "--lang", language) == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert run("--html", str(folder / "nowhere" / "report.html")) == 2


def test_wrong_usage_is_exit_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    for given in ([], ["verify"], ["verify", "case.zip"], ["unknown-command"], ["verify", "x", "--lang", "fr"]):
        with pytest.raises(SystemExit) as ended:
            main(given)
        assert ended.value.code == 2


def program(folder: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    given = [sys.executable, "-m", "tallystick", "verify", "case.zip", "--trust", "trust.json", "--at", WHEN, *more]
    root = Path(__file__).parents[3]
    return subprocess.run(
        given, cwd=folder, env={**os.environ, "PYTHONPATH": str(root), **environment}, capture_output=True, check=False
    )


def test_a_terminal_without_chinese_gets_codes_not_a_traceback(folder: Path) -> None:
    done = program(folder, "--lang", "zh", PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(rb"\u5df2\u8bc1\u660e")


def test_a_reader_that_goes_away_is_no_traceback(folder: Path) -> None:
    root = Path(__file__).parents[3]
    line = f'"{sys.executable}" -m tallystick verify case.zip --trust trust.json --at {WHEN} | true'
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr


def test_verification_loads_no_server_no_c2pa_and_no_network(folder: Path) -> None:
    """A case without signed files needs the standard library, cryptography and cbor2 alone."""
    code = (
        "import sys; from tallystick.__main__ import main; main(sys.argv[1:]); "
        "print('LOADED', *sorted({n.partition('.')[0] for n in sys.modules}))"
    )
    given = ["verify", "case.zip", "--trust", "trust.json", "--at", WHEN]
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, *given], cwd=folder, env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert loaded & {"c2pa", "socket", "ssl", "http", "sqlite3", "asyncio", "web3", "fastapi", "subprocess"} == set()
    assert {"ledger", "anchors", "credentials", "api"} & loaded == set()


def test_a_picture_is_called_one_before_all_else(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "licence.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert run(bundle="licence.png") == 2
    out = capsys.readouterr().out.splitlines()
    assert out[1:3] == [
        "not of the form of the format: not a bundle but a PNG picture: a licence is checked by `tallystick license "
        "check`, a certificate by `tallystick verify-certificate`. Next: ask the exporter for the bundle again, by "
        "another channel",
        "Nothing else in it was examined, and no other claim is proved.",
    ]


def test_a_stranger_as_exporter_is_named_before_all_else(
    run: Run, folder: Path, kit: Kit, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = TrustedExporter("a stranger", World("a stranger").roles["exporter"].public.to_text())
    (folder / "trust.json").write_bytes(encode_trust(replace(kit.scene.trust_file(), exporters=(stranger,))))
    assert run("--lang", "zh") == 1
    out = capsys.readouterr().out.splitlines()
    assert out[1].startswith("清单由密钥 ")
    assert "应对：请通过另一渠道查明密钥归属" in out[1]
    assert out[2] == "其余内容均未予审查，其他主张均未获证明。"
