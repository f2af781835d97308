"""What a settlement says privately: the amount, its shares, how it was rounded, the payer's reference.

Each is one salted commitment of its own, so that a side shows that it was paid without saying how much. A settlement
changes no term of a licence: nothing here is asked when it is asked what the licence permits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from tallystick.canonical import JsonValue
from tallystick.licence.clauses import CURRENCY, MINOR_UNITS, Share, check_shares
from tallystick.schema import Rule, items, read, record, text

Rounding = Literal["none", "down", "up", "half-up", "half-even"]
"""How shares were rounded to minor units; what is left over goes to the first party that shares."""


@record
class Amount:
    """In minor units of its currency (cents, fen) as text, as in a licence's ``payment``."""

    amount: Annotated[str, MINOR_UNITS]
    currency: Annotated[str, CURRENCY]


_WHOLE = Rule("shares of exactly 100 %", check_shares)


@record
class SettlementValues:
    """Those that are shown. ``shares``: basis points that add to 10000, sorted by party."""

    amount: Amount | None = None
    shares: Annotated[tuple[Share, ...], items(100, 1), _WHOLE] | None = None
    rounding: Rounding | None = None
    reference: Annotated[str, text(200)] | None = None


def read_values(values: Mapping[str, JsonValue]) -> SettlementValues:
    """Values by name, as they were disclosed. Raises ``FieldError`` naming the one that has not its form."""
    found: SettlementValues = read(SettlementValues, dict(values))
    return found
