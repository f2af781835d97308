"""The program as a shell starts it ends at once: what it printed has arrived, and the exit status is the command's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tallystick.trust import encode_trust
from tests.core.verify.kit import Kit

ROOT = Path(__file__).parents[3]
AT = "2026-02-02T00:00:00Z"
PATIENCE = 120

# Told at the end of the process, unless it ends at once.
LEFT = "import atexit; atexit.register(print, 'LEFT TO THE END', flush=True)\n"
RUN = "import sys; from tallystick import __main__\n"


def start(code: str, *given: str, cwd: Path = ROOT, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *given], cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def case(folder: Path, kit: Kit) -> list[str]:
    (folder / "case.zip").write_bytes(kit.bundle())
    (folder / "trust.json").write_bytes(encode_trust(kit.scene.trust_file()))
    return ["verify", str(folder / "case.zip"), "--trust", str(folder / "trust.json"), "--at", AT]


def test_all_that_it_says_arrives_before_it_ends_at_once(tmp_path: Path, kit: Kit) -> None:
    given = case(tmp_path, kit)
    at_once = start(LEFT + RUN + "sys.exit(__main__.program())", *given)
    in_order = start(RUN + "sys.exit(__main__.main())", *given)
    assert (at_once.returncode, at_once.stdout, at_once.stderr) == (0, in_order.stdout, "")
    assert at_once.stdout.startswith("PROVED")


def test_help_waits_for_nothing_that_verifies_judges_or_tells() -> None:
    code = (
        "import atexit, sys\n"
        "wanted = ('c2pa', 'importlib.metadata', 'cryptography.x509', 'tallystick.verify', 'tallystick.case',\n"
        "          'tallystick.c2pa', 'tallystick.pdf',\n"
        "          'tallystick.report.as_text', 'tallystick.report.explanations')\n"
        "atexit.register(lambda: print('LOADED', [name for name in wanted if name in sys.modules]))\n"
    )
    done = start(code + RUN + "sys.exit(__main__.program())", "verify", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: tallystick verify ")
    assert done.stdout.endswith("LOADED []\n")


def test_the_status_of_what_is_not_proved_is_kept(tmp_path: Path, kit: Kit) -> None:
    given = case(tmp_path, kit)
    (tmp_path / "trust.json").write_bytes(encode_trust(kit.scene.trust_file(exporters=())))
    done = start(LEFT + RUN + "sys.exit(__main__.program())", *given)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("NOT PROVED")
    assert "LEFT TO THE END" not in done.stdout


def test_the_status_of_a_missing_file_is_kept(tmp_path: Path, kit: Kit) -> None:
    given = case(tmp_path, kit)
    (tmp_path / "case.zip").unlink()
    done = start(LEFT + RUN + "sys.exit(__main__.program())", *given)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("cannot be opened or written: ")


def test_a_verdict_that_could_not_be_written_is_no_success(tmp_path: Path, kit: Kit) -> None:
    given = case(tmp_path, kit)
    with Path("/dev/full").open("w") as full:
        done = start(RUN + "sys.exit(__main__.program())", *given, stdout=full.fileno())
    assert done.returncode == 1
    assert "No space left" in done.stderr


def test_a_command_of_others_may_do_what_it_left_to_the_end() -> None:
    code = (
        "import importlib.metadata\n"
        "class Point:\n"
        "    name = 'theirs'\n"
        "    def load(self): return lambda rest: 7\n"
        "__main__._joined = lambda: [Point()]\n"
        "sys.exit(__main__.program())"
    )
    done = start(LEFT + RUN + code, "theirs")
    assert (done.returncode, done.stdout, done.stderr) == (7, "LEFT TO THE END\n", "")


def closed(which: str, given: list[str]) -> subprocess.CompletedProcess[str]:
    """As a shell starts it with a stream closed (``2>&-``)."""
    line = f'exec "$0" -m tallystick "$@" {which}'
    return subprocess.run(
        ["/bin/sh", "-c", line, sys.executable, *given], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def test_a_proved_case_is_proved_without_standard_error(tmp_path: Path, kit: Kit) -> None:
    given = case(tmp_path, kit)
    silent, heard = closed("2>&-", given), closed("", given)
    assert (silent.returncode, silent.stdout) == (0, heard.stdout)
    assert silent.stdout.startswith("PROVED")


def test_messages_do_not_go_behind_the_document_for_want_of_standard_error(tmp_path: Path, kit: Kit) -> None:
    """Without ``--at`` the clock is told, on standard error."""
    given = case(tmp_path, kit)
    heard = closed("", [*given[:-2], "--json"])
    assert heard.stderr
    silent = closed("2>&-", [*given[:-2], "--json"])
    assert (silent.returncode, json.loads(silent.stdout)["verdict"]) == (heard.returncode, "proved")


def test_a_missing_file_is_told_nowhere_without_standard_error(tmp_path: Path, kit: Kit) -> None:
    given = case(tmp_path, kit)
    (tmp_path / "case.zip").unlink()
    silent = closed("2>&-", given)
    assert (silent.returncode, silent.stdout) == (2, "")


def test_a_verdict_without_standard_output_is_no_success(tmp_path: Path, kit: Kit) -> None:
    given = case(tmp_path, kit)
    silent = closed(">&-", given)
    assert (silent.returncode, silent.stderr) == (1, "tallystick: standard output is closed, and nothing was told\n")
    assert closed(">&- 2>&-", given).returncode == 1


def test_without_a_command_it_lists_them() -> None:
    done = start(RUN + "sys.exit(__main__.program())")
    assert (done.returncode, done.stdout) == (2, "")
    assert "verify an evidence bundle, offline" in done.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path, kit: Kit) -> None:
    given = case(tmp_path, kit)
    (tmp_path / "case.zip").unlink()
    done = start(RUN + "sys.exit(__main__.program())", *given)
    told = f"cannot be opened or written: {tmp_path / 'case.zip'}: No such file or directory\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_a_file_that_is_not_there_is_named_in_chinese(tmp_path: Path, kit: Kit) -> None:
    given = case(tmp_path, kit)
    (tmp_path / "case.zip").unlink()
    done = start(RUN + "sys.exit(__main__.program())", *given, "--lang", "zh")
    assert (done.returncode, done.stderr) == (2, f"无法读写：{tmp_path / 'case.zip'}: 没有这个文件或文件夹\n")


def test_a_report_that_cannot_be_written_does_not_cost_the_verdict(tmp_path: Path, kit: Kit) -> None:
    given, nowhere = case(tmp_path, kit), tmp_path / "nowhere" / "report.html"
    done = start(RUN + "sys.exit(__main__.program())", *given, "--html", str(nowhere))
    assert (done.returncode, done.stdout[:6]) == (2, "PROVED")
    assert done.stderr == f"cannot be opened or written: {nowhere}: No such file or directory\n"
    told = start(RUN + "sys.exit(__main__.program())", *given, "--html", str(nowhere), "--json")
    assert (told.returncode, json.loads(told.stdout)["verdict"]) == (2, "proved"), "one document, and no other"
