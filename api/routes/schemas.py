"""HTTP schemas that more than one router shows."""

from __future__ import annotations

from api.routes.base import Schema


class DigestPairSchema(Schema):
    """SHA-256 and SM3 in lowercase hex."""

    sha256: str
    sm3: str
