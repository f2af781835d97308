"""The terms of a licence as far as their values are kept here, by the licence's latest entries."""

from __future__ import annotations

from api.services.gathering import records_of
from ledger.store import Reads
from tallystick.events.licence import LICENSEE
from tallystick.statement import Statement, parse_statement

CONFIDENTIAL = frozenset({"payment", "contract"})
"""Terms that are between those who agreed on them: files show them where they are named, and no later holder is shown
them.
"""


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


def was_transferred(reads: Reads, licence: str) -> bool:
    """Whether somebody else holds it than whom it was granted to."""
    grant = last_of(reads, licence, "licence.grant")
    return last_of(reads, licence, "licence.transfer", grant) is not grant


def terms_shown(reads: Reads, licence: str, agreed: bool) -> dict[str, str]:
    """As ``kept_terms``, for one who may read them. ``agreed``: he is licensor, or the registrar.

    Price and contract were agreed with whom it was granted to: they are not for who holds it later.
    """
    kept = kept_terms(reads, licence)
    if agreed or not was_transferred(reads, licence):
        return kept
    return {name: text for name, text in kept.items() if name not in CONFIDENTIAL}
