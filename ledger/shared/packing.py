"""Submissions and outcomes as bytes, for the queue between processes of one program version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cbor2

from ledger.errors import Conflict, LogHalted, OutcomeUnknown
from ledger.fast_json import decode
from ledger.submission import Outcome, Receipt, Submission, speaker
from tallystick.admission import Refused
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey
from tallystick.references import references
from tallystick.schema import FieldError
from tallystick.statement import parse_statement

_RECEIPT, _REFUSED, _CONFLICT, _FIELD, _MALFORMED, _UNVERIFIED, _FAULT, _HALTED = range(8)


def pack_submissions(submissions: Sequence[Submission]) -> bytes:
    """What another process needs of them. The key with which each was verified goes along."""
    return cbor2.dumps([[one.statement.entry, one.disclosures, _key(one.verified_with)] for one in submissions])


def _key(key: PublicKey | None) -> list[Any] | None:
    return [key.alg, key.raw] if key else None


def unpack_submissions(packed: bytes) -> list[Submission]:
    """Inverse of ``pack_submissions``. Disclosures were held against their commitments before."""
    return [_submission(*fields) for fields in cbor2.loads(packed)]


def _submission(entry: bytes, disclosures: dict[str, str], key: list[Any] | None) -> Submission:
    statement = parse_statement(entry, decode)
    return Submission(
        statement,
        statement.statement_id,
        speaker(statement),
        references(statement),
        disclosures,
        PublicKey(*key) if key else None,
    )


def pack_outcomes(outcomes: Sequence[Outcome]) -> bytes:
    """Answers, in the order of the submissions."""
    return cbor2.dumps([_packed(outcome) for outcome in outcomes])


def _packed(outcome: Outcome) -> list[Any]:
    match outcome:
        case Receipt(position, batch, admitted_at, duplicate):
            return [_RECEIPT, position, batch, admitted_at, duplicate]
        case Refused():
            return [_REFUSED, outcome.code, outcome.field, outcome.problem, outcome.hint]
        case Conflict():
            return [_CONFLICT, outcome.party, outcome.event_id, outcome.position]
        case FieldError():
            return [_FIELD, outcome.field, outcome.problem]
        case LogHalted():
            return [_HALTED, str(outcome)]
        case MalformedInput():
            return [_MALFORMED, str(outcome)]
        case VerificationFailed():
            return [_UNVERIFIED, str(outcome)]
    return [_FAULT, f"the sequencer could not decide it ({outcome}); the operator's log there says why"]


def unpack_outcomes(packed: bytes) -> list[Outcome]:
    """Inverse of ``pack_outcomes``; a fault of the sequencer's becomes ``OutcomeUnknown``."""
    kinds = (Receipt, Refused, Conflict, FieldError, MalformedInput, VerificationFailed, OutcomeUnknown, LogHalted)
    return [kinds[kind](*fields) for kind, *fields in cbor2.loads(packed)]
