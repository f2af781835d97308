"""Licences: a grant with one salted commitment per term, its status history, consent and transfer."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.identifiers import Letter
from tallystick.schema import COUNT, TIME, between, identifier, items, record, text

MAX_STATUS_INDEX = (1 << 20) - 1
MAX_DEPTH = 16
"""How many licences deep sublicences may ever go."""
LICENSEE = "licensee"
"""Name of the private commitment that every transfer must carry: who holds the licence now, and with which key."""


@record
class StatusPointer:
    """Where the licence's status stands: a Token Status List and the index in it, never used twice."""

    list: Annotated[str, text(200)]
    index: Annotated[int, between(0, MAX_STATUS_INDEX)]


@record
class LicenceGrant:
    """A licence of ``object``; its terms are the private commitments of the event (``tallystick.licence.terms``).

    ``holder`` names the licensee openly, which lets it act in this log on the strength of the licence;
    absent, the licensee is known from the disclosed term alone. ``parent``: the licence of which this is a
    sublicence. ``sublicences``: how many licences deep this log admits sublicences of it (absent: none);
    ``transfer``: whether its holder may transfer it without the licensor's consent (absent: not).
    """

    object: Annotated[str, identifier(Letter.OBJECT)]
    title_chain: Annotated[tuple[Annotated[str, identifier()], ...], items(16, 1)]
    status: StatusPointer
    holder: Annotated[str, identifier(Letter.PARTY)] | None = None
    parent: Annotated[str, identifier(Letter.LICENCE)] | None = None
    sublicences: Annotated[int, between(1, MAX_DEPTH)] | None = None
    transfer: Literal["free", "with-consent"] | None = None


@record
class LicenceStatus:
    """The licence is suspended, reinstated, revoked or has expired, on stated grounds, from ``effective``.

    ``withdraw``: the change recorded at position ``change``, which has not taken effect yet, shall not.
    ``commence``: the condition of its conditional start came about at ``effective``.
    """

    action: Literal["suspend", "reinstate", "revoke", "expire", "withdraw", "commence"]
    grounds: Literal[
        "breach", "non-payment", "court-order", "request", "remedied", "expiry", "error", "agreement", "condition-met"
    ]
    effective: Annotated[str, TIME]
    change: Annotated[int, COUNT] | None = None


@record
class TransferConsent:
    """The licensor consents to a transfer of the licence to ``to``, recorded before ``until``; the latest counts."""

    to: Annotated[str, identifier(Letter.PARTY)]
    until: Annotated[str, TIME] | None = None


@record
class LicenceTransfer:
    """The licence goes to another holder, whose key the private term ``licensee`` names.

    ``effective``: since when, between the parties; it counts from its position. ``status``: where the
    licence's status stands from now on: the old index never reads valid again, so files of the old holder end.
    """

    to: Annotated[str, identifier(Letter.PARTY)]
    grounds: Literal["agreement", "succession", "merger", "court-order", "error"]
    effective: Annotated[str, TIME]
    status: StatusPointer
