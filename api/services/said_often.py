"""How often a party says of a subject what others' evidence then rests on: a case and a card have room for so much.

Whoever stands above a licence speaks of it without its holder, and a tester of a capability without its provider. Each
entry is one of every card and case that rests on the subject: some hundred keep the holder from a card, and from
whatever else shows that the licence stands, twenty thousand from every export, and so does what was made by it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from dataclasses import field

from api.services.gathering import records_of
from ledger.store import Reads
from ledger.submission import Submission
from tallystick.admission import LOG, Refused
from tallystick.admission.state import LogState
from tallystick.lazy_dataclass import dataclass

MOST = {"capability.test": 32, "capture.record": 256, "licence.consent": 32, "licence.status": 128}
"""Of one party about one subject, by the type."""
MOST_IN_ALL = {"licence.status": 192}
"""Of all but the registrar: whoever holds a parent hands it on, and a licence remembers 256 changes (A45). Beyond them
the rules take no suspension, and what a court orders must find room.
"""
ENDING = frozenset({"revoke", "expire"})
MOST_ENDING = 16
"""Of these so many beyond the others: to end it a licensor must always be able."""
_COMING = 60.0
"""Seconds for which one counts that went to the log and is not read from it yet: what is refused there is not told."""
_REMEMBERED = 10_000


@dataclass
class _Said:
    """Of one type about one subject: by party, as far as the log was ``read``. coming: by party and event id, until
    when it counts though it was read in no snapshot: requests at a time see each other.
    """

    read: int = -1
    counts: Counter[str] = field(default_factory=Counter)
    coming: dict[tuple[str, str], float] = field(default_factory=dict)


class SaidOften:
    """Read behind the log, each entry once. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: OrderedDict[tuple[str, str], _Said] = OrderedDict()

    def vet(self, reads: Reads, submission: Submission) -> None:
        """Raise ``Refused`` for one too many. The registrar says what it has to."""
        event, party, log = submission.statement.event, submission.party, reads.get(LOG)
        if isinstance(log, LogState) and party == log.registrar:
            return
        if reads.position_of_event(party, event.event_id) is not None:
            return  # it is said again, and stands
        ending = MOST_ENDING if getattr(event.body, "action", None) in ENDING else 0
        most = MOST[event.type] + ending
        with self._lock:
            said, now = self._read(reads, event.type, event.subject), time.monotonic()
            said.coming = {one: until for one, until in said.coming.items() if until > now}
            coming = sum(1 for one in said.coming if one[0] == party and one != (party, event.event_id))
            count = said.counts[party] + coming
            # What others only try counts against nobody: it is no licensor whom the rules refuse.
            registrar = log.registrar if isinstance(log, LogState) else ""
            in_all = said.counts.total() - said.counts[registrar] + coming
            if in_all >= MOST_IN_ALL.get(event.type, in_all + 1) + ending:
                raise Refused(
                    "wrong-state",
                    "subject",
                    f"{event.type} was said of {event.subject} {in_all} times",
                    f"all say it at most {MOST_IN_ALL[event.type]} times of one subject: have the registrar say it",
                )
            if count >= most:
                raise Refused(
                    "wrong-state",
                    "subject",
                    f"{party} said {event.type} of {event.subject} {count} times",
                    f"one party says it of one subject at most {MOST[event.type]} times here",
                )
            said.coming[party, event.event_id] = now + _COMING

    def _read(self, reads: Reads, kind: str, subject: str) -> _Said:
        said = self._said.setdefault((kind, subject), _Said())
        self._said.move_to_end((kind, subject))
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)
        for record in records_of(reads, subject=subject, type=kind, after=said.read):
            if record.subject == subject:
                said.counts[record.party] += 1
                said.coming.pop((record.party, record.event_id), None)
            said.read = record.position
        return said
