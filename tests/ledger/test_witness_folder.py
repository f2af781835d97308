"""The folder of a witness: begun once, never by mistake, with the logs that it knows."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ledger.errors import LogExists, NoLog, UnknownSchema
from ledger.witness.folder import WitnessFolder, add_log, create_witness, open_voice, open_witness, read_logs
from ledger.witness.heads import Heads
from tallystick.cosignature import parse_witness
from tallystick.errors import MalformedInput
from tallystick.note import ED25519, Note, verifier_key, verify_note
from tallystick.witnessing import parse_cosignatures
from tests.ledger.test_witness import LOG, NAME, OTHER, VOICE, WORLD, known
from tests.world import START


def test_a_witness_in_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "w"
    voice = create_witness(path, NAME, None)
    added, left_out = add_log(path, WORLD.signers.keys.verifier_keys())
    assert added == list(WORLD.signers.keys.verifier_keys()[:2])
    assert left_out == [WORLD.signers.keys.verifier_keys()[2]]
    assert add_log(path, WORLD.signers.keys.verifier_keys())[0] == []
    assert open_voice(path, None).verifier_keys() == voice.verifier_keys()
    for size in (5, 9):
        with open_witness(path, None, lambda: START) as witness:
            answer = witness.add_checkpoint(LOG.request(5 if size == 9 else 0, size).encode())
            lines = parse_cosignatures(answer.body, LOG.note(size).text)
            assert (
                len(verify_note(Note(LOG.note(size).text, lines), [parse_witness(k) for k in voice.verifier_keys()]))
                == 2
            )
            assert witness.keys().body.decode().split() == list(voice.verifier_keys())


def test_a_folder_that_is_there_is_never_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "w"
    create_witness(path, NAME, "secret")
    with pytest.raises(LogExists):
        create_witness(path, NAME, "secret")
    assert not WitnessFolder(path).passphrase.exists()
    with pytest.raises(MalformedInput):
        open_voice(path, "another")
    with pytest.raises(MalformedInput, match="no passphrase"):
        open_voice(path, None)
    WitnessFolder(path).database.unlink()
    with pytest.raises(NoLog), open_witness(path, "secret", lambda: START):
        pass
    with pytest.raises(NoLog):
        open_voice(tmp_path / "mistyped", "secret")
    with pytest.raises(NoLog):
        add_log(tmp_path / "mistyped", [])
    assert not (tmp_path / "mistyped").exists()


def test_a_beginning_that_was_cut_short_is_no_witness(tmp_path: Path) -> None:
    draft = tmp_path / "w.new"
    draft.mkdir()
    (draft / "name").write_text("half\n")
    with pytest.raises(NoLog):
        open_voice(tmp_path / "w", "secret")
    create_witness(tmp_path / "w", NAME, "secret")
    assert open_voice(tmp_path / "w", "secret").name == NAME


@pytest.mark.parametrize("name", ["", "a b", "a+b", "w" * 256, "a\nb", "\u3000"])
def test_names_that_cannot_cosign(tmp_path: Path, name: str) -> None:
    with pytest.raises(MalformedInput):
        create_witness(tmp_path / "w", name, "secret")
    assert list(tmp_path.iterdir()) == []


def test_other_databases_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "witness.sqlite"
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(UnknownSchema):
        Heads(path)
    path.unlink()
    Heads.create(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=2")
    connection.close()
    with pytest.raises(UnknownSchema, match="version 2"):
        Heads(path)
    with pytest.raises(LogExists):
        Heads.create(path)


def test_the_list_of_known_logs() -> None:
    ed, pq, authority = WORLD.signers.keys.verifier_keys()
    assert read_logs(f"# ours\n\n{ed}\n  {pq} \n") == {WORLD.origin: known(WORLD)}
    assert read_logs("") == {}
    for text, problem in (
        (authority, "line 1 .* expected 01 or 06"),
        (f"{ed}\n{ed}", "line 2 .* stands above"),
        ("nonsense", "line 1"),
        (ed[:-4] + "AAAA", "line 1"),
        (VOICE.verifier_keys()[0], "expected 01 or 06"),
    ):
        with pytest.raises(MalformedInput, match=problem):
            read_logs(text)
    other = verifier_key(OTHER.origin, ED25519, WORLD.roles["log"].public.raw)
    assert set(read_logs(f"{ed}\n{other}\n")) == {WORLD.origin, OTHER.origin}


def test_adding_is_all_or_nothing(tmp_path: Path) -> None:
    create_witness(tmp_path / "w", NAME, "secret")
    ed = WORLD.signers.keys.verifier_keys()[0]
    before = (tmp_path / "w" / "logs").read_text()
    for lines in ([ed, "nonsense"], [ed, VOICE.verifier_keys()[0]]):
        with pytest.raises(MalformedInput):
            add_log(tmp_path / "w", lines)
        assert (tmp_path / "w" / "logs").read_text() == before
