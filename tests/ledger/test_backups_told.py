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
from ledger.store.postgres_migrate import migrate
from ledger.store.sqlite import connect
from ledger.upkeep.backup import UNFINISHED, back_up, read_backup, write_backup
from tests.ledger.commands import run
from tests.ledger.shared_copies import url, values
from tests.patience import PATIENCE, Lines, end
from tests.postgres import Server


def rot(log: str | Path) -> int:
    """The position of a private value that opens nothing any more."""
    query = "UPDATE disclosures SET disclosure = 'rot' WHERE position = (SELECT max(position) FROM disclosures)"
    if isinstance(log, Path):
        with closing(connect(log / "ledger.sqlite")) as connection:
            found = connection.execute(f"{query} RETURNING position").fetchone()
    else:
        with psycopg.connect(log) as database:
            found = database.execute(f"{query} RETURNING position").fetchone()
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


@pytest.mark.parametrize("opened", [False, True])
def test_a_backup_that_another_has_just_written_stays(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: bool
) -> None:
    """It is gone when it is to be opened, or was opened under its first name and has the last one by now."""
    target, original = tmp_path / "kept", os.open

    def late(path: object, *given: int) -> int:
        if not str(path).endswith(UNFINISHED):
            return original(path, *given)
        monkeypatch.undo()
        descriptor = original(path, *given) if opened else None
        Path(str(path)).rename(target)
        return original(path, *given) if descriptor is None else descriptor

    monkeypatch.setattr(os, "open", late)
    with pytest.raises(LogBusy, match="just now: choose another name"):
        back_up(Folder(data), target)
    assert list(target.iterdir()) == []


def test_a_backup_that_another_has_written_in_between_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, made = tmp_path / "kept", Path.mkdir

    def late(path: Path, *given: object, **named: object) -> None:
        made(path, *given, **named)
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
        connection.execute(f"GRANT SELECT ON {rights} TO visitor")
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
    # What PostgreSQL tells of the row is a private value.
    assert not [text for one in values(worked).values() for text in one.values() if text[:20] in error]


@pytest.fixture
def visitor(postgres: Server) -> Iterator[str]:
    """A role that may connect, as any new one, and has a password."""
    postgres.admin("CREATE ROLE visitor LOGIN PASSWORD 'swordfish'")
    yield "swordfish"
    postgres.admin("DROP ROLE visitor")


def restored_into(address: str, kept: Path) -> str:
    """What the command says that cannot."""
    code, _, error = run("restore", address, "--backup", kept, "--checkpoint-store-lost")
    assert (code, "Traceback" in error, "sqlalche.me" in error, "swordfish" in error) == (2, False, False, False), error
    assert error.count("\n") == 1
    return error


def test_who_may_not_make_tables_is_told_so(kept: Path, empty: str, visitor: str) -> None:
    address = url(empty).replace("user=postgres", f"user=visitor&password={visitor}")
    assert "refuses what the log needs: permission denied for schema public" in restored_into(address, kept)


@pytest.mark.parametrize("schema", ["", "0002"])
def test_a_server_that_only_reads_is_told(postgres: Server, kept: Path, empty: str, dsn: str, schema: str) -> None:
    """Tables are made, or brought forward, by another library than they are written by."""
    into = dsn if schema else empty
    if schema:
        with psycopg.connect(dsn) as connection:
            connection.execute("DROP TABLE scrubbing")
            connection.execute("UPDATE alembic_version SET version_num = %s", (schema,))
    name = psycopg.conninfo.conninfo_to_dict(into)["dbname"]
    postgres.admin(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "refuses what the log needs: cannot execute CREATE TABLE in a read-only" in restored_into(url(into), kept)


@pytest.mark.parametrize("made", [False, True])
def test_a_database_that_cannot_keep_every_text_is_told(postgres: Server, kept: Path, made: bool) -> None:
    """Also one that a log was begun in before that was looked at."""
    postgres.admin("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        if made:
            migrate(postgres.dsn("latin"))
        said = restored_into(url(postgres.dsn("latin")), kept)
        assert ('has no equivalent in encoding "LATIN1"' if made else "keeps text as LATIN1") in said
    finally:
        postgres.admin("DROP DATABASE latin")
