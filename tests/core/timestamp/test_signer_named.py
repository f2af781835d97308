"""How a token names who signed it: issuer and serial number, or subject key identifier; and again by a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.timestamp import verify_token
from tests.core.timestamp.forge import BEGIN, END, MESSAGE, Holder, Recipe, holder, key, named, tlv, token
from tests.core.timestamp.test_verify import GOOD, ROOT, TRUSTED, TSA

NOBODY = "neither the token nor the trust file has the certificate of its signer"
ANOTHER = "not the one that the signed attributes name"
CERTIFICATE = asn1_x509.Certificate.load(TSA.der)
BY_SERIAL = cms.IssuerAndSerialNumber({"issuer": CERTIFICATE.issuer, "serial_number": CERTIFICATE.serial_number}).dump()
BY_KEY = tlv(0x80, CERTIFICATE.key_identifier)
BY_KEY_ID = replace(GOOD, by_key_id=True)


def said(data: bytes) -> str:
    return verify_token(data, MESSAGE, TRUSTED).signer


def swapped(data: bytes, old: bytes, new: bytes) -> bytes:
    """Nobody signed the name: it may be any other of the same length."""
    assert (data.count(old), len(old)) == (1, len(new))
    return data.replace(old, new)


def test_a_signer_of_another_serial_number_or_issuer_is_nobody() -> None:
    data = token(GOOD)
    assert said(data) == "CN=an authority"
    other_serial = BY_SERIAL[:-1] + bytes([BY_SERIAL[-1] ^ 1])
    other_issuer = BY_SERIAL.replace(b"root of an authority", b"Root of an authority")
    for other in (other_serial, other_issuer):
        with pytest.raises(VerificationFailed, match=NOBODY):
            said(swapped(data, BY_SERIAL, other))


def test_a_signer_of_another_key_identifier_is_nobody() -> None:
    data = token(BY_KEY_ID)
    assert said(data) == "CN=an authority"
    with pytest.raises(VerificationFailed, match=NOBODY):
        said(swapped(data, BY_KEY, BY_KEY[:-1] + bytes([BY_KEY[-1] ^ 1])))


def test_a_version_goes_with_the_way_of_naming() -> None:
    """RFC 5652 §5.3: 1 for issuer and serial number, 3 for a key identifier; no other."""
    for recipe, name, version, others in ((GOOD, BY_SERIAL, 1, (0, 2, 3)), (BY_KEY_ID, BY_KEY, 3, (1, 2, 4))):
        for other in others:
            old, new = (bytes([2, 1, number]) + name for number in (version, other))
            with pytest.raises(MalformedInput):
                said(swapped(token(recipe), old, new))


def with_key_identifier(name: str, identifier: bytes | None) -> Holder:
    """By the trusted root, with a key of its own and this identifier of it."""
    own = key(name)
    builder = x509.CertificateBuilder().subject_name(named(name)).issuer_name(ROOT.certificate.subject)
    builder = builder.serial_number(77).public_key(own.public_key()).not_valid_before(BEGIN).not_valid_after(END)
    for one in TSA.certificate.extensions:
        if not isinstance(one.value, x509.SubjectKeyIdentifier):
            builder = builder.add_extension(one.value, one.critical)
    if identifier is not None:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(identifier), False)
    signed = builder.sign(ROOT.key, TSA.certificate.signature_hash_algorithm)  # type: ignore[arg-type]
    return Holder(signed, own)


@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_of_several_with_one_key_identifier_it_is_the_one_named_by_hash(first: bool) -> None:
    other = with_key_identifier("a namesake", CERTIFICATE.key_identifier)
    shown = (other.der, TSA.der) if first else (TSA.der, other.der)
    assert said(token(replace(BY_KEY_ID, certificates=shown))) == "CN=an authority"
    with pytest.raises(VerificationFailed, match="the signature is not by CN=a namesake"):
        said(token(replace(BY_KEY_ID, certificates=shown, ess_of=other.der)))
    with pytest.raises(VerificationFailed, match=ANOTHER):
        said(token(replace(BY_KEY_ID, certificates=(other.der,))))


def test_a_certificate_without_a_key_identifier_is_not_named_by_one() -> None:
    bare = with_key_identifier("without an identifier", None)
    data = token(replace(BY_KEY_ID, certificates=(bare.der,), ess_of=bare.der, signing_key=bare.key))
    with pytest.raises(VerificationFailed, match=NOBODY):
        said(data)


# --- issuerSerial beside the hash of the certificate (RFC 5035) ------------------------------------------------


def changed(recipe: Recipe, change: Callable[[Any], None]) -> bytes:
    """``change``: of what the signed attribute says of issuer and serial number, before it is signed."""

    def edit(data: bytes) -> bytes:
        attributes = cms.CMSAttributes.load(data)
        for one in attributes:
            if one["type"].native.startswith("signing_certificate"):
                change(one["values"][0]["certs"][0]["issuer_serial"])
        return bytes(attributes.dump(force=True))

    return token(replace(recipe, edit_signed=edit))


def other_serial(found: Any) -> None:
    found["serial_number"] = CERTIFICATE.serial_number ^ 1


def other_issuer(found: Any) -> None:
    name = asn1_x509.Name.build({"common_name": "Root of an authority"})
    found["issuer"] = [asn1_x509.GeneralName(name="directory_name", value=name)]


def other_kind(found: Any) -> None:
    found["issuer"] = [asn1_x509.GeneralName(name="dns_name", value="authority.example")]


def two_names(found: Any) -> None:
    one = asn1_x509.GeneralName(name="directory_name", value=CERTIFICATE.issuer)
    found["issuer"] = [one, one]


def no_name(found: Any) -> None:
    found["issuer"] = []


@pytest.mark.parametrize("ess", [(1,), (2,), (1, 2)], ids=str)
def test_issuer_and_serial_number_beside_the_hash_must_fit_where_they_stand(ess: tuple[int, ...]) -> None:
    recipe = replace(GOOD, ess=ess)
    assert said(changed(recipe, lambda found: None)) == "CN=an authority"
    assert said(token(replace(recipe, issuer_serial=False))) == "CN=an authority"
    for change in (other_serial, other_issuer):
        with pytest.raises(VerificationFailed, match=ANOTHER):
            said(changed(recipe, change))
    for change in (other_kind, two_names, no_name):
        with pytest.raises(MalformedInput):
            said(changed(recipe, change))


@pytest.mark.parametrize("which", ["signing_certificate", "signing_certificate_v2"])
def test_of_two_attributes_each_must_fit(which: str) -> None:
    """One that names the signer does not make good for one that names another."""
    other = holder("another authority", ROOT)
    hashed = {"signing_certificate": hashlib.sha1, "signing_certificate_v2": hashlib.sha256}[which](other.der).digest()

    def edit(data: bytes) -> bytes:
        attributes = cms.CMSAttributes.load(data)
        for one in attributes:
            if one["type"].native == which:
                one["values"][0]["certs"][0]["cert_hash"] = hashed
        return bytes(attributes.dump(force=True))

    recipe = replace(GOOD, ess=(1, 2), issuer_serial=False, certificates=(TSA.der, other.der))
    assert said(token(recipe)) == "CN=an authority"
    with pytest.raises(VerificationFailed, match=ANOTHER):
        said(token(replace(recipe, edit_signed=edit)))
