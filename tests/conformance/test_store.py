"""One suite for every store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ledger.errors import LogClosed
from ledger.store import BatchLine, Line, Search, Store, leaves_digest
from ledger.store import postgres as postgres_store
from ledger.store.memory import MemoryStore
from ledger.store.sqlite import create, open_store
from tallystick.admission.state import Rights, Taken
from tallystick.merkle import leaf_hash
from tallystick.tiles import encode_bundle
from tests.conformance.policed import PolicedStore, Violation

Open = Callable[[], Store]


def open_sqlite(path: Path) -> Store:
    create(path)
    return open_store(path)


def open_postgres(dsn: str) -> Store:
    opened = postgres_store.open_store(dsn)
    opened.epoch = 0  # as the tables are made
    return opened


BACKENDS: dict[str, Callable[[Path], Store]] = {
    "memory": lambda path: MemoryStore(),
    "sqlite": lambda path: open_sqlite(path / "a store # with % signs.sqlite"),
    "policed": lambda path: PolicedStore(MemoryStore()),
}


@pytest.fixture(params=[*sorted(BACKENDS), "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgres":
        opened = open_postgres(request.getfixturevalue("dsn"))
    else:
        opened = BACKENDS[request.param](tmp_path)
    yield opened
    opened.close()


def line(position: int, **fields: object) -> Line:
    known = {
        "party": "p",
        "event_id": f"e{position}",
        "type": "object.register",
        "subject": f"s{position}",
        "references": frozenset({"p", f"s{position}"}),
        **fields,
    }
    return Line(position, **known)  # type: ignore[arg-type]


def batch(position: int, first: int, admitted_at: int) -> BatchLine:
    leaves = (leaf_hash(b"entry %d" % each) for each in range(first, position + 1))
    return BatchLine(position, first, admitted_at, leaves_digest(leaves))


def write(store: Store, lines: list[Line], admitted_at: int = 100, states: dict[str, object] | None = None) -> None:
    with store.transaction() as working:
        ids = [bytes([each.position]) * 32 for each in lines]
        first = working.append([b"entry %d" % each.position for each in lines], ids)
        working.index(lines, batch(lines[-1].position, first, admitted_at), states or {})  # type: ignore[arg-type]


@pytest.fixture
def filled(store: Store) -> Store:
    """Batches 0–2 at 100, 3 at 100, 4–6 at 200."""
    write(store, [line(0), line(1, type="job.register", references=frozenset({"p", "s0"})), line(2)])
    write(store, [line(3, disclosures={"name": "abc", "contact": "def"})])
    write(store, [line(4, references=frozenset({"s0"})), line(5, type="job.register"), line(6)], 200)
    return store


def positions(store: Store, **search: object) -> list[int]:
    with store.snapshot() as reads:
        return [record.position for record in reads.search(Search(**search))]  # type: ignore[arg-type]


def test_an_empty_store(store: Store) -> None:
    with store.snapshot() as reads:
        assert reads.size() == 0
        assert reads.entries(0, 10) == []
        assert reads.record(0) is None
        assert reads.last_batch() is None
        assert reads.batch_of(0) is None
        assert reads.positions_of([bytes(32)]) == {}
        assert reads.position_of_event("p", "e0") is None
        assert reads.get("s0") is None
        assert list(reads.states()) == []
        assert reads.disclosures(0) == {}
        assert reads.search(Search()) == []


def test_entries_stand_where_they_were_put(filled: Store) -> None:
    with filled.snapshot() as reads:
        assert reads.size() == 7
        assert reads.entries(0, 7) == [b"entry %d" % n for n in range(7)]
        assert reads.entries(5, 100) == [b"entry 5", b"entry 6"]
        assert reads.entries(7, 9) == []


def test_a_record_knows_its_batch(filled: Store) -> None:
    with filled.snapshot() as reads:
        record = reads.record(1)
        assert record is not None
        assert (record.entry, record.statement_id) == (b"entry 1", b"\1" * 32)
        assert (record.party, record.event_id, record.type, record.subject) == ("p", "e1", "job.register", "s1")
        assert (record.batch, record.admitted_at) == (2, 100)
        assert [(reads.batch_of(n)) for n in (0, 2, 3, 4, 6)] == [
            batch(2, 0, 100), batch(2, 0, 100), batch(3, 3, 100), batch(6, 4, 200), batch(6, 4, 200)
        ]  # fmt: skip
        assert reads.batch_of(7) is None
        assert reads.last_batch() == batch(6, 4, 200)
        assert list(reads.batches(0)) == [batch(2, 0, 100), batch(3, 3, 100), batch(6, 4, 200)]
        assert list(reads.batches(3)) == [batch(3, 3, 100), batch(6, 4, 200)]
        assert list(reads.batches(7)) == []
        assert reads.record(7) is None


def test_statements_and_events_are_found(filled: Store) -> None:
    with filled.snapshot() as reads:
        many = [bytes([n % 256]) * 32 for n in range(1200)]
        assert reads.positions_of(many) == {bytes([n]) * 32: n for n in range(7)}
        assert reads.position_of_event("p", "e4") == 4
        assert reads.position_of_event("q", "e4") is None
        assert reads.position_of_event("p", "e40") is None
        unknown = [("p", f"x{n}") for n in range(1200)]
        asked = [("p", "e4"), ("q", "e4"), ("p", "e0"), ("p", "e40"), ("p", "e4"), *unknown]
        assert reads.positions_of_events(asked) == {("p", "e4"): 4, ("p", "e0"): 0}
        assert reads.positions_of_events([]) == {}


def test_search(filled: Store) -> None:
    assert positions(filled) == list(range(7))
    assert positions(filled, subject="s0") == [0, 1, 4]
    assert positions(filled, subject="nobody") == []
    assert positions(filled, type="job.register") == [1, 5]
    assert positions(filled, type="job.register", subject="s0") == [1]
    assert positions(filled, since=101) == [4, 5, 6]
    assert positions(filled, since=100) == list(range(7))
    assert positions(filled, since=201) == []
    assert positions(filled, until=200) == [0, 1, 2, 3]
    assert positions(filled, until=100) == []
    assert positions(filled, since=200, until=201, type="job.register") == [5]
    assert positions(filled, subject="s0", since=150) == [4]


def test_pages_follow_a_cursor(filled: Store) -> None:
    assert positions(filled, limit=3) == [0, 1, 2]
    assert positions(filled, limit=3, after=2) == [3, 4, 5]
    assert positions(filled, limit=3, after=5) == [6]
    assert positions(filled, after=6) == []
    assert positions(filled, subject="s0", limit=1, after=0) == [1]
    with pytest.raises(ValueError, match="1 to 1000"):
        Search(limit=0)
    with pytest.raises(ValueError, match="1 to 1000"):
        Search(limit=1001)


def test_the_next_about_a_subject(filled: Store) -> None:
    with filled.snapshot() as reads:
        assert [reads.next_about("s0", after) for after in (-1, 0, 1, 3, 4)] == [0, 1, 4, 4, None]
        assert reads.next_about("nobody", -1) is None


def test_states_are_replaced(store: Store) -> None:
    write(store, [line(0)], states={"b": Taken("one"), "a": Rights(("x",)), "é": Taken("é")})
    write(store, [line(1)], states={"b": Taken("two")})
    with store.snapshot() as reads:
        assert reads.get("b") == Taken("two")
        assert reads.get("a") == Rights(("x",))
        asked = ["b", "é", "c", *(f"k{n}" for n in range(1200))]
        assert reads.get_many(asked) == {"b": Taken("two"), "é": Taken("é")}
        assert reads.get_many(()) == {}
        assert list(reads.states()) == [("a", Rights(("x",))), ("b", Taken("two")), ("é", Taken("é"))]


def test_a_transaction_sees_what_it_wrote(store: Store) -> None:
    with store.transaction() as working:
        assert working.append([b"entry 0", b"entry 1"]) == 0
        assert working.size() == 2
        assert working.entries(0, 2) == [b"entry 0", b"entry 1"]
        working.index([line(0), line(1)], batch(1, 0, 5), {"k": Taken("x")})
        assert working.get("k") == Taken("x")
        assert working.get_many(["k", "l"]) == {"k": Taken("x")}
        assert working.positions_of_events([("p", "e1")]) == {("p", "e1"): 1}
        assert working.last_batch() == batch(1, 0, 5)


def test_an_exception_leaves_no_trace(filled: Store) -> None:
    def fail() -> None:
        with filled.transaction() as working:
            working.append([b"entry 7"], [bytes([7]) * 32])
            working.index([line(7, disclosures={"name": "secret"})], batch(7, 7, 300), {"s0": Taken("never")})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with filled.snapshot() as reads:
        assert reads.size() == 7
        assert reads.get("s0") is None
        assert reads.disclosures(7) == {}
        assert reads.last_batch() == batch(6, 4, 200)
        assert reads.position_of_event("p", "e7") is None
        assert reads.positions_of([bytes([7]) * 32]) == {}
    write(filled, [line(7)], 300)


def test_an_event_stands_once(filled: Store) -> None:
    with pytest.raises(Exception, match=r"UNIQUE|indexed already|duplicate key"):
        write(filled, [line(7, event_id="e3")], 300)
    with filled.snapshot() as reads:
        assert reads.size() == 7


@pytest.mark.parametrize("ids", [[3], [8, 7, 8], [7, 0, 8]])
def test_a_statement_stands_once(filled: Store, ids: list[int]) -> None:
    def again() -> None:
        with filled.transaction() as working:
            working.append([b"again"] * len(ids), [bytes([one]) * 32 for one in ids])
            working.index([], BatchLine(6 + len(ids), 7, 300, bytes(32)), {})

    with pytest.raises(ValueError, match="indexed already"):
        again()
    with filled.transaction() as working:
        assert working.size() == 7
        assert working.positions_of([bytes([one]) * 32 for one in (3, 7, 8)]) == {bytes([3]) * 32: 3}
    write(filled, [line(7), line(8)], 300)


@pytest.mark.parametrize("ids", [[bytes(31)], [bytes(33)], [bytes([9]) * 32, bytes([8]) * 32], [b""]])
def test_statement_ids_are_whole_and_one_for_each_entry(filled: Store, ids: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes, one for each"), filled.transaction() as working:
        working.append([b"entry 7"], ids)


def test_opaque_entries_have_a_batch_and_no_lines(filled: Store) -> None:
    with filled.transaction() as working:
        assert working.append([b"entry 7", b"entry 8"]) == 7
        working.index([], batch(8, 7, 300), {})
    with filled.snapshot() as reads:
        assert (reads.size(), reads.record(7), reads.batch_of(8)) == (9, None, batch(8, 7, 300))
        assert reads.positions_of([bytes([7]) * 32]) == {}


def test_entries_of_all_lengths_stand_as_they_were_put(store: Store) -> None:
    entries = [bytes([n % 256]) * (n * n % 9000) for n in range(300)]
    entries[100:102] = [b"x" * 65_535, b"y" * 65_535]
    with store.transaction() as working:
        working.append(entries)
        working.index([], BatchLine(299, 0, 1, leaves_digest(map(leaf_hash, entries))), {})
    with store.snapshot() as reads:
        assert reads.entries(0, 300) == entries
        for first, end in ((0, 1), (63, 64), (63, 66), (64, 128), (99, 103), (100, 101), (101, 299), (299, 300)):
            assert reads.entries(first, end) == entries[first:end]
            told = encode_bundle(entries[first:end])
            assert reads.holds(first, end, told)
            for other in (told[:-1], told + b"\0", told[:-1] + bytes([told[-1] ^ 1]), b"\1" + told[1:], b""):
                assert not reads.holds(first, end, other)
        assert reads.holds(290, 310, encode_bundle(entries[290:]))
        assert not reads.holds(290, 299, encode_bundle(entries[290:]))
        assert reads.holds(7, 7, b"")
        assert reads.holds(300, 301, b"")


def test_a_snapshot_does_not_move(filled: Store) -> None:
    with filled.snapshot() as before:
        assert before.size() == 7
        write(filled, [line(7)], 300)
        assert before.size() == 7
        assert before.record(7) is None
        with filled.snapshot() as after:
            assert after.size() == 8


def test_writers_wait_for_one_another(store: Store) -> None:
    def write_one(name: int) -> None:
        with store.transaction() as working:
            position = working.size()
            working.append([b"entry %d" % position], [bytes([name]) * 32])
            index = line(position, event_id=f"by {name}")
            working.index([index], batch(position, position, 100), {})

    threads = [threading.Thread(target=write_one, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.snapshot() as reads:
        assert reads.size() == 8
        assert sorted(record.event_id for record in reads.search(Search())) == [f"by {name}" for name in range(8)]


def test_disclosures_are_kept_and_erased(filled: Store) -> None:
    with filled.snapshot() as reads:
        assert reads.disclosures(3) == {"name": "abc", "contact": "def"}
        assert reads.disclosures(4) == {}
    with suppress(RuntimeError), filled.transaction() as working:
        working.erase(3, ["name"])
        raise RuntimeError("rolled back")
    with filled.transaction() as working:
        assert working.disclosures(3) == {"name": "abc", "contact": "def"}
        assert working.erase(3, ["name", "never", "name"]) == ["name"]
        assert working.erase(3, ["name"]) == []
        assert working.erase(99, ["name"]) == []
        assert working.disclosures(3) == {"contact": "def"}
    with filled.snapshot() as reads:
        assert reads.disclosures(3) == {"contact": "def"}
        assert reads.entries(3, 4) == [b"entry 3"]


def test_disclosures_come_later_and_take_no_others_place(filled: Store) -> None:
    with suppress(RuntimeError), filled.transaction() as working:
        working.disclose(4, {"title": "ghi"})
        raise RuntimeError("rolled back")
    with filled.transaction() as working:
        working.disclose(3, {"name": "another", "note": "jkl"})
        working.disclose(4, {})
        working.disclose(5, {"title": "ghi"})
        assert working.disclosures(5) == {"title": "ghi"}
    with filled.snapshot() as reads:
        assert reads.disclosures(3) == {"name": "abc", "contact": "def", "note": "jkl"}
        assert [reads.disclosures(at) for at in (4, 5)] == [{}, {"title": "ghi"}]
        assert reads.size() == 7
    with filled.transaction() as working:
        assert working.erase(5, ["title"]) == ["title"]
        assert working.disclosures(5) == {}


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_nothing_works_after_close(backend: str, tmp_path: Path) -> None:
    store = BACKENDS[backend](tmp_path)
    write(store, [line(0)])
    store.close()
    with pytest.raises(LogClosed), store.snapshot():
        pass
    with pytest.raises(LogClosed), store.transaction():
        pass


# --- the police ---------------------------------------------------------------------


@pytest.fixture
def policed() -> PolicedStore:
    store = PolicedStore(MemoryStore())
    write(store, [line(0)])
    return store


def test_a_changed_entry_is_seen(policed: PolicedStore) -> None:
    policed._inner._committed._entries[0] = b"other"  # type: ignore[attr-defined]
    with pytest.raises(Violation, match="lost or changed"):
        write(policed, [line(1)])


@pytest.mark.parametrize(
    ("lines", "closing", "complaint"),
    [
        ([line(2)], batch(1, 1, 100), "in order"),
        ([line(1)], batch(1, 0, 100), "the batch closes"),
        ([line(1)], batch(1, 1, 99), "time fell"),
        ([line(1)], BatchLine(1, 1, 100, bytes(32)), "digest of other leaves"),
    ],
)
def test_a_wrong_index_is_seen(policed: PolicedStore, lines: list[Line], closing: BatchLine, complaint: str) -> None:
    with policed.transaction() as working:
        working.append([b"entry 1"])
        with pytest.raises(Violation, match=complaint):
            working.index(lines, closing, {})
        working.index([line(1)], batch(1, 1, 100), {})


def test_a_missing_index_is_seen(policed: PolicedStore) -> None:
    with pytest.raises(Violation, match="without their index"), policed.transaction() as working:
        working.append([b"entry 1"])
