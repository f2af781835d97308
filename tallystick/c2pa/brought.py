"""Whose certificates, timestamps and answers a Content Credential brings. A file that cannot be read brings nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.brought import Brought
from tallystick.c2pa.claim import ActiveManifest
from tallystick.c2pa.containers import EMBEDDED, locate
from tallystick.c2pa.identity import IDENTITY, is_judged
from tallystick.c2pa.jumbf import parse_store
from tallystick.c2pa.reading import opened
from tallystick.c2pa.signature import CoseSignature, verified
from tallystick.c2pa.stamps import token_of
from tallystick.c2pa.updates import later_stamps, read_manifests
from tallystick.errors import MalformedInput, VerificationFailed


def brought_by_file(source: Path, media_type: str) -> Brought:
    """What the Content Credential in a file brings."""
    try:
        if media_type not in EMBEDDED:
            return Brought()
        with opened(source) as (stream, size):
            store = locate(stream, size, media_type).store
        manifests = () if store is None else read_manifests(parse_store(store))
        signatures = [one for manifest in manifests for one in _signatures(manifest)]
        stamps = [stamp for one in signatures for stamp in one.stamps]
        stamps += [stamp for later in later_stamps(manifests).values() for stamp in later]
        return Brought(
            tuple(certificate.public_bytes(Encoding.DER) for one in signatures for certificate in one.chain),
            tuple(map(token_of, stamps)),
            answers=tuple(answer for one in signatures for answer in one.answers),
        )
    except (MalformedInput, VerificationFailed):
        return Brought()


def _signatures(manifest: ActiveManifest) -> Iterator[CoseSignature]:
    yield manifest.signature
    for assertion in manifest.named(IDENTITY):
        value = assertion.value()
        if is_judged(assertion) and isinstance(value.get("signature"), bytes):
            yield verified(value["signature"], cbor2.dumps(value["signer_payload"]), "identity")
