"""What a court ordered of a licence the registrar records, and only the registrar takes back (ADR 73).

The rules let whoever stands above a licence reinstate it, and withdraw what lies ahead, whoever recorded it: they are
for ever. So it is refused here, whoever signed. And an order that what the licensor recorded ahead would lift is not
recorded before that is withdrawn: the registrar would else believe that it holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from api.services.gathering import records_of
from ledger.store import Reads
from ledger.submission import Submission
from tallystick.admission import LOG, Refused
from tallystick.admission.licensing import EFFECTIVE
from tallystick.admission.standing import ENDED, licensor_of, own_status
from tallystick.admission.state import LicenceState, LogState
from tallystick.events.licence import LicenceStatus
from tallystick.statement import parse_statement

CHANGING = "licence.status"
ORDER = "court-order"
"""Grounds on which the registrar's word binds whoever stands above the licence."""
_HINT = "have the registrar record it, when the court has lifted its order"


def vet_change(reads: Reads, submission: Submission) -> None:
    """Raise ``Refused`` for a reinstatement, or a withdrawal, by which a licensor undoes what a court ordered; and for
    an order that would be undone by what the licensor recorded already.

    What is not there yet is refused too: when this goes to the log the court's order may be.
    """
    event = submission.statement.event
    body: LicenceStatus = event.body
    log, state = reads.get(LOG), reads.get(event.subject)
    if not isinstance(log, LogState) or not isinstance(state, LicenceState):
        return
    is_registrar = submission.party == log.registrar
    if not is_registrar and submission.party != licensor_of(reads, state):
        return  # the rules refuse it
    if reads.position_of_event(submission.party, event.event_id) is not None:
        return  # it is said again, and stands
    if is_registrar:
        if (body.action, body.grounds) == ("suspend", ORDER):
            _vet_order(reads, event.subject, state, body, log.registrar)
    elif body.action == "reinstate":
        _vet_reinstatement(reads, event.subject, state, body, log.registrar)
    elif body.action == "withdraw" and body.change is not None and log.version >= EFFECTIVE:
        _vet_withdrawal(reads, event.subject, state, body.change, log.registrar)


def _vet_reinstatement(reads: Reads, licence: str, state: LicenceState, body: LicenceStatus, registrar: str) -> None:
    status = own_status(state, body.effective)
    if status != "suspended":
        raise Refused(
            "wrong-state",
            "body.action",
            f"{licence} is {status} at {body.effective}",
            "reinstate applies to a licence that is suspended: submit it when the suspension stands",
        )
    order = None
    # As changes count: by their effective times, then by their places.
    for position, said in sorted(_ordered(reads, licence, registrar), key=lambda one: (one[1].effective, one[0])):
        if said.effective <= body.effective and said.action in ("suspend", "reinstate"):
            order = position if (said.action, said.grounds) == ("suspend", ORDER) else None
    if order is not None:
        raise _refused(f"{licence} was suspended by a court's order, which the registrar recorded at {order}")


def _vet_withdrawal(reads: Reads, licence: str, state: LicenceState, change: int, registrar: str) -> None:
    if not any(one.position == change for one in state.changes or ()):
        raise Refused(
            "wrong-state",
            "body.change",
            f"position {change} records no change of {licence} that is still to come",
            "name the position of a change whose effective time has not come",
        )
    withdrawn = next(one for one in state.changes or () if one.position == change)
    for position, said in _ordered(reads, licence, registrar):
        if said.grounds != ORDER:
            continue
        if position == change:
            raise _refused(f"the change of {licence} at {change} is a court's order, which the registrar recorded")
        # By the rules what ends a licence makes moot what was to come after, and that does not come back.
        if withdrawn.status in ENDED and position < change and said.effective >= withdrawn.effective:
            raise _refused(
                f"the change of {licence} at {change} took the place of a court's order, which the registrar recorded"
                f" at {position}"
            )


def _vet_order(reads: Reads, licence: str, state: LicenceState, body: LicenceStatus, registrar: str) -> None:
    own = {position for position, _ in _ordered(reads, licence, registrar)}
    for one in state.changes or ():
        if one.status == "valid" and one.effective > body.effective and one.position not in own:
            raise Refused(
                "wrong-state",
                "body.effective",
                f"the licensor recorded ahead, at {one.position}, that {licence} is valid from {one.effective} on:"
                " that would lift the order",
                f"withdraw the change at {one.position} first, then record the order",
            )


def _ordered(reads: Reads, licence: str, registrar: str) -> Iterator[tuple[int, LicenceStatus]]:
    """What the registrar said of the status of a licence and did not withdraw, in log order."""
    found, withdrawn = dict[int, LicenceStatus](), set[int | None]()
    for record in records_of(reads, subject=licence, type=CHANGING):
        statement = parse_statement(record.entry)
        body: LicenceStatus = statement.event.body
        if body.action == "withdraw":
            withdrawn.add(body.change)
        elif statement.issuer == registrar:
            found[record.position] = body
    yield from ((position, body) for position, body in found.items() if position not in withdrawn)


def _refused(problem: str) -> Refused:
    return Refused("not-entitled", "iss", problem, _HINT)
