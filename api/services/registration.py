"""Registration of statements without a token: the signature of a registered key is the credential.

A statement names no log (ADR 3), and the entries of every log are public. So what a party said in another, where it has
the same identifier and key, is not taken from strangers, from the log that this one succeeds above all: they would
choose what of it is said again, a grant without its revocation. What was signed before the key was known here was not
meant for here, unless the party itself brings it, with its token (ADR 74).
"""

from __future__ import annotations

import asyncio

from api.accounts import Account
from api.batches.reading import SignedStatement
from api.services.errors import Forbidden, ServiceError
from api.services.receipts import ReceiptService
from api.services.submission import Recorded, SubmissionService
from ledger.log import Log
from ledger.store import Reads
from tallystick import cose
from tallystick.admission import LOG
from tallystick.admission.decide import CLOCK_TOLERANCE
from tallystick.admission.state import LogState, PartyState
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import MAX_ENTRY_BYTES, STATEMENT_ALGORITHMS, Statement, parse_statement
from tallystick.times import format_time, parse_time

PATIENCE = 5.0
"""Seconds for which a registration waits for its receipt."""


@dataclass(frozen=True)
class Registered:
    """A statement is in the log, durably. ``receipt`` is ``None`` while no published checkpoint covers it."""

    recorded: Recorded
    receipt: bytes | None


class RegistrationService:
    """Registers Signed Statements (RFC 9943 §6.3). Admission decides: a key of nobody registers nothing."""

    def __init__(
        self, log: Log, submission: SubmissionService, receipts: ReceiptService, patience: float = PATIENCE
    ) -> None:
        self._log = log
        self._submission = submission
        self._receipts = receipts
        self.patience = patience

    async def register(self, entry: bytes, account: Account | None = None) -> Registered:
        """``account``: of whoever brings it, if that is told.

        Raises ``MalformedInput``, ``Refused``, ``Conflict`` or ``ServiceError``.
        """
        statement = _read(entry)
        if account is None or account.party != statement.issuer:
            await asyncio.to_thread(self._require_meant, statement)
        signed = SignedStatement(entry)
        (result,) = await self._submission.submit_statements(_by_signature(statement), [signed])
        if isinstance(result, Exception):
            raise result
        if not await self._receipts.wait(result.position, self.patience):
            return Registered(result, None)
        return Registered(result, await asyncio.to_thread(self._receipts.inclusion, result.position))

    def _require_meant(self, statement: Statement) -> None:
        with self._log.store.snapshot() as reads:
            since = _known_since(reads, statement)
            if since is None or parse_time(statement.event.time) >= since - CLOCK_TOLERANCE:
                return
            if reads.positions_of([statement.statement_id]):
                return  # it stands, and its receipt is for everybody
        raise Forbidden(
            f"the statement is of {statement.event.time}, its key is known to this log since {format_time(since)}: "
            "it was signed for another",
            "sign it anew for this log; or let its party bring it, with a token of its own",
            "time",
        )


def _known_since(reads: Reads, statement: Statement) -> int | None:
    """When the key came into this log (Unix seconds); ``None`` for one that it does not know: the rules refuse it."""
    log, party = reads.get(LOG), reads.get(statement.issuer)
    position = 0 if isinstance(log, LogState) and statement.kid in log.by_kid else None
    if isinstance(party, PartyState):
        added = [held.added for held in party.keys if held.kid == statement.kid.hex()]
        position = max(added, default=position)
    record = None if position is None else reads.record(position)
    return None if record is None else record.admitted_at


def _by_signature(statement: Statement) -> Account:
    """Whoever brings the statement speaks for its issuer, once the issuer's signature has verified."""
    return Account("", statement.issuer, frozenset({"submit"}))


def _read(entry: bytes) -> Statement:
    envelope = cose.parse_sign1(entry, MAX_ENTRY_BYTES)
    if envelope.payload is None:
        raise ServiceError(
            "payload-missing", "the payload of the statement is detached", "attach it: the log holds the event itself"
        )
    algorithm = envelope.protected[cose.ALG]
    if algorithm not in STATEMENT_ALGORITHMS:
        known = ", ".join(map(str, sorted(STATEMENT_ALGORITHMS)))
        raise ServiceError("bad-algorithm", f"the algorithm is {algorithm}", f"sign with one of {known}")
    return parse_statement(entry)
