"""What a signed file brings of those who signed it, before anybody judges it: for who gathers what issuers say."""

from __future__ import annotations

from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Brought:
    """All DER. certificates: of signers and authorities. tokens: timestamps. lists, answers: what is enclosed."""

    certificates: tuple[bytes, ...] = ()
    tokens: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()
    answers: tuple[bytes, ...] = ()
