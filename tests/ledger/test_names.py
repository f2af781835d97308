"""Names by number and events by short keys: exact whatever shares a key, is rolled back, or comes in which order."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import struct
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ledger.store import BatchLine, Line, Search, Store, chunks, event_ids, names
from ledger.store.memory import MemoryStore
from ledger.store.sqlite import create, open_store
from ledger.store.states import dump_state
from ledger.upkeep import fsck_keys
from tallystick.admission.state import Taken


@pytest.fixture
def database(tmp_path: Path) -> Path:
    create(tmp_path / "ledger.sqlite")
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight keys for all names and events, as a forger may arrange for some."""

    def keys_of(texts: Iterable[str]) -> list[int]:
        return [hashlib.sha256(text.encode()).digest()[0] % 8 - 4 for text in texts]

    monkeypatch.setattr(names, "keys_of", keys_of)
    monkeypatch.setattr(event_ids, "keys_of", keys_of)


def index(store: Store, lines: list[Line], states: dict[str, Taken]) -> None:
    with store.transaction() as working:
        working.append([b"e"] * len(lines))
        last = lines[-1].position
        working.index(lines, BatchLine(last, last + 1 - len(lines), 1, bytes(32)), states)


def test_a_key_is_the_beginning_of_a_digest() -> None:
    (first,) = struct.unpack(">q24x", hashlib.sha256("é".encode()).digest())
    (event,) = struct.unpack(">q24x", hashlib.sha256(b"party\0id").digest())
    assert (names.name_key("é"), event_ids.event_key("party", "id")) == (first, event)


@pytest.mark.parametrize(
    ("positions", "rows"),
    [
        ([], []),
        ([3], [(3, 3)]),
        ([3, 4, 5], [(5, 3)]),
        ([0, 2, 3, 7], [(0, 0), (3, 2), (7, 7)]),
        ([1, 3, 5], [(1, 1), (3, 3), (5, 5)]),
    ],
)
def test_neighbours_are_one_row(positions: list[int], rows: list[tuple[int, int]]) -> None:
    assert sorted(names.spans([("x", at) for at in positions])) == [("x", *row) for row in rows]
    mixed = [(what, at) for at in positions for what in ("y", "x")]
    assert sorted(names.spans(mixed)) == sorted((what, *row) for row in rows for what in ("x", "y"))


def check(store: Store, model: Store, texts: list[str], size: int) -> None:
    """Both say the same of everything."""
    events = [(party, f"e{at}") for at in range(size + 2) for party in ("p", "q")]
    with store.snapshot() as here, model.snapshot() as there:
        for reads in (here, there):
            assert list(reads.states()) == sorted(reads.states())
        assert list(here.states()) == list(there.states())
        assert here.get_many(texts) == there.get_many(texts)
        assert here.positions_of_events(events) == there.positions_of_events(events)
        for text in texts:
            assert here.get(text) == there.get(text)
            for after in (-1, size // 2, size):
                assert here.next_about(text, after) == there.next_about(text, after)
                for kind in (None, "t0", "t1"):
                    search = Search(subject=text, type=kind, after=after, limit=7)
                    assert [one.position for one in here.search(search)] == [
                        one.position for one in there.search(search)
                    ]
        for kind in ("t0", "t1", "t2"):
            found = [[one.position for one in reads.search(Search(type=kind, limit=1000))] for reads in (here, there)]
            assert found[0] == found[1]


@pytest.mark.parametrize("crowd", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_it_says_what_a_store_in_memory_says(
    database: Path, seed: int, crowd: bool, request: pytest.FixtureRequest
) -> None:
    if crowd:
        request.getfixturevalue("crowded")
    choose = random.Random(seed)
    texts = [*(f"10.5555/A-{at}" for at in range(30)), "log", "p", "é", ""]
    store, model, size = open_store(database), MemoryStore(), 0
    for round_ in range(25):
        count = choose.choice([1, 1, 2, 40])
        lines = [
            Line(
                at,
                choose.choice("pq"),
                f"e{at}",
                choose.choice(["t0", "t0", "t1"]),
                "s",
                frozenset(choose.sample(texts, choose.choice([0, 1, 3]))) | {"p"},
            )
            for at in range(size, size + count)
        ]
        states = {one: Taken(f"in {round_}") for one in choose.sample(texts, 4)}
        happens = choose.random()
        if happens < 0.2:
            with suppress(KeyError), store.transaction() as working:
                working.append([b"e"] * count)
                working.get_many(texts)
                working.index(lines, BatchLine(size + count - 1, size, 1, bytes(32)), states)
                assert working.get_many(list(states)) == states
                raise KeyError
        elif happens < 0.3:
            store.close()
            store = open_store(database)
        else:
            for one in (store, model):
                index(one, lines, states)
            size += count
    check(store, model, texts, size)
    store.close()


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize(
    "events", [[("p", "e3")], [("p", "x"), ("p", "e3")], [("p", "x"), ("p", "x")], [("p", "x"), ("q", "x"), ("p", "x")]]
)
def test_an_event_stands_once_whether_or_not_one_asked_before(
    database: Path, asked: bool, events: list[tuple[str, str]]
) -> None:
    store = open_store(database)
    index(store, [Line(at, "p", f"e{at}", "t", "s", frozenset()) for at in range(20)], {})
    lines = [Line(at, *event, "t", "s", frozenset()) for at, event in enumerate(events, 20)]

    def again() -> None:
        with store.transaction() as working:
            if asked:
                working.positions_of_events(events)
            working.append([b"e"] * len(lines))
            working.index(lines, BatchLine(19 + len(lines), 20, 1, bytes(32)), {})

    with pytest.raises(ValueError, match="indexed already"):
        again()
    with store.snapshot() as reads:
        assert (reads.size(), reads.position_of_event("p", "x")) == (20, None)
        assert reads.position_of_event("p", "e3") == 3
    store.close()


def test_an_event_of_an_earlier_batch_of_the_same_transaction_stands(database: Path) -> None:
    """Several batches in one transaction, as a restore does it."""
    store = open_store(database)
    with store.transaction() as working:
        assert working.positions_of_events([("p", "e"), ("p", "f")]) == {}
        working.append([b"e"])
        working.index([Line(0, "p", "e", "t", "s", frozenset({"s"}))], BatchLine(0, 0, 1, bytes(32)), {"s": Taken("1")})
        working.append([b"f"])
        with pytest.raises(ValueError, match="indexed already"):
            working.index([Line(1, "p", "e", "t", "s", frozenset())], BatchLine(1, 1, 1, bytes(32)), {})
        working.index([Line(1, "p", "f", "t", "s", frozenset({"s"}))], BatchLine(1, 1, 1, bytes(32)), {"s": Taken("2")})
        assert working.get("s") == Taken("2")
        assert working.positions_of_events([("p", "e"), ("p", "f")]) == {("p", "e"): 0, ("p", "f"): 1}
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT number, name FROM names").fetchall() == [(1, "s")]
        assert connection.execute("SELECT name, last, first FROM mentions").fetchall() == [(1, 0, 0), (1, 1, 1)]
    store.close()


def test_what_is_new_stands_at_the_end(database: Path) -> None:
    """That is what numbers are for: a batch of new names changes few pages of the trees they stand in."""
    store = open_store(database)
    for first in range(0, 600, 200):
        lines = [Line(at, "p", f"e{at}", "t", "s", frozenset({"p", f"new {at}"})) for at in range(first, first + 200)]
        index(store, lines, {f"new {at}": Taken("x") for at in range(first, first + 200)})
    store.close()
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT number, name FROM names WHERE name LIKE 'new %' ORDER BY number").fetchall()
        assert [name for _, name in rows] == [f"new {at}" for at in range(600)]
        assert connection.execute("SELECT count(*) FROM mentions").fetchone() == (603,)  # three rows for p
        assert connection.execute("SELECT last, first FROM kinds").fetchall() == [(199, 0), (399, 200), (599, 400)]


def of_before(path: Path, lines: list[Line], states: dict[str, bytes]) -> None:
    """A database of schema 0002 with these lines in one batch each."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    from ledger.store.migrate import SCRIPTS

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    engine.dispose()
    with closing(sqlite3.connect(path)) as old, old:
        chunks.write(old, 0, [b"e"] * len(lines), [])
        old.executemany("INSERT INTO statements VALUES (?, ?, ?, ?, ?)", [line[:5] for line in lines])
        named = [(name, line.position) for line in lines for name in line.references]
        old.executemany("INSERT INTO subject_references VALUES (?, ?)", named)
        old.executemany("INSERT INTO states VALUES (?, ?)", list(states.items()))
        old.executemany("INSERT INTO batches VALUES (?, ?, 1, ?)", [(at, at, bytes(32)) for at in range(len(lines))])


@pytest.mark.parametrize("crowd", [False, True])
def test_a_database_of_before_is_brought_forward_and_says_the_same(
    tmp_path: Path, crowd: bool, request: pytest.FixtureRequest
) -> None:
    if crowd:
        request.getfixturevalue("crowded")
    choose = random.Random(1)
    texts = [*(f"10.5555/A-{at}" for at in range(50)), "é", ""]
    lines = [
        Line(
            at, choose.choice("pq"), f"e{at}", choose.choice(["t0", "t1"]), "s", frozenset(choose.sample(texts, at % 4))
        )
        for at in range(300)
    ]
    states = {one: Taken(one) for one in [*texts[::3], "log", "named nowhere"]}
    of_before(tmp_path / "old.sqlite", lines, {one: dump_state(state) for one, state in states.items()})
    store, model = open_store(tmp_path / "old.sqlite"), MemoryStore()
    with model.transaction() as working:
        working.append([b"e"] * 300)
        working.index(lines, BatchLine(299, 0, 1, bytes(32)), states)
    check(store, model, [*texts, "log", "named nowhere", "nowhere"], 300)
    more = [Line(300, "p", "e300", "t0", "s", frozenset({"new", texts[0]}))]
    for one in (store, model):
        index(one, more, {texts[0]: Taken("changed"), "new": Taken("new")})
    check(store, model, [*texts, "log", "new"], 301)
    store.close()
    assert [str(one) for one in fsck_keys.keys(tmp_path / "old.sqlite")] == []
