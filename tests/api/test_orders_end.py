"""Orders that meet a fault: what goes by is waited for, what does not comes to an end, and may be ordered again."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.accounts import Account
from api.orders import service
from api.orders.book import _UNFINISHED, MOST_OPEN, Order, OrderBook
from api.orders.hands import Hands
from api.orders.service import LicenceOrders
from api.services.errors import ServiceError, TooMany, Unavailable
from api.services.issuing import Issuer
from api.services.licences import LicenceService
from tests.api.test_orders import COUNT, Begun, begun, check, quick, work

__all__ = ["begun", "quick"]  # fixtures


@pytest.mark.usefixtures("quick")
def test_what_fails_for_good_comes_to_an_end_and_is_done_when_it_is_ordered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Begun
) -> None:
    """One card kills every hand: the others of its piece are made, it is stated as failed, and nothing is lost."""
    folder, account, items = begun
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(service, "TRIES", 3)
    book = tmp_path / "credentials" / "orders.db"
    with monkeypatch.context() as patched:
        drawn: list[int] = []
        real = Hands.draw

        def draw(hands: Hands, works: Any) -> Any:
            drawn.append(len(works))
            if any(work.card.licence == bad(book) for work in works):
                raise Unavailable("cards could not be prepared, twice", "try again")
            return real(hands, works)

        patched.setattr(Hands, "draw", draw)
        work(tmp_path, account, items)
    failed, others = state_of(book, 1), [state_of(book, n)[0] for n in range(COUNT) if n != 1]
    assert others == ["issued"] * (COUNT - 1)
    assert (failed[0], failed[1]["status"], failed[1]["code"]) == ("refused", 500, "internal")
    assert "give the same order again" in failed[1]["hint"]
    assert drawn[:3] == [3, 3, 3], "three tries of the whole piece"
    assert drawn[3:6] == [1, 1, 1], "and each alone"
    work(tmp_path, account, items)
    assert check(tmp_path, account) == COUNT


@pytest.mark.usefixtures("quick")
def test_what_goes_by_is_waited_for_however_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Begun) -> None:
    """A quorum of witnesses that is not met for a while fails nothing."""
    folder, account, items = begun
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(service, "TRIES", 3)
    real, calls = Issuer.publish_witnessed, list[int]()

    async def publish(issuer: Issuer) -> Any:
        calls.append(1)
        if len(calls) < 10:
            raise Unavailable("below its quorum of witnesses", "try again")
        return await real(issuer)

    monkeypatch.setattr(Issuer, "publish_witnessed", publish)
    work(tmp_path, account, items)
    assert len(calls) > 10
    assert check(tmp_path, account) == COUNT


@pytest.mark.usefixtures("quick")
def test_an_order_book_that_cannot_be_written_for_a_while_ends_no_lane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Begun
) -> None:
    """The disk is full, tries come to their end, and even that cannot be written down; then there is room."""
    folder, account, items = begun
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(service, "TRIES", 2)
    monkeypatch.setattr(service, "LONGEST", 0.01)
    each, failed, full = OrderBook._each, OrderBook.failed, [True]

    def written(book: OrderBook, *more: Any) -> Any:
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        return each(book, *more)

    def ended(book: OrderBook, *more: Any) -> Any:
        try:
            return failed(book, *more)
        except sqlite3.OperationalError:
            full.clear()
            raise

    monkeypatch.setattr(OrderBook, "_each", written)
    monkeypatch.setattr(OrderBook, "failed", ended)
    work(tmp_path, account, items)
    assert full == []
    assert check(tmp_path, account) == COUNT


@pytest.mark.usefixtures("quick")
def test_waiting_is_no_fault_and_brings_no_end_nearer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Begun
) -> None:
    folder, account, items = begun
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(service, "TRIES", 2)
    real, calls = LicenceService.grant_all, list[int]()

    async def grant(licences: LicenceService, *more: Any) -> Any:
        calls.append(1)
        if len(calls) < 7:
            raise Unavailable("below its quorum of witnesses", "try again")
        if len(calls) == 7:
            raise OSError("for once")
        return await real(licences, *more)

    ends: list[int] = []
    monkeypatch.setattr(LicenceService, "grant_all", grant)
    monkeypatch.setattr(LicenceOrders, "_end", lambda *_: ends.append(1))
    work(tmp_path, account, items)
    assert check(tmp_path, account) == COUNT
    assert ends == []


@pytest.mark.usefixtures("quick")
def test_a_kept_card_that_the_disk_changed_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Begun
) -> None:
    """Between keeping and logging: the log is never told of bytes that nobody made."""
    folder, account, items = begun
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    real, changed = LicenceOrders._issue, list[Path]()

    async def issue(orders: LicenceOrders, order: Order, licences: Any, cards: Any) -> Any:
        if changed:
            return await real(orders, order, licences, cards)
        sha256 = next(iter(cards.values()))[0].sha256
        changed.append(tmp_path / "credentials" / sha256)
        data = bytearray(changed[0].read_bytes())
        data[len(data) // 2] ^= 1
        changed[0].write_bytes(data)
        raise OSError("the service was killed here")

    monkeypatch.setattr(LicenceOrders, "_issue", issue)
    work(tmp_path, account, items)
    assert check(tmp_path, account) == COUNT
    assert [path.exists() for path in changed] == [False]


def test_the_pauses_grow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begun: Begun) -> None:
    folder, account, items = begun
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def fail(*_: Any) -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr("api.orders.service.asyncio.sleep", sleep)
    monkeypatch.setattr(LicenceService, "grant_all", fail)
    work(tmp_path, account, items)
    assert slept == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0]
    assert {state_of(tmp_path / "credentials" / "orders.db", n)[0] for n in range(COUNT)} == {"refused"}


def bad(book: Path) -> str | None:
    """The licence of the second item, when it is granted."""
    with closing(sqlite3.connect(book)) as db:
        found: str | None = db.execute("SELECT licence FROM item WHERE n = 1").fetchone()[0]
    return found


def state_of(book: Path, n: int) -> tuple[str, Any]:
    """Of an item: its state, and its problem."""
    with closing(sqlite3.connect(book)) as db:
        state, problem = db.execute("SELECT state, problem FROM item WHERE n = ?", (n,)).fetchone()
    return state, json.loads(problem or "null")


def test_pieces_are_small_at_the_beginning_and_the_end(tmp_path: Path) -> None:
    """Of 130 items for two hands: what is under way makes the next piece larger, and the last is divided."""
    book, busy, sizes = OrderBook(tmp_path / "orders.db"), set[tuple[int, int]](), list[int]()
    order, _ = book.accept(Order(0, "party", "big", "00", frozenset(), None, 130, 1), [b"{}"] * 130)
    while (found := book.next_piece(10, min(50, 10 + len(busy)), 2, busy)) is not None:
        sizes.append(len(found[1]))
        busy |= {(order.id, one.n) for one in found[1]}
    book.close()
    assert sizes == [10, 20, 40, 30, 15, 10, 5]


def taken(book: OrderBook, party: str, name: str, count: int) -> Order:
    return book.accept(Order(0, party, name, "00", frozenset(), None, count, 1), [b"{}"] * count)[0]


def test_parties_take_turns_and_each_by_the_age_of_its_orders(tmp_path: Path) -> None:
    """Who orders thousands, again and again, keeps nobody waiting for more than a piece."""
    with closing(OrderBook(tmp_path / "orders.db")) as book:
        for name in ("first", "second", "third"):
            taken(book, "rival", name, 60)
        busy, served, given = set[tuple[int, int]](), dict[str, int](), list[tuple[str, str, int]]()

        def turn() -> None:
            found = book.next_piece(10, 50, 1, busy, served)
            assert found is not None
            order, items = found
            given.append((order.party, order.name, len(items)))
            served[order.party] = len(given)
            busy.update((order.id, one.n) for one in items)

        turn()
        taken(book, "studio", "mine", 60)
        taken(book, "museum", "ours", 5)
        for _ in range(6):
            turn()
        assert given == [
            ("rival", "first", 50),
            ("studio", "mine", 50),
            ("museum", "ours", 5),
            ("rival", "first", 10),
            ("studio", "mine", 10),
            ("rival", "second", 50),
            ("rival", "second", 10),
        ]
        turn()
        turn()
        assert book.next_piece(10, 50, 1, busy, served) is None


def test_a_small_order_is_done_long_before_a_large_one_that_was_there_before(tmp_path: Path) -> None:
    async def whole() -> list[str]:
        with closing(OrderBook(tmp_path / "orders.db")) as book:
            for party, count in (("rival", 400), ("studio", 5)):
                taken(book, party, "all", count)
            hands: Any = SimpleNamespace(count=1)
            orders = LicenceOrders(book, hands, None, None, None, lambda: 0)  # type: ignore[arg-type]
            done = list[str]()

            async def work(order: Order, items: Any) -> None:
                done.append(order.party)
                book.refused(order, [(one.n, {"status": 422}) for one in items])

            orders._work = work  # type: ignore[method-assign]
            while await orders.work_piece():
                pass
            return done

    assert asyncio.run(whole())[:3] == ["rival", "studio", "rival"]


def test_a_party_has_so_many_orders_open(tmp_path: Path) -> None:
    """Each may have 16 MiB, and a full disk stops everybody."""
    with closing(OrderBook(tmp_path / "orders.db")) as book:
        orders = [taken(book, "rival", f"n{n}", 1) for n in range(MOST_OPEN)]
        with pytest.raises(TooMany, match=f"{MOST_OPEN} orders of rival"):
            taken(book, "rival", "one more", 1)
        assert taken(book, "rival", "n7", 1) == orders[7], "it is known"
        assert taken(book, "studio", "mine", 1).party == "studio"
        book.refused(orders[3], [(0, {"status": 422})])
        assert taken(book, "rival", "one more", 1).name == "one more"


def test_one_order_too_many_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Large ones are read one at a time: who may give none would keep others waiting by them."""
    looked = list[int]()

    def grants() -> Iterator[dict[str, Any]]:
        looked.append(1)
        yield {}

    with closing(OrderBook(tmp_path / "orders.db")) as book:
        for n in range(MOST_OPEN):
            taken(book, "rival", f"n{n}", 1)
        hands: Any = SimpleNamespace(count=1)
        orders = LicenceOrders(book, hands, None, None, None, lambda: 0)  # type: ignore[arg-type]
        account = Account("t", "rival", frozenset({"submit"}))
        with pytest.raises(TooMany):
            asyncio.run(orders.accept(account, "one more", grants(), None))
        assert looked == []
        with pytest.raises(ServiceError, match="was given before"):
            asyncio.run(orders.accept(account, "n7", grants(), None))
        assert looked == [1]


def test_what_is_left_is_found_without_a_look_at_each_item(tmp_path: Path) -> None:
    with closing(OrderBook(tmp_path / "orders.db")) as book:
        plan = [row[3] for row in book._db.execute(f"EXPLAIN QUERY PLAN {_UNFINISHED}")]
    assert any("USING INDEX unfinished (order_id>?)" in step for step in plan), plan
    assert not any(step.startswith("SCAN item") for step in plan), plan
