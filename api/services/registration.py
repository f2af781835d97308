"""Registration of statements without a token: the signature of a registered key is the credential."""

from __future__ import annotations

import asyncio

from api.accounts import Account
from api.batches.reading import SignedStatement
from api.services.errors import ServiceError
from api.services.receipts import ReceiptService
from api.services.submission import Recorded, SubmissionService
from tallystick import cose
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import MAX_ENTRY_BYTES, STATEMENT_ALGORITHMS, Statement, parse_statement

PATIENCE = 5.0
"""Seconds for which a registration waits for its receipt."""


@dataclass(frozen=True)
class Registered:
    """A statement is in the log, durably. ``receipt`` is ``None`` while no published checkpoint covers it."""

    recorded: Recorded
    receipt: bytes | None


class RegistrationService:
    """Registers Signed Statements (RFC 9943 §6.3). Admission decides: a key of nobody registers nothing."""

    def __init__(self, submission: SubmissionService, receipts: ReceiptService, patience: float = PATIENCE) -> None:
        self._submission = submission
        self._receipts = receipts
        self.patience = patience

    async def register(self, entry: bytes) -> Registered:
        """Raises ``MalformedInput``, ``Refused``, ``Conflict`` or ``ServiceError``."""
        statement = _read(entry)
        signed = SignedStatement(entry)
        (result,) = await self._submission.submit_statements(_by_signature(statement), [signed])
        if isinstance(result, Exception):
            raise result
        if not await self._receipts.wait(result.position, self.patience):
            return Registered(result, None)
        return Registered(result, await asyncio.to_thread(self._receipts.inclusion, result.position))


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
