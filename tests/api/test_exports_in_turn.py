"""Exports over HTTP at a time: one party's many are in nobody else's way, and too many are told so."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from api.services.turns import MOST_IN_ALL, MOST_WAITING, Turns
from tests.api.desk import Desk
from tests.api.house import open_house, problem
from tests.patience import PATIENCE, wait_until


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))


def test_a_party_with_many_exports_holds_up_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    service, go, begun = desk.house.services.evidence, threading.Event(), []
    honest = service._export

    def slow(account: Any, *arguments: Any) -> Any:
        begun.append(account.party)
        if account.party == desk.studio.id:
            assert go.wait(PATIENCE)
        return honest(account, *arguments)

    monkeypatch.setattr(service, "_export", slow)
    object_id, _ = desk.picture()
    desk.publish()
    with ThreadPoolExecutor(MOST_WAITING + 2) as pool:
        try:
            asked = [pool.submit(desk.ask, desk.studio, "object", object_id) for _ in range(MOST_WAITING + 1)]
            waiting = desk.house.services.evidence._issuer.heavy._waiting
            wait_until(lambda: len(waiting.get(desk.studio.id, ())) == MOST_WAITING, "they wait")
            assert begun == [desk.studio.id]
            told = desk.ask(desk.studio, "object", object_id)
            assert problem(told) == (429, "too-many-requests", None)
            assert told.headers["Retry-After"] == "1"
            assert desk.ask(desk.licensee, "object", object_id).status_code == 200
            assert begun == [desk.studio.id, desk.licensee.id]
        finally:
            go.set()
        assert [one.result().status_code for one in asked] == [200] * (MOST_WAITING + 1)


def test_where_all_places_to_wait_are_taken_whoever_waits_already_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Turns(at_a_time=0, in_all=1)
    full._waiting[desk.studio.id] = deque([None])  # type: ignore[list-item]
    monkeypatch.setattr(desk.house.services.evidence._issuer, "heavy", full)
    object_id, data = desk.picture()
    licence = desk.grant(object_id, data)
    desk.publish()
    answers: list[httpx.Response] = [
        desk.ask(desk.studio, "object", object_id),
        desk.studio.post(f"/v1/licences/{licence}/original", files={"file": ("a.png", data, "image/png")}),
        desk.studio.post("/v1/signed-files/receipt", files={"file": ("a.png", data, "image/png")}),
    ]
    for answer in answers:
        assert problem(answer)[:2] == (503, "unavailable"), answer.text
        assert answer.headers["Retry-After"] == "1"


def test_the_document_says_how_many() -> None:
    assert (MOST_WAITING, MOST_IN_ALL) == (16, 256)
