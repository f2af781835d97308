"""For each fault of a certificate one chain that has exactly this fault."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from fixtures.keys import private_key
from tallystick.c2pa import SignerRoots
from tallystick.c2pa.chain import CLAIM_SIGNING
from tallystick.c2pa.reading import strict_context
from tallystick.timestamp import der
from tests.c2pa_corpus.forge import cose, png
from tests.c2pa_corpus.people import (
    AUTHORITY,
    CLAIMS,
    Extension,
    Person,
    constraints,
    person,
    purposes,
    usage,
    weak_key,
)
from tests.core.timestamp.forge import tlv

AT = datetime(2025, 7, 1, tzinfo=UTC)
JUNE, AUGUST = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 8, 1, tzinfo=UTC)


def p256(name: str) -> Any:
    return private_key(f"sick {name}", "es256")


ROOT = person("sick root", None, AUTHORITY, key=p256("root"))
ISSUING = person("sick issuing", ROOT, (constraints(True, 0), usage("key_cert_sign")), key=p256("issuing"))
ROOTS = SignerRoots((ROOT.certificate,))
STRANGER = person("sick stranger", None, AUTHORITY, key=p256("stranger"))
KEY = p256("signer")
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


@dataclass(frozen=True)
class Sick:
    """`signs`: whether c2pa-python signs with it all the same (None: it is not given to it)."""

    pem: bytes
    signs: bool | None
    key: Any = KEY
    shown: bytes | None = None
    """Another key that is said to belong to it, PEM."""


def pem(*certificates: x509.Certificate | bytes) -> bytes:
    return b"".join(_pem(one if isinstance(one, bytes) else one.public_bytes(Encoding.DER)) for one in certificates)


def _pem(data: bytes) -> bytes:
    body = base64.encodebytes(data).replace(b"\n", b"")
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    return b"\n".join([b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""])


def signer(name: str, issuer: Person = ISSUING, *extensions: Extension, **more: Any) -> Person:
    return person(f"sick {name}", issuer, extensions or CLAIMS, key=KEY, **more)


def path(who: Person) -> bytes:
    return pem(*who.chain[:-1])


def rewritten(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """The healthy signer with its fields changed, and signed again by its issuer."""
    healthy = HEALTHY.certificate.public_bytes(Encoding.DER)
    outer = der.Fields(der.single(healthy, der.SEQUENCE, "certificate").content, "certificate")
    inside = der.Fields(outer.take(der.SEQUENCE, "what is signed").content, "fields")
    algorithm = outer.next().whole
    parts = []
    while inside.more:
        parts.append(inside.next().whole)
    body = tlv(0x30, b"".join(change(parts)))
    made = ISSUING.key.sign(body, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    leaf = tlv(0x30, body + algorithm + tlv(0x03, b"\0" + made))
    return pem(leaf, ISSUING.certificate)


HEALTHY = signer("healthy")


def doubled(parts: list[bytes]) -> list[bytes]:
    """The first extension twice."""
    listed = der.single(der.single(parts[-1], 0xA3, "extensions").content, der.SEQUENCE, "extensions").content
    first = der.Fields(listed, "extensions").next().whole
    return [*parts[:-1], tlv(0xA3, tlv(0x30, listed + first))]


def sick() -> dict[str, Sick]:
    """Code -> a chain with this one fault."""
    claims = purposes(CLAIM_SIGNING)
    signs, no = usage("digital_signature"), constraints(False)
    deeper = person("sick deeper", ISSUING, AUTHORITY, key=p256("deeper"))
    wide = person("sick wide", ROOT, AUTHORITY, key=p256("wide"))
    weak = person("sick weak", ROOT, AUTHORITY, key=weak_key())
    none = person("sick none", ROOT, (no, usage("key_cert_sign")), key=p256("none"))
    other = person("sick other", ROOT, AUTHORITY, key=p256("other"), subject="sick issuing")
    alone = person("sick alone", None, CLAIMS, key=KEY)
    return {
        "malformed": Sick(_pem(b"\x30\x03\x02\x01\x01"), False),
        "version": Sick(rewritten(lambda parts: parts[1:-1]), False),
        "serial": Sick(rewritten(lambda parts: [parts[0], b"\x02\x01\x00", *parts[2:]]), None),
        "unique_identifier": Sick(rewritten(lambda parts: [*parts[:-1], b"\x81\x02\x00\x01", parts[-1]]), False),
        "extension_twice": Sick(rewritten(doubled), True),
        "extension": Sick(path(signer("critical", ISSUING, *CLAIMS, (UNKNOWN, True))), False),
        "chain_order": Sick(pem(ISSUING.certificate, HEALTHY.certificate), False),
        "chain_too_long": Sick(path(HEALTHY) * 5, None),
        "chain_broken": Sick(pem(HEALTHY.certificate, other.certificate), True),
        "authority_missing": Sick(pem(HEALTHY.certificate), True),
        "untrusted": Sick(path(signer("stranger's", STRANGER)) + pem(STRANGER.certificate), True),
        "self_signed": Sick(pem(alone.certificate), True),
        "is_ca": Sick(path(signer("ca", ISSUING, constraints(True), signs, claims)), False),
        "key_usage": Sick(path(signer("usage", ISSUING, no, usage("key_agreement"), claims)), False),
        "purpose": Sick(path(signer("web", ISSUING, no, signs, purposes(Purpose.SERVER_AUTH))), False),
        "key_identifier": Sick(path(signer("nameless", identifiers=False)), False),
        "key": Sick(path(signer("below weak", weak)), True),
        "algorithm": Sick(path(signer("sha224", digest=hashes.SHA224())), False),
        "not_an_authority": Sick(path(signer("below none", none)), True),
        "path_length": Sick(path(signer("below deeper", deeper)), True),
        "not_yet_valid": Sick(path(signer("early", wide, begin=AUGUST)), True),
        "expired": Sick(path(signer("late", wide, end=JUNE)), False),
        "key_mismatch": Sick(path(HEALTHY), True, shown=_public(p256("another"))),
    }


def _public(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))


def c2pa_signs(chain: bytes, key: Any = KEY) -> bool:
    """Whether c2pa-python signs a picture with it, by today's clock."""
    import c2pa

    definition = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.opened"}]}}],
    }
    try:
        made = c2pa.Signer.from_callback(
            lambda message: cose(-7, key, message), c2pa.C2paSigningAlg.ES256, chain.decode("ascii")
        )
        builder = c2pa.Builder(definition, context=strict_context())
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
        return bool(builder.sign(made, "image/png", io.BytesIO(png()), io.BytesIO()))
    except c2pa.C2paError:
        return False
