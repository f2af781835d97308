"""The export as W3C credentials, by the text of VC Data Model 2.0, VC-JOSE-COSE and Bitstring Status List."""

from __future__ import annotations

import gzip
import re
import zlib
from typing import Any

import jwt as pyjwt
import pytest
from cryptography import x509

from tallystick.base64s import from_base64url, to_base64url
from tallystick.errors import MalformedInput
from tallystick.licence.status_list import Status
from tallystick.token.vc import (
    MIN_BITS,
    PURPOSES,
    decode_bits,
    encode_bits,
    licence_credential,
    secure,
    status_credential,
)
from tests.core.licence.paper import URI
from tests.core.token.kit import Pocket
from tests.world import START

ALL_ZERO = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"
"""``encodedList`` of the example in Bitstring Status List v1.0: 131,072 bits, none set."""
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@pytest.fixture(scope="module")
def pocket() -> Pocket:
    return Pocket()


def require_vc(credential: dict[str, Any], *types: str) -> None:
    """VC Data Model 2.0 §4: what every credential must have."""
    assert credential["@context"][0] == "https://www.w3.org/ns/credentials/v2", "§4.3: the first is this one"
    assert credential["type"][0] == "VerifiableCredential"
    assert set(types) <= set(credential["type"])
    assert re.match(r"[a-z]+:", credential["issuer"]), "§4.7: a URL"
    assert credential["credentialSubject"], "§4.8"
    for name in ("validFrom", "validUntil"):
        assert INSTANT.fullmatch(credential[name]), "§4.9: dateTimeStamp"
    assert credential["validFrom"] <= credential["validUntil"]
    assert not {"vc", "vp", "proof"} & set(credential), "VC-JOSE-COSE §3.1.1: the payload is the credential itself"


def test_a_licence_as_credential(pocket: Pocket) -> None:
    terms = {one.name: one.value for one in pocket.disclosures}
    said = licence_credential(pocket.claims(), terms)
    require_vc(said, "TallystickLicence")
    assert said["credentialSubject"]["terms"] == terms
    assert said["credentialSubject"]["licence"] == pocket.paper.licence.event.subject
    index = pocket.paper.index
    for entry, purpose in zip(said["credentialStatus"], ("revocation", "suspension"), strict=True):
        assert entry == {
            "id": f"{URI}/{purpose}#{index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": purpose,
            "statusListIndex": str(index),
            "statusListCredential": f"{URI}/{purpose}",
        }, "Bitstring Status List §2.1; the index is a text"
        assert entry["id"] != entry["statusListCredential"]


def test_it_is_secured_with_jose(pocket: Pocket) -> None:
    said = licence_credential(pocket.claims(), {})
    token = secure(said, pocket.issuer.chain, pocket.issuer.signer)
    header = pyjwt.get_unverified_header(token)
    assert (header["typ"], header["cty"], header["alg"]) == ("vc+jwt", "vc", "ES256")
    leaf = x509.load_der_x509_certificate(pocket.issuer.chain[0]).public_key()
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    assert pyjwt.decode(token, leaf, algorithms=["ES256"], options=options) == said
    with pytest.raises(pyjwt.InvalidSignatureError):
        pyjwt.decode(token[:-8] + "AAAAAAAA", leaf, algorithms=["ES256"], options=options)


STATUSES = [Status.VALID, Status.INVALID, Status.SUSPENDED, Status.EXPIRED, Status.VALID]


@pytest.mark.parametrize(("purpose", "bits"), [("revocation", "01010"), ("suspension", "00100")])
def test_a_status_list_as_credential(purpose: Any, bits: str) -> None:
    uri = f"{URI}/{purpose}"
    said = status_credential("https://log.example/little", uri, purpose, STATUSES, (START, START + 3600))
    require_vc(said, "BitstringStatusListCredential")
    subject = said["credentialSubject"]
    assert (said["id"], subject["type"], subject["statusPurpose"]) == (uri, "BitstringStatusList", purpose)
    packed = decode_bits(subject["encodedList"])
    found = "".join(f"{byte:08b}" for byte in packed)
    assert found[: len(bits)] == bits, "§3.1: the first index is the leftmost bit"
    assert set(found[len(bits) :]) == ({"1"} if purpose == "revocation" else {"0"}), "nobody has these"
    assert len(found) == MIN_BITS == 131_072
    assert said["validUntil"] == "2026-02-01T00:59:59Z"


def test_every_status_but_valid_is_on_one_list() -> None:
    assert sorted(one for listed in PURPOSES.values() for one in listed) == sorted(set(Status) - {Status.VALID})


def test_the_example_of_the_specification() -> None:
    assert decode_bits(ALL_ZERO) == bytes(16 * 1024)
    assert decode_bits(encode_bits([])) == bytes(16 * 1024)


def test_other_software_inflates_ours() -> None:
    encoded = encode_bits([True, False, True])
    assert encoded[0] == "u", "multibase: base64url without padding"
    assert "=" not in encoded
    assert gzip.decompress(from_base64url(encoded[1:]))[:1] == b"\xa0"


def test_a_longer_list_keeps_its_length() -> None:
    packed = decode_bits(encode_bits([False] * MIN_BITS + [True]))
    assert (len(packed), packed[-1]) == (16 * 1024 + 1, 0x80)


BAD = {
    "another multibase": "z" + ALL_ZERO[1:],
    "no multibase": ALL_ZERO[1:],
    "zlib": "u" + to_base64url(zlib.compress(bytes(16 * 1024))),
    "too short": "u" + to_base64url(gzip.compress(bytes(16 * 1024 - 1))),
    "cut short": ALL_ZERO[:-4],
    "a second member": "u" + to_base64url(gzip.compress(bytes(16 * 1024)) * 2),
    "a bomb": "u" + to_base64url(gzip.compress(bytes(1 << 22))),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_encoded_list(name: str) -> None:
    with pytest.raises(MalformedInput):
        decode_bits(BAD[name])
