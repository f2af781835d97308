"""What this service refuses beyond the rules: they decide from the entries alone, and know nothing of its own lists.

It is looked at before the log is asked, whoever signed: sublicences against their parents' terms, as far as the values
are held, and the places that licences take in this log's status lists.
"""

from __future__ import annotations

from api.services.status_lists import LIST_SIZE, is_list_of
from api.services.sublicences import vet_sublicence
from ledger.store import Reads
from ledger.submission import Submission
from tallystick.admission import Refused
from tallystick.events.licence import LicenceGrant, LicenceTransfer

_CONCERNED = frozenset({"licence.grant", "licence.transfer"})


def concerns(item: object) -> bool:
    """Whether it is a submission that ``vet`` looks at: a licence that is granted or transferred."""
    return isinstance(item, Submission) and item.statement.event.type in _CONCERNED


def vet(reads: Reads, origin: str, submission: Submission) -> None:
    """Raise ``Refused``. ``origin``: of the log."""
    body = submission.statement.event.body
    _require_index(origin, body)
    if isinstance(body, LicenceGrant) and body.parent is not None:
        vet_sublicence(reads, body.parent, submission)


def _require_index(origin: str, body: LicenceGrant | LicenceTransfer) -> None:
    """An index beyond the size of our lists would make the list of everybody sixteen times as long."""
    if is_list_of(origin, body.status.list) and body.status.index >= LIST_SIZE:
        raise Refused(
            "inconsistent",
            "body.status.index",
            f"the lists of this log have {LIST_SIZE} indices, found {body.status.index}",
            "take one that POST /v1/status-indexes gives",
        )
