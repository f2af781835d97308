"""`tallystick register` and `tallystick export` as a person runs them."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tallystick import __main__, canonical
from tallystick.client import entry
from tallystick.client.http import Client
from tallystick.content import CHUNK_BYTES, file_content
from tallystick.keyfile import write_key
from tallystick.note import COSIGNATURE_ML_DSA_44, verifier_key
from tallystick.schema import write
from tallystick.statement import parse_statement
from tests.api.desk import Desk, case_of, folder_files, registration
from tests.architecture.tree import ROOT
from tests.world import key_from


@pytest.fixture
def folder(tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, a prop, a token and a key; the service is named in the environment."""
    monkeypatch.setenv("TALLYSTICK_SERVER", str(desk.house.http.base_url))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "picture.png").write_bytes(b"the picture")
    for name, data in folder_files().items():
        place = tmp_path / "prop" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    (tmp_path / "token").write_text(f"{desk.studio.token}\n")
    write_key(tmp_path / "key.pem", desk.studio.who.signer, b"words")
    return tmp_path


AT_ONCE = ("--wait", "0")
"""Nobody anchors here: whoever waits for an anchor waits in vain."""


def registered(output: str) -> tuple[str, int]:
    found = re.match(r"(\S+) registered at position (\d+), event id \S+\n", output)
    assert found, output
    return found[1], int(found[2])


def statement_at(desk: Desk, position: int) -> Any:
    return parse_statement(desk.house.http.get(f"/v1/entries/{position}").content)


def test_a_party_that_signs_says_it_once_under_its_event_id(
    folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was lost, and the same command is given again: client.md promises that it is recorded once."""
    monkeypatch.setenv("TALLYSTICK_KEY_PASSPHRASE", "words")
    monkeypatch.setattr("tallystick.client.registering.format_time", lambda seconds: desk.house.world.now())
    signed = ["--key", str(folder / "key.pem"), "--party", desk.studio.id, "--event-id", "picture-1"]
    with_token = ["--token-file", str(folder / "token")]
    given = [str(folder / "picture.png"), "--kind", "image", "--title", "灯 One", *signed, *with_token]
    assert entry.register(given) == 0
    first = registered(capsys.readouterr().out)
    assert entry.register(given) == 0
    assert registered(capsys.readouterr().out) == first
    # Anything else under that id is refused, and is not told as done.
    (folder / "other.png").write_bytes(b"another picture")
    for other in (
        [str(folder / "other.png"), *given[1:]],
        [given[0], "--kind", "video", *given[3:]],
        [*given[:4], "灯 Two", *given[5:]],
        [*given[:3], *given[5:]],
    ):
        assert entry.register(other) == 1, other
        told = capsys.readouterr()
        assert told.out == ""
        assert "conflict [event_id]" in told.err
    untold = [str(folder / "other.png"), "--kind", "image", *signed[:-1], "picture-2"]
    assert entry.register(untold) == 0, "a party that signs needs no token"
    second = registered(capsys.readouterr().out)
    assert entry.register(untold) == 0
    assert registered(capsys.readouterr().out) == second != first


@pytest.mark.parametrize("held", ["key.pem", "prop", "picture.png"], ids=["a private key", "a folder", "a picture"])
def test_what_is_no_token_is_not_sent_nor_shown(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    """A private key given as the token stood on the terminal, in the message about an HTTP header."""
    given = [str(folder / "picture.png"), "--kind", "image"]
    assert entry.register([*given, "--token-file", str(folder / held)]) == 2
    told = capsys.readouterr().err
    assert "PRIVATE KEY" not in told
    assert held == "prop" or "holds no token" in told
    monkeypatch.setenv("TALLYSTICK_TOKEN", (folder / "key.pem").read_text())
    assert entry.register(given) == 2
    assert capsys.readouterr().err.startswith("tallystick register: TALLYSTICK_TOKEN holds no token: expected one word")


def test_what_systems_write_into_a_folder_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--kind", "composite", "--token-file", str(folder / "token")]
    assert entry.register([str(folder / "prop"), *given]) == 0
    assert capsys.readouterr().err == ""
    (folder / "prop" / ".DS_Store").write_bytes(b"where the icons stand")
    (folder / "prop" / "镜头").mkdir()
    (folder / "prop" / "镜头" / "Thumbs.db").write_bytes(b"pictures of pictures")
    assert entry.register([str(folder / "prop"), *given]) == 0
    told = capsys.readouterr()
    assert registered(told.out)
    assert told.err.startswith("note: .DS_Store and 1 more: systems write such files by themselves")
    # Who names the file itself means it.
    assert entry.register([str(folder / "prop" / ".DS_Store"), *given]) == 0
    assert capsys.readouterr().err == ""


def test_the_service_records_a_file(folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(folder / "picture.png"), "--kind", "image", "--media-type", "image/png", "--title", "Secret 灯"]
    assert entry.register([*arguments, "--token-file", str(folder / "token")]) == 0
    subject, position = registered(capsys.readouterr().out)
    statement = statement_at(desk, position)
    assert (statement.event.subject, statement.event.recorded_for.party) == (subject, desk.studio.id)
    assert statement.event.body.content == write(file_content([b"the picture"]))
    assert set(statement.event.commitments) == {"title"}
    assert b"Secret" not in statement.entry


def test_a_party_signs_with_its_own_key(
    folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYSTICK_TOKEN", desk.studio.token)
    monkeypatch.setenv("TALLYSTICK_KEY_PASSPHRASE", "words")
    # The house's clock stands still in the past.
    monkeypatch.setattr("tallystick.client.registering.format_time", lambda seconds: desk.house.world.now())
    arguments = ["--kind", "composite", "--key", str(folder / "key.pem"), "--party", desk.studio.id, "--title", "Prop"]
    assert entry.register([str(folder / "prop"), *arguments]) == 0
    subject, position = registered(capsys.readouterr().out)
    statement = statement_at(desk, position)
    assert (statement.issuer, statement.event.recorded_for) == (desk.studio.id, None)
    assert statement.event.subject == subject
    assert desk.studio.get(f"/v1/events/{position}").json()["disclosures"]["title"]["value"] == "Prop"


def test_who_signs_needs_no_token(
    folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TALLYSTICK_TOKEN", raising=False)
    monkeypatch.setenv("TALLYSTICK_KEY_PASSPHRASE", "words")
    monkeypatch.setattr("tallystick.client.registering.format_time", lambda seconds: desk.house.world.now())
    arguments = [str(folder / "prop"), "--kind", "composite", "--key", str(folder / "key.pem")]
    arguments += ["--party", desk.studio.id]
    assert entry.register(arguments) == 0
    subject, position = registered(capsys.readouterr().out)
    statement = statement_at(desk, position)
    assert (statement.issuer, statement.event.subject) == (desk.studio.id, subject)
    # A private value would have to be kept for the party, by whom the service does not know it to be.
    assert entry.register([*arguments, "--title", "Prop"]) == 2
    assert "no token" in capsys.readouterr().err


def test_a_receipt_below_the_quorum_is_said(
    folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, key = Client.fetch, key_from("w", "ml-dsa-44").public
    witness = verifier_key("w.example", COSIGNATURE_ML_DSA_44, key.raw)

    def demanding(client: Client, path: str) -> bytes:
        found = fetch(client, path)
        if path != "/v1/trust":
            return found
        return canonical.encode({**canonical.decode(found, len(found)), "witnesses": {"keys": [witness], "quorum": 1}})

    monkeypatch.setattr(Client, "fetch", demanding)
    arguments = [str(folder / "picture.png"), "--kind", "image", "--receipt", str(folder / "statement.cose")]
    assert entry.register([*arguments, "--token-file", str(folder / "token")]) == 0
    told = capsys.readouterr()
    assert "statement.cose.checkpoint is below the operator's quorum of witnesses (none of the trusted" in told.err
    assert (folder / "statement.cose").exists()


def test_the_statement_is_kept_with_its_receipt(folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "statement.cose"
    arguments = [str(folder / "picture.png"), "--kind", "image", "--receipt", str(out)]
    assert entry.register([*arguments, "--token-file", str(folder / "token")]) == 0
    _, position = registered(capsys.readouterr().out)
    (folder / "trust.json").write_bytes(desk.house.http.get("/v1/trust").content)
    given = ["verify-receipt", str(out), "--trust", str(folder / "trust.json"), "--checkpoint", f"{out}.checkpoint"]
    assert __main__.main(given) == 0
    told = capsys.readouterr().out
    assert "bears all three signatures of the log" in told
    assert f"stands at position {position} of" in told
    assert f"recorded by the service for {desk.studio.id}: not signed by it" in told


def test_a_bundle_with_the_original_in_it(folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    token = ["--token-file", str(folder / "token")]
    assert entry.register([str(folder / "prop"), "--kind", "composite", *token]) == 0
    subject, _ = registered(capsys.readouterr().out)
    desk.publish()
    out = folder / "case.zip"
    assert entry.export([subject, "-o", str(out), "--original", str(folder / "prop"), *token, *AT_ONCE]) == 0
    told = capsys.readouterr()
    assert re.match(
        rf"{re.escape(str(out))}: {out.stat().st_size} bytes in \d+\.\d\d\d s, SHA-256 [0-9a-f]{{64}}\n", told.out
    )
    assert "no anchor covers all of it yet" in told.err
    assert set(case_of(out.read_bytes()).originals[subject]) == set(folder_files())


def film(folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]) -> str:
    """A film of four chunks and a bit, registered."""
    (folder / "film.bin").write_bytes(b"".join(bytes([at]) * CHUNK_BYTES for at in range(4)) + b"end")
    assert entry.register([str(folder / "film.bin"), "--kind", "video", "--token-file", str(folder / "token")]) == 0
    subject, _ = registered(capsys.readouterr().out)
    desk.publish()
    return subject


def content_lines(desk: Desk, bundle: bytes) -> dict[str, Any]:
    return {line.key: line.values for line in desk.verify(bundle).claim("content").evidence}


@pytest.mark.parametrize(
    ("options", "pieces"),
    [
        (["--redact", "1048577-2097153"], "0, 3–4"),
        (["--only", "1048576-3145728"], "1–2"),
        (["--only", "0-4194307", "--redact", "5-6"], "1–4"),
    ],
    ids=["redact", "only", "both"],
)
def test_a_film_of_which_parts_stay_here(
    options: list[str], pieces: str, folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    subject, out = film(folder, desk, capsys), folder / "case.zip"
    given = [subject, "-o", str(out), "--original", str(folder / "film.bin"), "--token-file", str(folder / "token")]
    assert entry.export([*given, *options, "--reason", "a third party's face", *AT_ONCE]) == 0
    told = content_lines(desk, out.read_bytes())
    assert (told["content.chunks"]["pieces"], told["content.chunks"]["count"]) == (pieces, 5)
    assert told["content.withheld"]["reason"] == "a third party's face"
    assert out.stat().st_size < 4 * CHUNK_BYTES


def test_a_folder_of_which_a_file_and_its_name_stay_here(
    folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    token = ["--token-file", str(folder / "token")]
    assert entry.register([str(folder / "prop"), "--kind", "composite", *token]) == 0
    subject, _ = registered(capsys.readouterr().out)
    desk.publish()
    out = folder / "case.zip"
    assert (
        entry.export(
            [subject, "-o", str(out), "--original", str(folder / "prop"), "--redact", "prop", *token, *AT_ONCE]
        )
        == 0
    )
    told = content_lines(desk, out.read_bytes())["content.lines"]
    assert (told["lines"], told["count"], told["files"]) == (2, 3, 2)
    assert b"body.bin" not in out.read_bytes()


def test_the_original_of_a_licence_is_that_of_its_object(
    folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    object_id, data = desk.picture()
    licence = desk.grant(object_id, data)
    desk.publish()
    (folder / "licensed.png").write_bytes(data)
    out, token = folder / "case.zip", ["--token-file", str(folder / "token")]
    given = [licence, "-o", str(out), "--original", str(folder / "licensed.png"), *token]
    assert entry.export([*given, "--of", object_id, *AT_ONCE]) == 0
    assert set(case_of(out.read_bytes()).originals[object_id]) == {"licensed.png"}
    assert entry.export(given) == 1
    assert "does not begin with an object of the case" in capsys.readouterr().err


def test_single_values_are_opened_by_position_and_name(
    folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    token = ["--token-file", str(folder / "token")]
    told = desk.studio.record("object.register", registration(b"words"), private={"title": "open", "script": "closed"})
    desk.publish()
    out, at = folder / "case.zip", told["position"]
    assert entry.export([told["subject"], "-o", str(out), "--open", f"{at}:title", *token, *AT_ONCE]) == 0
    assert [one.name for one in case_of(out.read_bytes()).disclosures[at]] == ["title"]
    assert capsys.readouterr().err.count("error") == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--redact", "0-1"], "name it"),
        (["--original", "{folder}/film.bin", "--reason", "x"], "say what"),
        (["--original", "{folder}/film.bin", "--redact", "0-999999999"], "no range of bytes"),
        (["--original", "{folder}/film.bin", "--redact", "0-4194307"], "5 chunks of 1 MiB none would be shown"),
        (["--original", "{folder}/prop", "--redact", "nothing.txt"], "has no such file"),
        (["--original", "{folder}/prop", "--only", "0-1"], "for a single file"),
        (["--open", "x:title"], "POSITION:NAME"),
        (["--disclose", "some"], "all or none"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_choice_of_parts_that_cannot_be(
    options: list[str], said: str, folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "film.bin").write_bytes(b"\0" * (4 * CHUNK_BYTES + 3))
    subject, _ = desk.picture()
    given = [one.format(folder=folder) for one in options]
    token = ["--token-file", str(folder / "token")]
    assert entry.export([subject, "-o", str(folder / "case.zip"), *given, *token]) == 2
    assert said in capsys.readouterr().err
    assert not (folder / "case.zip").exists()


def test_what_is_left_out_is_said(folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    licence, _ = desk.licence()
    position = desk.studio.post(f"/v1/licences/{licence}/card", {}).json()["position"]
    desk.publish()
    token = ["--token-file", str(folder / "token")]
    assert entry.export([licence, "-o", str(folder / "case.zip"), "--disclose", "none", *token, *AT_ONCE]) == 0
    assert f"signed files recorded at {position} are not in it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arguments", "status", "says"),
    [
        ("export", ["nonsense", "-o", "x.zip"], 2, "is not an identifier"),
        ("export", ["{party}", "-o", "x.zip"], 2, "is no object, licence, job or dispute"),
        ("export", ["{object}", "-o", "x.zip", "--server", "http://log.example"], 2, "use https"),
        ("export", ["{object}", "-o", "x.zip", "--server", "http://127.0.0.1:1"], 1, "no answer from"),
        ("export", ["{object}", "-o", "x.zip", "--original", "{folder}/nothing"], 2, "is not there"),
        ("export", ["{object}"], 2, "--output"),
        ("register", ["{folder}/picture.png", "--kind", "nonsense"], 1, "malformed [body.kind]"),
        ("register", ["{folder}/nothing", "--kind", "image"], 2, "is not there"),
        ("register", ["{folder}/picture.png", "--kind", "image", "--key", "key.pem"], 2, "belong together"),
        ("register", ["{folder}/picture.png"], 2, "--kind"),
        ("register", ["/dev/null", "--kind", "data"], 2, "is neither a file nor a folder"),
        ("export", ["{object}", "-o", "{folder}/nowhere/x.zip"], 2, "there is no folder"),
        ("export", ["{object}", "-o", "{folder}"], 2, "is a folder: name the file to be written"),
        (
            "export",
            ["{object}", "-o", "x.zip", "--original", "{folder}/picture.png", "--only", "0-4"],
            2,
            "the file has 11 bytes, one chunk of 1 MiB",
        ),
        (
            "export",
            ["{object}", "-o", "x.zip", "--original", "{folder}/film", "--redact", "0-3145728"],
            2,
            "of the file's 3 chunks of 1 MiB none would be shown",
        ),
        (
            "export",
            ["{object}", "-o", "x.zip", "--original", "{folder}/film", "--only", "0-3145728"],
            2,
            "of the file's 3 chunks of 1 MiB all would be shown",
        ),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    folder: Path,
    desk: Desk,
    capsys: pytest.CaptureFixture[str],
    command: str,
    arguments: list[str],
    status: int,
    says: str,
) -> None:
    known = {"party": desk.studio.id, "object": desk.picture()[0], "folder": str(folder)}
    (folder / "film").write_bytes(bytes(3 * CHUNK_BYTES))
    given = [one.format(**known) for one in arguments] + ["--token-file", str(folder / "token")]
    assert getattr(entry, command)(given) == status
    told = capsys.readouterr()
    assert says in re.sub(r"\s+", " ", told.err)
    assert "Traceback" not in told.err


def test_a_wrong_passphrase(folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("TALLYSTICK_TOKEN", desk.studio.token)
    monkeypatch.setenv("TALLYSTICK_KEY_PASSPHRASE", "other words")
    key = ["--key", str(folder / "key.pem"), "--party", desk.studio.id]
    assert entry.register([str(folder / "picture.png"), "--kind", "image", *key]) == 2
    assert "is not a private key that this passphrase opens" in capsys.readouterr().err


def test_no_token_is_asked_for(folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.register([str(folder / "picture.png"), "--kind", "image"]) == 2
    assert "--token-file" in capsys.readouterr().err


def test_without_the_extra_the_command_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'typer'", name="typer")

    monkeypatch.setattr(importlib, "import_module", fails)
    assert entry.export(["x"]) == 2
    assert "tallystick[client]" in capsys.readouterr().err


def test_a_proof_is_fetched_and_verified_offline(
    folder: Path, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, position = registered_here(folder, capsys)
    size = desk.publish()
    proof, kept = folder / "p.tlog-proof", folder / "p.cose"
    assert entry.prove([str(position), "-o", str(proof), "--entry", str(kept)]) == 0
    assert f"position {position} in a tree of {size}, 3 signature lines" in capsys.readouterr().out
    assert kept.read_bytes() == desk.house.http.get(f"/v1/entries/{position}").content
    (folder / "trust.json").write_bytes(desk.house.http.get("/v1/trust").content)
    monkeypatch.setenv("TALLYSTICK_SERVER", "http://127.0.0.1:1")
    given = ["verify-proof", str(proof), "--entry", str(kept), "--trust", str(folder / "trust.json")]
    assert __main__.main([*given, "--at", desk.house.world.now()]) == 0
    assert entry.prove([str(position), "-o", str(folder / "none")]) == 1
    assert not (folder / "none").exists()


def registered_here(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, int]:
    arguments = [str(folder / "picture.png"), "--kind", "image", "--token-file", str(folder / "token")]
    assert entry.register(arguments) == 0
    return registered(capsys.readouterr().out)


def test_a_position_that_is_not_published_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.prove(["999999", "-o", str(folder / "none")]) == 1
    assert "not-found" in capsys.readouterr().err
    assert not (folder / "none").exists()


def test_the_commands_join_by_the_entry_point_group() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    joined = project["entry-points"][__main__.GROUP]
    assert joined == {name: f"tallystick.client.entry:{name}" for name in ("register", "export", "prove", "order")}
    for target in joined.values():
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))
