"""Registration certificates."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.identifiers import Letter
from tallystick.schema import identifier, record, text


@record
class CertificateIssue:
    """The registrar certifies the registration of ``object`` under its own ``number``; titles and names are private."""

    object: Annotated[str, identifier(Letter.OBJECT)]
    number: Annotated[str, text(80)]
    supersedes: Annotated[str, identifier(Letter.CERTIFICATE)] | None = None


@record
class CertificateWithdrawal:
    """The registrar withdraws a certificate."""

    grounds: Literal["error", "request", "court-order", "dispute", "superseded"]
