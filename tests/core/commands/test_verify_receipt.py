"""`tallystick verify-receipt`: exit status, both languages, JSON, and what it says that is not proved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick import cose
from tallystick.__main__ import main
from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import cosign_ed25519
from tallystick.key_history import Replacement
from tallystick.merkle import leaf_hash, node_hash
from tallystick.note import COSIGNATURE_ED25519, Note, parse_note, verifier_key
from tallystick.receipt import sign_inclusion
from tallystick.report.receipt_words import WORDS
from tallystick.statement import Statement, parse_statement, sign_statement
from tallystick.times import format_time
from tallystick.transparent import attach
from tallystick.tree_head import sign_checkpoint
from tallystick.trust import Witnesses, encode_trust
from tests.core.test_receipt import ENTRIES, GOOD, GOOD_ENTRY, LOG, WORLD, head, receipt
from tests.core.test_trust import file
from tests.world import START, World, key_from

Run = Callable[..., int]
WITNESS = key_from("a witness")
QUORUM = Witnesses((verifier_key("w.example", COSIGNATURE_ED25519, WITNESS.public.raw),), 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "statement").write_bytes(attach(GOOD_ENTRY, [GOOD]))
    (tmp_path / "bare").write_bytes(GOOD_ENTRY)
    (tmp_path / "receipt").write_bytes(GOOD)
    (tmp_path / "trust.json").write_bytes(encode_trust(file()))
    (tmp_path / "quorum.json").write_bytes(encode_trust(file(witnesses=QUORUM)))
    for size in (11, 12):
        (tmp_path / f"checkpoint-{size}").write_bytes(sign_checkpoint(head(size), WORLD.signers, START).encode())
    note = parse_note((tmp_path / "checkpoint-11").read_bytes())
    seen = Note(note.text, (*note.signatures, cosign_ed25519(note.text, "w.example", WITNESS, START)))
    (tmp_path / "seen").write_bytes(seen.encode().encode())
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    def verify(*more: str, statement: str = "statement", trust: str = "trust.json", **files: str) -> int:
        given = ["verify-receipt", str(folder / statement), "--trust", str(folder / trust), *more]
        return main([*given, *(part for name, one in files.items() for part in (f"--{name}", str(folder / one)))])

    return verify


def test_proved_is_exit_status_0_and_says_what_is_not(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    out = capsys.readouterr().out.splitlines()
    ours = parse_statement(GOOD_ENTRY)
    assert out[0] == "PROVED: this statement is in the log"
    assert f"{ours.issuer} says object.register about {ours.event.subject}" in out[1]
    assert "stands at position 5 of 11 entries" in out[2]
    limits = out[out.index("This does not prove:") + 1 :]
    assert len(limits) == 5
    assert f"that {ours.issuer} signed it" in limits[0]
    assert ours.event.time in limits[1]


def test_the_chinese_answer_says_the_same(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    english = capsys.readouterr().out.splitlines()
    assert run("--lang", "zh") == 0
    chinese = capsys.readouterr().out.splitlines()
    assert chinese[0].startswith("已证明")
    assert len(chinese) == len(english)
    assert all(any("\u4e00" <= one <= "\u9fff" for one in line) for line in chinese)


def test_both_languages_have_the_same_values() -> None:
    for name, phrase in WORDS.items():
        for text in (phrase.en, phrase.zh):
            assert text, name
        values = [sorted(part.partition("}")[0] for part in text.split("{")[1:]) for text in (phrase.en, phrase.zh)]
        assert values[0] == values[1], name


def test_a_receipt_that_came_apart(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(statement="bare", receipt="receipt") == 0
    assert "position 5 of 11" in capsys.readouterr().out
    assert run(statement="bare") == 2
    assert "transparent statement" in capsys.readouterr().err
    assert run(receipt="receipt") == 1


def test_json_has_the_facts(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["unread"], found["confirmed"]) == ("proved", [], [])
    assert found["included"] == [
        {
            "origin": WORLD.origin,
            "position": 5,
            "size": 11,
            "root": head(11).root.hex(),
            "kid": LOG.public.kid.hex(),
        }
    ]
    assert found["statement"]["statement_id"] == parse_statement(GOOD_ENTRY).statement_id.hex()
    assert found["statement"]["signature_verified_with"] is None


def placed(statement: bytes) -> bytes:
    """``statement`` with a receipt as the last of four leaves."""
    first = leaf_hash(ENTRIES[0])
    pair = node_hash(first, first)
    tree = Checkpoint(WORLD.origin, 4, node_hash(pair, node_hash(first, leaf_hash(statement))))
    return attach(statement, [sign_inclusion(LOG, tree, statement, 3, [first, pair])])


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (WORLD.register(WORLD.studio, "studio"), "signed by the registrar's key"),
        (WORLD.batch(0, 1), "signed by the log's key"),
    ],
)
def test_a_signature_of_a_key_in_the_trust_file_is_verified(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str], statement: Statement, words: str
) -> None:
    (folder / "statement").write_bytes(placed(statement.entry))
    assert run() == 0
    out = capsys.readouterr().out
    assert words in out
    assert "signed it: the log says" not in out
    bad = statement.entry[:-1] + bytes([statement.entry[-1] ^ 1])
    (folder / "statement").write_bytes(placed(bad))
    assert run() == 1


def test_the_key_in_force_at_the_position_is_the_one_that_counts(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = key_from("the next registrar")
    log = replace(file().logs[0], replaced=(Replacement(2, "2026-01-01T00:00:00Z", "registrar", new.public.to_text()),))
    (folder / "rotated.json").write_bytes(encode_trust(file(v=2, logs=(log,))))
    for signer, known in ((new, True), (WORLD.roles["registrar"], False)):
        said = WORLD.register(WORLD.studio, "studio").event
        statement = sign_statement(signer, WORLD.registrar.id, said)
        (folder / "statement").write_bytes(placed(statement.entry))
        assert run(trust="rotated.json") == 0
        assert ("signed by the registrar's key" in capsys.readouterr().out) is known


def test_what_the_service_recorded_is_not_called_signed(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = WORLD.object().event
    recorded = WORLD.record(WORLD.studio, "object.register", event.subject, event.body)
    (folder / "statement").write_bytes(placed(recorded.entry))
    assert run() == 0
    assert f"recorded by the service for {WORLD.studio.id}: not signed by it" in capsys.readouterr().out


def test_a_statement_of_a_later_version_is_in_the_log_all_the_same(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = parse_statement(GOOD_ENTRY)
    later = (ours.envelope.payload or b"").replace(b'"v":1}', b'"v":2}')
    assert later != ours.envelope.payload
    header = {label: value for label, value in ours.envelope.protected.items() if label != cose.ALG}
    (folder / "statement").write_bytes(placed(cose.sign1(WORLD.studio.signer, header, later)))
    assert run() == 0
    assert "install a newer tallystick" in capsys.readouterr().out
    assert run("--json") == 0
    assert json.loads(capsys.readouterr().out)["statement"] is None


# --- checkpoints and witnesses ------------------------------------------------------


def test_a_checkpoint_of_the_same_tree_confirms_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(checkpoint="checkpoint-11") == 0
    out = capsys.readouterr().out
    assert "bears all three signatures of the log" in out
    assert "no witness is asked" in out
    assert run(checkpoint="checkpoint-12") == 1
    assert "has 12 leaves, no receipt has" in capsys.readouterr().err


def test_where_witnesses_are_demanded_a_receipt_alone_is_not_enough(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(trust="quorum.json") == 1
    assert "demands a quorum of 1 witnesses, a receipt bears none" in capsys.readouterr().err
    assert run(trust="quorum.json", checkpoint="checkpoint-11") == 1
    assert "none of the trusted witnesses cosigned, 1 must have" in capsys.readouterr().err
    assert run(trust="quorum.json", checkpoint="seen") == 0
    out = capsys.readouterr().out
    assert "cosigned by the witnesses w.example" in out
    assert "no witness is asked" not in out


def test_what_is_signed_after_the_time_of_the_check_confirms_nothing(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a log or a witness whose clock is ahead nobody knows what it had signed by then."""
    at = ("--at", format_time(START - 1))
    assert run(*at) == 0, "a receipt tells no time"
    assert run(*at, checkpoint="checkpoint-11") == 1
    assert f"the checkpoint was signed at {START}, after the time of this check, {START - 1}" in capsys.readouterr().err
    signed = parse_note((folder / "checkpoint-11").read_bytes())
    late = cosign_ed25519(signed.text, "w.example", WITNESS, START + 1)
    (folder / "late").write_bytes(Note(signed.text, (*signed.signatures, late)).encode().encode())
    assert run("--at", format_time(START), trust="quorum.json", checkpoint="late") == 1
    assert "0 of the trusted witnesses cosigned by then, 1 must have" in capsys.readouterr().err
    assert run("--at", format_time(START + 1), trust="quorum.json", checkpoint="late") == 0
    assert run("--at", format_time(START), trust="quorum.json", checkpoint="seen") == 0


def test_the_clock_is_asked_for_a_checkpoint_alone(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert "clock" not in capsys.readouterr().err
    assert run(checkpoint="checkpoint-11") == 0
    assert "clock" in capsys.readouterr().err


def test_a_checkpoint_with_another_root_convicts_the_log(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fork = Checkpoint(WORLD.origin, 11, bytes(32))
    (folder / "fork").write_bytes(sign_checkpoint(fork, WORLD.signers, START).encode())
    for at in ((), ("--at", format_time(START - 1))):
        assert run(*at, checkpoint="fork") == 1
        assert "signed two roots of 11 leaves" in capsys.readouterr().err


def test_a_checkpoint_of_another_log_or_key_is_refused(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = World("a stranger's", "log.example/stranger")
    (folder / "other").write_bytes(sign_checkpoint(head(11, stranger.origin), stranger.signers, START).encode())
    assert run(checkpoint="other") == 1
    assert "which the trust file does not name" in capsys.readouterr().err
    imposter = World("an imposter's")
    (folder / "other").write_bytes(sign_checkpoint(head(11), imposter.signers, START).encode())
    assert run(checkpoint="other") == 1


# --- not proved, malformed -----------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_not_proved_is_exit_status_1(run: Run, folder: Path, capsys: pytest.CaptureFixture[str], language: str) -> None:
    (folder / "statement").write_bytes(attach(GOOD_ENTRY, [receipt(6, 11)]))
    assert run("--lang", language) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith({"en": "NOT PROVED: ", "zh": "未证明: "}[language])
    assert run("--json") == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "not_proved"


@pytest.mark.parametrize("data", [b"", b"\0", GOOD, GOOD_ENTRY, b"x" * 300_000], ids=range(5))
def test_malformed_is_exit_status_2(run: Run, folder: Path, capsys: pytest.CaptureFixture[str], data: bytes) -> None:
    (folder / "statement").write_bytes(data)
    assert run() == 2
    assert capsys.readouterr().err.startswith("malformed: ")
    assert run("--json") == 2
    assert json.loads(capsys.readouterr().out)["verdict"] == "malformed"


def test_files_that_are_not_there(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(statement="nothing") == 2
    assert run(trust="nothing") == 2
    assert run(trust="statement") == 2
    assert run(checkpoint="nothing") == 2
    assert "Traceback" not in capsys.readouterr().err
