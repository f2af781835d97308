"""Orders of many licences: given or found again, how far they are, what became of each, the cards of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tallystick.client.channel import Channel


class Orders(Channel):
    """The service's orders."""

    def order_licences(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Give an order of many licences (docs/licence.md), or find it again; how far it is."""
        return self._json("POST", "/v1/licences/orders", json=order)

    def order(self, name: str) -> dict[str, Any]:
        """How far an order is."""
        return self._json("GET", f"/v1/licences/orders/{name}")

    def order_items(self, name: str) -> Iterator[dict[str, Any]]:
        """What became of each licence of an order."""
        first: int | None = 0
        while first is not None:
            page = self._json("GET", f"/v1/licences/orders/{name}/items", params={"first": first})
            yield from page["items"]
            first = page["next"]

    def order_cards(self, name: str, destination: Path) -> int:
        """Write the cards of an order to ``destination`` (ZIP), whole or not at all; bytes."""
        return self._download("GET", f"/v1/licences/orders/{name}/cards", destination)[1]
