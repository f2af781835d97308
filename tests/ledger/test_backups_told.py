"""What a backup says of what it copied, who may write one, and what the commands say where a database refuses them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ledger.errors import LogBusy, LogExists
from ledger.folder import Folder
from ledger.store.postgres import SCHEMA
from ledger.store.sqlite import connect
from ledger.upkeep.backup import UNFINISHED, back_up, read_backup, write_backup
from tests.ledger.commands import run
from tests.ledger.shared_copies import url
from tests.patience import PATIENCE, Lines, end


def rot(log: str | Path) -> int:
    """The position of a private value that opens nothing any more."""
    query = "UPDATE disclosures SET disclosure = 'rot' WHERE position = (SELECT max(position) FROM disclosures)"
    if isinstance(log, Path):
        with closing(connect(log / "ledger.sqlite")) as connection:
            found = connection.execute(f"{query} RETURNING position").fetchone()
    else:
        with psycopg.connect(log) as database:
            found = database.execute(f"{query} RETURNING position").fetchone()  # type: ignore[arg-type]
    assert found is not None
    return int(found[0])


@pytest.fixture(params=["folder", "shared"])
def log(request: pytest.FixtureRequest) -> str | Path:
    path: str | Path = request.getfixturevalue("data" if request.param == "folder" else "worked")
    return path


def test_private_values_that_rotted_are_copied_and_told(log: str | Path, tmp_path: Path) -> None:
    position = rot(log)
    code, out, error = run("backup", log if isinstance(log, Path) else url(log), tmp_path / "kept")
    assert (code, "29 entries" in out) == (1, True)
    assert "an older one may have them" in error
    assert f"position {position}: the private value" in error
    assert read_backup(tmp_path / "kept").entries == 29


def test_private_values_that_are_sound_are_not_told(log: str | Path, tmp_path: Path) -> None:
    code, _, error = run("backup", log if isinstance(log, Path) else url(log), tmp_path / "kept")
    assert (code, error) == (0, "")


# --- two at one place ------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from ledger.upkeep.backup import write_backup
def copy(database):
    print("writing", flush=True)
    sys.stdin.read()
write_backup(Path(sys.argv[1]), copy)
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is writing the same backup."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "kept")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        lines = Lines(process.stdout)
        assert lines.next() == "writing\n"
        try:
            yield process
        finally:
            process.kill()
            end(process)
            lines.close()


def test_two_do_not_write_one_backup(data: Path, tmp_path: Path, other: subprocess.Popen[str]) -> None:
    with pytest.raises(LogBusy, match=r"another process writes .*kept\.unfinished: wait for it"):
        back_up(Folder(data), tmp_path / "kept")
    other.kill()
    other.wait(PATIENCE)
    # What it left is in nobody's way.
    assert back_up(Folder(data), tmp_path / "kept").holding.entries == 29
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "kept"]


def test_a_backup_that_another_has_just_written_stays(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was opened under its first name, and has the last one when the lock is had."""
    target, opened = tmp_path / "kept", os.open

    def late(path: object, *given: int) -> int:
        descriptor = opened(path, *given)  # type: ignore[arg-type]
        if str(path).endswith(UNFINISHED):
            monkeypatch.undo()
            Path(str(path)).rename(target)
        return descriptor

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(LogBusy, match="just now: choose another name"):
        back_up(Folder(data), target)
    assert list(target.iterdir()) == []


def test_a_backup_that_another_has_written_in_between_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, made = tmp_path / "kept", Path.mkdir

    def late(path: Path, *given: object, **named: object) -> None:
        made(path, *given, **named)  # type: ignore[arg-type]
        if path.name.endswith(UNFINISHED):
            made(target)

    monkeypatch.setattr(Path, "mkdir", late)
    with pytest.raises(LogExists, match="a backup replaces nothing"):
        write_backup(target, lambda database: pytest.fail("it copies"))


# --- databases that refuse -------------------------------------------------------------------


@pytest.mark.parametrize("command", ["fsck", "replay", "backup"])
def test_looking_at_a_database_does_not_migrate_it(worked: str, tmp_path: Path, command: str) -> None:
    with psycopg.connect(worked) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    code, _, error = run(command, url(worked), *([tmp_path / "kept"] if command == "backup" else []))
    assert (code, error) == (2, f"the database has schema 0002, this program {SCHEMA}: open the log with it once\n")
    with psycopg.connect(worked) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0002",)]


@pytest.mark.parametrize("command", ["fsck", "replay", "backup", "restore"])
@pytest.mark.parametrize("rights", ["alembic_version", "alembic_version, entries, checkpoint_store"])
def test_a_role_that_lacks_rights_is_told_so(worked: str, tmp_path: Path, command: str, rights: str) -> None:
    with psycopg.connect(worked) as connection:
        connection.execute("CREATE ROLE visitor LOGIN")
        connection.execute(f"GRANT SELECT ON {rights} TO visitor")  # type: ignore[call-overload]
    try:
        address = url(worked).replace("user=postgres", "user=visitor")
        code, out, error = run(command, address, *([tmp_path / "kept"] if command == "backup" else []))
        assert (code in (1, 2), "Traceback" in error) == (True, False), error
        assert "permission denied for table" in out + error
    finally:
        with psycopg.connect(worked) as connection:
            connection.execute("DROP OWNED BY visitor")
            connection.execute("DROP ROLE visitor")


def test_an_error_of_the_server_is_a_message(worked: str, kept: Path, empty: str, tmp_path: Path) -> None:
    """Whatever it is: here a rule of the administrator's that the rows break."""
    code, _, error = run("restore", url(empty), "--backup", kept, "--checkpoints", url(worked))
    assert (code, error) == (0, "")
    with psycopg.connect(empty) as connection:
        connection.execute("DELETE FROM disclosures")
        connection.execute("ALTER TABLE disclosures ADD CONSTRAINT planted CHECK (position < 0)")
    code, _, error = run("restore", url(empty), "--backup", kept, "--checkpoints", url(worked))
    assert (code, "Traceback" in error, 'check constraint "planted"' in error) == (2, False, True), error
