"""What an anchor proves, and on whose word: one line that goes with every anchor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tallystick.times import format_time

VouchedBy = Literal["operator", "chain"]
"""Who vouches for the block header, as in a ``log.anchor-target`` entry."""

VOUCHERS: dict[VouchedBy, str] = {
    # Its blocks are made and sealed by the log's own operator, so alone it proves nothing to
    # somebody who does not believe the operator.
    "operator": "operator only",
    "chain": "the chain's consensus",
}


@dataclass(frozen=True)
class TrustLine:
    """Goes into every report that mentions the anchor."""

    proved: str
    vouched_by: str
    """One of ``VOUCHERS``' values."""

    def __str__(self) -> str:
        return f"{self.proved}; the block header is vouched for by: {self.vouched_by}"


def trust_line(size: int, root: bytes, block_time: int | None, vouched_by: VouchedBy) -> TrustLine:
    """The trust line of an anchor of (size, root); ``block_time`` in unix seconds, None while it is not final."""
    voucher = VOUCHERS[vouched_by]
    if block_time is None:
        return TrustLine(f"nothing yet: the anchor of size {size} is not final", voucher)
    return TrustLine(
        f"the log had size {size} and root {root.hex()} no later than block time {format_time(block_time)}, "
        "and extends what was anchored before",
        voucher,
    )
