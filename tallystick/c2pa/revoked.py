"""Whether the issuers of a signer had revoked him, as far as the file itself encloses their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from tallystick.c2pa.refusal import CredentialRefused
from tallystick.revocation import Enclosed, enclosed


def require_not_revoked(path: Sequence[x509.Certificate], answers: Sequence[bytes], at: datetime) -> Enclosed:
    """What ``answers`` (OCSP) say of ``path`` (leaf first, root last).

    Raises ``CredentialRefused`` where one on it was revoked at ``at`` or before.
    """
    said = enclosed(path, at, answers=answers)
    if (revoked := said.revoked(at)) is not None and revoked.revoked is not None:
        detail = f"the certificate of {revoked.of} was revoked at {revoked.revoked.isoformat()}, says {revoked.by}"
        raise CredentialRefused("signer.revoked", detail)
    return said


def unanswered(name: str, places: Sequence[str], at: datetime) -> str:
    """What only a fact from outside can show: an issuer tells of revocation, and the file does not enclose what."""
    where = ", ".join(places[:4])
    return (
        f"whether the certificate of {name} had been revoked by {at.isoformat()} needs an external fact: "
        f"its issuer tells of revocation at {where}, and the file encloses no answer that reaches that instant"
    )
