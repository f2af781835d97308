"""One suite for every store of signed checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ledger.checkpoint_store import CheckpointStore, Held, SqliteCheckpointStore
from ledger.errors import Fenced, LogExists, NoLog, UnknownSchema
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from tests.ledger.faults import MemoryCheckpoints

ORIGIN = "log.example/one"


def sqlite(path: Path) -> SqliteCheckpointStore:
    SqliteCheckpointStore.create(path / "signed.sqlite")
    store = SqliteCheckpointStore(path / "signed.sqlite")
    store.enter(ORIGIN)
    return store


BACKENDS: dict[str, Callable[[Path], CheckpointStore]] = {"memory": lambda path: MemoryCheckpoints(), "sqlite": sqlite}


def postgres_store(dsn: str) -> PostgresCheckpointStore:
    PostgresCheckpointStore.create(dsn)
    store = PostgresCheckpointStore(dsn)
    store.enter(ORIGIN)
    return store


@pytest.fixture(params=[*sorted(BACKENDS), "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CheckpointStore]:
    if request.param == "postgres":
        with closing(postgres_store(request.getfixturevalue("dsn"))) as opened:
            yield opened
    else:
        yield BACKENDS[request.param](tmp_path)


def test_nothing_was_signed_at_first(store: CheckpointStore) -> None:
    assert store.latest(ORIGIN) == Held(0, 0, "")


def test_a_checkpoint_takes_the_place_of_the_one_before(store: CheckpointStore) -> None:
    epoch = store.take_over(ORIGIN)
    store.swap(ORIGIN, epoch, store.latest(ORIGIN), 3, "three")
    assert store.latest(ORIGIN) == Held(epoch, 3, "three")
    store.swap(ORIGIN, epoch, store.latest(ORIGIN), 7, "seven")
    assert store.latest(ORIGIN) == Held(epoch, 7, "seven")


def test_an_older_epoch_signs_nothing(store: CheckpointStore) -> None:
    old = store.take_over(ORIGIN)
    store.swap(ORIGIN, old, store.latest(ORIGIN), 3, "three")
    new = store.take_over(ORIGIN)
    assert new == old + 1
    with pytest.raises(Fenced):
        store.swap(ORIGIN, old, store.latest(ORIGIN), 7, "seven")
    assert store.latest(ORIGIN) == Held(new, 3, "three")


def test_an_election_gives_the_epoch(store: CheckpointStore) -> None:
    assert store.take_over(ORIGIN, 5) == 5
    for over in (5, 4, 1):
        with pytest.raises(Fenced):
            store.take_over(ORIGIN, over)
    store.swap(ORIGIN, 5, store.latest(ORIGIN), 3, "three")
    assert store.take_over(ORIGIN) == 6
    assert store.take_over(ORIGIN, 9) == 9
    assert store.latest(ORIGIN) == Held(9, 3, "three")


@pytest.mark.parametrize("stale", [Held(1, 3, "another"), Held(1, 2, "three"), Held(1, 0, "")])
def test_what_was_not_last_is_not_replaced(store: CheckpointStore, stale: Held) -> None:
    epoch = store.take_over(ORIGIN)
    store.swap(ORIGIN, epoch, store.latest(ORIGIN), 3, "three")
    with pytest.raises(Fenced):
        store.swap(ORIGIN, epoch, stale, 7, "seven")
    assert store.latest(ORIGIN) == Held(epoch, 3, "three")


# --- the file -----------------------------------------------------------------------------


def test_it_survives_its_process_and_is_seen_by_others(tmp_path: Path) -> None:
    store = sqlite(tmp_path)
    epoch = store.take_over(ORIGIN)
    with closing(SqliteCheckpointStore(tmp_path / "signed.sqlite")) as other:
        store.swap(ORIGIN, epoch, store.latest(ORIGIN), 3, "three")
        assert other.latest(ORIGIN) == Held(epoch, 3, "three")
        other.take_over(ORIGIN)
    with pytest.raises(Fenced):
        store.swap(ORIGIN, epoch, Held(epoch, 3, "three"), 4, "four")
    store.close()


def test_logs_do_not_share_a_row(tmp_path: Path) -> None:
    store = sqlite(tmp_path)
    store.enter("log.example/two")
    store.swap(ORIGIN, store.take_over(ORIGIN), Held(1, 0, ""), 3, "three")
    assert store.latest("log.example/two") == Held(0, 0, "")
    with pytest.raises(NoLog, match="knows no log"):
        store.latest("log.example/three")
    with pytest.raises(NoLog, match="knows no log"):
        store.take_over("log.example/three")
    with pytest.raises(LogExists, match="would be a fork"):
        store.enter(ORIGIN)
    store.enter("log.example/two")
    store.close()


def test_opening_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoLog, match="must not run without it"):
        SqliteCheckpointStore(tmp_path / "signed.sqlite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"a letter to my aunt" * 50])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "signed.sqlite"
    path.write_bytes(content)
    with pytest.raises(UnknownSchema):
        SqliteCheckpointStore(path)
    if content:
        with pytest.raises(UnknownSchema):
            SqliteCheckpointStore.create(path)
        assert path.read_bytes() == content
    else:
        SqliteCheckpointStore.create(path)  # what a creation that was cut short leaves


def test_it_is_created_once(tmp_path: Path) -> None:
    sqlite(tmp_path).close()
    with pytest.raises(LogExists):
        SqliteCheckpointStore.create(tmp_path / "signed.sqlite")


# --- the database -------------------------------------------------------------------------


def test_two_processes_see_one_row_in_a_database(dsn: str) -> None:
    with closing(postgres_store(dsn)) as store, closing(PostgresCheckpointStore(dsn)) as other:
        epoch = store.take_over(ORIGIN)
        store.swap(ORIGIN, epoch, store.latest(ORIGIN), 3, "three")
        assert other.latest(ORIGIN) == Held(epoch, 3, "three")
        other.take_over(ORIGIN)
        with pytest.raises(Fenced):
            store.swap(ORIGIN, epoch, Held(epoch, 3, "three"), 4, "four")
        with pytest.raises(NoLog, match="knows no log"):
            other.latest("log.example/three")
        with pytest.raises(LogExists, match="would be a fork"):
            other.enter(ORIGIN)


def test_a_database_without_the_tables_is_refused_and_left_alone(dsn: str) -> None:
    with pytest.raises(NoLog, match="must not run without it"):
        PostgresCheckpointStore(dsn)
    PostgresCheckpointStore.create(dsn)
    with pytest.raises(LogExists):
        PostgresCheckpointStore.create(dsn)


def test_a_later_version_of_the_tables_is_refused(dsn: str) -> None:
    PostgresCheckpointStore.create(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE checkpoint_store SET version = 2")
    with pytest.raises(UnknownSchema):
        PostgresCheckpointStore(dsn)
