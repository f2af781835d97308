"""The roots of a trust file, each list for its own purpose."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from tallystick.c2pa.chain import SignerRoots
from tallystick.c2pa.verdict import OtherRoots
from tallystick.errors import MalformedInput
from tallystick.trust import Trust


def roots_of(trust: Trust) -> tuple[SignerRoots, OtherRoots]:
    """Who may sign claims; and who is believed about time and identity. Raises MalformedInput."""
    signers = _roots(trust.c2pa_roots, "c2pa_roots")
    return signers, OtherRoots(trust.time_authorities, _roots(trust.cawg_roots, "cawg_roots"))


def _roots(certificates: Sequence[bytes], name: str) -> SignerRoots:
    try:
        return SignerRoots(tuple(map(x509.load_der_x509_certificate, certificates)))
    except ValueError as error:
        raise MalformedInput(f"{name} of the trust file: not a certificate: {error}") from None
