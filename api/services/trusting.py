"""The trust file of this log: what a reader would have to believe. A court compares it by another channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.admission.state import LogState
from tallystick.base64s import to_base64
from tallystick.key_history import history_of
from tallystick.keys import PublicKey
from tallystick.trust import TimeAuthority, TrustedExporter, TrustFile, Witnesses, encode_trust, trusted_log


def trust_file(
    log: LogState,
    roots: Sequence[x509.Certificate],
    issued: str,
    status_max_age: int,
    witnesses: Witnesses,
    authorities: Sequence[TimeAuthority] = (),
    token_roots: Sequence[bytes] = (),
    pdf_roots: Sequence[bytes] = (),
    cawg_roots: Sequence[x509.Certificate] = (),
) -> bytes:
    """Canonical bytes. It names no independent source of time, and says so: ``independent_time`` is false.

    ``issued``: when the log began. Once a key was replaced the file is of version 2, and issued when the last one was.
    ``authorities``: timestamp authorities that the operator asks; which of them are independent of him is for others
    to say. Where one needs certificates besides its root the file is of version 3.
    token_roots, pdf_roots: DER of the roots above the issuers of licence tokens and the signers of certificates;
    cawg_roots: those above licensors who identify themselves in a file, who sign no claims. With one of these the file
    is of version 4.
    """
    history = history_of(log)
    first = {key.role: PublicKey.from_text(key.key) for key in log.keys}
    first |= {gone.role: PublicKey.from_text(gone.key) for gone in reversed(log.retired or ())}
    exporters = [key.key for key in log.keys if key.role == "exporter"]
    exporters += [gone.key for gone in reversed(log.retired or ()) if gone.role == "exporter"]
    brought = any(one.certificates for one in authorities)
    fourth = token_roots or pdf_roots or cawg_roots
    version: Literal[1, 2, 3, 4] = 4 if fourth else 3 if brought else 2 if history.replaced else 1
    return encode_trust(
        TrustFile(
            v=version,
            publisher=log.origin,
            issued=history.replaced[-1].since if history.replaced else issued,
            logs=(trusted_log(history.first, first["registrar"], history.replaced if version > 1 else None),),
            exporters=tuple(TrustedExporter(f"exporter of {log.origin}", key) for key in exporters),
            c2pa_roots=_listed(roots),
            evm_targets=(),
            tsa_roots=tuple(authorities),
            independent_time=False,
            witnesses=witnesses,
            status_max_age=status_max_age,
            required=(),
            token_roots=tuple(map(to_base64, token_roots)) or None,
            pdf_roots=tuple(map(to_base64, pdf_roots)) or None,
            cawg_roots=_listed(cawg_roots) or None,
        )
    )


def _listed(roots: Sequence[x509.Certificate]) -> tuple[str, ...]:
    return tuple(to_base64(root.public_bytes(Encoding.DER)) for root in roots)
