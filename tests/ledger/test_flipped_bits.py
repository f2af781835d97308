"""One flipped bit, anywhere that a log keeps bytes: it is found, or nothing that anybody reads has changed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import HistoryLost, LedgerError, UnknownSchema
from ledger.folder import Folder
from ledger.upkeep.fsck import fsck
from ledger.upkeep.restore import restore
from tallystick.tiles import encode_bundle, parse_bundle
from tests.ledger.commands import run
from tests.ledger.conftest import open_log
from tests.ledger.test_fsck import flip, sql
from tests.world import World

PAGE = 4096
SAMPLES = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
PLACES = st.floats(0, 1, exclude_max=True)
BITS = st.integers(0, 7)


@contextmanager
def flipped(path: Path, place: float, bit: int) -> Iterator[int]:
    """A bit of a file, at this fraction of its length, is another one for a while; which byte it is in."""
    content = path.read_bytes()
    byte = int(place * len(content))
    path.write_bytes(content[:byte] + bytes([content[byte] ^ 1 << bit]) + content[byte + 1 :])
    try:
        yield byte
    finally:
        path.write_bytes(content)


def is_found(data: Path) -> bool:
    """Whether a check says that something is wrong, in whatever way."""
    try:
        return bool(fsck(Folder(data)).findings)
    except LedgerError:
        return True


def content(database: Path) -> dict[str, list[Any]]:
    """Every row of every table, and how they are declared."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}
        return {**found, "schema": sorted(connection.execute("SELECT name, sql FROM sqlite_schema"), key=repr)}


@pytest.fixture(scope="module")
def log(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the template, with its databases in one file each."""
    data = Path(shutil.copytree(template, tmp_path_factory.mktemp("flipped") / "data"))
    assert fsck(Folder(data)).findings == ()
    assert not list(data.glob("*-wal"))
    return data


@SAMPLES
@given(place=PLACES, bit=BITS, which=PLACES)
def test_a_flipped_bit_in_a_public_file(log: Path, place: float, bit: int, which: float) -> None:
    files = sorted(path for path in (log / "public").rglob("*") if path.is_file())
    path = files[int(which * len(files))]
    with flipped(path, place, bit) as byte:
        findings = [str(one) for one in fsck(Folder(log)).findings]
        name = "checkpoint" if path.name == "checkpoint" else path.relative_to(log / "public").as_posix()
        assert any(name in one for one in findings), (name, byte, findings)
        if name != "checkpoint":
            assert any(f"byte {byte} of" in one or f"byte {byte} on" in one for one in findings), (byte, findings)


@SAMPLES
@given(place=PLACES, bit=BITS)
def test_a_flipped_bit_in_a_database_page(log: Path, place: float, bit: int) -> None:
    before = content(log / "ledger.sqlite")
    with flipped(log / "ledger.sqlite", place, bit):
        assert is_found(log) or content(log / "ledger.sqlite") == before
        for path in log.glob("ledger.sqlite-*"):
            path.unlink()


@pytest.mark.exhaustive
def test_a_flipped_bit_in_every_line_of_every_database_page(log: Path) -> None:
    """Every 61st byte: each kind of place in each page, some thousand of them."""
    before, size = content(log / "ledger.sqlite"), (log / "ledger.sqlite").stat().st_size
    for byte in range(0, size, 61):
        with flipped(log / "ledger.sqlite", byte / size, byte % 8):
            assert is_found(log) or content(log / "ledger.sqlite") == before, byte
            for path in log.glob("ledger.sqlite-*"):
                path.unlink()


@SAMPLES
@given(place=PLACES, bit=BITS)
def test_a_flipped_bit_in_the_checkpoint_store(log: Path, place: float, bit: int) -> None:
    """Its epoch alone is nobody's evidence: another number fences a publisher that runs, and no more."""
    before = content(log / "checkpoints.sqlite")["signed"]
    with flipped(log / "checkpoints.sqlite", place, bit):
        if not is_found(log):
            after = content(log / "checkpoints.sqlite")["signed"]
            assert [(row[0], *row[2:]) for row in after] == [(row[0], *row[2:]) for row in before]


# Each table, a column of it, and how the check names what is wrong.
COLUMNS = {
    "chunks.entries": "is not as appended",
    "chunks.statement_ids": "does not find this statement by its id",
    "statements.party": "the index does not say",
    "statements.event_id": "the index does not say",
    "statements.type": "the index does not say",
    "statements.subject": "the index does not say",
    "event_keys.key": "the index does not find this entry by its event id",
    "kinds.type": "the index does not find this entry by its type",
    "kinds.first": "the rows of the table kinds cover",
    "names.name": "the index does not find",
    "names.state": "the states cannot be read",
    "name_keys.key": "the index does not find the name",
    "name_keys.number": "the index does not find the name",
    "mentions.name": "the index does not find this entry under",
    "mentions.first": "the rows of the table mentions cover",
    "disclosures.disclosure": "the private value",
    "disclosures.name": "the private value",
    "batches.digest": "is not as appended",
    "batches.first": "the store has the batch as",
    "batches.admitted_at": "the store has the batch as",
}

WHERE = {"batches": "position = 10", "mentions": "(name, last) = (SELECT max(name), last FROM mentions)"}
"""Which row, where a column has no value that stands once."""


@pytest.mark.parametrize("column", COLUMNS)
def test_a_flipped_bit_in_a_column(data: Path, column: str) -> None:
    table, name = column.split(".")
    with closing(sqlite3.connect(data / "ledger.sqlite")) as connection:
        unique = f"{name} IN (SELECT {name} FROM {table} GROUP BY {name} HAVING count(*) = 1 LIMIT 1)"
        where = WHERE.get(table, unique)
        (value,) = connection.execute(f"SELECT {name} FROM {table} WHERE {where}").fetchone()
    if isinstance(value, int):
        other: Any = value ^ 1
    elif isinstance(value, str):
        other = value[:-1] + chr(ord(value[-1]) ^ 1)
    else:
        other = value[:-1] + bytes([value[-1] ^ 1])
    sql(data, f"UPDATE {table} SET {name} = ? WHERE {where}", other)
    findings = [str(one) for one in fsck(Folder(data)).findings]
    assert any(COLUMNS[column] in one for one in findings), findings


def test_the_columns_are_all_of_them(data: Path) -> None:
    with closing(sqlite3.connect(data / "ledger.sqlite")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {
            f"{table}.{column[1]}" for table in tables for column in connection.execute(f"PRAGMA table_info({table})")
        }
    keys = {f"{table}.position" for table in ("chunks", "statements", "event_keys", "batches", "disclosures")}
    keys |= {"kinds.last", "mentions.last", "names.number"}
    index = {one for one in found if one.split(".")[0] in ("runs", "buckets", "filters")}
    assert found == {*COLUMNS, *keys, *index, "alembic_version.version_num"}


# --- the first bad byte ------------------------------------------------------------------


def test_the_first_bad_byte_of_an_entry_is_named(data: Path) -> None:
    bundle = data / "public/tile/entries/000.p/29"
    flip(bundle, 20_000)
    (finding,) = [one for one in fsck(Folder(data)).findings if "not the published one" in one.problem]
    assert finding.position == 25
    assert "byte 20000 of the entry bundle tile/entries/000.p/29" in finding.problem
    assert "the stored one has the published hash" in finding.problem


def test_a_stored_entry_that_is_wrong_is_told_from_a_published_one(data: Path) -> None:
    with closing(sqlite3.connect(data / "ledger.sqlite")) as connection:
        (row,) = connection.execute("SELECT entries FROM chunks WHERE position >= 17 LIMIT 1").fetchone()
    sql(data, "UPDATE chunks SET entries = ? WHERE entries = ?", row[:-1] + bytes([row[-1] ^ 1]), row)
    (finding,) = [one for one in fsck(Folder(data)).findings if "not the published one" in one.problem]
    assert "the stored one has not the published hash" in finding.problem


def test_a_wrong_length_that_reading_forgives_is_found(data: Path) -> None:
    """The last entry of a row has what is left of it, whatever its length says."""
    with closing(sqlite3.connect(data / "ledger.sqlite")) as connection:
        (position, row) = connection.execute("SELECT position, entries FROM chunks WHERE position >= 17").fetchone()
    last = encode_bundle(parse_bundle(row)[-1:])
    at = len(row) - len(last)
    changed = row[: at + 1] + bytes([row[at + 1] ^ 1]) + row[at + 2 :]
    sql(data, "UPDATE chunks SET entries = ? WHERE position = ?", changed, position)
    assert any(f"to {position}: the entry bundle ends inside" in str(one) for one in fsck(Folder(data)).findings)


# --- the write-ahead log -----------------------------------------------------------------


def test_a_flipped_bit_in_the_write_ahead_log_loses_what_it_covers_and_that_is_seen(
    data: Path, world: World, tmp_path: Path
) -> None:
    """SQLite drops the frames from the first bad one on: the signed checkpoint remembers them, the tiles have them."""
    log = open_log(data, world)
    log.submit(world.object()).result()
    log.publish_now()
    crashed = Path(shutil.copytree(data, tmp_path / "crashed"))
    log.close()
    wal = crashed / "ledger.sqlite-wal"
    assert wal.stat().st_size > PAGE
    flip(wal, 24 + 24 + 100)
    with pytest.raises(HistoryLost, match="29 entries, a checkpoint of 31 was signed"):
        open_log(crashed, world)
    assert restore(Folder(crashed), None, None, None).brought == 2
    assert fsck(Folder(crashed)).findings == ()


def test_what_was_acknowledged_and_not_yet_published_is_not_lost_in_silence(
    data: Path, world: World, tmp_path: Path
) -> None:
    log = open_log(data, world)
    log.submit(world.object()).result()
    crashed = Path(shutil.copytree(data, tmp_path / "crashed"))
    log.close()
    flip(crashed / "ledger.sqlite-wal", 24 + 24 + 100)
    with pytest.raises(HistoryLost, match="has 29 entries, 31 were acknowledged: 2 were lost"):
        open_log(crashed, world)
    (finding,) = fsck(Folder(crashed)).findings
    assert (finding.position, "31 entries were acknowledged" in str(finding)) == (29, True)
    # A copy that has them brings them back; where there is none, they are given up and that is said.
    code, out, _ = run("restore", crashed)
    assert (code, "2 entries that were acknowledged after those were never published" in out) == (0, True)
    with open_log(crashed, world) as again:
        assert again.submit(world.object()).result().position == 29
    assert fsck(Folder(crashed)).findings == ()


@pytest.mark.parametrize("noted", [b"", b"nonsense", b"00000000000000000005\n", b"-0000000000000000099\n"])
def test_a_note_that_says_less_or_nothing_stops_nobody(data: Path, world: World, noted: bytes) -> None:
    (data / "acknowledged").write_bytes(noted)
    with open_log(data, world) as log:
        log.submit(world.object()).result()
    assert (data / "acknowledged").read_bytes() == b"00000000000000000031\n"
    (data / "acknowledged").unlink()
    (data / "acknowledged").mkdir()  # nor one that cannot be written
    with open_log(data, world) as log:
        assert log.submit(world.object()).result().position == 31


def test_a_database_that_cannot_be_opened(data: Path) -> None:
    database = data / "ledger.sqlite"
    database.write_bytes(database.read_bytes()[:PAGE])
    with pytest.raises(UnknownSchema, match="malformed"):
        fsck(Folder(data))
    code, _, error = run("fsck", data)
    assert (code, "malformed" in error) == (2, True)
