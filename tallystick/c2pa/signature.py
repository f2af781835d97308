"""The COSE signature of a claim or an identity: its certificates, its key, and the timestamps that it carries.

C2PA specification, section 13.2 (RFC 9052, RFC 9360). The signature is verified with the key of its own leaf
certificate; whether that certificate was entitled to sign is not asked here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.utils import CryptographyDeprecationWarning

from tallystick.c2pa.cbor import decode_cbor
from tallystick.c2pa.chain import MAX_RSA_BITS
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.certificate_keys import Scheme, is_for_pss, key_of, signs
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.revocation import MAX_ENCLOSED

MAX_CHAIN = 8
_KEPT_BYTES = 8192
"""Of a certificate that is kept for the next signature."""
_ALG, _CRIT, _X5CHAIN = 1, 2, 33
_UNPROTECTED = {"sigTst", "sigTst2", "rVals", "pad", "pad2", "x5chain", _X5CHAIN}
_HASHES: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
_ECDSA = {-7: (256, "secp256r1", 32), -35: (384, "secp384r1", 48), -36: (512, "secp521r1", 66)}
_PSS = {-37: 256, -38: 384, -39: 512}
_EDDSA = -8
TIME_STAMP = "c2pa.time-stamp"
"""Label of the assertion with which an update brings timestamps of the signatures that it updates."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """A timestamp that the signature carries: `form`: its header, or the assertion of
    an update; `token` as it stands there; `message` it is over.

    No signature of its manifest covers it, and nothing is known of it yet.
    """

    form: str
    token: bytes
    message: bytes


@dataclass(frozen=True, slots=True)
class CoseSignature:
    """A signature that fits the key of the first certificate of `chain` (leaf first, not judged)."""

    chain: tuple[x509.Certificate, ...]
    value: bytes
    stamps: tuple[Stamped, ...]
    answers: tuple[bytes, ...] = ()
    """What issuers said of these certificates (OCSP, DER), as the signer enclosed it (``rVals``)."""


def verified(cose: bytes, payload: bytes, what: str = "claim", *, older: bool = False) -> CoseSignature:
    """Verify a COSE_Sign1 (RFC 9052, detached payload) with the leaf of the chain that it carries.

    older: of a claim of version 1, whose chain may stand outside the signature, where anybody can put another
    certificate of the same key.

    Raises MalformedInput, or CredentialRefused with ``claimSignature.mismatch`` (for another `what`:
    ``<what>.mismatch``).
    """
    tag = decode_cbor(cose, f"{what} signature")
    parts = tag.value if isinstance(tag, cbor2.CBORTag) and tag.tag == 18 else tag
    if not isinstance(parts, list | tuple) or len(parts) != 4 or parts[2] is not None:
        raise MalformedInput(f"the {what} signature is not a COSE_Sign1 with a detached payload")
    protected, unprotected, _, signature = parts
    if not isinstance(protected, bytes) or not isinstance(signature, bytes) or not isinstance(unprotected, dict):
        raise MalformedInput(f"the {what} signature has fields of the wrong type")
    header = decode_cbor(protected, "protected header")
    if not isinstance(header, dict):
        raise MalformedInput("the protected header is not a map")
    if _CRIT in header:
        raise MalformedInput("the protected header names headers that must be understood (crit); none is known here")
    unknown = [key for key in unprotected if key not in _UNPROTECTED]
    pads = [unprotected[key] for key in ("pad", "pad2") if key in unprotected]
    if unknown or any(not isinstance(pad, bytes) or any(pad) for pad in pads):
        raise MalformedInput(f"the unprotected header holds {str(unknown)[:80] if unknown else 'padding not zero'}")
    if not older and (_X5CHAIN in unprotected or "x5chain" in unprotected):
        raise MalformedInput("an x5chain stands in the unprotected header, where nobody signed it")
    chain = _certificates(header, unprotected, what)
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    try:
        _verify(chain[0], header.get(_ALG), signature, signed)
    # ValueError: an RSA key too short for what its signature claims.
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
        detail = str(error) or f"the {what} was not signed by the leaf certificate that it carries"
        code = "claimSignature.mismatch" if what == "claim" else f"{what}.mismatch"
        raise CredentialRefused(code, detail) from None
    return CoseSignature(chain, signature, _stamps(unprotected, protected, payload, signature), _answers(unprotected))


def _answers(unprotected: dict[Any, Any]) -> tuple[bytes, ...]:
    """Nobody signed this place: what has another form says nothing, as if it had been left out."""
    held = unprotected.get("rVals")
    listed = held.get("ocspVals") if isinstance(held, dict) else None
    return tuple(one for one in listed if isinstance(one, bytes))[:MAX_ENCLOSED] if isinstance(listed, list) else ()


def _certificates(header: dict[Any, Any], unprotected: dict[Any, Any], what: str) -> tuple[x509.Certificate, ...]:
    places = [where[key] for where in (header, unprotected) for key in (_X5CHAIN, "x5chain") if key in where]
    if len(places) != 1:
        raise MalformedInput(f"the {what} signature has {len(places)} x5chain headers, expected exactly one")
    ders = [places[0]] if isinstance(places[0], bytes) else places[0]
    if not isinstance(ders, list) or not 0 < len(ders) <= MAX_CHAIN or not all(isinstance(d, bytes) for d in ders):
        raise MalformedInput(f"x5chain must hold 1 to {MAX_CHAIN} certificates")
    return tuple(_certificate(der) for der in ders)


def _certificate(der: bytes) -> x509.Certificate:
    """Signatures of one signer bring the same few certificates: those are parsed once. What is kept stays small."""
    return _kept_certificate(der) if len(der) <= _KEPT_BYTES else _parse_certificate(der)


@lru_cache(maxsize=32)
def _kept_certificate(der: bytes) -> x509.Certificate:
    return _parse_certificate(der)


def _parse_certificate(der: bytes) -> x509.Certificate:
    """Parse one certificate; serial numbers that RFC 5280 forbids only earn a warning from the library so far."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.public_key(), certificate.subject, certificate.issuer
        if certificate.serial_number > 0:
            return certificate
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, CryptographyDeprecationWarning) as error:
        raise MalformedInput(f"a certificate of x5chain does not parse: {error}") from None
    raise MalformedInput("a certificate of x5chain has a serial number that is not positive")


def _verify(leaf: x509.Certificate, algorithm: object, signature: bytes, message: bytes) -> None:
    """Verify one COSE signature; the algorithm must be one that C2PA allows (section 13.2.1) and fit the key."""
    key = leaf.public_key()
    if isinstance(algorithm, bool) or not isinstance(algorithm, int):
        raise UnsupportedAlgorithm(f"COSE algorithm {str(algorithm)[:40]!r} is not allowed")
    if algorithm in _ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
        bits, curve, width = _ECDSA[algorithm]
        if key.curve.name != curve or len(signature) != 2 * width:
            raise InvalidSignature("the curve or the length of the signature does not fit its algorithm")
        pair = encode_dss_signature(int.from_bytes(signature[:width]), int.from_bytes(signature[width:]))
        key.verify(pair, message, ec.ECDSA(_HASHES[bits]))
    elif algorithm in _PSS and isinstance(key, rsa.RSAPublicKey) and key.key_size <= MAX_RSA_BITS:
        if is_for_pss(leaf) and not signs(key_of(leaf, MAX_RSA_BITS), Scheme("pss", _PSS[algorithm])):
            raise UnsupportedAlgorithm(f"the leaf key is for RSA-PSS with another hash than COSE algorithm {algorithm}")
        digest = _HASHES[_PSS[algorithm]]
        key.verify(signature, message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    elif algorithm == _EDDSA and isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    else:
        raise UnsupportedAlgorithm(f"COSE algorithm {algorithm!r} is not allowed or does not fit the leaf key")


def _stamps(unprotected: dict[Any, Any], protected: bytes, payload: bytes, signature: bytes) -> tuple[Stamped, ...]:
    """Section 10.3.2.5: a first form over what was signed, a second one over the signature.

    Both are over a Sig_structure with the context "CounterSignature".
    """
    over = {"sigTst": payload, "sigTst2": cbor2.dumps(signature)}
    found = []
    for form, message in over.items():
        if form not in unprotected:
            continue
        tokens = unprotected[form].get("tstTokens") if isinstance(unprotected[form], dict) else None
        first = tokens[0] if isinstance(tokens, list) and len(tokens) == 1 else None
        value = first.get("val") if isinstance(first, dict) else None
        if not isinstance(value, bytes):
            raise MalformedInput(f"the header {form} does not hold exactly one timestamp")
        found.append(Stamped(form, value, cbor2.dumps(["CounterSignature", protected, b"", message])))
    return tuple(found)
