"""Parties and their keys. Names and contacts are private commitments, never here."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.keys import VALID_KEY, KeyText
from tallystick.schema import HEX32, TIME, items, record


@record
class ValidKey:
    """A key with its validity; ``not_after`` absent: until revoked."""

    key: Annotated[KeyText, VALID_KEY]
    not_before: Annotated[str, TIME]
    not_after: Annotated[str, TIME] | None = None


@record
class PartyRegistration:
    """A party enters, vouched for by the registrar. A party without keys acts only through the service."""

    kind: Literal["organisation", "person", "service"]
    roles: Annotated[
        tuple[Literal["studio", "provider", "licensee", "tester", "registrar", "auditor", "platform"], ...], items(7, 1)
    ]
    keys: Annotated[tuple[ValidKey, ...], items(8)]


@record
class PartyKey:
    """A key is added to a party, or revoked by its thumbprint (hex)."""

    action: Literal["add", "revoke"]
    add: ValidKey | None = None
    revoke: Annotated[str, HEX32] | None = None
