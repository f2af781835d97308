"""Who bears out another's capture record: what makes it contradicted, or weaker, is not everybody's to say.

A notary's word by anybody else than the record names speaks against it. And a word that the service records for a party
is no more than that the party said so to the service: a verifier then wants an external fact for a record that was
proved without it (docs/evidence/facts.md). So whoever is registered could take that from every record by a token.
"""

from __future__ import annotations

from ledger.store import Reads
from ledger.submission import Submission
from tallystick.admission import Refused
from tallystick.events.facts import CaptureAttestation, CaptureRecord
from tallystick.statement import parse_statement

ATTESTING = "capture.attest"


def vet_attestation(reads: Reads, submission: Submission) -> None:
    """Raise ``Refused`` for a notary's word by another than the record names, or about another document; and for a word
    that the attester did not sign, unless the record has a notary, and may mean it.

    The notary whom it names may say what it likes: that is what a court must see. So may everybody, as a witness by a
    key of its own, or in a dispute.
    """
    event = submission.statement.event
    body: CaptureAttestation = event.body
    is_signed = event.recorded_for is None
    if (body.role != "notary" and is_signed) or reads.position_of_event(submission.party, event.event_id) is not None:
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
    if not isinstance(told, CaptureRecord):
        return  # the rules refuse it
    named = told.notary
    if not is_signed and (body.role != "notary" or named is None):
        raise Refused(
            "not-entitled",
            "recorded_for",
            f"recorded by the service, a {body.role}'s word would weaken entry {body.record}",
            "sign it with a key of the party's own, and submit it as a statement",
        )
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
