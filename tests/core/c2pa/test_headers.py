"""What stands around a signature and anybody may edit: refused by name or told, and never our own failure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tallystick.c2pa import C2paVerdict, CredentialRefused, OtherRoots, SignerRoots, judge, read
from tallystick.c2pa.signature import verified
from tallystick.errors import MalformedInput
from tests.c2pa_corpus.bad_signatures import stamp
from tests.c2pa_corpus.forge import bare
from tests.c2pa_corpus.people import ROOT, der

AT = datetime(2025, 7, 1, tzinfo=UTC)


def judged(data: bytes) -> C2paVerdict:
    return judge(read(data, "image/png"), SignerRoots((ROOT.certificate,)), AT, OtherRoots())


@pytest.mark.parametrize("name", ["pad", "pad2"])
@pytest.mark.parametrize("value", [5, None, True, "zeros", [0], b"\0\1"], ids=repr)
def test_padding_is_zeros(name: str, value: Any) -> None:
    assert judged(bare(unprotected=lambda protected, signature, claim: {name: bytes(3)})).state == "trusted"
    data = bare(unprotected=lambda protected, signature, claim: {name: value})
    with pytest.raises(MalformedInput, match="padding not zero"):
        judged(data)


def test_a_key_too_short_for_its_signature() -> None:
    """PSS with SHA-512 has no room in 512 bits: the library says so in a way of its own."""
    issuer = ec.derive_private_key(7, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "short")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(rsa.RSAPublicNumbers(65537, (1 << 511) + 1).public_key())
        .serial_number(5)
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2035, 1, 1, tzinfo=UTC))
        .sign(issuer, hashes.SHA256(), ecdsa_deterministic=True)
    )
    protected = cbor2.dumps({1: -39, 33: [der(certificate)]})
    with pytest.raises(CredentialRefused) as refused:
        verified(cbor2.dumps(cbor2.CBORTag(18, [protected, {}, None, bytes(64)])), b"claim")
    assert refused.value.code == "claimSignature.mismatch"


def test_a_timestamp_of_the_first_year_is_no_failure_of_ours() -> None:
    """With an accuracy of years it reaches back before the calendar begins."""
    early = stamp(gen_time=b"00010101000000Z", accuracy={"seconds": 1 << 31})
    (told,) = judged(bare(unprotected=early)).problems
    assert told.startswith("a timestamp (sigTst2) ")
