"""Model signatures: the provider signs the weights digest of a capability version.

A COSE_Sign1 whose payload is canonical JSON {"v":1,"capability","version","weights"},
under a content type of its own, so that it can never pass for a statement.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from tallystick import canonical, cose
from tallystick.base64s import from_base64, to_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.capability import Weights
from tallystick.identifiers import Letter
from tallystick.keys import PublicKey, Signer
from tallystick.schema import identifier, read, record, text, write

CONTENT_TYPE = "application/vnd.tallystick.model-digest+json"
_MAX_BYTES = 4096


@record
class ModelDigest:
    """What the provider signs."""

    v: Literal[1]
    capability: Annotated[str, identifier(Letter.CAPABILITY)]
    version: Annotated[str, text(80)]
    weights: Weights


def sign_model(signer: Signer, capability: str, version: str, weights: Weights) -> str:
    """Base64 of the model signature, as ``CapabilityFiling.model_signature`` holds it."""
    payload = canonical.encode(write(ModelDigest(1, capability, version, weights)))
    protected = {cose.CONTENT_TYPE: CONTENT_TYPE, cose.KID: signer.public.kid}
    return to_base64(cose.sign1(signer, protected, payload))


def signer_of(model_signature: str) -> str:
    """The key thumbprint (hex) that the signature names. Raises ``MalformedInput``."""
    kid = _parse(model_signature).protected[cose.KID]
    return str(kid.hex())


def verify_model(model_signature: str, key: PublicKey, capability: str, version: str, weights: Weights) -> None:
    """Raise ``VerificationFailed`` unless ``key`` signed exactly these weights for this capability and version."""
    envelope = _parse(model_signature)
    assert envelope.payload is not None  # _parse saw to it
    envelope.verify(key)
    found = read(ModelDigest, canonical.decode(envelope.payload, _MAX_BYTES), "model_signature")
    expected = ModelDigest(1, capability, version, weights)
    if found != expected:
        raise VerificationFailed(
            f"the model signature is over {canonical.encode(write(found)).decode()}, "
            f"the filing describes {canonical.encode(write(expected)).decode()}"
        )


def fingerprint(model_signature: str) -> str:
    """SHA-256 (hex) of the signature's bytes: how objects name it."""
    return hashlib.sha256(from_base64(model_signature)).hexdigest()


def _parse(model_signature: str) -> cose.Sign1:
    envelope = cose.parse_sign1(from_base64(model_signature), _MAX_BYTES)
    header = envelope.protected
    if envelope.unprotected or envelope.payload is None:
        raise MalformedInput("a model signature has an attached payload and an empty unprotected header")
    if set(header) != {cose.ALG, cose.CONTENT_TYPE, cose.KID} or header[cose.CONTENT_TYPE] != CONTENT_TYPE:
        raise MalformedInput(f"the model signature is not of content type {CONTENT_TYPE}")
    if not isinstance(header[cose.KID], bytes) or len(header[cose.KID]) != 32:
        raise MalformedInput("the model signature's key identifier is not a thumbprint of 32 bytes")
    return envelope
