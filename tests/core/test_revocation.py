"""Lists and answers about certificates: what their issuer said is told, and nobody else's word counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from credentials.documents_ca import revocation_list
from fixtures.keys import private_key
from tallystick.revocation import enclosed
from tests.c2pa_corpus.people import AUTHORITY, ISSUING, ROOT, SIGNER, Person, constraints, person, purposes, usage
from tests.core.revocation_kit import NOW, answer

KEY, OTHER = private_key("revocation issuer", "es256"), private_key("revocation other", "es256")
WHEN = datetime(2025, 5, 1, tzinfo=UTC)
PATH = SIGNER.chain
RESPONDER = (constraints(False), usage("digital_signature"), purposes(Purpose.OCSP_SIGNING))


def said(*answers: bytes, lists: tuple[bytes, ...] = (), path: tuple[x509.Certificate, ...] = PATH) -> list[Any]:
    return [(one.form, one.by, one.revoked) for one in enclosed(path, lists, answers).said]


@pytest.mark.parametrize("revoked", [None, WHEN])
@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256()], ids=["sha1", "sha256"])
def test_an_answer_of_the_issuer(revoked: datetime | None, digest: hashes.HashAlgorithm) -> None:
    (told,) = enclosed(PATH, answers=[answer(SIGNER, ISSUING, revoked, digest=digest)]).said
    assert (told.of, told.by, told.form) == ("CN=signer,O=Corpus", "CN=issuing,O=Corpus", "answer")
    assert (told.since, told.until, told.revoked) == (NOW, NOW + timedelta(days=7), revoked)


def test_an_answer_of_whom_the_issuer_made_its_responder() -> None:
    responder = person("a responder", ISSUING, RESPONDER)
    assert said(answer(SIGNER, ISSUING, WHEN, by=responder)) == [("answer", "CN=a responder,O=Corpus", WHEN)]


@pytest.mark.parametrize(
    "responder",
    [
        person("a stranger", None, RESPONDER),
        person("a responder of the root", ROOT, RESPONDER),
        person("no responder", ISSUING),
        person("too early", ISSUING, RESPONDER, begin=NOW + timedelta(days=1)),
        person("too late", ISSUING, RESPONDER, end=NOW - timedelta(days=1)),
        SIGNER,
    ],
    ids=lambda one: str(one.certificate.subject.rfc4514_string()),
)
def test_an_answer_of_anybody_else_says_nothing(responder: Person) -> None:
    assert said(answer(SIGNER, ISSUING, WHEN, by=responder)) == []
    assert said(answer(SIGNER, ISSUING, None, by=responder)) == []


def test_an_answer_about_another_certificate_says_nothing() -> None:
    assert said(answer(person("another", ISSUING), ISSUING, WHEN)) == []
    elsewhere = person("signer", ROOT)
    assert said(answer(elsewhere, ROOT, WHEN)) == []


def test_what_cannot_be_read_was_changed_or_knows_nothing_says_nothing() -> None:
    good = answer(SIGNER, ISSUING, WHEN)
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    broken = [b"", b"x", good[:-1], good[:-1] + bytes([good[-1] ^ 1]), good.replace(b"20250501", b"20250502")]
    assert good not in broken
    assert said(*broken, refusal.public_bytes(Encoding.DER), answer(SIGNER, ISSUING, unknown=True)) == []
    assert said(*broken, good) == [("answer", "CN=issuing,O=Corpus", WHEN)]


def test_lists_and_answers_of_the_whole_path() -> None:
    """In the order of the path; the root answers for the authority below it."""
    found = enclosed(PATH, answers=[answer(ISSUING, ROOT, WHEN), answer(SIGNER, ISSUING, None)])
    assert [(one.of, one.revoked) for one in found.said] == [
        ("CN=signer,O=Corpus", None),
        ("CN=issuing,O=Corpus", WHEN),
    ]
    assert found.silent == ()
    assert (found.revoked(WHEN - timedelta(seconds=1)), found.revoked(WHEN)) == (None, found.said[1])


def test_a_list_of_the_issuer_and_of_another() -> None:
    above, other = person("p256 above", None, AUTHORITY, key=KEY), person("p256 other", None, AUTHORITY, key=OTHER)
    leaf = person("below", above)
    named = {leaf.certificate.serial_number: WHEN}
    mine = revocation_list(above.certificate, KEY, NOW, named)
    assert said(lists=(mine,), path=leaf.chain) == [("list", "CN=p256 above,O=Corpus", WHEN)]
    assert said(lists=(revocation_list(above.certificate, KEY, NOW),), path=leaf.chain) == [
        ("list", "CN=p256 above,O=Corpus", None)
    ]
    forged = [revocation_list(one.certificate, OTHER, NOW, named) for one in (above, other)]
    assert said(lists=(*forged, b"x", mine[:-1]), path=leaf.chain) == []


def test_where_to_ask_is_told_of_whom_nothing_is_said() -> None:
    asked = x509.AuthorityInformationAccess([
        x509.AccessDescription(Access.CA_ISSUERS, x509.UniformResourceIdentifier("http://issuer.example")),
        x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier("http://ocsp.example")),
    ])  # fmt: skip
    listed = x509.CRLDistributionPoints([
        x509.DistributionPoint([x509.UniformResourceIdentifier("http://lists.example/1")], None, None, None)
    ])  # fmt: skip
    leaf = person("asked", ISSUING, (constraints(False), (asked, False), (listed, False)))
    assert enclosed(leaf.chain).silent == (
        ("CN=asked,O=Corpus", ("http://ocsp.example", "http://lists.example/1")),
        ("CN=issuing,O=Corpus", ()),
    )


def test_the_key_of_the_issuer_is_asked_and_not_its_name_alone() -> None:
    namesake = person("issuing", ROOT, AUTHORITY, key=ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
    assert namesake.certificate.subject == ISSUING.certificate.subject
    assert said(answer(SIGNER, namesake, WHEN)) == []
