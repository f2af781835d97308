"""The terms of a licence as far as their values are kept here, by the licence's latest entries."""

from __future__ import annotations

from api.services.gathering import records_of
from ledger.store import Reads
from tallystick.events.licence import LICENSEE
from tallystick.statement import Statement, parse_statement


def last_of(
    reads: Reads, licence: str, kind: str, default: tuple[int, Statement] | None = None
) -> tuple[int, Statement]:
    """The last entry of this type about the licence, and where it stands. Raises ``LookupError``."""
    found = [one for one in records_of(reads, subject=licence, type=kind) if one.subject == licence]
    if not found and default is not None:
        return default
    return found[-1].position, parse_statement(found[-1].entry)


def kept_terms(reads: Reads, licence: str) -> dict[str, str]:
    """The disclosures of its terms that are kept; after a transfer the licensee is what the transfer says."""
    position, grant = last_of(reads, licence, "licence.grant")
    moved, _ = last_of(reads, licence, "licence.transfer", (position, grant))
    kept = dict(reads.disclosures(position))
    if moved != position:
        # Who held it before is nobody now, also where the new licensee's name was withheld or erased.
        kept.pop(LICENSEE, None)
    return {**kept, **reads.disclosures(moved)}
