"""What is erased while the cards of an order are made shows on none that is handed out."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from api.orders import service
from api.orders.book import Order, OrderBook
from api.orders.hands import Hands
from api.services.submission import SubmissionService
from tallystick.digests import digest_pair
from tests.api.desk import Desk
from tests.api.house import problem
from tests.api.test_erasures import erase, position_of
from tests.api.test_licence_files import card_of, credential_of, shown_names
from tests.api.test_orders import cards_of, done, grants, items_of, ordered


def erased_while_drawn(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as cards are drawn, the territory of the first licence is erased."""
    draw, done_before = Hands.draw, list[str]()

    def meanwhile(hands: Hands, works: Any) -> Any:
        made, licence = draw(hands, works), works[0].card.licence
        if not done_before:
            done_before.append(licence)
            erase(desk.house.registrar, position_of(desk, licence, "licence.grant"), licence, "territory")
        return made

    monkeypatch.setattr(Hands, "draw", meanwhile)


def test_what_was_erased_while_it_was_drawn_is_not_handed_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    erased_while_drawn(desk, monkeypatch)
    ordered(desk, "erased", grants(desk, 2))
    assert done(desk.studio, "erased")["issued"] == 2
    first, second = items_of(desk.studio, "erased")
    assert first["card"] > position_of(desk, first["licence"], "disclosure.erase")
    [(name, data)] = cards_of(desk.studio, "erased").items()
    assert (name[:5], digest_pair(data).sha256) == ("00001", second["sha256"])
    assert desk.house.services.files.find(first["sha256"]) is None
    assert problem(desk.licensee.get(f"/v1/licences/{first['licence']}/card"))[:2] == (404, "not-found")
    again = card_of(desk, first["licence"])
    assert "territory" not in shown_names(credential_of(desk, again))
    assert "territory" in shown_names(credential_of(desk, data))


def test_a_card_kept_before_a_crash_is_drawn_again_where_it_shows_what_was_erased(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn and kept, then the log could not take it; erased meanwhile."""
    monkeypatch.setattr(service, "PAUSE", 0.0)
    erased_while_drawn(desk, monkeypatch)
    record = SubmissionService.record
    failed: list[Any] = []

    async def fail(submission: SubmissionService, voice: Any, drafts: Any) -> Any:
        if drafts and drafts[0].type == "credential.issue" and not failed:
            failed.append(drafts[0].body["file"]["sha256"])
            raise OSError("the disk is gone")
        return await record(submission, voice, drafts)

    monkeypatch.setattr(SubmissionService, "record", fail)
    ordered(desk, "erased-2", grants(desk, 1))
    assert done(desk.studio, "erased-2")["issued"] == 1
    assert desk.house.services.files.find(failed[0]) is None
    [data] = cards_of(desk.studio, "erased-2").values()
    assert shown_names(credential_of(desk, data)) >= {"media"}
    assert "territory" not in shown_names(credential_of(desk, data))


def test_an_erased_term_does_not_stay_in_the_order_book(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While other licences are worked off, what was granted is forgotten; the write-ahead log has it still."""
    mark = "Quittengelee-Nutzungsvermerk"
    items = grants(desk, 2)
    items[0] = {**items[0], "terms": {**items[0]["terms"], "attribution": mark}}
    monkeypatch.setattr(OrderBook, "_scrub_if_idle", lambda book: None)  # as if there were always more to do
    ordered(desk, "erased-3", items, disclose=["territory"])
    assert done(desk.studio, "erased-3")["issued"] == 2
    book = desk.house.services.settings.orders

    def kept() -> bool:
        return mark.encode() in b"".join(path.read_bytes() for path in book.parent.glob("orders.db*"))

    assert kept()
    licence = items_of(desk.studio, "erased-3")[0]["licence"]
    erase(desk.house.registrar, position_of(desk, licence, "licence.grant"), licence, "attribution")
    assert not kept()


def test_what_a_crash_left_in_the_write_ahead_log_is_gone_after_the_start(tmp_path: Path) -> None:
    mark = "Quittengelee-Vorbehalt"
    order = Order(0, "party", "one", "digest", frozenset({"submit"}), None, 1, 0)
    with closing(OrderBook(tmp_path / "orders.db")) as book:
        taken, _ = book.accept(order, [f'{{"terms":"{mark}"}}'.encode()])
        book._db.execute("UPDATE item SET state = 'granted', licence = 'l', position = 1, request = NULL")
        crashed = tmp_path / "crashed"
        crashed.mkdir()
        for name in ("orders.db", "orders.db-wal"):
            shutil.copy(tmp_path / name, crashed / name)
    assert mark.encode() in (crashed / "orders.db-wal").read_bytes()
    with closing(OrderBook(crashed / "orders.db")) as book:
        assert [one.state for one in book.items(taken, 0, 9)] == ["granted"]
        assert not any(mark.encode() in path.read_bytes() for path in crashed.iterdir())
