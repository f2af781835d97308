"""`python -m ledger witness`: what it prints, and its exit status."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.commands.witness import app
from ledger.witness.folder import open_witness
from tallystick.accusing import of_kept
from tallystick.fork import decode, verify_fork
from tests.ledger.test_witness import FORK, LOG, WORLD
from tests.world import START

VKEYS = "".join(f"{key}\n" for key in WORLD.signers.keys.verifier_keys())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert run(tmp_path / "w", "init", "--name", "witness.example/w1")[0] == 0
    return tmp_path / "w"


def run(folder: Path, command: str, *more: str, given: str | None = None) -> tuple[int, str]:
    """Exit status, and all that was printed."""
    done = CliRunner().invoke(app, [command, str(folder), *more], input=given, env={"WITNESS_PASSPHRASE": "secret"})
    return done.exit_code, done.output


def feed(folder: Path, *bodies: bytes) -> list[int]:
    with open_witness(folder, "secret", lambda: START) as witness:
        return [witness.add_checkpoint(body).status for body in bodies]


def test_keys_are_those_of_the_beginning(folder: Path) -> None:
    code, printed = run(folder, "keys")
    assert code == 0
    assert [line.split("+")[0] for line in printed.splitlines()] == ["witness.example/w1"] * 2
    assert run(folder.parent / "v", "init", "--name", "witness.example/w1")[1] != printed


def test_a_log_is_added_from_a_file_or_a_pipe(folder: Path, tmp_path: Path) -> None:
    assert feed(folder, LOG.request(0, 5).encode()) == [404]
    code, printed = run(folder, "add", "-", given=VKEYS)
    assert code == 0
    assert printed.count("\nadded ") + printed.startswith("added ") == 2
    assert printed.count("left out") == 1
    assert feed(folder, LOG.request(0, 5).encode()) == [200]
    (tmp_path / "vkeys").write_text(VKEYS)
    assert run(folder, "add", str(tmp_path / "vkeys"))[1].count("left out") == 3
    assert run(folder, "add", "-", given="nonsense\n")[0] == 2


def test_status_shows_heads_and_forks(folder: Path) -> None:
    assert run(folder, "status") == (0, "")
    run(folder, "add", "-", given=VKEYS)
    assert feed(folder, LOG.request(0, 9).encode()) == [200]
    root = LOG.head(9).root.hex()
    told = f"{WORLD.origin}: 9 leaves, root {root}, cosigned at 2026-02-01T00:00:00Z\n"
    assert run(folder, "status") == (0, told)
    assert feed(folder, LOG.request(0, 5).encode(), FORK.request(0, 8).encode()) == [409, 409]
    code, printed = run(folder, "status")
    refused = f"at 2026-02-01T00:00:00Z a checkpoint of 8 leaves, root {FORK.head(8).root.hex()}, was refused"
    # Anybody may send an old one again: that alone is no reason to be alarmed.
    assert (code, refused in printed, "of 5 leaves" in printed) == (0, True, False)
    assert feed(folder, FORK.request(9, 9).encode()) == [409]
    code, printed = run(folder, "status")
    assert code == 1
    assert f"FORK: {WORLD.origin} signed two trees of 9 leaves" in printed
    assert LOG.note(9).text in printed
    assert FORK.note(9).text in printed


def test_a_fork_is_kept_as_evidence_that_proves_it(folder: Path, tmp_path: Path) -> None:
    run(folder, "add", "-", given=VKEYS)
    feed(folder, LOG.request(0, 9).encode(), FORK.request(9, 9).encode())
    for _ in range(2):
        assert run(folder, "status", "--evidence", str(tmp_path / "kept"))[0] == 1
    (kept,) = (tmp_path / "kept").iterdir()
    evidence = of_kept({path.name: path.read_bytes() for path in kept.iterdir()})
    fact = verify_fork(decode(evidence), WORLD.signers.keys)
    assert (fact.kind, fact.first.size, fact.second.root) == ("roots", 9, FORK.head(9).root)


def test_what_cannot_be_tried_is_exit_status_2(folder: Path, tmp_path: Path) -> None:
    gone = tmp_path / "mistyped"
    for command in ("keys", "status", "serve"):
        assert run(gone, command)[0] == 2
    assert run(gone, "add", "-", given=VKEYS)[0] == 2
    assert not gone.exists()
    assert run(folder, "init", "--name", "witness.example/w1")[0] == 2
    assert run(gone, "init", "--name", "a name")[0] == 2


def test_a_port_that_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, printed = run(folder, "serve", "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert "choose another with --port" in printed
