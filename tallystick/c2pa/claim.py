"""The active manifest of a store: its claim, its signature with the certificate chain, its assertions.

Every assertion is bound here to the claim by the hash that the claim carries, and the claim to the leaf certificate
by its COSE signature (C2PA specification, sections 10, 13 and 14). So what is read below is what was signed; only the
binding of the manifest to the file's own bytes is left to c2pa-python.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.utils import CryptographyDeprecationWarning

from tallystick.c2pa.jumbf import MANIFEST_TYPES, SuperBox
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.cose import TAG_SIGN1, check_tags
from tallystick.errors import MalformedInput

MAX_CHAIN = 8
MAX_ASSERTIONS = 1024
MAX_CBOR = 4 << 20
"""Bytes of the largest CBOR item that is decoded: one byte may be one object of 60."""
_ALG, _X5CHAIN = 1, 33
_UNPROTECTED = {"sigTst", "sigTst2", "rVals", "pad", "pad2", "x5chain", _X5CHAIN}
_HASHES: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
_ECDSA = {-7: (256, "secp256r1", 32), -35: (384, "secp384r1", 48), -36: (512, "secp521r1", 66)}
_PSS = {-37: 256, -38: 384, -39: 512}
_EDDSA = -8
_ASSERTION_URI = re.compile(r"(?:self#jumbf=)(?:/c2pa/(?P<manifest>[^/]+)/)?c2pa\.assertions/(?P<label>[^/]+)")
_INSTANCE = re.compile(r"__\d+$")
_TAGS = frozenset({0, 1, TAG_SIGN1})
"""Times as text and as seconds, and the signature: all that C2PA uses."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion of the active manifest whose hash matched its claim."""

    label: str
    kind: str
    """Type of the content box: "cbor", "json", or another that is not decoded here."""
    content: bytes
    created: bool
    """True if the claim lists it as created by the signer; False if it was only gathered (or the claim is v1)."""

    @property
    def name(self) -> str:
        """The label without its instance number."""
        return _INSTANCE.sub("", self.label)

    def value(self) -> Any:
        """The decoded CBOR content. Raises MalformedInput."""
        if self.kind != "cbor":
            raise MalformedInput(f"assertion {self.label} holds {self.kind}, expected cbor")
        return decode_cbor(self.content, f"assertion {self.label}")


@dataclass(frozen=True, slots=True)
class ActiveManifest:
    """What the signer of the newest manifest of a store signed."""

    label: str
    claim: dict[str, Any]
    chain: tuple[x509.Certificate, ...]
    """x5chain of the claim signature, leaf first. Not judged here."""
    assertions: tuple[Assertion, ...]


def active_manifest(store: SuperBox) -> ActiveManifest:
    """Read the last manifest of `store`, check its signature against its own leaf, and its assertion hashes.

    Raises MalformedInput, or CredentialRefused with ``claim.signature.mismatch`` or ``assertion.hashedURI.mismatch``.
    """
    if not store.children:
        raise MalformedInput("the manifest store is empty")
    labels = [box.label for box in store.children]
    if len(set(labels)) != len(labels):
        raise MalformedInput("two manifests of the store have the same label")
    manifest = store.children[-1]
    if manifest.type not in MANIFEST_TYPES:
        raise MalformedInput(f"manifest {manifest.label} is compressed or of an unknown kind")
    names = [box.label for box in manifest.children if box.label in ("c2pa.claim", "c2pa.claim.v2")]
    if len(names) != 1:
        raise MalformedInput(f"manifest {manifest.label} holds {len(names)} claims, expected exactly one")
    raw = manifest.child(names[0]).content(b"cbor")
    claim = decode_cbor(raw, "claim")
    if not isinstance(claim, dict) or not all(isinstance(key, str) for key in claim):
        raise MalformedInput("the claim is not a map with text keys")
    if claim.get("signature") not in (f"self#jumbf=/c2pa/{manifest.label}/c2pa.signature", "self#jumbf=c2pa.signature"):
        raise MalformedInput("the claim does not name the signature box of its own manifest")
    chain = _verified_chain(manifest.child("c2pa.signature").content(b"cbor"), raw)
    return ActiveManifest(manifest.label, claim, chain, _assertions(manifest, claim))


def decode_cbor(data: bytes, what: str) -> Any:
    """Decode exactly one CBOR item. Raises MalformedInput."""
    if len(data) > MAX_CBOR:
        raise MalformedInput(f"the CBOR of the {what} has {len(data)} bytes, at most {MAX_CBOR} are read")
    stream = io.BytesIO(data)
    try:
        check_tags(data, _TAGS)
        value = cbor2.load(stream)
    except MalformedInput as error:
        raise MalformedInput(f"{what}: {error}") from None
    except (cbor2.CBORError, RecursionError, ValueError, TypeError, OverflowError) as error:
        raise MalformedInput(f"the CBOR of the {what} does not decode: {error}") from None
    if stream.tell() != len(data):
        raise MalformedInput(f"{len(data) - stream.tell()} bytes follow the CBOR of the {what}")
    return value


def _verified_chain(cose: bytes, claim: bytes) -> tuple[x509.Certificate, ...]:
    """Take the chain from a COSE_Sign1 (RFC 9052, detached payload) and verify the signature with its leaf."""
    tag = decode_cbor(cose, "claim signature")
    parts = tag.value if isinstance(tag, cbor2.CBORTag) and tag.tag == 18 else tag
    if not isinstance(parts, list | tuple) or len(parts) != 4 or parts[2] is not None:
        raise MalformedInput("the claim signature is not a COSE_Sign1 with a detached payload")
    protected, unprotected, _, signature = parts
    if not isinstance(protected, bytes) or not isinstance(signature, bytes) or not isinstance(unprotected, dict):
        raise MalformedInput("the claim signature has fields of the wrong type")
    header = decode_cbor(protected, "protected header")
    if not isinstance(header, dict):
        raise MalformedInput("the protected header is not a map")
    unknown = [key for key in unprotected if key not in _UNPROTECTED]
    if unknown or any(any(unprotected.get(key, b"")) for key in ("pad", "pad2")):
        raise MalformedInput(f"the unprotected header holds {str(unknown)[:80] if unknown else 'padding not zero'}")
    chain = _certificates(header, unprotected)
    signed = cbor2.dumps(["Signature1", protected, b"", claim])
    try:
        _verify(chain[0].public_key(), header.get(_ALG), signature, signed)
    except (InvalidSignature, UnsupportedAlgorithm) as error:
        detail = str(error) or "the claim was not signed by the leaf certificate that it carries"
        raise CredentialRefused("claimSignature.mismatch", detail) from None
    return chain


def _certificates(header: dict[Any, Any], unprotected: dict[Any, Any]) -> tuple[x509.Certificate, ...]:
    places = [where[key] for where in (header, unprotected) for key in (_X5CHAIN, "x5chain") if key in where]
    if len(places) != 1:
        raise MalformedInput(f"the claim signature has {len(places)} x5chain headers, expected exactly one")
    ders = [places[0]] if isinstance(places[0], bytes) else places[0]
    if not isinstance(ders, list) or not 0 < len(ders) <= MAX_CHAIN or not all(isinstance(d, bytes) for d in ders):
        raise MalformedInput(f"x5chain must hold 1 to {MAX_CHAIN} certificates")
    return tuple(_certificate(der) for der in ders)


def _certificate(der: bytes) -> x509.Certificate:
    """Parse one certificate; serial numbers that RFC 5280 forbids only earn a warning from the library so far."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
        if certificate.serial_number > 0:
            return certificate
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, CryptographyDeprecationWarning) as error:
        raise MalformedInput(f"a certificate of x5chain does not parse: {error}") from None
    raise MalformedInput("a certificate of x5chain has a serial number that is not positive")


def _verify(key: object, algorithm: object, signature: bytes, message: bytes) -> None:
    """Verify one COSE signature; the algorithm must be one that C2PA allows (section 13.2.1) and fit the key."""
    if algorithm in _ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
        bits, curve, width = _ECDSA[algorithm]
        if key.curve.name != curve or len(signature) != 2 * width:
            raise InvalidSignature("the curve or the length of the signature does not fit its algorithm")
        pair = encode_dss_signature(int.from_bytes(signature[:width]), int.from_bytes(signature[width:]))
        key.verify(pair, message, ec.ECDSA(_HASHES[bits]))
    elif algorithm in _PSS and isinstance(key, rsa.RSAPublicKey):
        digest = _HASHES[_PSS[algorithm]]
        key.verify(signature, message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    elif algorithm == _EDDSA and isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    else:
        raise UnsupportedAlgorithm(f"COSE algorithm {algorithm!r} is not allowed or does not fit the leaf key")


def _assertions(manifest: SuperBox, claim: dict[str, Any]) -> tuple[Assertion, ...]:
    store = manifest.child("c2pa.assertions")
    listed = [(entry, True) for entry in _entries(claim, "created_assertions")]
    listed += [(entry, False) for name in ("gathered_assertions", "assertions") for entry in _entries(claim, name)]
    if len(listed) > MAX_ASSERTIONS:
        raise MalformedInput(f"more than {MAX_ASSERTIONS} assertions")
    found, seen = [], set()
    for entry, created in listed:
        uri, digest = (entry.get("url"), entry.get("hash")) if isinstance(entry, dict) else (None, None)
        match = _ASSERTION_URI.fullmatch(uri) if isinstance(uri, str) else None
        if match is None or match["manifest"] not in (None, manifest.label):
            raise MalformedInput(f"the claim names assertion {str(uri)[:80]!r}, which is not in its own manifest")
        if match["label"] in seen:
            raise MalformedInput(f"assertion {match['label'][:80]!r} is listed twice")
        seen.add(match["label"])
        box = store.child(match["label"])
        if box.digest(str(entry.get("alg", claim.get("alg", "sha256")))) != digest:
            raise CredentialRefused("assertion.hashedURI.mismatch", f"assertion {box.label} was changed after signing")
        kind, content = box.contents[0] if len(box.contents) == 1 else (b"many", b"")
        found.append(Assertion(box.label, kind.decode("latin-1"), content, created))
    if extra := sorted({box.label for box in store.children} - seen):
        raise MalformedInput(f"assertions {str(extra)[:200]} are not in the claim")
    return tuple(found)


def _entries(claim: dict[str, Any], name: str) -> list[Any]:
    value = claim.get(name, [])
    if not isinstance(value, list):
        raise MalformedInput(f"{name} of the claim is not a list")
    return value
