"""A shared log whose server has no room, whose rows and pages rot, and whose next host has a clock that is behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ledger.errors import LedgerError, OutcomeUnknown
from ledger.log import Log
from ledger.shared.log import create_shared, open_shared
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from ledger.submission import prepare
from tests.ledger.commands import run
from tests.ledger.conftest import founding
from tests.ledger.shared_copies import SIZE, at_step, opened, url
from tests.patience import PATIENCE, wait_until
from tests.postgres import Server, serve
from tests.world import World


def change(dsn: str, query: str) -> int:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).rowcount  # type: ignore[call-overload,no-any-return]


def findings(dsn: str) -> list[str]:
    return [str(one) for one in fsck_shared(Place(dsn, "fsck")).findings]


@pytest.fixture(scope="module")
def mortal() -> Iterator[Server]:
    with serve() as server:
        yield server


# --- no room ---------------------------------------------------------------------------------

FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$
"""
STEPS = {
    "queue": ("submissions", "INSERT"),
    "append": ("entries", "INSERT"),
    "index": ("batches", "INSERT"),
    "tiles": ("published_tiles", "INSERT"),
    "swap": ("signed", "UPDATE OF note"),
    "show": ("published_checkpoint", "INSERT OR UPDATE"),
    "answer": ("submissions", "UPDATE"),
    "lease": ("lease", "UPDATE"),
}


@contextmanager
def full(dsn: str, step: str) -> Iterator[None]:
    """Whatever this step writes is refused with the server's own error for a disk that is full."""
    table, events = STEPS[step]
    change(dsn, FULL)
    change(dsn, f"CREATE TRIGGER no_room BEFORE {events} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION full_disk()")
    yield
    change(dsn, f"DROP TRIGGER no_room ON {table}")


def said(log: Log, world: World, count: int) -> dict[str, int]:
    """What was acknowledged, of so many objects: each said again until it is known where it stands."""
    found = {}
    for one in [world.object() for _ in range(count)]:

        def placed(one: object = one) -> bool:
            try:
                receipt = log.submit(one).result()  # type: ignore[arg-type]
            except LedgerError:
                return False
            found[one.statement_id.hex()] = receipt.position  # type: ignore[attr-defined]
            return True

        wait_until(placed, "it is taken")
    return found


@pytest.mark.parametrize("step", STEPS)
def test_a_server_without_room_at_each_step(worked: str, step: str) -> None:
    """Nobody is told what is not so; when there is room it goes on by itself, and what is said again stands once."""
    world = at_step(1)
    place = Place(worked, "one", lease=2.0)
    with open_shared(place, world.signers, lambda: world.clock, publish_every=0.0, patience=2.0) as log:
        before = said(log, world, 2)
        log.wait_published(SIZE + 4, PATIENCE)
        first = world.object()
        with full(worked, step):
            try:
                position = log.submit(first).result().position
            except OutcomeUnknown:
                position = None
            # What is told is so.
            with log.store.snapshot() as reads:
                stands = reads.positions_of([first.statement_id]).get(first.statement_id)
            assert position in (None, stands)
            assert position is None or step not in ("queue", "append", "index")
            assert (stands is None) or step not in ("queue", "append", "index")
            if step in ("tiles", "swap", "show"):
                wait_until(lambda: log.status().publisher_error is not None, "it says that nothing is published")
                assert log.published.checkpoint().checkpoint.size == SIZE + 4
        after = said(log, world, 2)
        again = log.submit(first).result()
        assert position in (None, again.position)
        assert len({*before.values(), *after.values(), again.position}) == 5
        with log.store.snapshot() as reads:
            size = reads.size()
        log.wait_published(size, PATIENCE)
    assert findings(worked) == []


MIB = 1 << 20
FILLER = """
INSERT INTO entries (position, entry, statement_id)
SELECT 1000000000 + number, decode(repeat(md5(number::text), 55), 'hex'), NULL FROM generate_series(1, 30000) AS number
"""
"""26 MB of rows in the file of the table, which a rollback leaves there."""


def test_a_server_that_the_system_gives_no_more_room(mortal: Server) -> None:
    """A table's file cannot grow: the kernel refuses the server's own write, and all is well when it does not."""
    world = at_step(1)
    with mortal.database() as dsn:
        create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
        with psycopg.connect(dsn) as connection:
            connection.execute(FILLER)
            connection.rollback()
        mortal.end()
        mortal.start(largest=20 * MIB)
        place = Place(dsn, "one", lease=2.0)
        with open_shared(place, world.signers, lambda: world.clock, publish_every=0.0, patience=3.0) as log:
            work = [prepare(one) for one in (*world.parties(), *(world.object() for _ in range(60)))]
            with pytest.raises(OutcomeUnknown):
                log.submit_many(work).result()
            with log.store.snapshot() as reads:
                assert (reads.size(), reads.positions_of([one.statement_id for one in work])) == (3, {})
            mortal.end()
            mortal.start()
            found: list[int] = []

            def taken() -> bool:
                try:
                    found[:] = [one.position for one in log.submit_many(work).result()]  # type: ignore[union-attr]
                except LedgerError:
                    return False
                return True

            wait_until(taken, "they are taken")
            assert found == list(range(3, 3 + len(work)))
            wait_until(lambda: log.status().published == 4 + len(work), "they are published")
        assert findings(dsn) == []


# --- a flipped bit ---------------------------------------------------------------------------

# Each table, a column of it, and how the check names what is wrong.
COLUMNS = {
    "entries.entry": "is not as appended",
    "entries.statement_id": "does not find this statement by its id",
    "statements.party": "the index does not say",
    "statements.event_id": "the index does not say",
    "statements.type": "the index does not say",
    "statements.subject": "the index does not say",
    "subject_references.subject": "the index does not find this entry under",
    "batches.digest": "is not as appended",
    "batches.first": "the store has the batch as",
    "batches.admitted_at": "the store has the batch as",
    "states.key": "is not what the entries give",
    "states.state": "the states cannot be read",
    "disclosures.disclosure": "the private value",
    "disclosures.name": "the private value",
    "published_tiles.data": "tile/",
    "published_checkpoint.note": "the published checkpoint",
    "signed.note": "the checkpoint store",
    "signed.size": "the checkpoint store",
    "signed.origin": "the checkpoint store",
}
# Positions and places are told by what is missing there; of an epoch and a lease nothing is proved.
KEYS = {f"{table}.position" for table in ("entries", "statements", "subject_references", "batches", "disclosures")}
KEYS |= {f"published_tiles.{name}" for name in ("level", "index", "width")}
NO_EVIDENCE = {
    *(f"lease.{name}" for name in ("id", "epoch", "holder", "expires")),
    *("fence.id", "fence.epoch", "signed.epoch", "published_checkpoint.id", "published_checkpoint.epoch"),
    *(f"aligned_checkpoint.{name}" for name in ("id", "epoch", "note")),
    *("alembic_version.version_num", "checkpoint_store.version"),
    *("scrubbing.id", "scrubbing.erased", "scrubbing.gone"),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_flipped_bit_in_a_column(worked: str, column: str) -> None:
    table, name = column.split(".")
    with psycopg.connect(worked) as connection:
        value, where = connection.execute(
            f"SELECT {name}, ctid FROM {table} ORDER BY {name} DESC NULLS LAST LIMIT 1"  # type: ignore[call-overload]
        ).fetchone()
        other: object
        if isinstance(value, int):
            other = value ^ 1
        elif isinstance(value, str):
            other = value[:-1] + chr(ord(value[-1]) ^ 1)
        else:
            other = value[:-1] + bytes([value[-1] ^ 1])
        done = connection.execute(
            f"UPDATE {table} SET {name} = %s WHERE ctid = %s",  # type: ignore[call-overload]
            (other, where),
        )
        assert done.rowcount == 1
    found = findings(worked)
    assert any(COLUMNS[column] in one for one in found), found


@pytest.mark.parametrize("column", sorted(KEYS))
def test_a_flipped_bit_in_a_key(worked: str, column: str) -> None:
    table, name = column.split(".")
    harm = f"UPDATE {table} SET {name} = {name} + 64 WHERE ctid = (SELECT max(ctid) FROM {table})"
    assert change(worked, harm) == 1
    assert findings(worked) != []


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("INSERT INTO disclosures VALUES (0, 'name', 'x')", "the table disclosures has 16 rows, the entries give 15"),
        ("INSERT INTO subject_references VALUES (7, 'x')", "the table subject_references has"),
        ("INSERT INTO entries VALUES (-1, 'x', 'y')", "the table entries has 30 rows, the entries give 29"),
        ("INSERT INTO statements VALUES (-1, 'p', 'e', 't', 's')", "the table statements has 30 rows"),
        ("INSERT INTO batches VALUES (-1, -1, 0, 'd')", "the table batches has"),
        ("INSERT INTO states SELECT '', state FROM states LIMIT 1", "is not what the entries give"),
        ("INSERT INTO published_tiles VALUES (0, -1, 4, 'x')", "level 0, index -1, width 4"),
        ("INSERT INTO published_tiles VALUES (-2, 0, 4, 'x')", "level -2, index 0, width 4"),
        ("INSERT INTO published_tiles VALUES (-2, 0, 0, 'x')", "level -2, index 0, width 0"),
        ("INSERT INTO published_tiles VALUES (-32768, -5, 4, 'x')", "level -32768, index -5, width 4"),
        ("INSERT INTO published_tiles VALUES (0, 0, 0, 'x')", "level 0, index 0, width 0"),
        ("INSERT INTO published_tiles VALUES (0, 0, 257, 'x')", "level 0, index 0, width 257"),
        ("DELETE FROM fence", "the table fence has 0 rows, expected one"),
        ("DELETE FROM lease", "the table lease has 0 rows, expected one"),
        ("DELETE FROM scrubbing", "the table scrubbing has 0 rows, expected one"),
        ("ALTER TABLE entries DROP CONSTRAINT entries_statement_id", "there is no constraint entries_statement_id"),
        ("ALTER TABLE entries DROP CONSTRAINT entries_pkey", "there is no constraint entries_pkey on entries"),
        ("ALTER TABLE fence DROP CONSTRAINT fence_only_row", "there is no constraint fence_only_row"),
        ("ALTER TABLE batches ADD CHECK (position < 1000)", "nobody knows the constraint batches_position_check"),
        ("CREATE UNIQUE INDEX mine ON batches (digest)", "nobody knows the index mine on batches, unique: digest"),
        ("DROP INDEX subject_references_subject", "there is no index subject_references_subject on subject_references"),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'entries_pkey'::regclass",
            'nobody knows the index entries_pkey on entries, unique: "position", invalid',
        ),
        ("ALTER TABLE states ADD COLUMN more text", "nobody knows the column states.more text"),
        ('ALTER TABLE states ALTER COLUMN key TYPE text COLLATE "POSIX"', "column states.key text collate POSIX"),
        ("ALTER TABLE entries ALTER COLUMN entry DROP NOT NULL", "there is no column entries.entry bytea not null"),
        ("ALTER TABLE submissions ALTER COLUMN turn SET DEFAULT 7", "column submissions.turn bigint not null default"),
        (
            "ALTER TABLE batches ALTER position ADD GENERATED ALWAYS AS IDENTITY",
            "batches.position bigint not null identity",
        ),
        (
            "ALTER SEQUENCE submission_turns INCREMENT -1",
            "nobody knows the sequence submission_turns: bigint from 1 by -1",
        ),
        ("CREATE TABLE child () INHERITS (entries)", "nobody knows the table child, which inherits from entries"),
        (
            "CREATE TABLE notes (position bigint, name text, FOREIGN KEY (position, name) REFERENCES disclosures)",
            "nobody knows the constraint notes_position_name_fkey on notes, which refers to disclosures",
        ),
        (
            """CREATE COLLATION public."C" FROM "POSIX"; ALTER TABLE states ALTER key TYPE text COLLATE public."C" """,
            "nobody knows the column states.key text collate public.",
        ),
        ("ALTER TABLE batches SET UNLOGGED", "nobody knows the table batches, not logged"),
        ("ALTER TABLE entries ENABLE ROW LEVEL SECURITY", "nobody knows the row security on entries"),
        (
            "CREATE RULE gone AS ON INSERT TO disclosures DO INSTEAD NOTHING",
            "nobody knows the rule gone on disclosures",
        ),
        (
            "CREATE TRIGGER early BEFORE UPDATE ON fence FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "nobody knows the trigger early on fence",
        ),
    ],
)
def test_rows_that_nobody_asks_for_and_tables_that_were_changed(worked: str, harm: str, found: str) -> None:
    change(worked, harm)
    assert any(found in one for one in findings(worked)), findings(worked)


def test_what_others_keep_in_the_database_is_theirs(worked: str) -> None:
    change(worked, "CREATE TABLE notes_of_the_administrator (line text)")
    change(worked, "CREATE INDEX of_the_administrator ON batches (digest)")
    name = psycopg.conninfo.conninfo_to_dict(worked)["dbname"]
    change(worked, f"ALTER DATABASE {name} SET quote_all_identifiers = on")
    assert findings(worked) == []


def test_the_columns_are_all_of_them(worked: str) -> None:
    with psycopg.connect(worked) as connection:
        rows = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        ).fetchall()
    found = {f"{table}.{name}" for table, name in rows if table not in ("submissions",)}
    assert found == {*COLUMNS, *KEYS, *NO_EVIDENCE}


def test_an_entry_that_rots_before_it_is_published_is_not_signed(worked: str) -> None:
    world = at_step(1)
    with opened(worked, world) as log:
        log.submit(world.object()).result()
        log.wait_published(SIZE + 2, PATIENCE)
        with full(worked, "tiles"):
            position = log.submit(world.object()).result().position
            rotten = f"UPDATE entries SET entry = overlay(entry PLACING 'x'::bytea FROM 90) WHERE position = {position}"
            assert change(worked, rotten) == 1
            # While there is no room yet: a publication that had read the entry before would else be let through.
            wait_until(lambda: "not as it was appended" in str(log.status().publisher_error), "it is seen")
        assert log.published.checkpoint().checkpoint.size == SIZE + 2
    found = findings(worked)
    assert any(f"position {position}" in one for one in found), found


def test_a_published_tile_that_rots_is_not_signed_over(worked: str) -> None:
    """The next checkpoint needs the unfinished tiles of the last one, which are held against its root."""
    world = at_step(1)
    rotten = "UPDATE published_tiles SET data = overlay(data PLACING 'x'::bytea FROM 40) WHERE level = 0"
    assert change(worked, rotten) > 0
    place = Place(worked, "one", lease=2.0)
    with open_shared(place, world.signers, lambda: world.clock, publish_every=0.0, patience=2.0) as log:
        wait_until(lambda: "do not give the root" in str(log.status().publisher_error), "it is seen")
        assert log.published.checkpoint().checkpoint.size == SIZE
    assert any("tile/0/000.p/29" in one for one in findings(worked))


# --- a page of the server's ------------------------------------------------------------------


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("table", ["entries", "published_tiles", "states"])
def test_a_flipped_bit_in_a_page_of_the_server(mortal: Server, table: str, checksums: bool) -> None:
    """With its checksums the server refuses the page; without them what changed is found by what it says."""
    world = at_step(1)
    with mortal.database() as dsn:
        create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
        with opened(dsn, world) as log:
            for party in world.parties():
                log.submit(party).result()
            log.publish_now()
        path, at = place_of(dsn, table)
        file = mortal.folder / path
        mortal.end()
        sound = file.read_bytes()
        rotten = bytearray(sound)
        rotten[at] ^= 1
        file.write_bytes(bytes(rotten))
        mortal.start()
        try:
            if not checksums:
                mortal.admin("ALTER SYSTEM SET ignore_checksum_failure = on")
                mortal.admin("SELECT pg_reload_conf()")
            code, out, error = run("fsck", url(dsn))
            assert (code, "nothing is wrong" in out) == (1, False), (out, error)
            if checksums:
                assert "invalid page" in error
            assert "Traceback" not in error
        finally:
            if not checksums:
                mortal.admin("ALTER SYSTEM RESET ignore_checksum_failure")
            mortal.end()
            file.write_bytes(sound)
            mortal.start()
        assert findings(dsn) == []


def place_of(dsn: str, table: str) -> tuple[str, int]:
    """A file of the server's, and a byte of it in which the content of a row stands."""
    columns = {"entries": "entry", "published_tiles": "data", "states": "state"}
    with psycopg.connect(dsn) as connection:
        connection.execute("CHECKPOINT")
        path, content = connection.execute(
            f"SELECT pg_relation_filepath('{table}'), {columns[table]} FROM {table}"  # type: ignore[call-overload]
            f" WHERE octet_length({columns[table]}) BETWEEN 65 AND 1500 LIMIT 1"
        ).fetchone()
        folder = connection.execute("SHOW data_directory").fetchone()
    assert folder is not None
    at = (Path(folder[0]) / path).read_bytes().index(bytes(content))
    return str(path), at + 40


# --- another host ----------------------------------------------------------------------------


def test_a_host_whose_clock_is_an_hour_behind_takes_over(worked: str) -> None:
    """The log's time stands still until that clock has caught up; entries are admitted and published."""
    world = at_step(1)
    with open_shared(Place(worked, "one"), world.signers, lambda: world.clock + 10, publish_every=0.0) as log:
        first = log.submit(world.object()).result()
        log.wait_published(first.batch + 1, PATIENCE)
    with open_shared(Place(worked, "two"), world.signers, lambda: world.clock - 3590, publish_every=0.0) as log:
        second = log.submit(world.object()).result()
        assert (second.position, second.admitted_at) == (first.position + 2, first.admitted_at)
        log.wait_published(second.batch + 1, PATIENCE)
        assert log.status().clock_behind == 3600
    with open_shared(Place(worked, "three"), world.signers, lambda: world.clock + 11, publish_every=0.0) as log:
        third = log.submit(world.object()).result()
        assert third.admitted_at == first.admitted_at + 1
        log.wait_published(third.batch + 1, PATIENCE)
        assert log.status().clock_behind == 0
    assert findings(worked) == []
