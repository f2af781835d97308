"""Registration certificates."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.identifiers import Letter
from tallystick.schema import identifier, items, record, text


@record
class CertificateIssue:
    """The registrar certifies the registration of ``object`` under its own ``number``; titles and names are private.

    reason, corrected (rules 3): why an earlier certificate is superseded, and the names of the private values in which
    this one differs; what they were and are stands on paper, and the log knows that something was corrected.
    """

    object: Annotated[str, identifier(Letter.OBJECT)]
    number: Annotated[str, text(80)]
    supersedes: Annotated[str, identifier(Letter.CERTIFICATE)] | None = None
    reason: Literal["reissue", "correction"] | None = None
    corrected: Annotated[tuple[Annotated[str, text(64)], ...], items(32, 1)] | None = None


@record
class CertificateWithdrawal:
    """The registrar withdraws a certificate."""

    grounds: Literal["error", "request", "court-order", "dispute", "superseded"]
