"""Who signs: a certificate chain and a callable that signs with its leaf's key, for claims and for identities.

The key may live in an HSM: it is asked once for each signature. Algorithms are those of C2PA (section 13.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import cbor2
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from credentials.errors import SigningFailed
from tallystick.c2pa.chain import Fault, SignerRoots, faults
from tallystick.c2pa.signature import verified
from tallystick.cose import TAG_SIGN1
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass

_ALG, _X5CHAIN = 1, 33
_ALGORITHMS = {"ES256": -7, "ES384": -35, "ES512": -36, "EdDSA": -8, "PS256": -37, "PS384": -38, "PS512": -39}
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_DIGESTS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}

# Which root is trusted and which time it is, is not the signer's to say.
_NOT_NOW = frozenset({"signer.untrusted", "signer.expired", "signer.not_yet_valid"})

_NEXT = {
    "signer.expired": "; the operator puts another in its place: python -m api keys replace signer, or import",
    "signer.not_yet_valid": "; the operator compares the clock of the service's machine",
}
"""What to do where time is at fault."""

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class ClaimSigner:
    """`chain`: certificates, leaf first, without the root. `sign`: from the bytes to sign to a COSE signature.

    A COSE signature of ECDSA is r || s, each as long as the curve's order.
    """

    chain: tuple[x509.Certificate, ...]
    algorithm: str
    sign: Callable[[bytes], bytes]
    private: PrivateKey | None = field(default=None, repr=False)
    """The key, where it is in memory: a process beside this one may be given it."""

    @classmethod
    def from_pem(cls, chain_pem: bytes, sign: Callable[[bytes], bytes], algorithm: str | None = None) -> ClaimSigner:
        """A signer whose key is behind a callable. `algorithm`: needed for RSA alone (PS256, PS384, PS512).

        Raises SigningFailed on bytes that are no certificates, and with the first fault of a chain that may not sign.
        """
        try:
            chain = tuple(x509.load_pem_x509_certificates(chain_pem))
            used = algorithm_of(chain[0].public_key(), algorithm)
        except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
            raise SigningFailed(f"the signing certificate does not parse: {error}") from None
        made = cls(chain, used, sign)
        made._require(chain[0].not_valid_before_utc, _NOT_NOW)
        return made

    @classmethod
    def from_key(cls, chain_pem: bytes, key: PrivateKey, algorithm: str | None = None) -> ClaimSigner:
        """A signer whose key is in memory."""
        used = algorithm_of(key.public_key(), algorithm)
        return replace(cls.from_pem(chain_pem, lambda message: sign_with(key, used, message), used), private=key)

    @property
    def size(self) -> int:
        """Bytes of a signature with its chain, at most."""
        return 1024 + sum(len(one.public_bytes(serialization.Encoding.DER)) + 8 for one in self.chain)

    def require_valid(self, at: datetime) -> None:
        """Raise SigningFailed where a verifier would refuse a signature of `at` whatever root it trusts."""
        self._require(at, frozenset({"signer.untrusted"}))

    def _require(self, at: datetime, left_out: frozenset[str]) -> None:
        for fault in _faults(self.chain, at):
            if fault.code not in left_out:
                told = f"the signing certificate may not sign: {fault.detail} ({fault.code})"
                raise SigningFailed(told + _NEXT.get(fault.code, ""))

    def sign1(self, payload: bytes) -> Sign1:
        """COSE_Sign1 over the detached `payload`, with the chain in its protected header.

        Raises SigningFailed, with what the callable raised as its cause.
        """
        ders = [one.public_bytes(serialization.Encoding.DER) for one in self.chain]
        protected = cbor2.dumps({_ALG: _ALGORITHMS[self.algorithm], _X5CHAIN: ders})
        message = cbor2.dumps(["Signature1", protected, b"", payload])
        try:
            signature = self.sign(message)
        except Exception as error:
            raise SigningFailed(f"the file was not signed: {error}") from error
        made = Sign1(protected, signature)
        try:
            verified(made.encode(), payload)
        except (MalformedInput, VerificationFailed, ValueError):
            raise SigningFailed(
                f"the signer returned {len(signature)} bytes that are no {self.algorithm} signature by the key of "
                f"{self.chain[0].subject.rfc4514_string()}"
            ) from None
        return made


@lru_cache(maxsize=16)
def _faults(chain: tuple[x509.Certificate, ...], at: datetime) -> tuple[Fault, ...]:
    """Cards of one order are signed within the same seconds, by the same chain."""
    return tuple(faults(chain, SignerRoots(()), at))


@dataclass(frozen=True, slots=True)
class Sign1:
    """A signature before its unprotected header, which nothing signs, is settled."""

    protected: bytes
    signature: bytes

    def countersigned(self) -> bytes:
        """What a timestamp of this signature is over (`sigTst2`, C2PA section 10.3.2.5.2)."""
        return cbor2.dumps(["CounterSignature", self.protected, b"", cbor2.dumps(self.signature)])

    def encode(self, unprotected: Mapping[str, Any] | None = None) -> bytes:
        """COSE_Sign1 (tag 18) with a detached payload."""
        return cbor2.dumps(cbor2.CBORTag(TAG_SIGN1, [self.protected, dict(unprotected or {}), None, self.signature]))


def algorithm_of(key: object, wanted: str | None = None) -> str:
    """The COSE algorithm of a public key. Raises SigningFailed where it has none, or not the one that is `wanted`."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        found = {_CURVES.get(key.curve.name)}
    elif isinstance(key, ed25519.Ed25519PublicKey):
        found = {"EdDSA"}
    else:
        found = {"PS256", "PS384", "PS512"} if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048 else {None}
    chosen = wanted or min(found, key=str)
    if chosen is None or chosen not in found:
        offered = ", ".join(sorted(filter(None, found))) or "none"
        raise SigningFailed(f"the leaf's key cannot sign claims with {wanted or 'any algorithm of C2PA'}: {offered}")
    return chosen


def sign_with(key: PrivateKey, algorithm: str, message: bytes) -> bytes:
    """A COSE signature by a key in memory."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    digest = _DIGESTS[algorithm[2:]]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
    width = (key.curve.key_size + 7) // 8
    return r.to_bytes(width) + s.to_bytes(width)
