"""Whom a reader believes about time, and what a verified token says. Loads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.errors import VerificationFailed
from tallystick.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from tallystick.revocation import Revocation

LOCAL_POLICY = "2.25.136187603105352834587325482968368822740"
"""Policy of authorities that a log's operator runs himself. In a token, or in any certificate above it (certificate
policies), it says *operator only*: such a token is never independent, whatever a trust file says."""

_SECOND = 1_000_000


class UnknownAuthority(VerificationFailed):
    """The token is sound, and no root that the reader trusts stands above its signer."""


class RevokedAuthority(UnknownAuthority):
    """The token is sound, and somebody on the path above it was revoked so that it counts no more (RFC 3161 §4)."""

    def __init__(self, message: str, fact: TimestampFact) -> None:
        super().__init__(message)
        self.fact = fact


@dataclass(frozen=True, slots=True)
class Authority:
    """A timestamp authority that a reader names. Certificates are DER.

    root: above its signers. independent: of the log's operator. certificates: of signers or authorities between, for
    tokens that do not carry them.
    """

    name: str
    root: bytes
    independent: bool
    certificates: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class TimestampFact:
    """What a verified token says, and on whose word.

    gen_time, accuracy: microseconds (since 1970, UTC); accuracy None: the token does not tell one. policy: dotted.
    hash: of the message imprint. authority: its name in the trust file. signer: subject of the certificate that
    signed. Fingerprints are SHA-256, hex. independent: the trust file calls the authority so and it is no operator's
    own. operator_only: it is one (``LOCAL_POLICY``). revocation: what was said of the certificates on its path, where
    the caller brought words. unanswered: of whom nothing was said that reaches its time, and where to ask.
    """

    gen_time: int
    accuracy: int | None
    policy: str
    serial: int
    ordering: bool
    nonce: int | None
    hash: str
    authority: str
    signer: str
    signer_sha256: str
    root_sha256: str
    independent: bool
    operator_only: bool
    revocation: tuple[Revocation, ...] = ()
    unanswered: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def not_before(self) -> int:
        """Unix seconds before which the token was not made."""
        return (self.gen_time - (self.accuracy or 0)) // _SECOND

    @property
    def not_after(self) -> int:
        """Unix seconds by which the token was made, and what it is over existed."""
        return -((-self.gen_time - (self.accuracy or 0)) // _SECOND)
