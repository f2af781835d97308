"""`tallystick license check` on real signed files: answers, exit codes, words, and what is malformed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from credentials.sign import sign_asset
from credentials.signer import ClaimSigner
from tallystick.base64s import to_base64
from tallystick.c2pa.verdict import LICENCE
from tallystick.commands import license
from tallystick.licence.credential import encode_credential
from tallystick.licence.staple import encode_staple
from tallystick.licence.status_list import Status
from tallystick.times import format_time
from tallystick.trust import TrustFile, Witnesses, encode_trust, trusted_log
from tests.core.c2pa import kit
from tests.core.licence.paper import DAY, URI, Paper

ASKED = "play in DE on streaming"


class Desk:
    """A licensee's folder: licence.png, trust.json, status.json; ``run`` gives the command's exit status."""

    def __init__(self, folder: Path, paper: Paper) -> None:
        self.folder, self.paper = folder, paper
        self.sign(folder / "licence.png", {LICENCE: encode_credential(paper.credential("payment"))})
        self.write("trust.json", self.trust())
        self.staple(Status.VALID)

    def sign(self, out: Path, assertions: dict[str, Any], signer: ClaimSigner | None = None) -> None:
        said = kit.manifest(assertions=assertions)
        sign_asset(signer or kit.claim_signer(), kit.plain("image/png"), out, said, "image/png")

    def write(self, name: str, data: bytes) -> None:
        (self.folder / name).write_bytes(data)

    def staple(self, status: Status) -> None:
        self.write("status.json", encode_staple(self.paper.staple(status)))

    def trust(self, root: Any = None) -> bytes:
        world = self.paper.world
        certificate = (root or kit.world().root).certificate
        log = trusted_log(world.signers.keys, world.registrar.signer.public)
        roots = (to_base64(certificate.public_bytes(Encoding.DER)),)
        return encode_trust(
            TrustFile(1, "a court", "2026-01-01T00:00:00Z", (log,), (), roots, (), (), False, Witnesses((), 0), DAY, ())
        )

    def run(self, *more: str, status: bool = True, ask: str = ASKED, later: int = 0, file: str = "licence.png") -> int:
        given = ["license", "check", str(self.folder / file), "--trust", str(self.folder / "trust.json"), "--for", ask]
        given += ["--at", format_time(self.paper.world.clock + later)]
        given += ["--status", str(self.folder / "status.json")] if status else []
        parser = argparse.ArgumentParser()
        license.add_parser(parser.add_subparsers(required=True))
        args = parser.parse_args([*given, *more])
        code: int = args.run(args)
        return code


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, Paper())


def test_the_story_of_the_main_job(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run() == 0
    assert capsys.readouterr().out.startswith(
        "VALID as of 2026-02-01T00:00:00Z\ndecided by: question, uses [display, play]: play is granted\n"
    )
    desk.paper.world.clock += 2 * DAY
    desk.paper.change("revoke")
    assert desk.run() == 3, "a day's freshness is over, and nothing newer was given"
    assert capsys.readouterr().out.startswith("CANNOT TELL as of 2026-02-03T00:00:00Z\ndecided by: status: ")
    assert desk.run(status=False) == 3
    desk.staple(Status.INVALID)
    capsys.readouterr()
    assert desk.run() == 1
    out = capsys.readouterr().out
    assert out.startswith("NOT VALID as of 2026-02-03T00:00:00Z\ndecided by: status: revoked as of 2026-02-03")
    assert "status of: 2026-02-03T00:00:00Z, log size 12" in out


def test_in_chinese(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("--lang", "zh") == 0
    out = capsys.readouterr().out
    assert out.startswith("有效：截至2026-02-01T00:00:00Z\n决定性条款：问题，许可用途［展示、播放］：包含播放\n")
    assert "许可不是所有权" in out
    assert desk.run("--lang", "zh", status=False) == 3
    assert capsys.readouterr().out.startswith("无法判断")


def test_a_prohibition_names_its_clause(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run(ask="play in US on streaming") == 1
    decided = capsys.readouterr().out.splitlines()[1]
    assert decided == "decided by: question, territory [AT, CH, DE]: US is not granted"


def test_json_holds_all_that_is_printed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {name: found[name] for name in ("answer", "as_of", "question", "licence", "status_as_of")} == {
        "answer": "valid",
        "as_of": "2026-02-01T00:00:00Z",
        "question": ASKED,
        "licence": desk.paper.licence.event.subject,
        "status_as_of": {"list": URI, "issued_at": "2026-02-01T00:00:00Z", "log_size": 10},
    }
    assert found["deciding"] == {
        "stage": "question",
        "outcome": "met",
        "text": {"zh": "包含播放", "en": "play is granted"},
        "term": "use",
        "clause": {"zh": "展示、播放", "en": "display, play"},
    }
    assert found["deciding"] in found["reasons"]
    stages = dict.fromkeys(reason["stage"] for reason in found["reasons"])
    assert list(stages) == ["issuer", "signature", "holder", "dates", "question", "status", "inclusion"]
    assert len(found["trust"]) == 64


def test_the_default_instant_is_now_and_is_printed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    license.add_parser(parser.add_subparsers(required=True))
    trust = str(desk.folder / "trust.json")
    args = parser.parse_args(["license", "check", str(desk.folder / "licence.png"), "--trust", trust, "--for", ASKED])
    assert args.run(args) == 3
    head = capsys.readouterr().out.splitlines()[0]
    assert head.removeprefix("CANNOT TELL as of ") > "2026-02-01T00:00:00Z"


# --- files that are no good ---------------------------------------------------------


def test_a_changed_file_is_not_valid(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray((desk.folder / "licence.png").read_bytes())
    data[data.rindex(b"IDAT") + 8] ^= 1
    desk.write("licence.png", bytes(data))
    assert desk.run() == 1
    assert "decided by: signature: the Content Credential is refused" in capsys.readouterr().out


def test_a_file_without_a_credential_is_not_valid(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.write("licence.png", kit.plain("image/png"))
    assert desk.run() == 1
    assert "credential.absent" in capsys.readouterr().out


def test_a_credential_without_a_licence_is_not_valid(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.sign(desk.folder / "other.png", {})
    assert desk.run(file="other.png") == 1
    assert "no licence stands in it" in capsys.readouterr().out


def test_a_signer_under_another_root_is_not_valid(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.write("trust.json", desk.trust(kit.make_world().root))
    assert desk.run() == 1
    out = capsys.readouterr().out
    assert "decided by: issuer: the Content Credential is refused: signer." in out
    assert "+ signature: the signature fits the file" in out


def test_a_true_licence_in_the_file_of_another_log_is_not_valid(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    other = Paper(world=type(desk.paper.world)(name="another world", origin="log.example/another"))
    desk.sign(desk.folder / "other.png", {LICENCE: encode_credential(other.credential())})
    assert desk.run(file="other.png") == 1
    assert "the log 'log.example/another' is not trusted" in capsys.readouterr().out


MALFORMED: dict[str, tuple[Callable[[Desk], int], str]] = {
    "an unknown word": (lambda desk: desk.run(ask="paly in DE on streaming"), "did you mean play?"),
    "an instant of another form": (lambda desk: desk.run("--at", "2026-02-01"), "is not a time"),
    "no such file": (lambda desk: desk.run(file="gone.png"), "No such file"),
    "not a PNG": (lambda desk: (desk.write("licence.png", b"GIF89a.."), desk.run())[1], "not a PNG file"),
    "a trust file that is none": (lambda desk: (desk.write("trust.json", b"{}"), desk.run())[1], "missing"),
    "a status that is none": (lambda desk: (desk.write("status.json", b"{}"), desk.run())[1], "status."),
    "a status too long": (
        lambda desk: (desk.write("status.json", bytes((8 << 20) + 1)), desk.run())[1],
        "is longer than",
    ),
}
LATER: dict[str, tuple[Callable[[Desk], int], str]] = {
    "licence": (
        lambda desk: (
            desk.sign(desk.folder / "v2.png", {LICENCE: {**encode_credential(desk.paper.credential()), "v": 2}}),
            desk.run(file="v2.png"),
        )[1],
        "licence version 2;",
    ),
    "status": (
        lambda desk: (desk.write("status.json", b'{"rings":[],"v":3}'), desk.run())[1],
        "licence status version 3;",
    ),
    "trust file": (lambda desk: (desk.write("trust.json", b'{"v":9}'), desk.run())[1], "trust file version 9;"),
}


@pytest.mark.parametrize("name", LATER)
def test_a_later_version_cannot_be_told(desk: Desk, capsys: pytest.CaptureFixture[str], name: str) -> None:
    run, message = LATER[name]
    assert run(desk) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    known = {"trust file": "versions 1, 2, 3 and 4", "status": "versions 1 and 2"}.get(name, "version 1")
    assert printed.err == f"cannot tell: {message} this program knows {known}: install a newer one\n"


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_input_has_its_own_exit_status(desk: Desk, capsys: pytest.CaptureFixture[str], name: str) -> None:
    run, message = MALFORMED[name]
    assert run(desk) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    head = "cannot be opened or written: " if name == "no such file" else "malformed: "
    assert printed.err.startswith(head)
    assert message in printed.err


def test_a_sidecar_stands_in_for_a_file_that_cannot_carry_one(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    asset, sidecar = desk.folder / "Teapot.usd", desk.folder / "Teapot.usd.c2pa"
    asset.write_bytes(b"#usda 1.0\n")
    said = kit.manifest(assertions={LICENCE: encode_credential(desk.paper.credential())})
    sign_asset(kit.claim_signer(), asset, sidecar, said)
    assert desk.run("--sidecar", str(sidecar), file="Teapot.usd") == 0
    assert desk.run(file="Teapot.usd") == 2
    assert "give its sidecar" in capsys.readouterr().err
