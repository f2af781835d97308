"""Lists and answers about certificates: what their issuer said is told, and nobody else's word counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import core
from asn1crypto import ocsp as der_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from credentials.documents_ca import revocation_list
from fixtures.keys import private_key
from tallystick import revocation
from tallystick.revocation import enclosed
from tallystick.revocation_forms import is_same_name
from tallystick.timestamp import der
from tallystick.timestamp.der import Fields
from tests.c2pa_corpus.people import (
    AUTHORITY,
    ISSUING,
    ROOT,
    SIGNER,
    Person,
    constraints,
    person,
    purposes,
    usage,
    weak_key,
)
from tests.core.revocation_kit import NOW, answer
from tests.core.timestamp.forge import tlv

KEY, OTHER = private_key("revocation issuer", "es256"), private_key("revocation other", "es256")
WHEN = datetime(2025, 5, 1, tzinfo=UTC)
PATH = SIGNER.chain
RESPONDER = (constraints(False), usage("digital_signature"), purposes(Purpose.OCSP_SIGNING))


def said(*answers: bytes, lists: tuple[bytes, ...] = (), path: tuple[x509.Certificate, ...] = PATH) -> list[Any]:
    return [(one.form, one.by, one.revoked) for one in enclosed(path, NOW, lists, answers).said]


@pytest.mark.parametrize("revoked", [None, WHEN])
@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256()], ids=["sha1", "sha256"])
def test_an_answer_of_the_issuer(revoked: datetime | None, digest: hashes.HashAlgorithm) -> None:
    (told,) = enclosed(PATH, NOW, answers=[answer(SIGNER, ISSUING, revoked, digest=digest)]).said
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
    found = enclosed(PATH, NOW, answers=[answer(ISSUING, ROOT, WHEN), answer(SIGNER, ISSUING, None)])
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
    assert enclosed(leaf.chain, NOW).silent == (
        ("CN=asked,O=Corpus", ("http://ocsp.example", "http://lists.example/1")),
        ("CN=issuing,O=Corpus", ()),
    )


def test_the_key_of_the_issuer_is_asked_and_not_its_name_alone() -> None:
    namesake = person("issuing", ROOT, AUTHORITY, key=ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
    assert namesake.certificate.subject == ISSUING.certificate.subject
    assert said(answer(SIGNER, namesake, WHEN)) == []


# --- what is said, but not of then -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "revoked", "is_silent"),
    [
        (NOW, None, False),
        (NOW - timedelta(days=1), None, False),
        (NOW - timedelta(days=7), None, False),
        (NOW - timedelta(days=7, seconds=1), None, True),
        (NOW - timedelta(days=30), NOW - timedelta(days=30), False),
    ],
    ids=["of that instant", "of the day before", "to the last second", "old", "old, but revoked"],
)
def test_an_old_word_that_speaks_for_him_leaves_it_open(
    at: datetime, revoked: datetime | None, is_silent: bool
) -> None:
    found = enclosed(PATH[:2], NOW, answers=[answer(SIGNER, ISSUING, revoked, at=at)])
    assert [one.revoked for one in found.said] == [revoked]
    assert [name for name, _ in found.silent] == (["CN=signer,O=Corpus"] if is_silent else [])


# --- lists that do not speak of all -------------------------------------------------------------------------

ABOVE = person("p256 above", None, AUTHORITY, key=KEY)
LEAF = person("below", ABOVE)
OTHER_SUBJECT = person("somebody", None).certificate.subject
OTHERS = x509.CertificateIssuer([x509.DirectoryName(OTHER_SUBJECT)])
PLACE = [x509.UniformResourceIdentifier("http://lists.example/7")]
FRESHEST = x509.FreshestCRL([x509.DistributionPoint(PLACE, None, None, None)])
LIST_DEFAULTS: dict[str, Any] = {
    "full_name": None,
    "relative_name": None,
    "only_contains_user_certs": False,
    "only_contains_ca_certs": False,
    "only_some_reasons": None,
    "indirect_crl": False,
    "only_contains_attribute_certs": False,
}
NARROWED: dict[str, x509.ExtensionType] = {
    "delta": x509.DeltaCRLIndicator(5),
    "authorities": x509.IssuingDistributionPoint(**LIST_DEFAULTS | {"only_contains_ca_certs": True}),
    "attributes": x509.IssuingDistributionPoint(**LIST_DEFAULTS | {"only_contains_attribute_certs": True}),
    "a part": x509.IssuingDistributionPoint(**LIST_DEFAULTS | {"full_name": PLACE}),
    "some reasons": x509.IssuingDistributionPoint(
        **LIST_DEFAULTS | {"only_some_reasons": frozenset([x509.ReasonFlags.ca_compromise])}
    ),
    "indirect": x509.IssuingDistributionPoint(**LIST_DEFAULTS | {"indirect_crl": True}),
    "unknown": x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"),
}


def listing(
    *entry: tuple[x509.ExtensionType, bool],
    of_all: tuple[x509.ExtensionType, bool] | None = None,
    names: bool = True,
    key: Any = KEY,
    issuer: Person = ABOVE,
    digest: hashes.HashAlgorithm | None = hashes.SHA256(),  # noqa: B008
    **how: Any,
) -> bytes:
    """A list that names LEAF, or nobody."""
    made = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    made = made.last_update(NOW).next_update(NOW + timedelta(days=7))
    one = x509.RevokedCertificateBuilder().serial_number(LEAF.certificate.serial_number).revocation_date(WHEN)
    for extension, critical in entry:
        one = one.add_extension(extension, critical)
    made = made.add_revoked_certificate(one.build()) if names else made
    made = made.add_extension(*of_all) if of_all else made
    return made.sign(key, digest, **how).public_bytes(Encoding.DER)


def listed(data: bytes, issuer: Person = ABOVE) -> list[Any]:
    return [one.revoked for one in enclosed((LEAF.certificate, issuer.certificate), NOW, [data]).said]


@pytest.mark.parametrize("name", NARROWED)
def test_a_list_of_some_certificates_or_reasons_says_nothing(name: str) -> None:
    assert listed(listing(of_all=(NARROWED[name], True), names=False)) == []
    assert listed(listing(of_all=(NARROWED[name], True))) == []


def test_a_list_that_names_where_changes_to_it_stand_counts() -> None:
    assert listed(listing(of_all=(FRESHEST, False))) == [WHEN]
    assert listed(listing(of_all=(FRESHEST, False), names=False)) == [None]


def test_an_entry_of_another_issuer_or_that_takes_one_off_says_nothing() -> None:
    removed = x509.CRLReason(x509.ReasonFlags.remove_from_crl)
    assert [listed(listing((one, True))) for one in (OTHERS, removed)] == [[], []]
    assert listed(listing((removed, False))) == []
    assert listed(listing((x509.CRLReason(x509.ReasonFlags.key_compromise), False))) == [WHEN]


def odd_list(
    version: bytes = b"\2\1\1", entry: bytes = b"", of_all: bytes = b"", issuer: bytes = b"", before: bytes = b""
) -> bytes:
    """A list that names LEAF, by hand. ``entry``, ``of_all``: extensions; ``before``: entries about others."""
    ecdsa = tlv(0x30, bytes.fromhex("06082a8648ce3d040302"))
    serial = core.Integer(LEAF.certificate.serial_number).dump()
    entries = tlv(0x30, before + tlv(0x30, serial + tlv(0x17, b"250501000000Z") + entry))
    name = issuer or ABOVE.certificate.subject.public_bytes()
    times = tlv(0x17, b"250601000000Z") + tlv(0x17, b"250608000000Z")
    signed = tlv(0x30, version + ecdsa + name + times + entries + of_all)
    return tlv(0x30, signed + ecdsa + tlv(0x03, b"\0" + KEY.sign(signed, ec.ECDSA(hashes.SHA256()))))


NUMBER = tlv(0x30, tlv(0x30, bytes.fromhex("0603551d14") + tlv(4, b"\2\1\1")))
REASON = tlv(0x30, tlv(0x30, bytes.fromhex("0603551d15") + tlv(4, b"\x0a\1\1")))
EMPTY = b"\x30\0"


def another(extensions: bytes = b"") -> bytes:
    return tlv(0x30, b"\2\1\7" + tlv(0x17, b"250501000000Z") + extensions)


def test_a_list_of_version_1_has_no_extensions() -> None:
    assert listed(odd_list(b"")) == listed(odd_list(b"", before=another())) == [WHEN]
    assert listed(odd_list(of_all=tlv(0xA0, NUMBER), entry=REASON, before=another(REASON))) == [WHEN]
    assert listed(odd_list(b"", of_all=tlv(0xA0, NUMBER))) == []
    assert listed(odd_list(b"", entry=REASON)) == []
    assert listed(odd_list(b"", before=another(REASON))) == []


def test_where_a_list_has_extensions_there_is_one_at_least() -> None:
    odd = tlv(0x30, tlv(0x30, bytes.fromhex("06032a0304") + tlv(4, EMPTY)))
    assert listed(odd_list(entry=odd, of_all=tlv(0xA0, odd))) == [WHEN]
    assert listed(odd_list(of_all=tlv(0xA0, EMPTY))) == []
    assert listed(odd_list(entry=EMPTY)) == []
    assert listed(odd_list(before=another(EMPTY))) == []


def written(tag: int, encoding: str = "ascii") -> bytes:
    """The name of ABOVE, its texts in strings of another kind."""
    parts = [(one.oid.dotted_string, str(one.value)) for one in ABOVE.certificate.subject]
    found = [core.ObjectIdentifier(kind).dump() + tlv(tag, value.encode(encoding)) for kind, value in parts]
    return tlv(0x30, b"".join(tlv(0x31, tlv(0x30, one)) for one in found))


@pytest.mark.parametrize(
    ("tag", "encoding"),
    [(0x0C, "utf-8"), (0x13, "ascii"), (0x14, "ascii"), (0x16, "ascii"), (0x1A, "ascii"), (0x1C, "utf-32-be"),
     (0x1E, "utf-16-be")],
)  # fmt: skip
def test_a_list_names_its_issuer_in_whichever_kind_of_text(tag: int, encoding: str) -> None:
    assert listed(odd_list(issuer=written(tag, encoding))) == [WHEN]


@pytest.mark.parametrize("tag", [0x04, 0x17, 0x18], ids=["octets", "a UTCTime", "a GeneralizedTime"])
def test_a_list_whose_issuer_has_no_text_where_the_issuer_has_one_says_nothing(tag: int) -> None:
    assert listed(odd_list(issuer=written(tag))) == []


RSA_KEY = weak_key()
RSA = person("rsa above", None, AUTHORITY, key=RSA_KEY)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


def test_a_list_is_signed_by_one_of_the_algorithms_that_are_named() -> None:
    for digest in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        assert listed(listing(digest=digest)) == [WHEN]
        assert listed(listing(digest=digest, key=RSA_KEY, issuer=RSA), RSA) == [WHEN]
    edwards = person("edwards above", None, AUTHORITY)
    assert listed(listing(digest=None, key=edwards.key, issuer=edwards), edwards) == [WHEN]
    for other in (hashes.SHA224(), hashes.SHA3_256()):
        assert listed(listing(digest=other)) == []
    assert listed(listing(key=RSA_KEY, issuer=RSA, rsa_padding=PSS), RSA) == []


# --- answers that somebody made long or odd -----------------------------------------------------------------


def long_answer(*parts: bytes, signed: bool = True) -> bytes:
    """One answer with what each of these says, by the issuer."""
    given = [der_ocsp.OCSPResponse.load(one)["response_bytes"]["response"].parsed for one in parts]
    data = given[0]["tbs_response_data"].copy()
    data["responses"] = der_ocsp.Responses([one["tbs_response_data"]["responses"][0] for one in given])
    signature = ISSUING.key.sign(data.dump()) if signed else bytes(64)
    basic = der_ocsp.BasicOCSPResponse(
        {"tbs_response_data": data, "signature_algorithm": given[0]["signature_algorithm"], "signature": signature}
    )
    whole = {"response_type": "basic_ocsp_response", "response": core.ParsableOctetString(basic.dump())}
    return der_ocsp.OCSPResponse({"response_status": "successful", "response_bytes": whole}).dump()


def test_a_signature_is_tried_once_however_much_an_answer_says(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bytes] = []
    verify = revocation._verify

    def counted(signer: x509.Certificate, response: ocsp.OCSPResponse) -> None:
        tried.append(response.signature)
        verify(signer, response)

    monkeypatch.setattr(revocation, "_verify", counted)
    good = answer(SIGNER, ISSUING)
    assert (said(long_answer(*[good] * 40, signed=False)), len(tried)) == ([], 1)
    assert (len(said(long_answer(*[good] * 40))), len(tried)) == (40, 2)


def test_of_what_an_answer_says_the_first_64_count() -> None:
    other, mine = answer(person("another", ISSUING), ISSUING), answer(SIGNER, ISSUING, WHEN)
    told = ("answer", "CN=issuing,O=Corpus", WHEN)
    assert said(long_answer(*[other] * 63, mine)) == [told]
    assert said(long_answer(*[other] * 64, mine)) == []


def words_of(answered: bytes) -> list[bytes]:
    """The single responses of an answer, each as it stands there."""
    listed = Fields(tbs_of(answered)[2], "answer")
    return [listed.next().whole for _ in iter(lambda: listed.more, False)]


def tbs_of(answered: bytes) -> tuple[bytes, bytes, bytes]:
    """(who answers, time, content of the list of single responses) of an answer."""
    signed = ocsp.load_der_ocsp_response(answered).tbs_response_bytes
    fields = Fields(der.single(signed, der.SEQUENCE, "answer").content, "answer")
    return fields.next().whole, fields.next().whole, fields.next().content


def by_hand(*words: bytes, who: bytes | None = None, more: bytes = b"") -> bytes:
    """An answer of the issuer that consists of these single responses. ``more``: its extensions."""
    name, time, _ = tbs_of(answer(SIGNER, ISSUING))
    signed = tlv(0x30, (who or name) + time + tlv(0x30, b"".join(words)) + more)
    ed25519 = bytes.fromhex("300506032b6570")
    basic = tlv(0x30, signed + ed25519 + tlv(0x03, b"\0" + ISSUING.key.sign(signed)))
    return tlv(0x30, b"\x0a\1\0" + tlv(0xA0, tlv(0x30, bytes.fromhex("06092b0601050507300101") + tlv(0x04, basic))))


def with_extensions(word: bytes, extensions: bytes) -> bytes:
    return tlv(0x30, der.single(word, der.SEQUENCE, "word").content + tlv(0xA1, extensions))


ODD = tlv(0x30, tlv(0x30, bytes.fromhex("06032a0304") + tlv(4, EMPTY)))


def test_where_an_answer_has_extensions_there_is_one_at_least() -> None:
    (mine,) = words_of(answer(SIGNER, ISSUING, WHEN))
    told = [("answer", "CN=issuing,O=Corpus", WHEN)]
    assert said(by_hand(mine)) == told
    assert said(by_hand(with_extensions(mine, ODD), more=tlv(0xA1, ODD))) == told
    assert said(by_hand(mine, more=tlv(0xA1, EMPTY))) == []
    assert said(by_hand(with_extensions(mine, EMPTY))) == []


def test_words_about_others_and_those_after_the_64th_are_of_their_form_too() -> None:
    """They are not looked at; but an answer that is not wholly of its form says nothing."""
    (mine,), (other,) = words_of(answer(SIGNER, ISSUING, WHEN)), words_of(answer(person("another", ISSUING), ISSUING))
    told = [("answer", "CN=issuing,O=Corpus", WHEN)]
    assert said(by_hand(mine, *[other] * 64, with_extensions(other, ODD))) == told
    for wrong in (with_extensions(other, EMPTY), with_extensions(other, tlv(0x30, tlv(0x30, b"\x06\0")))):
        assert said(by_hand(mine, wrong)) == []
        assert said(by_hand(mine, *[other] * 64, wrong)) == []


@pytest.mark.parametrize(
    ("tag", "text"),
    [(0x0C, "é".encode()), (0x14, b"\xe9"), (0x14, b"e\x01"), (0x1E, "é".encode("utf-16-be"))],
    ids=repr,
)
def test_who_answers_may_have_a_name_of_any_text(tag: int, text: bytes) -> None:
    """It is compared with nothing: the signature tells who it was."""
    name = tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403") + tlv(tag, text))))
    (mine,) = words_of(answer(SIGNER, ISSUING, WHEN))
    assert said(by_hand(mine, who=tlv(0xA1, name))) == [("answer", "CN=issuing,O=Corpus", WHEN)]


def called(tag: int, text: bytes) -> bytes:
    return tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403") + tlv(tag, text))))


def test_t61_is_text_as_far_as_it_is_ascii() -> None:
    """Beyond it nobody agrees which characters its bytes are."""
    utf8, t61, latin = called(0x0C, "Café".encode()), called(0x14, b"Caf\xe9"), called(0x16, b"Caf\xe9")
    assert is_same_name(called(0x14, b"Cafe"), called(0x0C, b"Cafe"))
    assert is_same_name(t61, t61)
    assert not is_same_name(t61, utf8)
    assert not is_same_name(t61, latin)
    assert not is_same_name(t61, called(0x14, b"Caf\xc2e"))
    assert not is_same_name(called(0x14, "Café".encode()), utf8), "bytes of UTF-8 are not its text here"


def test_a_responder_whose_certificate_cannot_be_read_says_nothing() -> None:
    """Its alternative names hold an address of the kind X.400."""
    names = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3004a3020500"))
    odd = person("odd responder", ISSUING, (*RESPONDER, (names, False)))
    assert said(answer(SIGNER, ISSUING, WHEN, by=odd)) == []
