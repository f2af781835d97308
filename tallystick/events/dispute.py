"""Disputes about anything that has an identifier. The claimant's words are private; their existence is not."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.schema import identifier, record


@record
class DisputeOpening:
    """A registered party disputes ``target``."""

    target: Annotated[str, identifier()]
    claim: Literal["authorship", "ownership", "authority", "content", "provenance", "licence", "other"]


@record
class DisputeResolution:
    """The registrar records how a dispute ended."""

    outcome: Literal["upheld", "rejected", "settled", "withdrawn"]
    grounds: Literal["evidence", "agreement", "court-order", "lapse"]
