"""The index of statement ids: exact whatever has been spilled, merged, rolled back or opened again."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ledger.store import BatchLine, runs
from ledger.store.sqlite import SqliteStore, create, open_store


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 ids to a run of level 0: some thousands of ids reach level 3."""
    monkeypatch.setattr(runs, "TAIL", 64)
    monkeypatch.setattr(runs, "FIRST_BITS", 6)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    create(tmp_path / "ledger.sqlite")
    return tmp_path / "ledger.sqlite"


def statement_id(number: int) -> bytes:
    """Every seventh shares its first eight bytes with the ones before and after it, as a forger may arrange."""
    told = hashlib.sha256(b"%d" % number).digest()
    return hashlib.sha256(b"prefix %d" % (number // 3)).digest()[:8] + told[8:] if number % 7 < 3 else told


def append(store: SqliteStore, ids: list[bytes]) -> int:
    with store.transaction() as working:
        first = working.append([b"e"] * len(ids), ids)
        working.index([], BatchLine(first + len(ids) - 1, first, 1, bytes(32)), {})
    return first


def check(store: SqliteStore, expected: dict[bytes, int], asked: list[bytes]) -> None:
    wanted = {one: expected[one] for one in asked if one in expected}
    with store.snapshot() as reads:
        assert reads.positions_of(asked) == wanted
    with store.transaction() as working:
        assert working.positions_of(asked) == wanted


def levels(path: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT level, merged FROM runs ORDER BY run").fetchall()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_index_is_exact(database: Path, seed: int) -> None:
    choose = random.Random(seed)
    store, expected, number = open_store(database), dict[bytes, int](), 0
    for _ in range(120):
        count = choose.choice([1, 2, 30, 64, 65, 200])
        ids = [statement_id(number + at) for at in range(count)]
        happens = choose.random()
        if happens < 0.1:
            with suppress(KeyError), store.transaction() as working:
                working.append([b"e"] * count, ids)
                assert working.positions_of(ids[:1]) == {ids[0]: len(expected)}
                raise KeyError
            check(store, expected, ids)
        elif happens < 0.2:
            store.close()
            store = open_store(database)
        elif happens < 0.3 and expected:
            again = [*ids[:-1], choose.choice(list(expected))]
            with pytest.raises(ValueError, match="indexed already"):
                append(store, again)
        else:
            number += count
            first = append(store, ids)
            expected.update({one: first + at for at, one in enumerate(ids)})
        check(store, expected, [*choose.sample(list(expected), min(len(expected), 40)), *ids, bytes(32)])
    check(store, expected, list(expected))
    store.close()
    assert max(level for level, _ in levels(database)) >= 2


def test_an_id_that_was_looked_for_stands_once(database: Path) -> None:
    """Who asked first is not looked for again, unless it was added since."""
    store = open_store(database)
    ids = [statement_id(at) for at in range(200)]
    append(store, ids)
    new = [statement_id(at) for at in range(200, 300)]
    with store.transaction() as working:
        assert working.positions_of([*ids[:5], *new]) == {one: at for at, one in enumerate(ids[:5])}
        with pytest.raises(ValueError, match="indexed already"):
            working.append([b"e"] * 2, [new[0], ids[3]])
        working.append([b"e"] * 100, new)
        for again in (new[:1], [statement_id(400), new[-1]]):
            with pytest.raises(ValueError, match="indexed already"):
                working.append([b"e"] * len(again), again)
        working.index([], BatchLine(299, 200, 1, bytes(32)), {})
    for again in ([new[7]], [ids[7]]):
        with pytest.raises(ValueError, match="indexed already"):
            append(store, again)
    store.close()


def test_runs_are_merged_as_ids_come(database: Path) -> None:
    store = open_store(database)
    append(store, [statement_id(at) for at in range(511)])
    assert levels(database) == [(0, 0)] * 7
    append(store, [statement_id(511)])
    assert levels(database) == [(0, 0)] * 8 + [(1, 1)]  # eight keys in a bucket of eight runs, for one that came
    append(store, [statement_id(512 + at) for at in range(20)])
    assert levels(database) == [(0, 0)] * 8 + [(1, 21)]
    store.close()
    store = open_store(database)
    append(store, [statement_id(600 + at) for at in range(200)])
    assert levels(database) == [(1, 64), *[(0, 0)] * 3]
    with closing(sqlite3.connect(database)) as connection:
        (slots,) = connection.execute("SELECT count(*) FROM buckets").fetchone()
        assert slots == 512 + 3 * 64  # nothing is left of what was merged
    store.close()


def test_entries_without_an_id_stand_between(database: Path) -> None:
    store = open_store(database)
    expected = {}
    for number in range(0, 600, 6):
        with store.transaction() as working:
            first = working.append([b"opaque"] * 5)
            working.index([], BatchLine(first + 4, first, 1, bytes(32)), {})
        ids = [statement_id(number + at) for at in range(6)]
        first = append(store, ids)
        expected.update({one: first + at for at, one in enumerate(ids)})
        check(store, expected, ids)
    check(store, expected, list(expected))
    store.close()
    store = open_store(database)
    check(store, expected, list(expected))
    store.close()


def test_a_snapshot_finds_what_stood_when_it_began(database: Path) -> None:
    store = open_store(database)
    old = [statement_id(at) for at in range(70)]
    append(store, old)
    with store.snapshot() as before:
        assert before.positions_of(old[:1]) == {old[0]: 0}
        append(store, [statement_id(at) for at in range(70, 3000)])
        assert before.positions_of([statement_id(at) for at in range(3000)]) == {one: at for at, one in enumerate(old)}
    store.close()


def test_a_filter_never_denies_a_key_and_seldom_invents_one(database: Path) -> None:
    store = open_store(database)
    append(store, [hashlib.sha256(b"%d" % at).digest() for at in range(64 * 40)])
    with store.transaction() as working:
        index = working._statement_ids()
        strangers = [hashlib.sha256(b"x%d" % at).digest() for at in range(2000)]
        assert len(index._candidates(strangers)) < 10  # one key in a bucket of 4,096 bits
    store.close()
