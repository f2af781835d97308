"""Who speaks as a notary of a capture record: for anybody else's word in that role would speak against the record."""

from __future__ import annotations

from ledger.store import Reads
from ledger.submission import Submission
from tallystick.admission import Refused
from tallystick.events.facts import CaptureAttestation, CaptureRecord
from tallystick.statement import parse_statement

ATTESTING = "capture.attest"


def vet_attestation(reads: Reads, submission: Submission) -> None:
    """Raise ``Refused`` for a notary's word by another than the record names, or about another document.

    A verifier calls a record contradicted by either (docs/evidence/facts.md). The notary whom it names may say what it
    likes: that is what a court must see. So may everybody, as a witness, or in a dispute.
    """
    event = submission.statement.event
    body: CaptureAttestation = event.body
    if body.role != "notary" or reads.position_of_event(submission.party, event.event_id) is not None:
        return
    stands = reads.record(body.record)
    if stands is None:
        # When this goes to the log there may be one: whoever guesses where a rival's record will stand.
        raise Refused(
            "unregistered",
            "body.record",
            f"there is no entry {body.record}",
            "submit this event again once the record stands",
        )
    told = parse_statement(stands.entry).event.body
    named = told.notary if isinstance(told, CaptureRecord) else None
    if named is None or named.party == submission.party:
        return
    if named.party is not None:
        raise Refused(
            "not-entitled",
            "body.role",
            f"entry {body.record} names {named.party} as its notary",
            "bear it out as a witness, or open a dispute",
        )
    if body.statement is not None and body.statement != named.statement:
        raise Refused(
            "inconsistent",
            "body.statement",
            f"entry {body.record} names another document of its notary",
            "name that document, or open a dispute",
        )
