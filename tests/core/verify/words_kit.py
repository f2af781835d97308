"""Lists and answers that stand beside the files of a case, and those of whom they speak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import CRLEntryExtensionOID

from fixtures.keys import private_key
from tallystick.c2pa.jumbf import parse_store
from tallystick.case import CaseMaterial, RevocationMaterial
from tests.c2pa_corpus.people import AUTHORITY, CLOCK, Person, person
from tests.core.c2pa import kit as c2pa_kit
from tests.core.timestamp.forge import Holder, Recipe, token
from tests.world import START

LOGGED = datetime.fromtimestamp(START, UTC)
"""When a card of a desk is admitted."""
DAY = timedelta(days=1)
PLACE = "http://tower.example/revoked.crl"
Reason = x509.ReasonFlags


def _tower(name: str, issuer: Person | None, *extensions: Any) -> Person:
    return person(name, issuer, extensions, key=private_key(f"words {name}", "es256"))


TOWER_ROOT = _tower("root of the clock tower", None, *AUTHORITY)
TOWER_HALL = _tower("hall of the clock tower", TOWER_ROOT, *AUTHORITY)
TOWER = _tower("the clock tower", TOWER_HALL, *CLOCK)
_POINTS = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier(PLACE)], None, None, None)]
)
TOWER_WITH_A_PLACE = _tower("the clock tower with a place", TOWER_HALL, *CLOCK, (_POINTS, False))
STRANGER = person("root of the clock tower", None, AUTHORITY, key=private_key("words stranger", "es256"))


@cache
def card_people() -> tuple[Person, Person, Person]:
    """Signer, issuer and root of the cards of a desk."""
    world = c2pa_kit.world()
    return tuple(Person(one.chain, one.key) for one in (world.signer, world.issuing, world.root))  # type: ignore[return-value]


def holder(of: Person) -> Holder:
    return Holder(of.certificate, of.key)


def listing(
    issuer: Person,
    *revoked: tuple[Person, datetime, Reason | bytes | None],
    at: datetime = LOGGED,
    until: timedelta | None = 7 * DAY,
    key: Any = None,
    of_all: x509.ExtensionType | None = None,
) -> bytes:
    """DER of a list by ``issuer``; ``key`` signs in its place. A reason as bytes stands there as they are."""
    made = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject).last_update(at)
    made = made.next_update(at + (until or 0 * DAY))
    for one, since, reason in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number).revocation_date(since)
        if isinstance(reason, bytes):
            told: x509.ExtensionType = x509.UnrecognizedExtension(CRLEntryExtensionOID.CRL_REASON, reason)
            entry = entry.add_extension(told, critical=False)
        elif reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        made = made.add_revoked_certificate(entry.build())
    if of_all is not None:
        made = made.add_extension(of_all, critical=True)
    signer = key or issuer.key
    algorithm = hashes.SHA256() if isinstance(signer, ec.EllipticCurvePrivateKey) else None
    return made.sign(signer, algorithm).public_bytes(Encoding.DER)


def answered(
    about: Person,
    issuer: Person,
    revoked: datetime | None = None,
    reason: Reason | None = None,
    *,
    at: datetime = LOGGED,
    by: Person | None = None,
) -> bytes:
    """DER of an answer by ``issuer``, or by another in its name."""
    status = ocsp.OCSPCertStatus.GOOD if revoked is None else ocsp.OCSPCertStatus.REVOKED
    made = ocsp.OCSPResponseBuilder().add_response(
        about.certificate, issuer.certificate, hashes.SHA1(), status, at, at + 7 * DAY, revoked, reason
    )
    signer = by or issuer
    made = made.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    algorithm = hashes.SHA256() if isinstance(signer.key, ec.EllipticCurvePrivateKey) else None
    return made.sign(signer.key, algorithm).public_bytes(Encoding.DER)


def beside(case: CaseMaterial, lists: Iterable[bytes] = (), answers: Iterable[bytes] = ()) -> CaseMaterial:
    """The case with these beside its files."""
    return replace(case, revocation=RevocationMaterial(tuple(lists), tuple(answers)))


def stamped(card: bytes, when: datetime, clock: Person = TOWER, hall: Person = TOWER_HALL) -> bytes:
    """The card with a timestamp over its signature, in the place of padding."""
    store = c2pa_kit.store_of(card)
    old = parse_store(store).children[-1].child("c2pa.signature").content(b"cbor")
    protected, unprotected, _, signature = cbor2.loads(old).value
    message = cbor2.dumps(["CounterSignature", protected, b"", cbor2.dumps(signature)])
    made = token(Recipe(holder(clock), message=message, gen_time=when, certificates=(*clock.shown,)))
    value = {"sigTst2": {"tstTokens": [{"val": made}]}}
    pad = len(unprotected["pad"]) - (len(cbor2.dumps(value)) - 1)
    new = cbor2.dumps(cbor2.CBORTag(18, [protected, {**value, "pad": bytes(pad)}, None, signature]))
    assert len(new) == len(old)
    return c2pa_kit.replaced(card, store.replace(old, new))


def naming(place: str) -> tuple[x509.ExtensionType, bool]:
    """The extension by which a certificate names where its issuer answers."""
    access = x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier(place))
    return x509.AuthorityInformationAccess([access]), False
