"""Settlements: what was paid or agreed under a licence or in a dispute, by one side and borne out by the others."""

from __future__ import annotations

from typing import Annotated

from tallystick.digests import DigestPair
from tallystick.identifiers import Letter
from tallystick.schema import COUNT, TIME, identifier, items, record

AMOUNT = "amount"
"""Name of the private commitment that every settlement carries: what was paid, in minor units as text."""
VALUES = frozenset({AMOUNT, "shares", "rounding", "reference"})
"""Names of all private commitments that a settlement may carry (``tallystick.licence.settlement``)."""


@record
class Period:
    """From ``start`` up to, not including, ``end``."""

    start: Annotated[str, TIME]
    end: Annotated[str, TIME]


@record
class SettlementRecord:
    """One of ``parties`` says how the licence or dispute was settled between them; the others accept it.

    ``also``: further licences that it settles. ``documents``: digests of statements, and of receipts of bank or chain.
    ``supersedes``: position of the record that it corrects, which stands until all have accepted this one.
    """

    parties: Annotated[tuple[Annotated[str, identifier(Letter.PARTY)], ...], items(8, 2)]
    period: Period | None = None
    also: Annotated[tuple[Annotated[str, identifier(Letter.LICENCE)], ...], items(16, 1)] | None = None
    documents: Annotated[tuple[DigestPair, ...], items(16, 1)] | None = None
    supersedes: Annotated[int, COUNT] | None = None


@record
class SettlementAcceptance:
    """Another of its parties accepts the record at position ``record``, with all that it commits to."""

    record: Annotated[int, COUNT]
