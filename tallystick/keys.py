"""Public keys, key identifiers and signers for the algorithms of the log.

``ed25519`` and ``es256`` sign statements; ``ml-dsa-44`` signs checkpoints for the
day after Ed25519; ``es256k`` (secp256k1) is the authority that EVM contracts know.
A key identifier is the RFC 9679 thumbprint, SHA-256 over the required COSE_Key
members in deterministic CBOR.
"""

from __future__ import annotations

import hashlib
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, Protocol, TypeAlias

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tallystick.base64s import from_base64, to_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import Rule, base64_bytes, record

Algorithm: TypeAlias = Literal["ed25519", "es256", "ml-dsa-44", "es256k"]

# IANA COSE algorithm numbers: EdDSA, ES256, ML-DSA-44, ES256K.
COSE_ALGORITHMS: dict[Algorithm, int] = {"ed25519": -8, "es256": -7, "ml-dsa-44": -48, "es256k": -47}
RAW_BYTES: dict[Algorithm, int] = {"ed25519": 32, "es256": 65, "ml-dsa-44": 1312, "es256k": 65}
SIGNATURE_BYTES: dict[Algorithm, int] = {"ed25519": 64, "es256": 64, "ml-dsa-44": 2420, "es256k": 64}

# y of the points of small order on Curve25519: under such a key a signature that nobody made verifies.
_FIELD = 2**255 - 19
_ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})

_CURVES: dict[str, ec.EllipticCurve] = {"es256": ec.SECP256R1(), "es256k": ec.SECP256K1()}
_ECDSA = ec.ECDSA(hashes.SHA256())
_CURVE_NUMBERS = {"es256": 1, "es256k": 8}


@record
class KeyText:
    """A public key in JSON: algorithm and base64 of its raw form."""

    alg: Literal["ed25519", "es256", "ml-dsa-44", "es256k"]
    public: Annotated[str, base64_bytes(1312)]

    @cached_property
    def loaded(self) -> PublicKey:
        """The key itself. Raises ``MalformedInput``."""
        return _read_key(self.alg, self.public)


@dataclass(frozen=True)
class PublicKey:
    """A public key. ``raw``: Ed25519 32 bytes, ML-DSA-44 1,312 bytes, elliptic curves 0x04 ‖ x ‖ y (65 bytes)."""

    alg: Algorithm
    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != RAW_BYTES[self.alg]:
            raise MalformedInput(f"an {self.alg} key has {RAW_BYTES[self.alg]} bytes, found {len(self.raw)}")
        try:
            _ = self._loaded
        except ValueError as error:
            raise MalformedInput(f"not an {self.alg} public key: {error}") from None
        if self.alg == "ed25519":
            _check_ed25519(self.raw)

    def __reduce__(self) -> tuple[type[PublicKey], tuple[Algorithm, bytes]]:
        # What was loaded of it belongs to this process.
        return PublicKey, (self.alg, self.raw)

    @classmethod
    def from_text(cls, text: KeyText) -> PublicKey:
        """Raises ``MalformedInput``."""
        return text.loaded

    def to_text(self) -> KeyText:
        """Inverse of ``from_text``."""
        return KeyText(self.alg, to_base64(self.raw))

    @cached_property
    def kid(self) -> bytes:
        """RFC 9679 thumbprint, 32 bytes."""
        return hashlib.sha256(cbor2.dumps(self.cose_key(), canonical=True)).digest()

    def cose_key(self) -> dict[int, Any]:
        """The required members of the COSE_Key (RFC 9053 §7; AKP for ML-DSA)."""
        if self.alg == "ed25519":
            return {1: 1, -1: 6, -2: self.raw}
        if self.alg == "ml-dsa-44":
            return {1: 7, 3: COSE_ALGORITHMS[self.alg], -1: self.raw}
        return {1: 2, -1: _CURVE_NUMBERS[self.alg], -2: self.raw[1:33], -3: self.raw[33:]}

    @cached_property
    def _loaded(self) -> Any:
        if self.alg == "ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(self.raw)
        if self.alg == "ml-dsa-44":
            return mldsa.MLDSA44PublicKey.from_public_bytes(self.raw)
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[self.alg], self.raw)

    def verify(self, message: bytes, signature: bytes) -> None:
        """Raise ``VerificationFailed`` unless ``signature`` (fixed length, r ‖ s for curves) is over ``message``."""
        if len(signature) != SIGNATURE_BYTES[self.alg]:
            raise VerificationFailed(
                f"an {self.alg} signature has {SIGNATURE_BYTES[self.alg]} bytes, found {len(signature)}"
            )
        try:
            if self.alg in _CURVES:
                r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                self._loaded.verify(encode_dss_signature(r, s), message, _ECDSA)
            else:
                self._loaded.verify(signature, message)
        except (InvalidSignature, ValueError):
            raise VerificationFailed(f"the signature does not verify with {self.alg} key {self.kid.hex()}") from None


@lru_cache(maxsize=1024)
def _read_key(alg: Algorithm, public: str) -> PublicKey:
    # The keys of a log are read for every batch that is decided.
    return PublicKey(alg, from_base64(public))


def _check_ed25519(raw: bytes) -> None:
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    if y >= _FIELD:
        raise MalformedInput("not an ed25519 public key: its coordinate is not reduced (RFC 8032 §5.1.3)")
    if y in _SMALL_ORDER:
        raise MalformedInput("not an ed25519 public key: a point of small order, under which anyone can sign")


VALID_KEY = Rule("a public key", PublicKey.from_text)
"""For fields of ``KeyText``: the key must be one, so that nothing after parsing meets a key that cannot be loaded."""


class Signer(Protocol):
    """Whatever holds a private key: a file, an HSM, a KMS."""

    @property
    def public(self) -> PublicKey:
        """The public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Signature over ``message`` in the fixed-length form that ``PublicKey.verify`` reads."""
        ...


class LocalSigner:
    """A signer whose private key is in this process."""

    def __init__(self, private: Any) -> None:
        """``private``: a private key object of ``cryptography``; ``MalformedInput`` for a kind we do not use."""
        self._private = private
        self.public = public_of(private)

    @classmethod
    def generate(cls, alg: Algorithm) -> LocalSigner:
        """A new random key."""
        if alg == "ed25519":
            return cls(ed25519.Ed25519PrivateKey.generate())
        if alg == "ml-dsa-44":
            return cls(mldsa.MLDSA44PrivateKey.generate())
        return cls(ec.generate_private_key(_CURVES[alg]))

    @property
    def private(self) -> Any:
        """The private key object, for writing it to an encrypted file."""
        return self._private

    def sign(self, message: bytes) -> bytes:
        """See ``Signer.sign``."""
        if self.public.alg in _CURVES:
            r, s = decode_dss_signature(self._private.sign(message, _ECDSA))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        signature: bytes = self._private.sign(message)
        return signature


def public_of(private: Any) -> PublicKey:
    """The public half of a private key object of ``cryptography``."""
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return PublicKey("ed25519", private.public_key().public_bytes_raw())
    if isinstance(private, mldsa.MLDSA44PrivateKey):
        return PublicKey("ml-dsa-44", private.public_key().public_bytes_raw())
    if isinstance(private, ec.EllipticCurvePrivateKey):
        curves: tuple[tuple[Algorithm, type[ec.EllipticCurve]], ...]
        curves = ("es256", ec.SECP256R1), ("es256k", ec.SECP256K1)
        for alg, curve in curves:
            if isinstance(private.curve, curve):
                numbers = private.public_key().public_numbers()
                return PublicKey(alg, b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))
    raise MalformedInput(f"a {type(private).__name__} is not a key that the log uses")
