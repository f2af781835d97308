"""Erasure: private values and salts go, the entry with its commitments stays, and the log says that they went."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.schema import COUNT, NAME, items, record

Grounds = Literal["consent-withdrawn", "purpose-ended", "retention-ended", "unlawful", "legal-duty", "objection"]
"""Why: the cases of PIPL art. 47 and GDPR art. 17 (1)."""


@record
class Erasure:
    """The service erases the values under ``names`` of the entry at ``position``, and their salts.

    The event's subject is that entry's subject. Names are sorted; there is no free text, which could say again
    what is to be forgotten.
    """

    position: Annotated[int, COUNT]
    names: Annotated[tuple[Annotated[str, NAME], ...], items(32, 1)]
    grounds: Grounds
