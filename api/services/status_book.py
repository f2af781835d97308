"""What each licence is by the published entries alone, as the rules of admission would have it.

The ledger's own states may be ahead of the checkpoint that a status list names. So the book reads the same entries
again, which admission took already: nothing is refused here.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ledger.store import Record
from tallystick.admission.licensing import EFFECTIVE
from tallystick.admission.standing import changed
from tallystick.admission.state import LicenceChange, LicenceState, LicenceStatus
from tallystick.events.licence import LicenceGrant, LicenceTransfer
from tallystick.events.log import Policy
from tallystick.statement import parse_statement
from tallystick.times import format_time

_AFTER: dict[str, LicenceStatus] = {
    "suspend": "suspended",
    "reinstate": "valid",
    "revoke": "revoked",
    "expire": "expired",
}


class StatusBook:
    """Licences by identifier: states that ``standing_at`` reads."""

    def __init__(self) -> None:
        self._states: dict[str, LicenceState] = {}
        self._positions: dict[str, int] = {}
        self._rules = 1

    def get(self, key: str) -> LicenceState | None:
        """The licence's state, or ``None``."""
        return self._states.get(key)

    def position(self, licence: str) -> int:
        """Leaf index of its grant. Raises ``KeyError``."""
        return self._positions[licence]

    def enter(self, record: Record) -> None:
        """The next entry about licences, or the policy in force from it on."""
        body: Any = parse_statement(record.entry).event.body
        licence = record.subject
        if isinstance(body, Policy):
            self._rules = body.version
        elif isinstance(body, LicenceGrant):
            self._positions[licence] = record.position
            self._states[licence] = LicenceState(body.object, "", body.status, "valid", body.holder, body.parent)
        elif isinstance(body, LicenceTransfer):
            self._states[licence] = dataclasses.replace(self._states[licence], holder=body.to, pointer=body.status)
        elif body.action == "withdraw":
            state = self._states[licence]
            kept = tuple(one for one in state.changes or () if one.position != body.change)
            self._states[licence] = dataclasses.replace(state, changes=kept)
        elif body.action != "commence":
            self._states[licence] = self._changed(record, self._states[licence], body)

    def _changed(self, record: Record, state: LicenceState, body: Any) -> LicenceState:
        status = _AFTER[body.action]
        if self._rules < EFFECTIVE:
            return dataclasses.replace(state, status=status)
        return changed(state, LicenceChange(status, body.effective, record.position), format_time(record.admitted_at))
