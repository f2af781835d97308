"""Credential files: log the licence or certificate, sign its file, then log the signed file's digest."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.digests import DigestPair
from tallystick.schema import COUNT, record, text


@record
class CredentialIssue:
    """The subject (licence or certificate) took the form of a signed file: by C2PA, or (rules 3) a PDF by PAdES."""

    form: Literal["c2pa", "pades"]
    purpose: Literal["card", "original", "certificate"]
    media_type: Annotated[str, text(120)]
    file: DigestPair
    size: Annotated[int, COUNT]
