"""Was this certificate a signer's of documents at that time? Purposes are kept apart: no timestamps, no C2PA claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from tallystick.timestamp.chain import authority_faults, common_faults, extension_of, name_of, signs_only, time_faults

DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""id-kp-documentSigning (RFC 9336)."""
_ADOBE = ObjectIdentifier("1.2.840.113583.1.1.5")
"""Adobe's Authentic Documents Trust, which came before it."""


def document_faults(path: Sequence[x509.Certificate], at: datetime) -> Iterator[str]:
    """What is wrong with a path (leaf first, root last) at ``at``, as sentences."""
    leaf = path[0]
    basic, usage = extension_of(leaf, x509.BasicConstraints), extension_of(leaf, x509.KeyUsage)
    purposes = extension_of(leaf, x509.ExtendedKeyUsage)
    if basic is not None and basic.ca:
        yield f"{name_of(leaf)} is a certificate authority and may not sign documents itself"
    if usage is None or not signs_only(usage):
        yield f"{name_of(leaf)} may do other things with its key than sign (key usage)"
    if purposes is None or not set(purposes) <= {DOCUMENT_SIGNING, _ADOBE}:
        yield f"{name_of(leaf)} is not for documents alone (extended key usage)"
    for number, certificate in enumerate(path):
        yield from common_faults(certificate)
        if number:
            yield from authority_faults(certificate, number - 1)
            above = extension_of(certificate, x509.ExtendedKeyUsage)
            any_use = {DOCUMENT_SIGNING, _ADOBE, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
            if above is not None and not any_use & set(above):
                yield f"{name_of(certificate)} is an authority for other things than documents (extended key usage)"
        yield from time_faults(certificate, at)
