"""Why would this certificate not sign? c2pa-python only says that "the certificate is invalid"."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from tallystick.c2pa.chain import Fault, SignerRoots, faults, name_of, require_utc
from tallystick.c2pa.signature import MAX_CHAIN


def diagnose(chain_pem: bytes, roots: SignerRoots, at: datetime) -> tuple[Fault, ...]:
    """Every fault of a PEM chain (leaf first) as a claim signer's at `at`; empty if it may sign."""
    require_utc(at)
    try:
        chain = x509.load_pem_x509_certificates(chain_pem)
    except (ValueError, x509.InvalidVersion) as error:
        return (Fault("signer.malformed", f"not PEM certificates: {error}"),)
    if len(chain) > MAX_CHAIN:
        return (Fault("signer.chain_too_long", f"{len(chain)} certificates, at most {MAX_CHAIN} are read"),)
    found = tuple(faults(chain, roots, at))
    if any(later.issuer == chain[0].subject for later in chain[1:]):
        first = name_of(chain[0].subject)
        return (Fault("signer.chain_order", f"{first} stands before what it issued; the leaf comes first"), *found)
    return found
