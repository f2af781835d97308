"""Cosignatures on checkpoints: C2SP tlog-cosignature, ML-DSA-44 (type 0x06) and Ed25519 (type 0x04).

The log signs its own checkpoints with ML-DSA-44 (tlog-checkpoint: "Logs SHOULD use
ML-DSA-44 cosignatures"), as a cosigner whose name is the origin.
"""

from __future__ import annotations

from typing import TypeAlias

from tallystick.checkpoint import parse_body
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.note import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, Signature, key_id, parse_verifier_key

_LABEL = b"subtree/v1\n\0"
_MAX_TIME = (1 << 63) - 1


def cosigned_message(cosigner: str, seconds: int, text: str) -> bytes:
    """The ``cosigned_message`` structure for the checkpoint with this note text; it covers no extension lines."""
    body = parse_body(text, extended=True)
    return b"".join(
        (
            _LABEL,
            _vector(cosigner.encode()),
            seconds.to_bytes(8, "big"),
            _vector(body.origin.encode()),
            (0).to_bytes(8, "big"),
            body.size.to_bytes(8, "big"),
            body.root,
        )
    )


def _vector(data: bytes) -> bytes:
    if not 1 <= len(data) <= 255:
        raise VerificationFailed(f"a name of {len(data)} bytes cannot be cosigned: expected 1 to 255")
    return bytes([len(data)]) + data


@dataclass(frozen=True)
class MlDsaCosigner:
    """Type 0x06 verifier. The signature field is u64 time ‖ 2,420 bytes."""

    name: str
    key: PublicKey

    @property
    def key_id(self) -> bytes:
        """Key ID."""
        return key_id(self.name, COSIGNATURE_ML_DSA_44, self.key.raw)

    def verify(self, text: str, signature: bytes) -> None:
        """Raise ``VerificationFailed`` unless the cosignature is this key's over the checkpoint ``text``."""
        self.key.verify(cosigned_message(self.name, cosigned_at(signature), text), signature[8:])


@dataclass(frozen=True)
class Ed25519Cosigner:
    """Type 0x04 verifier. The signature field is u64 time ‖ 64 bytes; the name is not covered."""

    name: str
    key: PublicKey

    @property
    def key_id(self) -> bytes:
        """Key ID."""
        return key_id(self.name, COSIGNATURE_ED25519, self.key.raw)

    def verify(self, text: str, signature: bytes) -> None:
        """Raise ``VerificationFailed`` unless the cosignature is this key's over the checkpoint ``text``."""
        self.key.verify(_ed25519_message(cosigned_at(signature), text), signature[8:])


Witness: TypeAlias = Ed25519Cosigner | MlDsaCosigner
"""Whoever cosigns checkpoints that it did not make."""


def parse_witness(line: str) -> Witness:
    """A witness from its verifier key (C2SP text form). Raises ``MalformedInput`` for a key of another type."""
    name, kind, raw = parse_verifier_key(line)
    if kind == COSIGNATURE_ED25519:
        return Ed25519Cosigner(name, PublicKey("ed25519", raw))
    if kind == COSIGNATURE_ML_DSA_44:
        return MlDsaCosigner(name, PublicKey("ml-dsa-44", raw))
    raise MalformedInput(f"the witness {name!r} has a key of type {kind:#04x}, expected a cosignature key (04 or 06)")


def _ed25519_message(seconds: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def cosigned_at(signature: bytes) -> int:
    """Unix seconds at which a cosigner of either type says that it signed. Raises ``VerificationFailed``.

    Without a time (0) it is no cosignature of a checkpoint: by ML-DSA, witnesses sign any part of a tree so, for
    anybody who asks (C2SP tlog-witness, sign-subtree), and say nothing of when they saw what.
    """
    seconds = int.from_bytes(signature[:8], "big")
    if seconds == 0:
        raise VerificationFailed("it bears no time (0): it is of a part of a tree, not of a checkpoint")
    if seconds > _MAX_TIME:
        raise VerificationFailed("the cosignature's time does not fit in 63 bits")
    return seconds


def cosign_ml_dsa(text: str, name: str, signer: Signer, seconds: int) -> Signature:
    """A type 0x06 signature line made at ``seconds`` since 1970."""
    signature = seconds.to_bytes(8, "big") + signer.sign(cosigned_message(name, seconds, text))
    return Signature(name, key_id(name, COSIGNATURE_ML_DSA_44, signer.public.raw), signature)


def cosign_ed25519(text: str, name: str, signer: Signer, seconds: int) -> Signature:
    """A type 0x04 signature line made at ``seconds`` since 1970; ``text`` must be a checkpoint."""
    parse_body(text, extended=True)
    signature = seconds.to_bytes(8, "big") + signer.sign(_ed25519_message(seconds, text))
    return Signature(name, key_id(name, COSIGNATURE_ED25519, signer.public.raw), signature)
