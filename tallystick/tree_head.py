"""Signed checkpoints: the three signatures that each tree head of a log bears.

Ed25519 (0x01), ML-DSA-44 (0x06) and, as a 0xff line, the EIP-712 signature by
which contracts know the log. A verifier demands all that its trust file lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.cosignature import MlDsaCosigner, cosign_ml_dsa, cosigned_at
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm.eip712 import checkpoint_digest, verify_checkpoint
from tallystick.evm.secp256k1 import address_of, sign_digest
from tallystick.keys import LocalSigner, PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.note import (
    COSIGNATURE_ML_DSA_44,
    ED25519,
    OTHER,
    Ed25519Verifier,
    Note,
    NoteVerifier,
    Signature,
    key_id,
    parse_note,
    parse_verifier_key,
    sign_ed25519,
    verifier_key,
    verify_note,
)
from tallystick.times import format_time, parse_time

EIP712_TYPE = b"tallystick/eip712-checkpoint/v1\n"
"""Long identifier that follows the 0xff byte (signed-note §Signature types)."""

SIGNATURE_KINDS = ("Ed25519", "ML-DSA-44", "EIP-712")

ROTATION_TOLERANCE = 300
"""Seconds after a rotation in which a checkpoint from before it may still be signed: it was on its way."""


class Authority(Protocol):
    """Holds the secp256k1 key that EVM contracts know as the log."""

    @property
    def public(self) -> PublicKey:
        """Its es256k public key."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes r ‖ s ‖ v, low s, over a 32-byte digest."""
        ...


class LocalAuthority:
    """An authority whose key is in this process."""

    def __init__(self, signer: LocalSigner) -> None:
        if signer.public.alg != "es256k":
            raise MalformedInput(f"an authority has an es256k key, found {signer.public.alg}")
        self.public = signer.public
        self._private = signer.private

    def sign_digest(self, digest: bytes) -> bytes:
        """See ``Authority.sign_digest``."""
        return sign_digest(self._private, digest)


@dataclass(frozen=True)
class AuthorityVerifier:
    """Type 0xff verifier of EIP-712 checkpoint signatures."""

    name: str
    key: PublicKey

    @property
    def key_id(self) -> bytes:
        """Key ID; the encoded key starts with the long identifier."""
        return key_id(self.name, OTHER, EIP712_TYPE + self.key.raw)

    def verify(self, text: str, signature: bytes) -> None:
        """Raise ``VerificationFailed`` unless the authority signed the checkpoint ``text``."""
        body = parse_body(text)
        verify_checkpoint(address_of(self.key.raw), origin_hash(body.origin), body.size, body.root, signature)


class CheckpointKeys(Protocol):
    """Which keys sign the checkpoints of one log: those in force at the size."""

    @property
    def origin(self) -> str:
        """The log."""
        ...

    def at(self, size: int) -> LogKeys:
        """The keys that must sign the checkpoint of ``size``."""
        ...

    def until(self, size: int) -> str | None:
        """When the first of these was replaced, as text; they sign nothing after it."""
        ...


@dataclass(frozen=True)
class LogKeys:
    """The keys by which a log signs its checkpoints, all under the name of its origin."""

    origin: str
    ed25519: PublicKey
    ml_dsa: PublicKey
    authority: PublicKey

    def at(self, size: int) -> LogKeys:
        """The keys of a log that never replaced one sign every size (``CheckpointKeys``)."""
        return self

    def until(self, size: int) -> str | None:
        """Never (``CheckpointKeys``)."""
        return None

    @property
    def authority_address(self) -> bytes:
        """20-byte EVM address of the authority."""
        return address_of(self.authority.raw)

    def verifiers(self) -> tuple[NoteVerifier, ...]:
        """One for each signature line, in the order of ``SIGNATURE_KINDS``."""
        return (
            Ed25519Verifier(self.origin, self.ed25519),
            MlDsaCosigner(self.origin, self.ml_dsa),
            AuthorityVerifier(self.origin, self.authority),
        )

    def verifier_keys(self) -> tuple[str, ...]:
        """C2SP text form of each key."""
        return (
            verifier_key(self.origin, ED25519, self.ed25519.raw),
            verifier_key(self.origin, COSIGNATURE_ML_DSA_44, self.ml_dsa.raw),
            verifier_key(self.origin, OTHER, EIP712_TYPE + self.authority.raw),
        )


def parse_log_keys(lines: Sequence[str]) -> LogKeys:
    """Inverse of ``LogKeys.verifier_keys``, in any order. Raises ``MalformedInput``."""
    found: dict[int, PublicKey] = {}
    names = set()
    for line in lines:
        name, kind, raw = parse_verifier_key(line)
        names.add(name)
        if kind in found:
            raise MalformedInput(f"two verifier keys of type {kind:#04x}")
        found[kind] = _public_key(kind, raw)
    if len(names) != 1 or set(found) != {ED25519, COSIGNATURE_ML_DSA_44, OTHER}:
        raise MalformedInput("a log has one Ed25519, one ML-DSA-44 and one EIP-712 key, all named by its origin")
    return LogKeys(names.pop(), found[ED25519], found[COSIGNATURE_ML_DSA_44], found[OTHER])


def _public_key(kind: int, raw: bytes) -> PublicKey:
    if kind == ED25519:
        return PublicKey("ed25519", raw)
    if kind == COSIGNATURE_ML_DSA_44:
        return PublicKey("ml-dsa-44", raw)
    if kind == OTHER and raw.startswith(EIP712_TYPE):
        return PublicKey("es256k", raw.removeprefix(EIP712_TYPE))
    raise MalformedInput(f"a verifier key of type {kind:#04x} is no key of a log")


@dataclass(frozen=True)
class LogSigners:
    """The private halves of ``LogKeys``."""

    origin: str
    ed25519: Signer
    ml_dsa: Signer
    authority: Authority

    @property
    def keys(self) -> LogKeys:
        """The public halves."""
        return LogKeys(self.origin, self.ed25519.public, self.ml_dsa.public, self.authority.public)


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint whose required signatures all verified; ``note`` holds every line, witnesses' included."""

    checkpoint: Checkpoint
    note: Note


def sign_checkpoint(checkpoint: Checkpoint, signers: LogSigners, seconds: int) -> str:
    """The note that the log publishes; ``seconds`` is the time of signing."""
    text = checkpoint.body()
    return Note(
        text,
        (
            sign_ed25519(text, signers.origin, signers.ed25519),
            cosign_ml_dsa(text, signers.origin, signers.ml_dsa, seconds),
            _sign_authority(checkpoint, signers),
        ),
    ).encode()


def _sign_authority(checkpoint: Checkpoint, signers: LogSigners) -> Signature:
    digest = checkpoint_digest(origin_hash(checkpoint.origin), checkpoint.size, checkpoint.root)
    verifier = AuthorityVerifier(signers.origin, signers.authority.public)
    return Signature(signers.origin, verifier.key_id, signers.authority.sign_digest(digest))


def verify_tree_head(note: bytes, keys: CheckpointKeys) -> SignedCheckpoint:
    """A checkpoint with all three signatures of the log, by the keys in force at its size.

    Raises ``MalformedInput`` or ``VerificationFailed``.
    """
    parsed = parse_note(note)
    checkpoint = parse_body(parsed.text)
    if checkpoint.origin != keys.origin:
        raise VerificationFailed(f"the checkpoint is of log {checkpoint.origin!r}, expected {keys.origin!r}")
    verifiers = keys.at(checkpoint.size).verifiers()
    signed = verify_note(parsed, verifiers)
    missing = [
        f"the {kind} key {verifier.name}+{verifier.key_id.hex()}"
        for kind, verifier in zip(SIGNATURE_KINDS, verifiers, strict=True)
        if verifier not in signed
    ]
    if missing:
        raise VerificationFailed(
            f"the checkpoint lacks the log's signature by {' and '.join(missing)}; "
            "if one was replaced, newer keys or a newer trust file name its successor"
        )
    _check_window(parsed, checkpoint, keys)
    return SignedCheckpoint(checkpoint, parsed)


def _check_window(note: Note, checkpoint: Checkpoint, keys: CheckpointKeys) -> None:
    """The time is the signer's own claim: this holds a careless thief of a retired key, a careful one dates back."""
    until = keys.until(checkpoint.size)
    if until is not None and (at := signing_time(note, keys)) > parse_time(until) + ROTATION_TOLERANCE:
        raise VerificationFailed(
            f"the checkpoint of size {checkpoint.size} was signed at {format_time(at)}, "
            f"after one of its keys was replaced at {until}"
        )


def signing_time(note: Note, keys: CheckpointKeys) -> int:
    """Unix seconds that the log's own ML-DSA signature on a verified checkpoint claims."""
    verifier = MlDsaCosigner(keys.origin, keys.at(parse_body(note.text).size).ml_dsa)
    for signature in note.signatures:
        if (signature.name, signature.key_id) == (verifier.name, verifier.key_id):
            return cosigned_at(signature.signature)
    raise VerificationFailed("the checkpoint bears no ML-DSA-44 signature of the log")


def authority_signature(note: Note, keys: CheckpointKeys) -> bytes:
    """The 65-byte EIP-712 signature in a checkpoint, for a contract. Raises ``VerificationFailed`` when absent."""
    verifier = AuthorityVerifier(keys.origin, keys.at(parse_body(note.text).size).authority)
    for signature in note.signatures:
        if (signature.name, signature.key_id) == (verifier.name, verifier.key_id):
            return signature.signature
    raise VerificationFailed("the checkpoint bears no EIP-712 signature of the log's authority")


def origin_hash(origin: str) -> bytes:
    """SHA-256 of the origin text: how contracts name a log."""
    return hashlib.sha256(origin.encode()).digest()
