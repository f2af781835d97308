"""How many disputes a party has open about one thing: anybody who is registered may open one about anything."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

from ledger.store import Reads, Record, Search
from ledger.submission import Submission
from tallystick.admission import Refused
from tallystick.admission.state import DisputeState
from tallystick.events.dispute import DisputeOpening
from tallystick.statement import parse_statement

OPENING = "dispute.open"
MOST_OPEN = 16
"""Of one party about one thing. Each is an entry of every case about that thing, and a case has room for so many."""
_PAGE = 1000


class OpenDisputes:
    """Read behind the log, each entry once. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read = -1
        self._opened: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def vet(self, reads: Reads, submission: Submission, coming: Counter[tuple[str, str]]) -> None:
        """Raise ``Refused`` for one too many. ``coming``: what goes to the log with it, by party and target."""
        event, party = submission.statement.event, submission.party
        body: DisputeOpening = event.body
        if reads.position_of_event(party, event.event_id) is not None:
            return  # it is said again, and stands
        key = (party, body.target)
        count = self._count(reads, key) + coming[key]
        if count >= MOST_OPEN:
            raise Refused(
                "wrong-state",
                "body.target",
                f"{party} has {count} open disputes about {body.target}",
                "have one of them resolved first; what is new belongs into those that are open",
            )
        coming[key] += 1

    def _count(self, reads: Reads, key: tuple[str, str]) -> int:
        with self._lock:
            while page := reads.search(Search(type=OPENING, after=self._read, limit=_PAGE)):
                for record in page:
                    self._opened[record.party, _target(record)].add(record.subject)
                self._read = page[-1].position
            still = {one for one in self._opened[key] if _is_open(reads, one)}
            self._opened[key] = still
            return len(still)


def _target(record: Record) -> str:
    body: DisputeOpening = parse_statement(record.entry).event.body
    return body.target


def _is_open(reads: Reads, dispute: str) -> bool:
    """One that this snapshot does not know yet was read in a newer one."""
    state = reads.get(dispute)
    return state is None or (isinstance(state, DisputeState) and state.status == "open")
