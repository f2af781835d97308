"""Which keys certificates may have and how they may be signed: RSA-PSS of one profile, exponents of 64 bits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from itertools import product
from math import lcm

import cbor2
import pytest
from asn1crypto import core, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tallystick.c2pa import CredentialRefused, SignerRoots
from tallystick.c2pa.chain import faults
from tallystick.c2pa.signature import verified
from tallystick.certificate_keys import Scheme, key_of, scheme_of
from tallystick.errors import VerificationFailed
from tallystick.pdf.chain import document_faults
from tallystick.revocation import enclosed
from tallystick.timestamp import Authority, TimestampFact, UnknownAuthority, verify_token
from tallystick.timestamp.chain import PathSearch, Root
from tests.c2pa_corpus.people import AUTHORITY as PERSON_AUTHORITY
from tests.c2pa_corpus.people import CLAIMS, der, person
from tests.core.timestamp.forge import AUTHORITY, MESSAGE, NOW, Holder, Recipe, holder, key, replaced, tlv, token, usage

HASHES = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
AT = datetime(2025, 7, 1, tzinfo=UTC)
KEY = key("root of rsa", "rsa2048")
EC_KEY = key("signer below rsa")
assert isinstance(KEY, rsa.RSAPrivateKey)
Sign = Callable[[bytes], bytes]


def pss(
    bits: int = 256, mask: int | None = None, salt: int | None = None, null: bool = True, inner: bool = True
) -> bytes:
    """An AlgorithmIdentifier of RSA-PSS with all that it can say, written by hand: a library fills in what is odd."""

    def digest(one: int, with_null: bool) -> bytes:
        last = {256: 1, 384: 2, 512: 3}[one]
        return tlv(0x30, bytes.fromhex("06096086480165030402") + bytes([last]) + (b"\x05\x00" if with_null else b""))

    mgf = tlv(0x30, bytes.fromhex("06092a864886f70d010108") + digest(mask or bits, inner))
    wanted = bits // 8 if salt is None else salt
    said = b"" if wanted == 20 else tlv(0xA2, core.Integer(wanted).dump())  # the default, which DER leaves out
    return tlv(0x30, PSS_NAME + tlv(0x30, tlv(0xA0, digest(bits, null)) + tlv(0xA1, mgf) + said))


PSS_NAME = bytes.fromhex("06092a864886f70d01010a")


def pss_by(bits: int = 256, mask: int | None = None, salt: int | None = None) -> Sign:
    used = padding.PSS(padding.MGF1(HASHES[mask or bits]), bits // 8 if salt is None else salt)
    return lambda data: KEY.sign(data, used, HASHES[bits])


def pkcs1(data: bytes) -> bytes:
    return KEY.sign(data, padding.PKCS1v15(), hashes.SHA256())


PKCS1 = bytes.fromhex("300d06092a864886f70d01010b0500")


def resigned(certificate: x509.Certificate, algorithm: bytes, sign: Sign) -> x509.Certificate:
    """The same, signed under another algorithm."""
    old = asn1_x509.Certificate.load(der(certificate))["signature_algorithm"].dump()
    signed = replaced(certificate.tbs_certificate_bytes, old, algorithm)
    return x509.load_der_x509_certificate(tlv(0x30, signed + algorithm + tlv(3, b"\0" + sign(signed))))


def rekeyed(certificate: x509.Certificate, info: bytes, sign: Sign) -> x509.Certificate:
    """The same with other bytes for its public key."""
    old = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signed = replaced(certificate.tbs_certificate_bytes, old, info)
    algorithm = asn1_x509.Certificate.load(der(certificate))["signature_algorithm"].dump()
    return x509.load_der_x509_certificate(tlv(0x30, signed + algorithm + tlv(3, b"\0" + sign(signed))))


def key_info(algorithm: bytes, own: rsa.RSAPrivateKey | None = None) -> bytes:
    """A SubjectPublicKeyInfo of the RSA key under another algorithm."""
    numbers = (own or KEY).public_key().public_numbers()
    bare = keys.RSAPublicKey({"modulus": numbers.n, "public_exponent": numbers.e}).dump()
    return tlv(0x30, algorithm + tlv(3, b"\0" + bare))


ROOT = holder("root of rsa", None, AUTHORITY, kind="rsa2048")
TSA = holder("signer below rsa", ROOT)


def stamped(signer: x509.Certificate, root: x509.Certificate = ROOT.certificate) -> TimestampFact:
    made = token(Recipe(Holder(signer, EC_KEY)))
    return verify_token(made, MESSAGE, (Authority("rsa", der(root), True),))


PERSON = person("rsa above", None, PERSON_AUTHORITY, key=KEY)
CLAIMANT = person("claimant", PERSON, CLAIMS, key=EC_KEY)


def claim_faults(leaf: x509.Certificate, root: x509.Certificate = PERSON.certificate) -> list[str]:
    return [one.code for one in faults((leaf,), SignerRoots((root,)), AT)]


GOOD = {
    f"SHA-{bits}{'' if null else ', no NULL'}{'' if inner else ', no inner NULL'}": (bits, null, inner)
    for bits, null, inner in product((256, 384, 512), (True, False), (True, False))
}


@pytest.mark.parametrize("name", GOOD)
def test_pss_with_one_hash_and_a_salt_as_long_as_it(name: str) -> None:
    bits, null, inner = GOOD[name]
    algorithm = pss(bits, null=null, inner=inner)
    signer = resigned(TSA.certificate, algorithm, pss_by(bits))
    assert scheme_of(signer) == Scheme("pss", bits)
    assert stamped(signer).signer == "CN=signer below rsa"
    assert claim_faults(resigned(CLAIMANT.certificate, algorithm, pss_by(bits))) == []


BAD: dict[str, tuple[bytes, Sign]] = {
    "another hash in the mask": (pss(256, mask=512), pss_by(256, mask=512)),
    "a salt of 20": (pss(salt=20), pss_by(salt=20)),
    "no salt": (pss(salt=0), pss_by(salt=0)),
    "the longest salt": (pss(salt=222), pss_by(salt=222)),
}


@pytest.mark.parametrize("name", BAD)
def test_pss_of_another_profile_leads_nowhere(name: str) -> None:
    algorithm, sign = BAD[name]
    signer = resigned(TSA.certificate, algorithm, sign)
    signer.verify_directly_issued_by(ROOT.certificate)  # the library takes it
    with pytest.raises(UnknownAuthority, match="no root of the trust file stands above CN=signer below rsa"):
        stamped(signer)
    assert claim_faults(resigned(CLAIMANT.certificate, algorithm, sign)) == ["signer.algorithm"]


@pytest.mark.parametrize("name", ["without parameters", "with a trailer that is the default", "with another trailer"])
def test_pss_that_says_too_little_or_too_much(name: str) -> None:
    inside = pss()[2 + len(PSS_NAME) + 2 :]
    algorithm = {
        "without parameters": tlv(0x30, PSS_NAME),
        "with a trailer that is the default": tlv(0x30, PSS_NAME + tlv(0x30, inside + tlv(0xA3, b"\2\1\1"))),
        "with another trailer": tlv(0x30, PSS_NAME + tlv(0x30, inside + tlv(0xA3, b"\2\1\2"))),
    }[name]
    try:
        signer = resigned(TSA.certificate, algorithm, pss_by())
    except ValueError:
        assert name == "with a trailer that is the default"  # no DER: of another form
        return
    with pytest.raises(UnknownAuthority):
        stamped(signer)


def test_a_path_of_a_document_is_held_to_the_same() -> None:
    signing = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")])
    leaf = holder("registrar", ROOT, ((usage("digital_signature"), True), (signing, False))).certificate

    def found(one: x509.Certificate) -> int:
        path, _ = PathSearch([Root(0, ROOT.certificate)], (), document_faults).find(one, NOW)
        return len(path)

    assert found(resigned(leaf, pss(), pss_by())) == 2
    with pytest.raises(UnknownAuthority):
        found(resigned(leaf, pss(salt=20), pss_by(salt=20)))


# --- keys that say they are for PSS --------------------------------------------------------------------------

RESTRICTED: dict[str, tuple[bytes, bytes, Sign, bool]] = {
    "its own hash": (pss(256), pss(256), pss_by(256), True),
    "any hash": (tlv(0x30, PSS_NAME), pss(384), pss_by(384), True),
    "another hash": (pss(256), pss(384), pss_by(384), False),
    "PKCS #1 v1.5": (pss(256), PKCS1, pkcs1, False),
    "PKCS #1 v1.5, for any hash": (tlv(0x30, PSS_NAME), PKCS1, pkcs1, False),
    "of another profile": (pss(256, salt=20), pss(256), pss_by(256), False),
}


@pytest.mark.parametrize("name", RESTRICTED)
def test_a_key_for_pss_signs_by_pss_alone_and_with_its_hash(name: str) -> None:
    says, algorithm, sign, holds = RESTRICTED[name]
    root = rekeyed(ROOT.certificate, key_info(says), pkcs1)
    signer = resigned(TSA.certificate, algorithm, sign)
    person_root = rekeyed(PERSON.certificate, key_info(says), pkcs1)
    claimant = resigned(CLAIMANT.certificate, algorithm, sign)
    if holds:
        assert stamped(signer, root).signer == "CN=signer below rsa"
        assert claim_faults(claimant, person_root) == []
    else:
        with pytest.raises(UnknownAuthority):
            stamped(signer, root)
        fault = "signer.key" if name == "of another profile" else "signer.untrusted"
        assert claim_faults(claimant, person_root) == [fault]


def test_a_token_is_not_signed_by_a_key_for_pss() -> None:
    of_rsa = holder("tsa of rsa", ROOT, kind="rsa2048")
    assert isinstance(of_rsa.key, rsa.RSAPrivateKey)
    odd = rekeyed(of_rsa.certificate, key_info(pss(), of_rsa.key), pkcs1)
    made = token(Recipe(Holder(odd, of_rsa.key)))
    with pytest.raises(VerificationFailed, match="does not fit the signer's key"):
        verify_token(made, MESSAGE, (Authority("rsa", ROOT.der, True),))
    plain = token(Recipe(of_rsa))
    assert verify_token(plain, MESSAGE, (Authority("rsa", ROOT.der, True),)).signer == "CN=tsa of rsa"


@pytest.mark.parametrize(("algorithm", "bits", "holds"), [(-37, 256, True), (-38, 384, False)], ids=["PS256", "PS384"])
def test_a_claim_is_signed_with_the_hash_that_the_key_names(algorithm: int, bits: int, holds: bool) -> None:
    own = rekeyed(person("signs claims by rsa", None, CLAIMS, key=KEY).certificate, key_info(pss(256)), pkcs1)
    protected = cbor2.dumps({1: algorithm, 33: [der(own)]})
    signature = pss_by(bits)(cbor2.dumps(["Signature1", protected, b"", b"claim"]))
    data = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, None, signature]))
    if holds:
        assert verified(data, b"claim").value == signature
    else:
        with pytest.raises(CredentialRefused, match="another hash") as refused:
            verified(data, b"claim")
        assert refused.value.code == "claimSignature.mismatch"


def test_what_an_issuer_for_pss_says_of_revocation_by_pkcs1_says_nothing() -> None:
    def said(issuer: x509.Certificate) -> int:
        builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
        made = builder.last_update(AT).next_update(AT).sign(KEY, hashes.SHA256())
        return len(enclosed((CLAIMANT.certificate, issuer), AT, [made.public_bytes(Encoding.DER)]).said)

    assert said(PERSON.certificate) == 1
    assert said(rekeyed(PERSON.certificate, key_info(pss()), pkcs1)) == 0


# --- sizes -----------------------------------------------------------------------------------------------------


@cache
def with_exponent(exponent: int) -> rsa.RSAPrivateKey:
    """An RSA key of 2,048 bits with this public exponent."""
    while True:
        numbers = rsa.generate_private_key(65537, 2048).private_numbers()
        p, q = numbers.p, numbers.q
        try:
            d = pow(exponent, -1, lcm(p - 1, q - 1))
        except ValueError:
            continue
        public = rsa.RSAPublicNumbers(exponent, p * q)
        crt = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
        return rsa.RSAPrivateNumbers(p, q, d, *crt, public).private_key()


@pytest.mark.parametrize(
    ("exponent", "holds"),
    [(3, True), (65537, True), ((1 << 64) - 1, True), ((1 << 64) + 13, False), ((1 << 256) + 1, False)],
    ids=["3", "65537", "64 bits", "65 bits", "257 bits"],
)
def test_public_exponents_have_at_most_64_bits(exponent: int, holds: bool) -> None:
    own = with_exponent(exponent)
    above = person(f"exponent {exponent % 1000007}", None, PERSON_AUTHORITY, key=own)
    leaf = person(f"below {exponent % 1000007}", above, CLAIMS, key=EC_KEY).certificate
    assert claim_faults(leaf, above.certificate) == ([] if holds else ["signer.key"])
    search = PathSearch([Root(0, above.certificate)], (), lambda path, at: iter(()))
    if holds:
        assert search.find(leaf, AT)[0] == (leaf, above.certificate)
    else:
        with pytest.raises(UnknownAuthority):
            search.find(leaf, AT)


def test_a_key_that_the_library_does_not_take_is_none() -> None:
    """Whatever it is: the caller need not know how a library says so."""

    class Strange:
        tbs_certificate_bytes = CLAIMANT.certificate.tbs_certificate_bytes

        def public_key(self) -> object:
            raise UnsupportedAlgorithm("not here")

    own = certificate_with(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert key_of(own, 8192) == Scheme("rsa", 0)
    Strange.tbs_certificate_bytes = own.tbs_certificate_bytes
    assert key_of(Strange(), 8192) is None  # type: ignore[arg-type]


def certificate_with(info: bytes) -> x509.Certificate:
    return rekeyed(CLAIMANT.certificate, info, pkcs1)


@pytest.mark.parametrize(("bits", "most"), [(2047, 8192), (2048, 8192), (8192, 8192), (8193, 8192), (16384, 16384)])
def test_moduli(bits: int, most: int) -> None:
    """Odd, and of so many bits; nobody has the key of these."""

    def found(modulus: int) -> Scheme | None:
        bare = keys.RSAPublicKey({"modulus": modulus, "public_exponent": 65537}).dump()
        encryption = bytes.fromhex("300d06092a864886f70d0101010500")
        return key_of(certificate_with(tlv(0x30, encryption + tlv(3, b"\0" + bare))), most)

    odd = (1 << bits) - 1
    assert found(odd) == (Scheme("rsa", 0) if 2048 <= bits <= most else None)
    assert found(odd - 1) is None


def test_points_of_a_curve() -> None:
    """A point is compressed or not; X9.62's hybrid form, which the library takes, is neither."""
    public = EC_KEY.public_key()
    plain = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    short = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    hybrid = bytes([6 + plain[-1] % 2]) + plain[1:]
    algorithm = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    made = [certificate_with(tlv(0x30, algorithm + tlv(3, b"\0" + point))) for point in (plain, short, hybrid)]
    assert all(one.public_key() == public for one in made)
    assert [key_of(one, 8192) for one in made] == [Scheme("ecdsa", 0), Scheme("ecdsa", 0), None]
