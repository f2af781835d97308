"""What this service refuses beyond the rules: they decide from the entries alone, and know nothing of its own lists.

It is looked at before the log is asked, whoever signed: sublicences against their parents' terms, as far as the values
are held, the places that licences take in this log's status lists, how many disputes a party has open about one
thing, and how often it says what others' evidence rests on, who bears out whose record, what a court ordered, and who
erases what others' evidence rests on.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.services.attesting import ATTESTING, vet_attestation
from api.services.open_disputes import OPENING, OpenDisputes
from api.services.ordered import CHANGING, vet_change
from api.services.relied_on import vet_erasure
from api.services.said_often import MOST, SaidOften
from api.services.status_lists import LIST_SIZE, MOST_LISTS, is_list_of
from api.services.sublicences import vet_sublicence
from ledger.store import Reads
from ledger.submission import Submission
from ledger.upkeep.erasing import ERASURE
from tallystick.admission import Refused
from tallystick.events.licence import LicenceGrant, LicenceTransfer

_CONCERNED = frozenset({"licence.grant", "licence.transfer", OPENING, ATTESTING, CHANGING, ERASURE, *MOST})


def concerns(item: object) -> bool:
    """Whether ``Vetting`` looks at it: a licence that goes to somebody or changes, a dispute, and few others."""
    return isinstance(item, Submission) and item.statement.event.type in _CONCERNED


class Vetting:
    """Of the log ``origin``."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._disputes = OpenDisputes()
        self._often = SaidOften()

    def vet_all(self, reads: Reads, items: Sequence[Submission | Exception]) -> list[Submission | Exception]:
        """Each, or why it is refused."""
        vetted = list[Submission | Exception]()
        for one in items:
            try:
                if isinstance(one, Submission) and concerns(one):
                    self._vet(reads, one)
                vetted.append(one)
            except Refused as error:
                vetted.append(error)
        return vetted

    def _vet(self, reads: Reads, submission: Submission) -> None:
        kind = submission.statement.event.type
        if kind == OPENING:
            self._disputes.vet(reads, submission)
        elif kind == ATTESTING:
            vet_attestation(reads, submission)
        elif kind == CHANGING:
            vet_change(reads, submission)
        elif kind == ERASURE:
            vet_erasure(reads, submission)
        elif kind not in MOST:
            self._vet_licence(reads, submission)
        if kind in MOST:
            self._often.vet(reads, submission)

    def _vet_licence(self, reads: Reads, submission: Submission) -> None:
        event = submission.statement.event
        _require_index(self._origin, event.body)
        if isinstance(event.body, LicenceGrant) and event.body.parent is not None:
            vet_sublicence(reads, event.body.parent, submission)


def _require_index(origin: str, body: LicenceGrant | LicenceTransfer) -> None:
    """An index beyond the size of our lists would make the list of everybody sixteen times as long; and lists of any
    number, one for each licence, the list of lists that anybody may ask for.
    """
    if not is_list_of(origin, body.status.list):
        return
    if int(body.status.list.rpartition("/")[2]) > MOST_LISTS:
        raise Refused(
            "inconsistent",
            "body.status.list",
            f"the lists of this log have numbers up to {MOST_LISTS}",
            "take one that POST /v1/status-indexes gives",
        )
    if body.status.index >= LIST_SIZE:
        raise Refused(
            "inconsistent",
            "body.status.index",
            f"the lists of this log have {LIST_SIZE} indices, found {body.status.index}",
            "take one that POST /v1/status-indexes gives",
        )
