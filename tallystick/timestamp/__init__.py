"""Timestamp tokens of RFC 3161 (with RFC 5816, 5035, 5652): read and verified offline, as of the token's own time.

Certificates are read by ``cryptography``, which is loaded when there is a token to verify, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tallystick.timestamp.facts import LOCAL_POLICY, Authority, RevokedAuthority, TimestampFact, UnknownAuthority
from tallystick.timestamp.token import MAX_TOKEN_BYTES, parse_token

if TYPE_CHECKING:
    from tallystick.revocation import Words

__all__ = [
    "LOCAL_POLICY",
    "MAX_TOKEN_BYTES",
    "Authority",
    "RevokedAuthority",
    "TimestampFact",
    "UnknownAuthority",
    "parse_token",
    "verify_token",
]


def verify_token(
    token: bytes, message: bytes, authorities: Sequence[Authority], words: Words | None = None
) -> TimestampFact:
    """Verify a ``TimeStampToken`` (DER) over ``message`` under ``authorities``, as of the token's own time.

    Raises ``MalformedInput`` for its form, ``UnknownAuthority`` when it is sound and no root of an authority stands
    above its signer, ``VerificationFailed`` for all else. ``words``: what is known of revocation; ``RevokedAuthority``
    (an ``UnknownAuthority``) when one on the path was revoked so that the token does not count. Whether its time is
    plausible is for the caller to judge.
    """
    # 20 ms that a reader of a bundle without tokens does not wait for.
    from tallystick.timestamp.verification import verify

    return verify(token, message, authorities, words)
