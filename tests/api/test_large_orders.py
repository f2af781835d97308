"""Large orders: read for those alone who may give one, and decoded one at a time."""

from __future__ import annotations

import asyncio
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.orders import service
from api.routes.orders import MAX_ORDER_BYTES
from tests.api.desk import Desk
from tests.api.house import House
from tests.api.test_orders import PATIENCE, grants, ordered


def answered_unread(house: House, length: int, token: str | None) -> bytes:
    """Status line of the answer to an order of which nothing but the head was sent."""
    place = house.http.base_url
    said = [f"POST /v1/licences/orders HTTP/1.1\r\nHost: {place.host}\r\nContent-Type: application/json"]
    said += [f"Content-Length: {length}", *([] if token is None else [f"Authorization: Bearer {token}"]), "\r\n"]
    with socket.create_connection((place.host, place.port or 80), PATIENCE) as connection:
        connection.sendall("\r\n".join(said).encode())
        with connection.makefile("rb") as answer:
            return answer.readline().strip()


def test_an_order_is_read_only_for_those_who_may_give_one(desk: Desk, house: House) -> None:
    reader = house.with_token(desk.studio.who, "read-private")
    assert answered_unread(house, MAX_ORDER_BYTES, None) == b"HTTP/1.1 401 Unauthorized"
    assert answered_unread(house, MAX_ORDER_BYTES, "ts_nobody") == b"HTTP/1.1 401 Unauthorized"
    assert answered_unread(house, MAX_ORDER_BYTES, reader.token) == b"HTTP/1.1 403 Forbidden"


def test_what_is_too_large_for_an_order_is_not_read(desk: Desk, house: House) -> None:
    told_of = answered_unread(house, MAX_ORDER_BYTES + 1, desk.studio.token)
    assert told_of.startswith(b"HTTP/1.1 413")


def test_there_is_room_for_as_many_licences_as_an_order_may_have(desk: Desk) -> None:
    [one] = grants(desk, 1)
    whole = {"order": "a" * 64, "grants": [{**one, "event_id": "e" * 64}] * service.MAX_ITEMS}
    assert len(json.dumps(whole)) < MAX_ORDER_BYTES


def test_large_orders_are_decoded_one_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most, accept = list[int](), list[int](), service.LicenceOrders.accept

    async def watched(orders: service.LicenceOrders, *values: Any) -> Any:
        at_once.append(1)
        most.append(len(at_once))
        try:
            await asyncio.sleep(0.05)
            return await accept(orders, *values)
        finally:
            at_once.pop()

    monkeypatch.setattr(service.LicenceOrders, "accept", watched)
    items = [{**one, "object": "x" * 1000} for one in grants(desk, 100)]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda n: ordered(desk, f"large-{n}", items), range(3)))
    assert [one["total"] for one in answers] == [100] * 3
    assert most == [1, 1, 1]
