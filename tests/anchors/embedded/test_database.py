"""The chain's database: one owner, whole blocks or nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anchors.embedded import database as database_module
from anchors.embedded.database import ChainDatabase
from anchors.errors import ChainLocked, ChainMismatch


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ChainDatabase]:
    opened = ChainDatabase(tmp_path / "chain.db")
    yield opened
    opened.close()


def reopen(database: ChainDatabase) -> ChainDatabase:
    database.close()
    return ChainDatabase(database.path)


def test_a_block_is_read_back_after_reopening(database: ChainDatabase) -> None:
    with database.block():
        database[b"a"] = b"1"
        assert database[b"a"] == b"1"
        database.put_seal(b"h" * 32, b"s" * 65)
        database.put_meta("name", b"value")
    again = reopen(database)
    assert (again[b"a"], again.seal(b"h" * 32), again.meta("name")) == (b"1", b"s" * 65, b"value")
    again.close()


def test_a_block_that_fails_leaves_nothing(database: ChainDatabase) -> None:
    with database.block():
        database[b"kept"] = b"1"

    def fail() -> None:
        with database.block():
            database[b"kept"] = b"2"
            database[b"new"] = b"2"
            database.put_seal(b"h" * 32, b"s" * 65)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert database[b"kept"] == b"1"
    assert b"new" not in database
    assert database.seal(b"h" * 32) is None


def test_a_deleted_key_is_gone_inside_and_after_the_block(database: ChainDatabase) -> None:
    with database.block():
        database[b"a"] = b"1"
    with database.block():
        del database[b"a"]
        assert b"a" not in database
        with pytest.raises(KeyError):
            database[b"a"]
        with pytest.raises(KeyError):
            del database[b"a"]
    assert b"a" not in database


def test_a_failed_batch_inside_a_block_leaves_the_rest_of_it(database: ChainDatabase) -> None:
    def fail() -> None:
        with database.atomic_batch() as batch:
            batch[b"lost"] = b"1"
            raise ZeroDivisionError

    with database.block():
        database[b"before"] = b"1"
        with pytest.raises(ZeroDivisionError):
            fail()
    assert b"before" in database
    assert b"lost" not in database


def test_writing_outside_a_block_is_our_bug(database: ChainDatabase) -> None:
    with pytest.raises(RuntimeError, match="only inside block"):
        database[b"a"] = b"1"
    with pytest.raises(RuntimeError, match="only inside block"):
        database.put_seal(b"h" * 32, b"s" * 65)
    with pytest.raises(RuntimeError, match="already"), database.block(), database.block():
        pass


def test_a_second_owner_is_refused_with_the_fix_in_this_process(database: ChainDatabase) -> None:
    with pytest.raises(ChainLocked, match="stop the worker that is running"):
        ChainDatabase(database.path)


def test_a_second_owner_is_refused_with_the_fix_in_another_process(database: ChainDatabase) -> None:
    script = (
        "import sys; from pathlib import Path; from anchors.embedded.database import ChainDatabase\n"
        "from anchors.errors import ChainLocked\n"
        "try: ChainDatabase(Path(sys.argv[1]))\n"
        "except ChainLocked as error: print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(database.path)], capture_output=True, text=True, check=True
    )
    assert "stop the worker that is running" in found.stdout


def test_the_file_is_free_again_after_close(database: ChainDatabase) -> None:
    again = reopen(database)
    assert again is not database
    again.close()


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(ChainMismatch, match="another program"):
        ChainDatabase(path)


def test_a_later_format_is_refused_and_says_so(database: ChainDatabase) -> None:
    database.close()
    with sqlite3.connect(database.path) as later:
        later.execute("PRAGMA user_version=2")
    later.close()
    with pytest.raises(ChainMismatch, match=r"chain format 2.*newer release"):
        ChainDatabase(database.path)


def test_commits_are_durable_and_in_wal(database: ChainDatabase) -> None:
    assert database._sql.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database._sql.execute("PRAGMA synchronous").fetchone() == (2,)


def fail_half_way(database: ChainDatabase) -> None:
    with database.block():
        database[b"\x00"] = b"never"
        del database[b"\x01"]
        database[b"\x09"] = b"never"
        raise ZeroDivisionError


def test_what_is_held_in_memory_is_what_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after a block that failed, and when memory is full."""
    monkeypatch.setattr(database_module, "MAX_HELD", 3)
    database = ChainDatabase(tmp_path / "chain.db")
    with database.block():
        for number in range(8):
            database[bytes([number])] = b"first"
    with pytest.raises(ZeroDivisionError):
        fail_half_way(database)
    assert (database[b"\x00"], database[b"\x01"], b"\x09" in database) == (b"first", b"first", False)
    with database.block():
        database[b"\x00"] = b"second"
        del database[b"\x01"]
    shown = {number: database.get(bytes([number])) for number in range(10)}
    database.close()
    again = ChainDatabase(tmp_path / "chain.db")
    assert shown == {number: again.get(bytes([number])) for number in range(10)}
    assert (shown[0], shown[1], shown[7], shown[9]) == (b"second", None, b"first", None)
    again.close()
