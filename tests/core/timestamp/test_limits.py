"""How much of what a token brings is looked at: links of paths, unsigned attributes, lists, certificates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.errors import MalformedInput
from tallystick.revocation import Words
from tallystick.timestamp import Authority, RevokedAuthority, UnknownAuthority, der, verify_token
from tests.core.timestamp.forge import AUTHORITY, BEGIN, MESSAGE, NOW, Holder, Recipe, holder, key, tlv, token
from tests.core.timestamp.test_verify import GOOD, ROOT, TRUSTED, TSA, _self_signed


def named_like(name: str, number: int) -> bytes:
    """Of that name, by itself, and with another key than the others of that name."""
    stranger = key(f"stranger {number}")
    return Holder(_self_signed(name, Holder(ROOT.certificate, stranger)), stranger).der


@pytest.mark.parametrize(("strangers", "found"), [(62, True), (63, False)])
def test_sixty_four_signatures_of_certificates_are_looked_at(strangers: int, found: bool) -> None:
    """One for each that has the issuer's name, one for the issuer, and one for the issuer by the root."""
    between = holder("of a common name", ROOT, AUTHORITY)
    others = [named_like("of a common name", number) for number in range(strangers)]
    others.insert(3, holder("of another name", ROOT, AUTHORITY).der)  # not counted
    others.insert(4, others[0])  # once
    told = (Authority("an authority", ROOT.der, True, (*others, between.der)),)
    made = token(Recipe(holder("below a common name", between)))
    if found:
        assert verify_token(made, MESSAGE, told).signer == "CN=below a common name"
    else:
        with pytest.raises(UnknownAuthority):
            verify_token(made, MESSAGE, told)


@pytest.mark.parametrize(("strangers", "found"), [(29, True), (30, False)])
def test_what_stands_above_a_bridge_is_looked_at_again_on_each_way(strangers: int, found: bool) -> None:
    """Two certificates of the issuer lead to the bridge, and above it to strangers alone; a third leads to the root."""
    bridge = holder("the bridge", holder("far away", None, AUTHORITY), AUTHORITY)
    ways = [holder("cross-certified", bridge, AUTHORITY) for _ in range(2)]
    third = holder("cross-certified", ROOT, AUTHORITY)
    away = [named_like("far away", number) for number in range(strangers)]
    others = (*(one.der for one in ways), third.der, bridge.der, *away)
    told = (Authority("an authority", ROOT.der, True, others),)
    made = token(Recipe(holder("below the bridge", third)))
    if found:
        assert verify_token(made, MESSAGE, told).signer == "CN=below the bridge"
    else:
        with pytest.raises(UnknownAuthority):
            verify_token(made, MESSAGE, told)


def test_what_nobody_signed_is_not_read_whatever_it_is() -> None:
    """Unsigned attributes and revocation lists: their bytes are counted with the token's, and nothing else is asked."""
    fact = verify_token(token(GOOD), MESSAGE, TRUSTED)
    for length in (1, 7, 300, 40_000):
        plain = token(replace(GOOD, unsigned=b"\x81" * length))
        odd = plain[: -length - 4] + b"\xff" * (length + 4)
        assert verify_token(odd, MESSAGE, TRUSTED) == fact
        lists = tlv(0xA1, b"\xff" * length)
        assert verify_token(_with_lists(lists), MESSAGE, TRUSTED) == fact
    with pytest.raises(MalformedInput, match="65536 are read"):
        verify_token(token(replace(GOOD, unsigned=bytes(1 << 16))), MESSAGE, TRUSTED)


def test_a_list_inside_a_token_is_not_asked_about_its_signer() -> None:
    """The same list beside the token undoes it."""
    entry = x509.RevokedCertificateBuilder().serial_number(TSA.certificate.serial_number).revocation_date(BEGIN)
    builder = x509.CertificateRevocationListBuilder().issuer_name(ROOT.certificate.subject)
    made = builder.last_update(NOW).next_update(NOW).add_revoked_certificate(entry.build())
    word = made.sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.DER)
    holding = _with_lists(tlv(0xA1, word))
    assert verify_token(holding, MESSAGE, TRUSTED) == verify_token(token(GOOD), MESSAGE, TRUSTED)
    assert verify_token(holding, MESSAGE, TRUSTED, Words()).revocation == ()
    with pytest.raises(RevokedAuthority, match="was revoked"):
        verify_token(holding, MESSAGE, TRUSTED, Words([word]))


def _with_lists(lists: bytes) -> bytes:
    """The token with revocation lists behind its certificates."""
    *before, signers = _parts(token(GOOD))
    return _whole(*before, lists, signers)


@pytest.mark.parametrize("digests", [(), ("sha384",), ("sha256", "sha384"), ("sha256", "sha256")], ids=str)
def test_the_digest_algorithms_are_the_signers_alone(digests: tuple[str, ...]) -> None:
    """Nobody signed them: else they could be changed, and the token held."""
    old = cms.DigestAlgorithms([{"algorithm": "sha256"}]).dump()
    new = cms.DigestAlgorithms([{"algorithm": one} for one in digests]).dump()
    assert verify_token(_with_digests(old), MESSAGE, TRUSTED) == verify_token(token(GOOD), MESSAGE, TRUSTED)
    with pytest.raises(MalformedInput, match="the signer's alone"):
        verify_token(_with_digests(new), MESSAGE, TRUSTED)


def _with_digests(digests: bytes) -> bytes:
    kind, version, _, *more = _parts(token(GOOD))
    return _whole(kind, version, digests, *more)


def _parts(data: bytes) -> list[bytes]:
    """The type of a token's content, and the fields of its signed data."""
    kind, wrapped = der.members(der.single(data, der.SEQUENCE, "token").content, "token", 2)
    inside = der.single(der.single(wrapped.whole, 0xA0, "data").content, der.SEQUENCE, "data")
    return [kind.whole, *(one.whole for one in der.members(inside.content, "data", 9))]


def _whole(kind: bytes, *fields: bytes) -> bytes:
    return tlv(0x30, kind + tlv(0xA0, tlv(0x30, b"".join(fields))))


def test_behind_certificates_and_policies_a_signing_certificate_ends() -> None:
    def with_more(more: bytes) -> bytes:
        def edit(data: bytes) -> bytes:
            attributes = cms.CMSAttributes.load(data)
            for one in attributes:
                if one["type"].native == "signing_certificate_v2":
                    value = one["values"][0].dump()
                    content = der.single(value, der.SEQUENCE, "value").content
                    old, new = one["values"].dump(), tlv(0x31, tlv(0x30, content + more))
                    return tlv(
                        0x31,
                        b"".join(
                            sorted(
                                tlv(0x30, der.single(each.dump(), der.SEQUENCE, "attribute").content.replace(old, new))
                                for each in attributes
                            )
                        ),
                    )
            raise AssertionError("no such attribute")

        return token(replace(GOOD, edit_signed=edit))

    policies = tlv(0x30, tlv(0x30, bytes.fromhex("06032a0304")))
    for fine in (b"", policies):
        assert verify_token(with_more(fine), MESSAGE, TRUSTED).signer == "CN=an authority"
    for more in (policies + policies, b"\x05\x00", policies + b"\x04\x00"):
        with pytest.raises(MalformedInput, match="signing certificate"):
            verify_token(with_more(more), MESSAGE, TRUSTED)


def test_certificates_of_a_token_are_at_most_32_whatever_they_are() -> None:
    fact = verify_token(token(GOOD), MESSAGE, TRUSTED)
    odd = [tlv(0x04, bytes([number])) for number in range(32)]
    assert verify_token(token(replace(GOOD, certificates=(TSA.der, *odd[:31]))), MESSAGE, TRUSTED) == fact
    with pytest.raises(MalformedInput):
        verify_token(token(replace(GOOD, certificates=(TSA.der, *odd))), MESSAGE, TRUSTED)


# --- signed attributes that nobody reads (X.690) ---------------------------------------------------------------


def with_attribute(value: bytes) -> bytes:
    """A token that signs an attribute of a type unknown here, with this value."""

    def edit(data: bytes) -> bytes:
        attributes = [one.dump() for one in cms.CMSAttributes.load(data)]
        unknown = tlv(0x30, bytes.fromhex("06032a0304") + tlv(0x31, value))
        return tlv(0x31, b"".join(sorted([*attributes, unknown])))

    return token(replace(GOOD, edit_signed=edit))


def nested(levels: int) -> bytes:
    """An empty sequence inside so many others."""
    value = b""
    for _ in range(levels + 1):
        value = tlv(0x30, value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        "0101ff", "010100", "020100", "02020080", "0a0101", "0500", "06032a0304", "030100", "0302018e", "040102",
        "0c0141", "3003020101", "3103020101", "2800", "a003020101", "8000", "4101ff", "3d00", "0d012a",
        "180f32303236303130313030303030305a",
    ],
)  # fmt: skip
def test_an_attribute_that_nobody_reads_may_hold_what_is_der(value: str) -> None:
    assert verify_token(with_attribute(bytes.fromhex(value)), MESSAGE, TRUSTED).signer == "CN=an authority"


@pytest.mark.parametrize(
    "value",
    [
        "010101", "0100", "0102ffff", "0200", "02020001", "0202ff80", "0a00", "0a020001", "050100", "0600", "0602802a",
        "06022a80", "0300", "030108", "030101", "0302018f", "03020900", "2403040102", "2c030c0141", "2200", "1000",
        "1100", "0800", "0000", "2000", "30020201", "3004020200", "1f8101", "30021f00", "8181", "308003020101",
        "1d00", "0d0180",
    ],
)  # fmt: skip
def test_and_nothing_that_is_not(value: str) -> None:
    with pytest.raises(MalformedInput):
        verify_token(with_attribute(bytes.fromhex(value)), MESSAGE, TRUSTED)


def test_values_of_an_attribute_stand_in_at_most_32_others() -> None:
    assert verify_token(with_attribute(nested(24)), MESSAGE, TRUSTED).signer == "CN=an authority"
    with pytest.raises(MalformedInput, match="more than 32 others"):
        verify_token(with_attribute(nested(25)), MESSAGE, TRUSTED)
    with pytest.raises(MalformedInput, match="more than 32 others"):
        verify_token(with_attribute(nested(9000)), MESSAGE, TRUSTED)
