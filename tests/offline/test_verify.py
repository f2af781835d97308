"""The exit drill: service gone, network cut, checkout absent; the wheel alone verifies what people took home."""

from __future__ import annotations

import io
import json
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from tallystick.report.as_json import json_report
from tallystick.times import format_time
from tallystick.trust import parse_trust
from tallystick.verify import verify_case
from tests.architecture.tree import ROOT
from tests.demo import runs
from tests.offline import isolation

KEPT = ROOT / "fixtures" / "golden" / "1" / "evidence"


@dataclass(frozen=True)
class Taken:
    """A bundle and a trust file in a folder that nobody may write to. ``at``: seconds. ``kept``: made long ago."""

    python: Path
    folder: Path
    at: int
    kept: bool

    def verify(self, *more: str, case: str = "case.zip", cwd: Path | None = None) -> tuple[int, str, str]:
        """Exit status, output, errors of ``tallystick verify``."""
        given = ["verify", str(self.folder / case), "--trust", str(self.folder / "trust.json")]
        done = isolation.tallystick(self.python, [*given, "--at", format_time(self.at), *more], cwd or self.folder)
        return done.returncode, done.stdout, done.stderr

    def by_this_checkout(self) -> str:
        """What the same question gives here."""
        trust = parse_trust((self.folder / "trust.json").read_bytes())
        return json_report(verify_case(io.BytesIO((self.folder / "case.zip").read_bytes()), trust, self.at))


def take(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    (folder / name).chmod(0o444)


@pytest.fixture(params=["kept", "fresh"])
def taken(
    request: pytest.FixtureRequest,
    bare_python: Path,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
) -> Taken:
    source, at = KEPT, int(json.loads((KEPT / "expected.json").read_text(encoding="utf-8"))["at"])
    if request.param == "fresh":
        source, at = runs.lantern_run(tmp_path_factory).out, runs.LATER
    folder = tmp_path / "taken home"
    folder.mkdir()
    for name in ("case.zip", "trust.json"):
        take(folder, name, (source / name).read_bytes())
    data = (folder / "case.zip").read_bytes()
    middle = len(data) // 2
    take(folder, "changed.zip", data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    take(folder, "cut.zip", data[:-1])
    folder.chmod(0o555)
    return Taken(bare_python, folder, at, kept=request.param == "kept")


@pytest.mark.parametrize("how", [isolation.HOW])
def test_nothing_of_ours_is_within_reach(bare_python: Path, tmp_path: Path, how: str) -> None:
    """What the other tests rest on: no server package, and where namespaces are to be had no network and no file."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        probe = (
            "import importlib.util as u, os, socket, sys\n"
            f"print([n for n in ('api', 'ledger', 'anchors', 'credentials', 'demo') if u.find_spec(n)])\n"
            f"print(os.path.isdir({str(ROOT)!r}) and os.listdir({str(ROOT)!r}))\n"
            f"print(socket.socket().connect_ex(('127.0.0.1', {listening.getsockname()[1]})) != 0)\n"
        )
        done = isolation.run(bare_python, "-c", probe, cwd=tmp_path)
    packages, files, refused = done.stdout.splitlines()
    assert (packages, done.stderr) == ("[]", "")
    if how == "cut-by-the-system":
        assert (files, refused) == ("[]", "True")


def test_proved_there_as_here(taken: Taken, tmp_path: Path) -> None:
    code, said, errors = taken.verify("--json", cwd=tmp_path)
    assert (code, errors) == (0, "")
    assert said == taken.by_this_checkout()
    assert json.loads(said)["verdict"] == "proved"
    assert [path.name for path in tmp_path.iterdir()] == ["taken home"]


def test_every_claim_is_proved_but_those_that_need_a_fact_from_outside(taken: Taken) -> None:
    kept = json.loads((KEPT / "expected.json").read_text(encoding="utf-8"))["claims"]
    code, said, _ = taken.verify("--json")
    assert code == 0
    outcomes = {claim["id"]: claim["outcome"] for claim in json.loads(said)["claims"]}
    # The kept case is of a log that had no auditor; the demo has one by now.
    assert outcomes == (kept if taken.kept else {**kept, "completeness": "proved"})


def test_the_report_is_read_in_both_languages(taken: Taken) -> None:
    for language, verdict in (("en", "PROVED"), ("zh", "已证明")):
        code, said, errors = taken.verify("--lang", language)
        assert (code, errors) == (0, "")
        assert said.startswith(verdict)


def test_one_changed_bit_is_refused_there_too(taken: Taken) -> None:
    code, said, errors = taken.verify("--json", case="changed.zip")
    assert (code, errors) == (1, "")
    assert (json.loads(said)["verdict"], json.loads(said)["refused_at"]) == ("not_proved", 1)


def test_a_bundle_cut_short_and_one_that_is_not_there_are_malformed(taken: Taken) -> None:
    for case in ("cut.zip", "nothing.zip"):
        code, said, _ = taken.verify("--json", case=case)
        assert code == 2
        assert json.loads(said)["verdict"] == "malformed"
    assert taken.verify("--at", "yesterday")[0] == 2
    assert taken.verify("--frobnicate")[0] == 2
