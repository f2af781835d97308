"""Settlements of licences and disputes: recorded, accepted, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tallystick.client.channel import Channel


class Settlements(Channel):
    """What was settled."""

    def settle(self, subject: str, parties: Sequence[str], values: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Record how a licence or a dispute was settled; ``values``: private, ``amount`` among them.

        ``more``: ``period``, ``also``, ``documents``, ``supersedes``, ``event_id`` (docs/licence.md).
        """
        said = {"subject": subject, "parties": list(parties), "values": values, **more}
        return self._json("POST", "/v1/settlements", json=said)

    def accept_settlement(self, position: int, **more: Any) -> dict[str, Any]:
        """Accept the settlement recorded at ``position``; ``more``: ``event_id``."""
        return self._json("POST", f"/v1/settlements/{position}/accept", json=more)

    def settlements(self, subject: str) -> list[dict[str, Any]]:
        """What was settled under a licence or in a dispute; ``unnamed``: sides that it leaves out; without a token."""
        found: list[dict[str, Any]] = []
        asked: dict[str, Any] = {"subject": subject, "limit": 1000}
        while True:
            page = self._json("GET", "/v1/settlements", params=asked)
            found += page["settlements"]
            # A service of before gives all of them at once.
            if page.get("next") is None:
                return found
            asked["cursor"] = page["next"]
