"""Licences: a grant with one salted commitment per term, and its status history."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.identifiers import Letter
from tallystick.schema import TIME, between, identifier, items, record, text

MAX_STATUS_INDEX = (1 << 20) - 1


@record
class StatusPointer:
    """Where the licence's status stands: a Token Status List and the index in it, never used twice."""

    list: Annotated[str, text(200)]
    index: Annotated[int, between(0, MAX_STATUS_INDEX)]


@record
class LicenceGrant:
    """A licence of ``object``; its terms are the private commitments of the event (``tallystick.licence.terms``).

    ``holder`` names the licensee openly, which lets it act in this log on the strength of the licence;
    absent, the licensee is known from the disclosed term alone.
    """

    object: Annotated[str, identifier(Letter.OBJECT)]
    title_chain: Annotated[tuple[Annotated[str, identifier()], ...], items(16, 1)]
    status: StatusPointer
    holder: Annotated[str, identifier(Letter.PARTY)] | None = None
    parent: Annotated[str, identifier(Letter.LICENCE)] | None = None


@record
class LicenceStatus:
    """The licence is suspended, reinstated, revoked or has expired, on stated grounds, from ``effective``."""

    action: Literal["suspend", "reinstate", "revoke", "expire"]
    grounds: Literal["breach", "non-payment", "court-order", "request", "remedied", "expiry", "error"]
    effective: Annotated[str, TIME]
