"""What another's evidence rests on nobody erases alone: the registrar does, who hears both (ADR 78).

By the rules whoever said an entry may have its private values erased. They are for ever. But the terms of a licence are
its holder's proof as well, who it is of who acquired one, and the amount of a settlement of whoever agreed to it:
without them no card, no token, no case says what was permitted or paid.
"""

from __future__ import annotations

from ledger.store import Reads, Record
from ledger.submission import Submission
from tallystick.admission import LOG, Refused
from tallystick.admission.state import LicenceState, LogState, SettlementState, settlement_key
from tallystick.events.erasure import Erasure
from tallystick.events.licence import LicenceGrant, LicenceTransfer
from tallystick.events.settlement import SettlementRecord
from tallystick.statement import parse_statement


def vet_erasure(reads: Reads, submission: Submission) -> None:
    """Raise ``Refused`` where somebody else's licence, or what it agreed to, rests on the values."""
    event, log = submission.statement.event, reads.get(LOG)
    body: Erasure = event.body
    if isinstance(log, LogState) and submission.party == log.registrar:
        return
    if reads.position_of_event(submission.party, event.event_id) is not None:
        return  # it is said again, and stands
    record = reads.record(body.position)
    if record is None:
        # When this goes to the log there may be one: whoever guesses where it will stand.
        raise Refused(
            "unknown-commitment",
            "body.position",
            f"no entry with private values stands at position {body.position}",
            "submit this event again once the entry stands",
        )
    if record.party != submission.party:
        return  # the rules refuse it, or it is about the party itself
    others = _relying(reads, record) - {None, submission.party}
    if others:
        raise Refused(
            "not-entitled",
            "body.position",
            f"the values of entry {body.position} are evidence of {min(map(str, others))} too",
            "ask the registrar to erase them, and say on what grounds",
        )


def _relying(reads: Reads, record: Record) -> set[str | None]:
    """Whose evidence the private values of an entry are, as far as the log names them."""
    body = parse_statement(record.entry).event.body
    if isinstance(body, LicenceGrant | LicenceTransfer):
        licence = reads.get(record.subject)
        now = licence.holder if isinstance(licence, LicenceState) else None
        return {body.holder if isinstance(body, LicenceGrant) else body.to, now}
    if isinstance(body, SettlementRecord):
        settled = reads.get(settlement_key(record.position))
        return set(settled.agreed) if isinstance(settled, SettlementState) else set()
    return set()
