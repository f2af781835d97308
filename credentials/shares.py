"""Shares of rights holders: exact fractions, which add to the whole or are not stated at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from tallystick.errors import MalformedInput

_PERCENT = re.compile(r"(0|[1-9][0-9]{0,2})(?:\.([0-9]{1,6}))? ?%", re.ASCII)
_FRACTION = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", re.ASCII)


def parse_share(text: str) -> Fraction:
    """``50 %``, ``33.3 %`` or ``1/3``. Raises ``MalformedInput``."""
    if found := _PERCENT.fullmatch(text.strip()):
        share = Fraction(f"{found[1]}.{found[2] or '0'}") / 100
    elif found := _FRACTION.fullmatch(text.strip()):
        share = Fraction(int(found[1]), int(found[2]))
    else:
        raise MalformedInput(
            f"{text[:40]!r} is no share: expected a percentage such as 33.3 % or a fraction such as 1/3"
        )
    if not 0 < share <= 1:
        raise MalformedInput(f"a share of {text[:40]!r} is not above 0 and at most the whole")
    return share


def check_shares(shares: Sequence[str]) -> None:
    """Raise ``MalformedInput`` unless every share is stated and they add to exactly the whole, or none is stated."""
    if not any(shares):
        return
    if not all(shares):
        raise MalformedInput("some rights holders have a share and some have none: state all of them, or none")
    total = sum(map(parse_share, shares), Fraction(0))
    if total != 1:
        percent = f"{float(total * 100):.6f}".rstrip("0").rstrip(".")
        raise MalformedInput(f"the shares add to {percent} %, not to exactly 100 %; thirds are written as 1/3")
