"""`tallystick license present` and `check` on tokens, folders and what was seen before."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tallystick.commands import license
from tallystick.keyfile import write_key
from tallystick.licence.evidence import encode_evidence
from tallystick.licence.qr import LicenceCode
from tallystick.licence.seen import decode_seen
from tallystick.licence.staple import encode_staple
from tallystick.licence.status_list import Status
from tallystick.times import format_time
from tallystick.token.licence import parse_licence_token
from tallystick.trust import encode_trust
from tests.architecture.tree import ROOT
from tests.core.licence.paper import DAY, URI
from tests.core.licence.purse import evidence, trust_for
from tests.core.token.kit import AUDIENCE, NONCE, Pocket
from tests.world import key_from

SCHEMA = json.loads((ROOT / "docs" / "licence-check.schema.json").read_bytes())
ASKED = "play in DE on streaming"


class Purse:
    """A licensee's folder: token.txt as issued, its key, and evidence; ``run`` gives a command's exit status."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pocket = folder, Pocket()
        self.write("token.txt", self.pocket.token.text.encode() + b"\n")
        self.write("passphrase", b"a word\n")
        write_key(folder / "key.pem", self.pocket.holder, b"a word")
        self.write("trust.json", encode_trust(trust_for(self.pocket).file))
        self.prove(Status.VALID)

    def write(self, name: str, data: bytes) -> Path:
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def prove(self, status: Status) -> None:
        self.write("status.json", encode_evidence(evidence(self.pocket.paper, status)))

    def run(self, *words: Any) -> int:
        parser = argparse.ArgumentParser()
        license.add_parser(parser.add_subparsers(required=True))
        args = parser.parse_args(["license", *map(str, words)])
        code: int = args.run(args)
        return code

    def present(self, *more: Any, show: str = "use,territory,window,media", key: str = "key.pem") -> int:
        words = ["present", self.folder / "token.txt", "--show", show, "--key", self.folder / key]
        words += ["--passphrase-file", self.folder / "passphrase", "--at", self.now]
        return self.run(*words, "--audience", AUDIENCE, "--nonce", NONCE, *more)

    def shown(self) -> Path:
        assert self.present("--output", self.folder / "shown.txt") == 0
        return self.folder / "shown.txt"

    @property
    def now(self) -> str:
        return format_time(self.pocket.paper.world.clock)

    def check(self, file: Path, *more: Any, bound: bool = True, status: str | None = "status.json") -> int:
        words = ["check", file, "--trust", self.folder / "trust.json", "--for", ASKED, "--at", self.now, *more]
        words += ["--audience", AUDIENCE, "--nonce", NONCE] if bound else []
        return self.run(*words, *(["--status", self.folder / status] if status else []))


@pytest.fixture
def purse(tmp_path: Path) -> Purse:
    return Purse(tmp_path)


def test_presented_and_checked(purse: Purse, capsys: pytest.CaptureFixture[str]) -> None:
    shown = purse.shown()
    assert [one.name for one in parse_licence_token(shown.read_text().strip()).shown] == [
        "use",
        "territory",
        "window",
        "media",
    ]
    assert purse.check(shown) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "VALID as of 2026-02-01T00:00:00Z\ndecided by: question, uses [display, play]: play is granted"
    )
    assert "+ holder, licensee" not in out
    assert "+ holder: the presenter holds the key that the token is bound to; " in out
    assert purse.check(shown, "--lang", "zh") == 0
    assert "出示者持有令牌所绑定的密钥" in capsys.readouterr().out


def test_json_has_its_schema(purse: Purse, capsys: pytest.CaptureFixture[str]) -> None:
    shown = purse.shown()
    for status, code, answer in ((Status.VALID, 0, "valid"), (Status.SUSPENDED, 1, "not_valid")):
        purse.prove(status)
        assert purse.check(shown, "--json") == code
        found = json.loads(capsys.readouterr().out)
        jsonschema.validate(found, SCHEMA)
        assert (found["v"], found["answer"]) == (1, answer)
    assert purse.check(shown, "--json", status=None) == 3
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, SCHEMA)
    assert found["deciding"] == found["reasons"][4], "the question could not be judged"


def test_what_is_not_presented(purse: Purse, capsys: pytest.CaptureFixture[str]) -> None:
    write_key(purse.folder / "other.pem", key_from("thief"), b"a word")
    assert purse.present(key="other.pem") == 2
    assert "the token is bound to key" in capsys.readouterr().err
    assert purse.present(show="use,consent") == 2
    assert "shows no 'consent'" in capsys.readouterr().err
    assert purse.run("present", purse.folder / "token.txt", "--show", "use", "--nonce", "n") == 2
    assert "belong together" in capsys.readouterr().err
    assert purse.run("present", purse.folder / "status.json", "--show", "use") == 2
    purse.write("passphrase", b"another")
    assert purse.present() == 2
    capsys.readouterr()


def test_without_a_key_anyone_could_show_it(purse: Purse, capsys: pytest.CaptureFixture[str]) -> None:
    assert purse.run("present", purse.folder / "token.txt", "--show", "use,territory,window,media") == 0
    bare = purse.write("bare.txt", capsys.readouterr().out.encode())
    assert purse.check(bare) == 1
    assert "binding.absent" in capsys.readouterr().out
    assert purse.check(bare, bound=False) == 0
    assert "anyone who has the token can show it" in capsys.readouterr().out


def test_an_older_status_after_a_newer(purse: Purse, capsys: pytest.CaptureFixture[str]) -> None:
    seen, shown = purse.folder / "seen.json", purse.shown()
    assert purse.check(shown, "--seen", seen) == 0
    purse.write("old.json", (purse.folder / "status.json").read_bytes())
    world = purse.pocket.paper.world
    world.clock += 60
    purse.pocket.paper.change("suspend")
    purse.prove(Status.SUSPENDED)
    assert purse.check(shown, "--seen", seen) == 1
    assert decode_seen(seen.read_bytes()).lists[URI].issued == purse.now
    assert purse.check(shown, "--seen", seen, status="old.json") == 3
    assert "is older than the one" in capsys.readouterr().out
    assert purse.check(shown, status="old.json") == 0, "who remembers nothing cannot tell"


def test_a_folder(purse: Purse, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "licences"
    folder.mkdir()
    shown = purse.shown().read_bytes()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_bytes(shown)
    (folder / "a.txt.status.json").write_bytes((purse.folder / "status.json").read_bytes())
    assert purse.check(folder, status=None) == 3
    out = capsys.readouterr().out
    assert out.startswith("a.txt:\nVALID")
    assert "\nb.txt:\nCANNOT TELL" in out
    assert purse.check(folder, "--json", status=None) == 3
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["file"], one["answer"]) for one in found] == [("a.txt", "valid"), ("b.txt", "cannot_tell")]
    for one in found:
        jsonschema.validate(one, SCHEMA)
    (folder / "b.txt").write_bytes(b"eyJ~")
    assert purse.check(folder, status=None) == 2
    assert purse.check(folder) == 2, "a status of one file is not that of a folder"


MALFORMED: dict[str, Callable[[Purse], int]] = {
    "no token": lambda purse: purse.check(purse.write("x.txt", b"eyJ")),
    "not ASCII": lambda purse: purse.check(purse.write("x.txt", "eyJ灯".encode())),
    "too long": lambda purse: purse.check(purse.write("x.txt", b"eyJ" + b"A" * (1 << 20))),
    "an audience without a nonce": lambda purse: purse.check(purse.shown(), "--audience", "x", bound=False),
    "a status that is none": lambda purse: (purse.write("x", b'{"v":2}'), purse.check(purse.shown(), status="x"))[1],
    "an empty folder": lambda purse: ((purse.folder / "e").mkdir(), purse.check(purse.folder / "e", status=None))[1],
    "a seen file that is none": lambda purse: purse.check(purse.shown(), "--seen", purse.write("s", b"{}")),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_input_has_its_own_exit_status(purse: Purse, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert MALFORMED[name](purse) == 2
    assert capsys.readouterr().err.startswith("malformed: ")


def test_a_token_takes_a_staple_of_version_1_for_nothing(purse: Purse, capsys: pytest.CaptureFixture[str]) -> None:
    purse.write("one.json", encode_staple(purse.pocket.paper.staple()))
    assert purse.check(purse.shown(), status="one.json") == 3
    assert "get the licence's staple of version 2" in capsys.readouterr().out


def test_a_token_has_its_time(purse: Purse, capsys: pytest.CaptureFixture[str]) -> None:
    purse.pocket.paper.world.clock += 31 * DAY
    assert purse.check(purse.shown()) == 1
    assert "have it reissued" in capsys.readouterr().out


# --- a code on paper ------------------------------------------------------------------


def test_a_code_is_checked_as_far_as_it_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = Purse(tmp_path)
    paper = own.pocket.paper
    code = LicenceCode(paper.world.origin, paper.licence.event.subject, paper.grant, paper.licence.leaf).text
    asked = ["check", "--trust", tmp_path / "trust.json", "--for", ASKED, "--at", own.now]
    stapled = [*asked, "--status", tmp_path / "status.json"]
    assert own.run(*stapled, "--code", code, "--json") == 3
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, SCHEMA)
    assert (found["licence"], found["answer"]) == (paper.licence.event.subject, "cannot_tell")
    assert own.run(*asked, "--code", code) == 3
    own.prove(Status.INVALID)
    assert own.run(*stapled, "--code", f"{paper.licence.event.subject} {paper.licence.leaf.hex()}") == 1
    assert "NOT VALID" in capsys.readouterr().out
    for wrong in (
        [*asked, "--code", "no code"],
        asked,
        [*asked, tmp_path / "token.txt", "--code", code],
        [*asked, "--code", code, "--sidecar", tmp_path / "token.txt"],
    ):
        assert own.run(*wrong) == 2
