"""Who may sign licence tokens: under the right root, for this log, for tokens alone, at that time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from credentials.ca import Identity, issue_authority, issue_signer, new_root
from credentials.token_signer import SIGNER_DAYS, token_root, token_signer
from tallystick.c2pa.chain import CLAIM_SIGNING
from tallystick.errors import MalformedInput
from tallystick.times import UnixSeconds
from tallystick.token.issuer import LICENCE_TOKENS, require_issuer
from tallystick.token.refusal import TokenRefused
from tests.world import START

NOW = datetime.fromtimestamp(START, UTC)
ISSUER = "https://log.example/little"
AT = UnixSeconds(START + 3600)


@pytest.fixture(scope="module")
def root() -> Identity:
    return token_root("log.example/little", NOW)


def der(*certificates: x509.Certificate) -> tuple[bytes, ...]:
    return tuple(one.public_bytes(Encoding.DER) for one in certificates)


def test_the_key_and_the_root_that_answers_for_it(root: Identity) -> None:
    made = token_signer(root, ISSUER, NOW)
    key, above = require_issuer(der(made.certificate), der(root.certificate), ISSUER, AT)
    assert key.alg == "es256"
    assert above == root.certificate
    # The root may stand in x5c as well; another trusted root before it is passed over.
    other = token_root("other", NOW)
    require_issuer(der(*made.chain), der(other.certificate, root.certificate), ISSUER, AT)


def test_an_authority_in_between(root: Identity) -> None:
    """Of an operator that has a certificate authority of its own."""
    above = new_root("Studio", "Studio root", NOW)
    issuing = issue_authority(above, "Studio tokens", NOW)
    made = token_signer(issuing, ISSUER, NOW)
    for shown, trusted in ((made.chain[:-1], above.certificate), (made.chain[:1], issuing.certificate)):
        assert require_issuer(der(*shown), der(trusted), ISSUER, AT)[1] == trusted


class Forge:
    """A signer's certificate with something changed, honestly signed by ``root``."""

    def __init__(self, root: Identity, key: Any = None) -> None:
        self.root, self.key = root, key or ec.generate_private_key(ec.SECP256R1())

    def __call__(self, drop: type[x509.ExtensionType] | None = None, *add: x509.ExtensionType) -> bytes:
        model = token_signer(self.root, ISSUER, NOW).certificate
        builder = (
            x509.CertificateBuilder()
            .subject_name(model.subject)
            .issuer_name(model.issuer)
            .public_key(self.key.public_key())
            .serial_number(7)
            .not_valid_before(NOW)
            .not_valid_after(NOW + timedelta(days=SIGNER_DAYS))
        )
        for extension in model.extensions:
            if drop is None or not isinstance(extension.value, drop):
                builder = builder.add_extension(extension.value, extension.critical)
        for value in add:
            builder = builder.add_extension(value, critical=isinstance(value, x509.UnrecognizedExtension))
        return builder.sign(self.root.key, hashes.SHA256()).public_bytes(Encoding.DER)


USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
          "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip


def usage(**named: bool) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: named.get(name, False) for name in USAGES})


def uris(*names: x509.GeneralName) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(names)


URI = x509.UniformResourceIdentifier
LEAVES: dict[str, tuple[Callable[[Forge], bytes], str]] = {
    "no purpose": (lambda f: f(x509.ExtendedKeyUsage), "purpose"),
    "signs files": (lambda f: f(x509.ExtendedKeyUsage, x509.ExtendedKeyUsage([CLAIM_SIGNING])), "purpose"),
    "signs files too": (
        lambda f: f(x509.ExtendedKeyUsage, x509.ExtendedKeyUsage([LICENCE_TOKENS, CLAIM_SIGNING])),
        "purpose",
    ),
    "any purpose": (
        lambda f: f(x509.ExtendedKeyUsage, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])),
        "purpose",
    ),
    "stamps times": (
        lambda f: f(x509.ExtendedKeyUsage, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])),
        "purpose",
    ),
    "is an authority": (lambda f: f(x509.BasicConstraints, x509.BasicConstraints(True, 0)), "purpose"),
    "says nothing of authority": (lambda f: f(x509.BasicConstraints), "purpose"),
    "no key usage": (lambda f: f(x509.KeyUsage), "purpose"),
    "signs certificates": (
        lambda f: f(x509.KeyUsage, usage(digital_signature=True, key_cert_sign=True)),
        "purpose",
    ),
    "signs nothing": (lambda f: f(x509.KeyUsage, usage(key_agreement=True)), "purpose"),
    "no name": (lambda f: f(x509.SubjectAlternativeName), "name"),
    "another log": (lambda f: f(x509.SubjectAlternativeName, uris(URI("https://log.example/other"))), "name"),
    "two logs": (lambda f: f(x509.SubjectAlternativeName, uris(URI(ISSUER), URI("https://x"))), "name"),
    "a host of that name": (lambda f: f(x509.SubjectAlternativeName, uris(x509.DNSName(ISSUER))), "name"),
    "an unknown critical extension": (
        lambda f: f(None, x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")),
        "chain",
    ),
}


@pytest.mark.parametrize("name", LEAVES)
def test_a_certificate_that_does_not_say_it(root: Identity, name: str) -> None:
    make, code = LEAVES[name]
    with pytest.raises(TokenRefused) as caught:
        require_issuer((make(Forge(root)),), der(root.certificate), ISSUER, AT)
    assert caught.value.code == f"issuer.{code}"


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)])
def test_a_key_of_another_kind(root: Identity, key: Any) -> None:
    with pytest.raises(TokenRefused) as caught:
        require_issuer((Forge(root, key)(),), der(root.certificate), ISSUER, AT)
    assert caught.value.code == "issuer.key"


def refused(chain: tuple[bytes, ...], roots: tuple[bytes, ...], at: int = AT) -> str:
    with pytest.raises(TokenRefused) as caught:
        require_issuer(chain, roots, ISSUER, UnixSeconds(at))
    return caught.value.code


def test_under_no_trusted_root(root: Identity) -> None:
    other = token_root("log.example/little", NOW)
    made = token_signer(root, ISSUER, NOW)
    assert refused(der(made.certificate), ()) == "issuer.untrusted"
    assert refused(der(made.certificate), der(other.certificate)) == "issuer.untrusted"
    assert refused(der(*made.chain), der(other.certificate)) == "issuer.untrusted"


def test_a_leaf_is_not_its_own_root(root: Identity) -> None:
    made = token_signer(root, ISSUER, NOW)
    assert refused(der(made.certificate), der(made.certificate)) == "issuer.untrusted"


def test_a_leaf_issues_no_other(root: Identity) -> None:
    made = token_signer(root, ISSUER, NOW)
    child = token_signer(made, ISSUER, NOW)
    assert refused(der(*child.chain[:2]), der(root.certificate)) == "issuer.chain"


def test_a_path_longer_than_the_root_allows(root: Identity) -> None:
    between = issue_authority(root, "between", NOW)
    assert refused(der(*token_signer(between, ISSUER, NOW).chain[:2]), der(root.certificate)) == "issuer.chain"


def test_links_that_do_not_fit(root: Identity) -> None:
    made, other = token_signer(root, ISSUER, NOW), token_root("other", NOW)
    assert refused(der(made.certificate, other.certificate), der(other.certificate)) == "issuer.chain"


def test_the_signer_of_files_issues_no_token() -> None:
    """Even under a root that the publisher lists for both."""
    files = new_root("Studio", "Studio root", NOW)
    signer = issue_signer(files, "content credentials", NOW)
    assert refused(der(signer.certificate), der(files.certificate)) == "issuer.purpose"


@pytest.mark.parametrize("at", [START - 1, START + SIGNER_DAYS * 86_400 + 1])
def test_outside_its_time(root: Identity, at: int) -> None:
    made = token_signer(root, ISSUER, NOW)
    assert refused(der(made.certificate), der(root.certificate), at) == "issuer.time"


def test_a_root_that_has_ended(root: Identity) -> None:
    later = NOW + timedelta(days=365 * 20 - 10)
    made = token_signer(root, ISSUER, later)
    assert made.certificate.not_valid_after_utc <= root.certificate.not_valid_after_utc


def test_what_is_no_certificate(root: Identity) -> None:
    made = der(token_signer(root, ISSUER, NOW).certificate)
    for chain in ((b"\x30\x00",), (made[0] + b"\x00",), (made[0][:-1],)):
        with pytest.raises(MalformedInput):
            require_issuer(chain, der(root.certificate), ISSUER, AT)


def test_names_that_are_too_long_are_cut() -> None:
    root = token_root("x" * 200, NOW)
    (organisation,) = root.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert len(str(organisation.value)) == 64
    assert replace(root).certificate == root.certificate


def test_a_certificate_of_another_version_is_malformed(root: Identity) -> None:
    made = token_signer(root, ISSUER, NOW)
    version_2 = der(made.certificate)[0].replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020101"), 1)
    with pytest.raises(MalformedInput):
        require_issuer((version_2,), der(root.certificate), ISSUER, AT)
