"""Orders of many licences: what is taken comes to an end, once, whatever happens in between."""

from __future__ import annotations

import asyncio
import io
import json
import random
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.accounts import Account, Accounts
from api.orders import service
from api.orders.book import OrderBook
from api.orders.hands import Hands
from api.services.credential_files import CredentialFiles
from api.services.gathering import file_records, records_of
from api.services.issuing import Issuer
from api.services.licences import LicenceService
from api.services.submission import SubmissionService
from api.settings import Settings
from api.wiring import Services, open_services
from tallystick.client import commands, entry
from tallystick.digests import digest_pair
from tallystick.identifiers import Letter
from tallystick.statement import parse_statement
from tests.api.desk import Desk, told
from tests.api.house import House, Party, open_house, problem
from tests.api.process import Server
from tests.api.test_licence_files import credential_of, scratch, shown_names
from tests.patience import wait_until
from tests.world import START

PATIENCE = 120.0


def grants(desk: Desk, count: int, **more: Any) -> list[dict[str, Any]]:
    """Licences of one picture, to one licensee."""
    object_id, data = desk.picture()
    terms = desk.terms(object_id, data)
    return [{"object": object_id, "terms": terms, "holder": desk.licensee.id, **more} for _ in range(count)]


def ordered(desk: Desk, name: str, items: list[dict[str, Any]], status: int = 202, **more: Any) -> dict[str, Any]:
    return told(desk.studio.post("/v1/licences/orders", {"order": name, "grants": items, **more}), status)


def done(party: Party, name: str) -> dict[str, Any]:
    """The progress of an order when nothing is left to do."""
    until = time.monotonic() + PATIENCE
    while (progress := told(party.get(f"/v1/licences/orders/{name}"), 200))["state"] != "done":
        assert time.monotonic() < until, progress
        time.sleep(0.02)
    return progress


def items_of(party: Party, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(party.get(f"/v1/licences/orders/{name}/items"), 200)["items"]
    return found


def cards_of(party: Party, name: str) -> dict[str, bytes]:
    answer = party.get(f"/v1/licences/orders/{name}/cards")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip"), answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert {one.compress_type for one in archive.infolist()} <= {zipfile.ZIP_STORED}
        return {one: archive.read(one) for one in archive.namelist()}


def test_every_licence_of_an_order_is_granted_and_has_a_card(desk: Desk, tmp_path: Path) -> None:
    taken = ordered(desk, "autumn-1", grants(desk, 7))
    assert (taken["total"], taken["state"]) == (7, "working")
    progress = done(desk.studio, "autumn-1")
    assert (progress["granted"], progress["issued"], progress["refused"]) == (7, 7, 0)
    items = items_of(desk.studio, "autumn-1")
    assert [one["n"] for one in items] == list(range(7))
    assert len({one["licence"] for one in items}) == 7
    cards = cards_of(desk.studio, "autumn-1")
    assert len(cards) == 7
    for item, (name, data) in zip(items, sorted(cards.items()), strict=True):
        assert name == f"{item['n']:05}-{item['licence'].replace('/', '_')}.png"
        assert (item["sha256"], item["size"]) == (digest_pair(data).sha256, len(data))
        event = parse_statement(desk.house.http.get(f"/v1/entries/{item['card']}").content).event
        assert (event.type, event.subject, event.body.file) == ("credential.issue", item["licence"], digest_pair(data))
        granted = parse_statement(desk.house.http.get(f"/v1/entries/{item['position']}").content).event
        assert (granted.type, granted.subject) == ("licence.grant", item["licence"])
    (tmp_path / "card.png").write_bytes(data)
    found = desk.check(tmp_path / "card.png", staple=desk.staple(items[-1]["licence"]))
    assert (found.answer, found.licence) == ("valid", items[-1]["licence"])
    assert scratch(desk) == []


def test_an_order_is_taken_once(desk: Desk) -> None:
    items = grants(desk, 2)
    ordered(desk, "again", items)
    done(desk.studio, "again")
    first = items_of(desk.studio, "again")
    assert ordered(desk, "again", items, 200)["issued"] == 2
    assert items_of(desk.studio, "again") == first
    other = desk.studio.post("/v1/licences/orders", {"order": "again", "grants": items[:1]})
    assert problem(other) == (409, "conflict", "order")
    shown = desk.studio.post("/v1/licences/orders", {"order": "again", "grants": items, "disclose": []})
    assert problem(shown) == (409, "conflict", "order")


def test_the_terms_that_cards_show_are_chosen(desk: Desk) -> None:
    ordered(desk, "shown", grants(desk, 1), disclose=["territory"])
    done(desk.studio, "shown")
    [data] = cards_of(desk.studio, "shown").values()
    assert shown_names(credential_of(desk, data)) == {"territory"}


def test_what_is_refused_says_why_and_holds_up_nothing_else(desk: Desk) -> None:
    items = grants(desk, 6)
    strange = desk.house.world.identifier(Letter.OBJECT)
    items[1] = {**items[1], "object": strange}
    items[3] = {
        **items[3],
        "terms": {**items[3]["terms"], "asset": {"object": items[3]["object"], "sha256": "cd" * 32}},
    }
    long = {"name": "x" * 300}
    items[4] = {**items[4], "terms": {**items[4]["terms"], "licensee": {**items[4]["terms"]["licensee"], **long}}}
    ordered(desk, "mixed", items)
    progress = done(desk.studio, "mixed")
    found = items_of(desk.studio, "mixed")
    states = [one["state"] for one in found]
    assert (states[0], states[1], states[2], states[3], states[5]) == (
        "issued",
        "refused",
        "issued",
        "refused",
        "issued",
    )
    assert (found[1]["problem"]["code"], found[1]["problem"]["field"]) == ("not-found", "object")
    assert (found[3]["problem"]["code"], found[3]["problem"]["field"]) == ("inconsistent", "terms.asset.sha256")
    assert all(one["licence"] is None for one in (found[1], found[3]))
    assert found[4]["problem"]["code"] == "malformed"
    assert progress["issued"] + progress["refused"] == 6


REFUSED: dict[str, tuple[dict[str, Any], tuple[int, str, str | None]]] = {
    "nothing": ({"grants": []}, (422, "malformed", "grants")),
    "a name with a stroke": ({"order": "a/b"}, (422, "malformed", "order")),
    "a name that is a folder": ({"order": "."}, (422, "malformed", "order")),
    "a name that is the folder above": ({"order": ".."}, (422, "malformed", "order")),
    "a long name": ({"order": "a" * 65}, (422, "malformed", "order")),
    "an unknown field": ({"more": 1}, (422, "malformed", "more")),
    "one event id twice": ({"each": {"event_id": "same"}}, (422, "malformed", "grants[1].event_id")),
    "one licence twice": ({"each": {"licence": "10.5555/L-x"}}, (422, "malformed", "grants[1].licence")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_orders_that_are_not_taken(desk: Desk, name: str) -> None:
    changes, expected = REFUSED[name]
    body = {"order": "refused", "grants": grants(desk, 2, **changes.pop("each", {})), **changes}
    assert problem(desk.studio.post("/v1/licences/orders", body)) == expected
    assert problem(desk.studio.get("/v1/licences/orders/refused")) == (404, "not-found", "order")


def test_a_parent_of_the_same_order_is_refused(desk: Desk) -> None:
    """It would stand in no log yet when the sublicence is compared with it."""
    first, second = grants(desk, 2)
    parent = desk.house.world.identifier(Letter.LICENCE)
    items = [{**first, "licence": parent}, {**second, "parent": parent}]
    answer = desk.studio.post("/v1/licences/orders", {"order": "family", "grants": items})
    assert problem(answer) == (422, "malformed", "grants[1].parent")


def test_an_order_is_its_partys_alone(desk: Desk, rival: Party, house: House) -> None:
    ordered(desk, "mine", grants(desk, 1))
    done(desk.studio, "mine")
    for path in ("mine", "mine/items", "mine/cards"):
        assert problem(rival.get(f"/v1/licences/orders/{path}")) == (404, "not-found", "order")
        assert problem(house.http.get(f"/v1/licences/orders/{path}")) == (401, "unauthenticated", None)
    submitter = house.with_token(desk.studio.who, "submit")
    assert problem(submitter.get("/v1/licences/orders/mine/cards")) == (403, "forbidden", None)
    reader = house.with_token(desk.studio.who, "read-private")
    answer = reader.post("/v1/licences/orders", {"order": "no", "grants": grants(desk, 1)})
    assert problem(answer) == (403, "forbidden", None)


def test_nobody_licenses_what_another_holds(desk: Desk, rival: Party) -> None:
    items = grants(desk, 2)
    told(rival.post("/v1/licences/orders", {"order": "theft", "grants": items}), 202)
    assert done(rival, "theft")["refused"] == 2
    assert {one["problem"]["code"] for one in items_of(rival, "theft")} == {"not-holder"}
    assert cards_of(rival, "theft") == {}


def test_terms_are_forgotten_when_they_are_no_longer_needed(desk: Desk) -> None:
    """They are in the vault, from which they can be erased; the book must not keep them beside it."""
    items = grants(desk, 2)
    items[1]["object"] = desk.house.world.identifier(Letter.OBJECT)
    mark = "Quittengelee-Verwertung"
    for item in items:
        item["terms"] = {**item["terms"], "payment": {**item["terms"]["payment"], "reference": mark}}
    answer = desk.studio.post("/v1/licences/orders", {"order": "private", "grants": items})
    told(answer, 202)
    done(desk.studio, "private")
    book = desk.house.services.settings.orders
    wait_until(
        lambda: mark.encode() not in b"".join(path.read_bytes() for path in book.parent.glob("orders.db*")),
        "the terms are forgotten",
    )
    assert book.stat().st_mode & 0o777 & ~0o600 == 0 or book.parent.stat().st_mode & 0o077 == 0


# --- the command ---------------------------------------------------------------------------


def test_the_command_orders_waits_and_fetches(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_LOOK_SECONDS", 0.01)
    items = grants(desk, 3)
    (tmp_path / "order.json").write_text(json.dumps({"order": "command", "grants": items}))
    (tmp_path / "token").write_text(desk.studio.token)
    given = [str(tmp_path / "order.json"), "-o", str(tmp_path / "cards.zip"), "--server", str(desk.house.http.base_url)]
    given += ["--token-file", str(tmp_path / "token")]
    assert entry.order(given) == 0
    assert "3 cards of 3 licences ordered" in capsys.readouterr().out
    first = (tmp_path / "cards.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert len(archive.namelist()) == 3
    assert entry.order(given) == 0
    assert (tmp_path / "cards.zip").read_bytes() == first
    strange = {**items[0], "object": desk.house.world.identifier(Letter.OBJECT)}
    (tmp_path / "order.json").write_text(json.dumps({"order": "command-2", "grants": [*items, strange]}))
    assert entry.order(given) == 1
    assert "not-found" in capsys.readouterr().err
    (tmp_path / "order.json").write_text("[]")
    assert entry.order(given) == 2
    assert "is no order" in capsys.readouterr().err


# --- crashes -----------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing that comes after runs."""


COUNT = 5
STEPS: dict[str, tuple[type, str]] = {
    "granting": (LicenceService, "grant_all"),
    "writing down the grants": (OrderBook, "granted"),
    "publishing": (Issuer, "publish_witnessed"),
    "drawing": (Hands, "draw"),
    "writing down the cards": (OrderBook, "made"),
    "keeping the cards": (CredentialFiles, "keep_all"),
    "logging the cards": (SubmissionService, "record"),
    "writing down the end": (OrderBook, "issued"),
}


def broken(real: Callable[..., Any], error: BaseException, after: bool, calls: list[int]) -> Callable[..., Any]:
    """A step that fails once: before it is done, or when it is."""

    def strike() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise error

    if asyncio.iscoroutinefunction(real):

        async def step(*args: Any, **named: Any) -> Any:
            if not after:
                strike()
            result = await real(*args, **named)
            if after:
                strike()
            return result

        return step

    def plain(*args: Any, **named: Any) -> Any:
        if not after:
            strike()
        result = real(*args, **named)
        if after:
            strike()
        return result

    return plain


Begun = tuple[Path, Account, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """A data folder with a studio and a picture, and what is going to be ordered."""
    folder = tmp_path_factory.mktemp("begun")
    with open_house(folder) as house:
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        account = Account("order", desk.studio.id, frozenset({"submit", "read-private"}))
        return folder, account, grants(desk, COUNT)


def work(folder: Path, account: Account, items: list[dict[str, Any]], lanes: int = 1) -> None:
    """A service opened on the folder takes the order and works until nothing is left, or it dies."""
    with open_services_for(folder) as services:

        async def go() -> None:
            await services.orders.accept(account, "big", items, None)
            await asyncio.gather(*(finish(services.orders) for _ in range(lanes)))

        asyncio.run(go())


async def finish(orders: service.LicenceOrders) -> None:
    while await orders.work_piece():
        pass


def open_services_for(folder: Path) -> AbstractContextManager[Services]:
    return open_services(Settings(data=folder, publish_every=0.05), lambda: START + 100)


def check(folder: Path, account: Account, count: int = COUNT) -> int:
    """How many were issued. Each licence once, each with one card, each card kept, and no file that nobody knows."""
    with open_services_for(folder) as services:
        assert services.orders.progress(account, "big").issued == count
        found = services.orders.items(account, "big", 0, 1000)
        with services.log.store.snapshot() as reads:
            granted = [record.subject for record in records_of(reads, type="licence.grant")]
            issued = [file_records(reads, licence) for licence in granted]
        assert sorted(granted) == sorted(str(one.licence) for one in found)
        assert [len(one) for one in issued] == [1] * count
        logged = {parse_statement(records[0].entry).event.body.file.sha256 for records in issued}
        assert logged == {one.made for one in found}
        kept = {path.name for path in services.settings.credentials.iterdir() if len(path.name) == 64}
        assert kept == logged
        assert list((services.settings.credentials / "work").iterdir()) == []
        return len(kept)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces, tried again at once."""
    monkeypatch.setattr(service, "PAUSE", 0.0)
    monkeypatch.setattr(service, "PIECE", 3)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["killed", "failed"])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Begun, step: str, kind: str, after: bool
) -> None:
    """Killed: the next service goes on. Failed: the same one tries again."""
    folder, account, items = begun
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    owner, name = STEPS[step]
    calls: list[int] = []
    error = Killed() if kind == "killed" else OSError("the disk is gone")
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, broken(getattr(owner, name), error, after, calls))
        if kind == "killed":
            with pytest.raises(Killed):
                work(tmp_path, account, items)
        else:
            work(tmp_path, account, items)
    assert calls
    work(tmp_path, account, items)
    assert check(tmp_path, account) == COUNT


@pytest.mark.usefixtures("quick")
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.booleans()), min_size=2, max_size=4), st.integers(1, 3))
def test_any_number_of_crashes(begun: Begun, strikes: list[tuple[str, bool]], lanes: int) -> None:
    """Several lanes, killed at one step after another, in any order: each licence once, each card once."""
    folder, account, items = begun
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "data"
        shutil.copytree(folder, place)
        for step, after in strikes:
            owner, method = STEPS[step]
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(owner, method, broken(getattr(owner, method), Killed(), after, []))
                with suppress(Killed):
                    work(place, account, items, lanes)
        work(place, account, items, lanes)
        assert check(place, account) == COUNT


def test_kill_9_of_the_service(tmp_path: Path, begun: Begun) -> None:
    """The hands that draw die with it, or find that nobody listens; the next start goes on without being asked."""
    folder, account, items = begun
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    accounts = Accounts(Settings(data=tmp_path).accounts)
    token, _ = accounts.issue(account.party, ["submit", "read-private"])
    accounts.close()
    dice, many = random.Random(20_261_121), [items[0]] * 90
    server = Server(tmp_path)

    def progress() -> dict[str, Any]:
        bearer = {"Authorization": f"Bearer {token}"}
        found: dict[str, Any] = httpx.get(f"{server.url}/v1/licences/orders/big", headers=bearer, timeout=60).json()
        return found

    try:
        server.start()
        answer = httpx.post(
            f"{server.url}/v1/licences/orders",
            headers={"Authorization": f"Bearer {token}"},
            json={"order": "big", "grants": many},
            timeout=60,
        )
        assert answer.status_code == 202, answer.text
        for _ in range(3):
            time.sleep(dice.uniform(0.1, 1.5))
            server.kill()
            server.start()
        end = time.monotonic() + PATIENCE
        while (found := progress())["state"] != "done":
            assert time.monotonic() < end, found
            time.sleep(0.1)
        assert (found["issued"], found["refused"]) == (90, 0)
        assert server.stop() == 0
    finally:
        server.close()
    assert check(tmp_path, account, 90) == 90
