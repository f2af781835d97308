"""What is handed to the sequencer, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from tallystick.commitments import Disclosure, open_commitments
from tallystick.keys import PublicKey
from tallystick.references import references
from tallystick.statement import Statement


class Receipt(NamedTuple):
    """An entry is durable. ``batch``: position of its batch entry; ``admitted_at``: Unix seconds.

    ``duplicate``: it was there already and this is its old place.
    """

    position: int
    batch: int
    admitted_at: int
    duplicate: bool


Outcome: TypeAlias = Receipt | Exception
"""A receipt, or why the statement was not recorded: ``Refused``, ``Conflict``, or a fault of ours."""


class Submission(NamedTuple):
    """A statement with all that the writer needs of it, worked out before its turn comes.

    ``party``: whom its event id counts for. ``verified_with``: the key with which the
    caller verified the signature, so that the writer need not.
    """

    statement: Statement
    statement_id: bytes
    party: str
    references: frozenset[str]
    disclosures: dict[str, str]
    verified_with: PublicKey | None = None


def prepare(
    statement: Statement, disclosures: Iterable[Disclosure] = (), verified_with: PublicKey | None = None
) -> Submission:
    """Raises ``VerificationFailed`` when a disclosure does not open a commitment of the statement."""
    opened = list(disclosures)
    if opened:
        open_commitments(statement.event.commitments, opened)
    return Submission(
        statement,
        statement.statement_id,
        speaker(statement),
        references(statement),
        {one.name: one.text for one in opened},
        verified_with,
    )


def speaker(statement: Statement) -> str:
    """The party for whom a statement counts: for whom the service recorded it, or its issuer."""
    recorded = statement.event.recorded_for
    return recorded.party if recorded else statement.issuer
