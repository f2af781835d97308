"""What the log holds: entries, proofs, receipts, checkpoints; and what seals it."""

from __future__ import annotations

from typing import Any

from tallystick.checkpoint import parse_body
from tallystick.client.channel import Channel
from tallystick.client.problems import ServiceProblem
from tallystick.note import parse_note
from tallystick.receipt import parse_inclusion
from tallystick.transparent import split

MAX_MEETINGS = 10
"""Attempts at a receipt and a checkpoint of one size."""
MAX_WAIT = 30.0
"""Seconds for which the service waits for a publication."""


class Reading(Channel):
    """The log as it is."""

    def receipt(self, position: int, wait: float = 0.0) -> bytes:
        """A fresh receipt of an entry (COSE), after up to ``wait`` seconds (at most 30)."""
        return self._send("GET", f"/v1/receipts/{position}", params={"wait": wait}).content

    def transparent(self, position: int, wait: float = 0.0) -> bytes:
        """An entry with its receipt: a Transparent Statement."""
        return self._send("GET", f"/v1/statements/{position}", params={"wait": wait}).content

    def confirmed(self, position: int, wait: float = 0.0) -> tuple[bytes, bytes]:
        """A Transparent Statement and the checkpoint of its receipt's tree, with what witnesses signed.

        Raises ``ServiceProblem`` when the log grows too fast for the two to meet.
        """
        whole = self.transparent(position, wait)
        for _ in range(MAX_MEETINGS):
            note = self.fetch("/checkpoint")
            size = parse_body(parse_note(note).text).size
            if parse_inclusion(split(whole)[1][0]).size == size:
                return whole, note
            whole = self.transparent(position)
        raise ServiceProblem(200, {"detail": "the log grew between every receipt and checkpoint", "hint": "try again"})

    def growth(self, old_size: int) -> bytes:
        """The receipt that the published tree extends its first ``old_size`` leaves."""
        return self._send("GET", "/v1/receipts/consistency", params={"from": old_size}).content

    def status(self) -> dict[str, Any]:
        """The status page as JSON."""
        return self._json("GET", "/v1/status")

    def subject(self, identifier: str) -> dict[str, Any]:
        """A subject's state and the positions that name it."""
        return self._json("GET", f"/v1/subjects/{identifier}")

    def events(self, **query: Any) -> dict[str, Any]:
        """A page of events: subject, type, from, to, cursor, limit."""
        return self._json("GET", "/v1/events", params=query)

    def inclusion(self, position: int, size: int | None = None) -> dict[str, Any]:
        """Inclusion proof of a position in the published tree, or in that of ``size``."""
        query = {"position": position} | ({} if size is None else {"size": size})
        return self._json("GET", "/v1/proofs/inclusion", params=query)

    def tlog_proof(self, position: int) -> bytes:
        """The proof file of a position (C2SP tlog-proof)."""
        return self._send("GET", "/v1/proofs/tlog", params={"position": position}).content

    def entry(self, position: int) -> bytes:
        """The exact bytes of an entry."""
        return self.fetch(f"/v1/entries/{position}")

    def consistency(self, old: int, new: int) -> dict[str, Any]:
        """Consistency proof between two published sizes."""
        return self._json("GET", "/v1/proofs/consistency", params={"from": old, "to": new})

    def fetch(self, path: str) -> bytes:
        """The bytes under ``path``: the checkpoint, a tile, a file."""
        return self._send("GET", path).content

    # --- sealing and anchoring -----------------------------------------------------

    def publish(self) -> dict[str, Any]:
        """Publish a checkpoint now (scope operate)."""
        return self._json("POST", "/v1/checkpoints")

    def anchor(self, reason: str) -> dict[str, Any]:
        """Ask for an anchor of the published checkpoint (scope operate)."""
        return self._json("POST", "/v1/anchors", json={"reason": reason})

    def anchors(self) -> list[dict[str, Any]]:
        """All anchors with their states."""
        found: list[dict[str, Any]] = []
        asked: dict[str, Any] = {}
        while True:
            page = self._json("GET", "/v1/anchors", params=asked)
            found += page["anchors"]
            # A service of before gives all of them at once.
            if page.get("next") is None:
                return found
            asked["cursor"] = page["next"]
