"""Salted commitments to personal and private values: only digests enter the log.

A disclosure is the RFC 9901 §4.2.1 form, base64url(JSON array [salt, name, value]).
Its digest pair is SHA-256 and SM3 over the ASCII bytes of that text. The salt has
at least 128 random bits, so that a value cannot be guessed from its digest; value
and salt live outside the log and may be erased.
"""

from __future__ import annotations

from functools import cached_property

from tallystick import canonical
from tallystick.base64s import from_base64url, to_base64url
from tallystick.digests import DigestPair, digest_pair
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass

MIN_SALT_BYTES = 16
MAX_DISCLOSURE_BYTES = 1 << 20


@dataclass(frozen=True)
class Disclosure:
    """One opened value. ``text`` is the exact RFC 9901 disclosure that was hashed."""

    text: str
    name: str
    value: canonical.JsonValue

    @cached_property
    def commitment(self) -> DigestPair:
        """The digest pair that stands in the leaf."""
        return digest_pair(self.text.encode("ascii"))


def disclose(name: str, value: canonical.JsonValue, salt: bytes) -> Disclosure:
    """A disclosure of ``value`` under ``name``; the caller brings at least ``MIN_SALT_BYTES`` random bytes."""
    if len(salt) < MIN_SALT_BYTES:
        raise ValueError(f"a salt has at least {MIN_SALT_BYTES} bytes, got {len(salt)}")
    return Disclosure(to_base64url(canonical.encode([to_base64url(salt), name, value])), name, value)


def parse_disclosure(text: str) -> Disclosure:
    """Read a disclosure made here or by another RFC 9901 implementation. Raises ``MalformedInput``."""
    if len(text) > MAX_DISCLOSURE_BYTES or not text.isascii():
        raise MalformedInput(f"a disclosure is ASCII text of at most {MAX_DISCLOSURE_BYTES} characters")
    array = canonical.decode_relaxed(from_base64url(text), MAX_DISCLOSURE_BYTES)
    if not (isinstance(array, list) and len(array) == 3 and isinstance(array[0], str) and isinstance(array[1], str)):
        raise MalformedInput("a disclosure holds a JSON array [salt, name, value]")
    if len(from_base64url(array[0])) < MIN_SALT_BYTES:
        raise MalformedInput(f"the salt of the disclosure of {array[1]!r} has fewer than {MIN_SALT_BYTES * 8} bits")
    return Disclosure(text, array[1], array[2])


def open_commitments(
    commitments: dict[str, DigestPair], disclosures: list[Disclosure]
) -> dict[str, canonical.JsonValue]:
    """The disclosed values by name, each checked against its commitment; withheld names are absent.

    Raises ``VerificationFailed`` for a disclosure that opens nothing, opens another value, or stands twice.
    """
    opened: dict[str, canonical.JsonValue] = {}
    for disclosure in disclosures:
        expected = commitments.get(disclosure.name)
        if expected is None:
            raise VerificationFailed(f"the statement commits to no value named {disclosure.name!r}")
        if disclosure.commitment != expected:
            raise VerificationFailed(
                f"the disclosure of {disclosure.name!r} has SHA-256 {disclosure.commitment.sha256}, "
                f"the statement commits to {expected.sha256}"
            )
        if disclosure.name in opened:
            raise VerificationFailed(f"{disclosure.name!r} is disclosed twice")
        opened[disclosure.name] = disclosure.value
    return opened
