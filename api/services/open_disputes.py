"""How many disputes a party has open about one thing: anybody who is registered may open one about anything."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import TypeAlias

from ledger.store import Reads, Search
from ledger.submission import Submission
from tallystick.admission import Refused
from tallystick.admission.state import DisputeState
from tallystick.events.dispute import DisputeOpening
from tallystick.statement import parse_statement

OPENING = "dispute.open"
MOST_OPEN = 16
"""Of one party about one thing. Each is an entry of every case about that thing, and a case has room for so many."""
_PAGE = 1000
_COMING = 60.0
"""Seconds for which one counts that went to the log and is not read from it yet: what is refused there is not told."""
_REMEMBERED = 10_000

_About: TypeAlias = tuple[str, str]
"""A party, and the target of its disputes."""


class OpenDisputes:
    """Read behind the log, each entry once. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read = -1
        self._opened: defaultdict[_About, set[str]] = defaultdict(set)
        self._coming: dict[_About, dict[str, float]] = {}
        """By event id, until when it counts though it was read in no snapshot: requests at a time see each other."""
        self._most = _REMEMBERED

    def vet(self, reads: Reads, submission: Submission) -> None:
        """Raise ``Refused`` for one too many."""
        event, party = submission.statement.event, submission.party
        body: DisputeOpening = event.body
        if reads.position_of_event(party, event.event_id) is not None:
            return  # it is said again, and stands
        key, now = (party, body.target), time.monotonic()
        with self._lock:
            count, coming = self._count(reads, key), self._still_coming(key, now)
            coming.pop(event.event_id, None)
            if count + len(coming) >= MOST_OPEN:
                raise Refused(
                    "wrong-state",
                    "body.target",
                    f"{party} has {count + len(coming)} open disputes about {body.target}",
                    "have one of them resolved first; what is new belongs into those that are open",
                )
            self._coming[key] = {**coming, event.event_id: now + _COMING}

    def _count(self, reads: Reads, key: _About) -> int:
        while page := reads.search(Search(type=OPENING, after=self._read, limit=_PAGE)):
            for record in page:
                event = parse_statement(record.entry).event
                key_of_it = record.party, event.body.target
                self._opened[key_of_it].add(record.subject)
                self._coming.get(key_of_it, {}).pop(event.event_id, None)
            self._read = page[-1].position
        still = {one for one in self._opened.pop(key, ()) if _is_open(reads, one)}
        if still:
            self._opened[key] = still
        return len(still)

    def _still_coming(self, key: _About, now: float) -> dict[str, float]:
        if len(self._coming) >= self._most:
            self._coming = {one: ids for one, ids in self._coming.items() if max(ids.values(), default=0) > now}
            self._most = max(_REMEMBERED, 2 * len(self._coming))
        return {one: until for one, until in self._coming.get(key, {}).items() if until > now}


def _is_open(reads: Reads, dispute: str) -> bool:
    """One that this snapshot does not know yet was read in a newer one."""
    state = reads.get(dispute)
    return state is None or (isinstance(state, DisputeState) and state.status == "open")
