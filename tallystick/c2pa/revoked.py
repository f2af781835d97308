"""Whether the issuers of a signer had revoked him, as far as the file itself encloses their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from tallystick.c2pa.refusal import CredentialRefused
from tallystick.revocation import Enclosed, Words, enclosed


def require_not_revoked(
    path: Sequence[x509.Certificate], answers: Sequence[bytes], at: datetime, beside: Words | None = None
) -> Enclosed:
    """What ``answers`` (OCSP), and what stands ``beside`` the file, say of ``path`` (leaf first, root last).

    Raises ``CredentialRefused`` where one on it was revoked at ``at`` or before.
    """
    said = enclosed(path, at, answers=answers, beside=beside)
    if (revoked := said.revoked(at)) is not None and revoked.revoked is not None:
        detail = f"the certificate of {revoked.of} was revoked at {revoked.revoked.isoformat()}, says {revoked.by}"
        raise CredentialRefused("signer.revoked", detail)
    return said
