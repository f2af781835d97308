"""`python -m tallystick.client.facts` as a person runs it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tallystick.client import facts
from tallystick.digests import digest_pair
from tallystick.schema import write
from tallystick.statement import parse_statement
from tests.api.desk import Desk, picture_bytes


@pytest.fixture
def folder(tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TALLYSTICK_SERVER", str(desk.house.http.base_url))
    # The house's clock stands still in the past.
    monkeypatch.setattr("tallystick.client.facts.format_time", lambda seconds: desk.house.world.now())
    for name, party in (("studio", desk.studio), ("licensee", desk.licensee), ("registrar", desk.house.registrar)):
        (tmp_path / name).write_text(f"{party.token}\n")
    return tmp_path


def entry(desk: Desk, told: str) -> Any:
    position = int(told.rpartition(" ")[2])
    return parse_statement(desk.house.http.get(f"/v1/entries/{position}").content)


def test_capture_attestation_custody_and_acceptance(
    folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    subject, data = desk.picture()
    now = desk.house.world.now()
    copy, record, statement = folder / "copy.png", folder / "capture.json", folder / "statement.pdf"
    copy.write_bytes(data)
    statement.write_bytes(b"the notary's statement")
    said = {
        "method": "camera",
        "started": now,
        "ended": now,
        "clocks": [],
        "notary": {
            "name": "a notary's office",
            "registration": "(2026) 12",
            "statement": write(digest_pair(b"the notary's statement")),
            "at": now,
            "party": desk.licensee.id,
        },
        "private": {"device": {"serial": "the number of the camera"}},
    }
    record.write_text(json.dumps(said))

    def run(who: str, *arguments: str) -> Any:
        assert facts.main([*arguments, "--token-file", str(folder / who)]) == 0
        return entry(desk, capsys.readouterr().out.strip())

    captured = run("studio", "capture", subject, str(record))
    assert set(captured.event.commitments) == {"device"}
    assert b"the number of the camera" not in captured.entry
    position = str(desk.house.http.get(f"/v1/subjects/{subject}").json()["positions"][-1])
    borne = run("licensee", "attest", subject, position, "--role", "notary", "--statement", str(statement))
    assert borne.event.body.statement.sha256 == hashlib.sha256(b"the notary's statement").hexdigest()
    first = run("studio", "custody", subject, "fix", str(copy), "--agent", "sha256sum")
    digest = hashlib.sha256(data).hexdigest()
    assert (first.event.body.before, first.event.body.after, first.event.body.previous) == (digest, digest, None)
    over = run("studio", "custody", subject, "tra", str(copy), "--agent", "courier", "--receiver", desk.licensee.id)
    assert over.event.body.previous is not None
    taken = run("licensee", "accept", subject, str(copy))
    assert (taken.event.body.digest, taken.event.body.outcome) == (digest, "suc")
    assert desk.house.http.get(f"/v1/custody/{subject}").json()["custodian"] == desk.licensee.id


def test_another_copy_is_told_as_it_is(folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    subject, _ = desk.picture()
    (folder / "copy.png").write_bytes(picture_bytes(1))
    arguments = [subject, "fix", str(folder / "copy.png"), "--agent", "sha256sum", "--outcome", "fai"]
    assert facts.main(["custody", *arguments, "--token-file", str(folder / "studio")]) == 0
    body = entry(desk, capsys.readouterr().out.strip()).event.body
    assert body.before != body.after == hashlib.sha256(picture_bytes(1)).hexdigest()


def test_a_document_is_filed_and_kept(folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    path, keep = folder / "iso.pdf", folder / "platform"
    path.write_bytes(b"a certificate")
    keep.mkdir()
    arguments = ["document", str(path), "--limb", "system", "--title-zh", "证书", "--title-en", "Certificate"]
    arguments += ["--issuer", "A certifier", "--from", "2026-01-01T00:00:00Z", "--until", "2029-01-01T00:00:00Z"]
    arguments += ["--keep", str(keep)]
    assert facts.main([*arguments, "--token-file", str(folder / "studio")]) == 1
    assert "not-entitled" in capsys.readouterr().err
    assert list(keep.iterdir()) == []
    assert facts.main([*arguments, "--token-file", str(folder / "registrar")]) == 0
    body = entry(desk, capsys.readouterr().out.strip()).event.body
    assert (body.limb, body.size, body.valid_until) == ("system", 13, "2029-01-01T00:00:00Z")
    assert (keep / body.document.sha256).read_bytes() == b"a certificate"


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_record_that_is_no_object_is_malformed(
    text: str, folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "capture.json").write_text(text)
    arguments = ["capture", desk.studio.id, str(folder / "capture.json"), "--token-file", str(folder / "studio")]
    assert facts.main(arguments) == 2
    assert "capture.json" in capsys.readouterr().err
