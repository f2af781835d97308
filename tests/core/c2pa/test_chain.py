"""The certificate profile, fault by fault: one certificate is wrong in one way, and the fault has its name."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from credentials.ca import Identity, issue_signer
from tallystick.c2pa import CredentialRefused, SignerRoots
from tallystick.c2pa.chain import CLAIM_SIGNING, faults, require_signer
from tests.core.c2pa.kit import AT, BORN, LONG, custom, der, world
from tests.core.timestamp.test_verify import LISTS


def codes(identity: Identity, roots: SignerRoots | None = None) -> list[str]:
    return [fault.code for fault in faults(identity.chain[:-1], roots or world().roots, AT)]


def under(authority: Identity) -> Identity:
    return issue_signer(authority, "Signer", BORN, LONG)


@pytest.mark.parametrize("kind", LISTS)
def test_an_extension_that_is_an_empty_list_has_no_form_that_there_is(kind: str) -> None:
    """As of a timestamp's certificates, wherever on the path it stands (docs/evidence/timestamps.md, section 3)."""
    empty = (x509.UnrecognizedExtension(x509.ObjectIdentifier(kind), b"\x30\0"), False)
    purposes = () if kind == "2.5.29.37" else (CLAIM_SIGNING.dotted_string,)
    authority: dict[str, Any] = {"usage": ("key_cert_sign",), "ca": True}
    assert codes(custom(world().issuing, purposes, extra=(empty,)))[0] == "signer.malformed"
    assert codes(under(custom(world().root, (), **authority, extra=(empty,))))[0] == "signer.malformed"
    root = custom(world().root, (), **authority, self_signed=True, extra=(empty,))
    below = under(root)
    found = [fault.code for fault in faults(below.chain[:1], SignerRoots(root.chain), AT)]
    assert found == ["signer.malformed"]
    one = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x30\0"), False)
    assert codes(custom(world().issuing, extra=(one,))) == []


def test_a_way_of_signing_that_the_library_does_not_know() -> None:
    """Its name is told, and that it fits no issuer; not that the certificate could not be read."""
    data = der(custom(world().issuing).certificate)
    ecdsa, other = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a811ccf55018375")  # SM2 with SM3
    assert data.count(ecdsa) == 2
    strange = x509.load_der_x509_certificate(data.replace(ecdsa, other))
    found = [fault.code for fault in faults((strange, *world().issuing.chain[:-1]), world().roots, AT)]
    assert found == ["signer.algorithm", "signer.chain_broken"]


def test_an_authority_needs_both_marks() -> None:
    assert codes(under(custom(world().root, (), ("key_cert_sign",), ca=True))) == []
    assert codes(under(custom(world().root, (), ("key_cert_sign",)))) == ["signer.not_an_authority"]
    assert codes(under(custom(world().root, (), ("crl_sign",), ca=True))) == ["signer.not_an_authority"]


@pytest.mark.parametrize(("oid", "expected"), [("1.3.6.1.5.5.7.3.8", ["signer.purpose"]), ("1.2.3.4", [])])
def test_an_authority_for_another_trade_alone(oid: str, expected: list[str]) -> None:
    """Timestamps are one; a purpose that nobody here knows is none: an issuer of real signers names such."""
    assert codes(under(custom(world().root, (oid,), ("key_cert_sign",), ca=True))) == expected
    email = "1.3.6.1.5.5.7.3.4"
    assert codes(under(custom(world().root, (oid, email), ("key_cert_sign",), ca=True))) == []


def test_a_root_is_an_authority_too() -> None:
    impostor = custom(world().issuing, (), ())
    signer = under(impostor)
    roots = SignerRoots((impostor.certificate,))
    assert [fault.code for fault in faults(signer.chain[:1], roots, AT)] == ["signer.not_an_authority"] * 2


def test_a_leaf_alone_is_not_its_own_root() -> None:
    leaf = world().signer.chain[:1]
    with pytest.raises(CredentialRefused) as caught:
        require_signer(leaf, SignerRoots(leaf), AT)
    assert caught.value.code == "signer.untrusted"


def test_the_key_identifiers_must_lead_upwards() -> None:
    other = x509.AuthorityKeyIdentifier.from_issuer_public_key(world().root.key.public_key())
    astray = custom(world().issuing, without=(x509.AuthorityKeyIdentifier,), extra=((other, False),))
    assert codes(astray) == ["signer.key_identifier"]
    assert codes(custom(world().issuing, without=(x509.AuthorityKeyIdentifier,))) == ["signer.key_identifier"]
    unled = custom(world().root, (), ("key_cert_sign",), ca=True, without=(x509.AuthorityKeyIdentifier,))
    assert codes(under(unled)) == ["signer.key_identifier"]
    nameless = custom(world().root, (), ("key_cert_sign",), ca=True, without=(x509.SubjectKeyIdentifier,))
    assert codes(under(nameless)) == ["signer.key_identifier"]


def test_a_critical_extension_that_we_do_not_know() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert codes(custom(world().issuing, extra=((unknown, True),))) == ["signer.extension"]
    assert codes(custom(world().issuing, extra=((unknown, False),))) == []
    narrow = x509.NameConstraints([x509.DNSName("example.com")], None)
    limited = custom(world().root, (), ("key_cert_sign",), ca=True, extra=((narrow, True),))
    assert codes(under(limited)) == ["signer.extension"]


def test_keys_and_digests_that_c2pa_does_not_allow() -> None:
    assert codes(custom(world().issuing, curve=ec.SECP256K1())) == ["signer.key"]
    assert codes(custom(world().issuing, curve=ec.SECP384R1())) == []
    assert codes(custom(world().issuing, digest=hashes.SHA224())) == ["signer.algorithm"]


def test_faults_of_one_certificate_do_not_hide_another() -> None:
    assert codes(under(custom(world().root, (), (), curve=ec.SECP256K1()))) == [
        "signer.key",
        "signer.not_an_authority",
        "signer.not_an_authority",
    ]
