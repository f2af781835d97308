"""What is said to the log: events, statements, parties, tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tallystick.base64s import to_base64
from tallystick.client.problems import ServiceProblem
from tallystick.client.reading import MAX_WAIT, Reading
from tallystick.commitments import Disclosure
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import Statement, parse_statement
from tallystick.transparent import split


@dataclass(frozen=True)
class Registered:
    """A statement in the log: its position, the bytes that stand there, the receipt, and both as one."""

    position: int
    entry: bytes
    receipt: bytes
    transparent: bytes


class Saying(Reading):
    """What enters the log."""

    def submit(self, kind: str, body: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """Have the service sign an event for this token's party. ``fields``: subject, event_id, time, private."""
        return self._json("POST", "/v1/events", json={"type": kind, "body": body, **fields})

    def state(self, statement: Statement, disclosures: Iterable[Disclosure] = ()) -> dict[str, Any]:
        """Submit a statement that the party signed itself, with what opens its commitments."""
        texts = [disclosure.text for disclosure in disclosures]
        return self._json(
            "POST", "/v1/statements", json={"statement": to_base64(statement.entry), "disclosures": texts}
        )

    def register_party(self, party: Mapping[str, Any]) -> dict[str, Any]:
        """Register a party (registrar)."""
        return self._json("POST", "/v1/parties", json=party)

    def issue_token(self, party: str, scopes: Sequence[str]) -> dict[str, Any]:
        """A token for a party (registrar), shown once."""
        return self._json("POST", "/v1/tokens", json={"party": party, "scopes": list(scopes)})

    def register(self, statement: Statement, wait: float = MAX_WAIT) -> Registered:
        """Register a statement by its own signature (SCRAPI): no token is needed. Waits for its receipt, in seconds.

        Raises ``ServiceProblem``, also when it is recorded but not published in time: then register it again.
        """
        answer = self._send("POST", "/entries", content=statement.entry, headers={"Content-Type": "application/cose"})
        place = answer.headers.get("location", "").rpartition("/")[2]
        if not (place.isascii() and place.isdigit()):
            raise ServiceProblem(answer.status_code, {"detail": "the service told no place for the statement"})
        whole = self.transparent(int(place), wait)
        entry, receipts = split(whole)
        # An ECDSA signature has a second form: another may have registered these words with that one.
        if parse_statement(entry).statement_id != statement.statement_id:
            raise ServiceProblem(answer.status_code, {"detail": f"position {place} holds another statement"})
        return Registered(int(place), entry, receipts[0], whole)

    def submit_for_receipt(self, kind: str, body: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """As ``submit``; the answer has the member ``receipt``, base64."""
        return self._json("POST", "/v1/receipts", json={"type": kind, "body": body, **fields})
