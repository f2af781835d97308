"""The trust file of this log: what a reader would have to believe. A court compares it by another channel."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.base64s import to_base64
from tallystick.keys import PublicKey
from tallystick.tree_head import LogKeys
from tallystick.trust import TrustedExporter, TrustFile, Witnesses, encode_trust, trusted_log


def trust_file(
    keys: LogKeys,
    registrar: PublicKey,
    exporter: PublicKey,
    roots: Sequence[x509.Certificate],
    issued: str,
    status_max_age: int,
    witnesses: Witnesses,
) -> bytes:
    """Canonical bytes. It names no independent source of time, and says so: ``independent_time`` is false."""
    return encode_trust(
        TrustFile(
            v=1,
            publisher=keys.origin,
            issued=issued,
            logs=(trusted_log(keys, registrar),),
            exporters=(TrustedExporter(f"exporter of {keys.origin}", exporter.to_text()),),
            c2pa_roots=tuple(to_base64(root.public_bytes(Encoding.DER)) for root in roots),
            evm_targets=(),
            tsa_roots=(),
            independent_time=False,
            witnesses=witnesses,
            status_max_age=status_max_age,
            required=(),
        )
    )
