"""What a timestamp token says once it holds, and every way in which it must not hold."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.timestamp import LOCAL_POLICY, Authority, UnknownAuthority, verify_token
from tests.core.timestamp.forge import (
    AUTHORITY,
    BEGIN,
    END,
    MESSAGE,
    NOW,
    POLICY,
    TIME_STAMPING,
    Extensions,
    Holder,
    Recipe,
    holder,
    key,
    named,
    tlv,
    token,
    usage,
)

ROOT = holder("root of an authority", None, AUTHORITY)
TSA = holder("an authority", ROOT)
TRUSTED = (Authority("an authority", ROOT.der, True),)
GOOD = Recipe(TSA)
MICRO = 1_000_000
AT = int(NOW.timestamp())


def local(extensions: Extensions) -> Extensions:
    policy = x509.PolicyInformation(x509.ObjectIdentifier(LOCAL_POLICY), None)
    return (*extensions, (x509.CertificatePolicies([policy]), False))


def below(name: str, **more: Any) -> Recipe:
    return Recipe(holder(name, ROOT, **more))


# --- what holds ------------------------------------------------------------------


def test_the_facts() -> None:
    recipe = replace(GOOD, serial=1 << 127, ordering=True, accuracy={"seconds": 1, "millis": 500, "micros": 7})
    fact = verify_token(token(recipe), MESSAGE, TRUSTED)
    assert (fact.gen_time, fact.accuracy) == (AT * MICRO, 1_500_007)
    assert (fact.not_before, fact.not_after) == (AT - 2, AT + 2)
    assert (fact.policy, fact.serial, fact.ordering, fact.nonce, fact.hash) == (POLICY, 1 << 127, True, 12345, "sha256")
    assert (fact.authority, fact.signer) == ("an authority", "CN=an authority")
    assert fact.signer_sha256 == hashlib.sha256(TSA.der).hexdigest()
    assert fact.root_sha256 == hashlib.sha256(ROOT.der).hexdigest()
    assert (fact.independent, fact.operator_only) == (True, False)


def test_without_accuracy_none_is_made_up() -> None:
    fact = verify_token(token(replace(GOOD, nonce=None)), MESSAGE, TRUSTED)
    assert (fact.accuracy, fact.nonce, fact.ordering) == (None, None, False)
    assert (fact.not_before, fact.not_after) == (AT, AT)


@pytest.mark.parametrize(
    ("written", "micros"),
    [(b"20261121120000.5Z", 500_000), (b"20261121120000.000001Z", 1), (b"20261121120000.999999Z", 999_999)],
)
def test_fractions_of_a_second_are_kept_and_rounded_to_the_safe_side(written: bytes, micros: int) -> None:
    fact = verify_token(token(replace(GOOD, gen_time=written)), MESSAGE, TRUSTED)
    assert fact.gen_time == AT * MICRO + micros
    assert (fact.not_before, fact.not_after) == (AT, AT + 1)


@pytest.mark.parametrize("imprint", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize(
    ("kind", "digest"), [("p256", "sha256"), ("p384", "sha384"), ("p521", "sha512"), ("rsa2048", "sha256")]
)
def test_algorithms(kind: str, digest: str, imprint: str) -> None:
    recipe = replace(below(f"authority of {kind}", kind=kind), digest=digest, imprint=imprint)
    assert verify_token(token(recipe), MESSAGE, TRUSTED).hash == imprint


def test_rsa_named_with_its_hash_and_without() -> None:
    recipe = below("authority of rsa2048", kind="rsa2048")
    for algorithm in ("rsassa_pkcs1v15", "sha256_rsa"):
        found = verify_token(token(replace(recipe, algorithm=algorithm)), MESSAGE, TRUSTED)
        assert found.signer == "CN=authority of rsa2048"


@pytest.mark.parametrize(
    "change",
    [
        {"ess": (1,)},
        {"ess": (1, 2)},
        {"ess_hash": "sha512"},
        {"issuer_serial": False},
        {"by_key_id": True},
        {"tsa": TSA.certificate.subject},
        {"extensions": (("1.2.3.4.5", False, b"\x05\x00"),)},
        {"unsigned": b"whatever"},
    ],
    ids=lambda change: "-".join(change),
)
def test_other_forms_that_are_as_good(change: dict[str, Any]) -> None:
    assert verify_token(token(replace(GOOD, **change)), MESSAGE, TRUSTED).serial == 7


def test_over_an_authority_between() -> None:
    between = holder("an authority between", ROOT, AUTHORITY)
    recipe = Recipe(holder("below it", between))
    with_it = replace(recipe, certificates=(recipe.signer.der, between.der))
    assert verify_token(token(with_it), MESSAGE, TRUSTED).signer == "CN=below it"
    # The token does not carry it, the trust file has it.
    told = (Authority("an authority", ROOT.der, True, (between.der,)),)
    assert verify_token(token(recipe), MESSAGE, told).signer == "CN=below it"
    with pytest.raises(UnknownAuthority, match="issued by CN=an authority between"):
        verify_token(token(recipe), MESSAGE, TRUSTED)


def test_the_signer_from_the_trust_file() -> None:
    bare = token(replace(GOOD, certificates=()))
    told = (Authority("an authority", ROOT.der, True, (TSA.der,)),)
    assert verify_token(bare, MESSAGE, told).signer == "CN=an authority"
    with pytest.raises(VerificationFailed, match="neither the token nor the trust file"):
        verify_token(bare, MESSAGE, TRUSTED)


def test_certificates_of_several_chains() -> None:
    """Of another authority, one that expired, one of a form that nobody reads, the root itself twice: all parse."""
    other = holder("another root", None, AUTHORITY)
    strangers = (holder("of another chain", other).der, other.der, ROOT.der, ROOT.der)
    old = holder("expired", ROOT, end=BEGIN + timedelta(days=1)).der
    found = replace(GOOD, certificates=(*strangers, old, TSA.der))
    assert verify_token(token(found), MESSAGE, TRUSTED).signer == "CN=an authority"
    # Two authorities of one name and serial number, both here: the signed attributes say which.
    twin_root = Holder(ROOT.certificate, ROOT.key)
    first = holder("twin", twin_root, serial=99)
    second = holder("twin", twin_root, serial=99, kind="p256", begin=BEGIN + timedelta(days=1))
    for one in (first, second):
        fact = verify_token(token(Recipe(one, certificates=(first.der, second.der))), MESSAGE, TRUSTED)
        assert fact.signer_sha256 == hashlib.sha256(one.der).hexdigest()


def test_the_root_that_stands_above_it_names_the_authority() -> None:
    other = holder("another root", None, AUTHORITY)
    both = (Authority("the other", other.der, True), Authority("this one", ROOT.der, False))
    fact = verify_token(token(GOOD), MESSAGE, both)
    assert (fact.authority, fact.independent) == ("this one", False)


def test_years_after_its_certificates_expired_it_still_holds_for_its_own_time() -> None:
    """No clock is asked: the token's own time is the one that its certificates must have been valid at."""
    short = holder("short-lived", ROOT, begin=NOW - timedelta(days=1), end=NOW + timedelta(days=1))
    assert verify_token(token(Recipe(short)), MESSAGE, TRUSTED).signer == "CN=short-lived"


# --- the operator's own ----------------------------------------------------------


def operators() -> dict[str, tuple[Recipe, Authority]]:
    marked_root = holder("an operator's root", None, local(AUTHORITY))
    marked_leaf = holder("an operator's own", ROOT, local(TIME_STAMPING))
    hidden = Recipe(holder("below a marked root", marked_root))
    return {
        "by the token's policy": (replace(GOOD, policy=LOCAL_POLICY), TRUSTED[0]),
        "by its signer": (Recipe(marked_leaf), TRUSTED[0]),
        "by its root": (hidden, Authority("said to be independent", marked_root.der, True)),
    }


@pytest.mark.parametrize("how", operators())
def test_an_operators_own_is_never_independent_whatever_the_trust_file_says(how: str) -> None:
    recipe, authority = operators()[how]
    assert authority.independent
    fact = verify_token(token(recipe), MESSAGE, [authority])
    assert (fact.independent, fact.operator_only) == (False, True)


# --- what is refused --------------------------------------------------------------

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5.6"), b"\x05\x00")
OTHER = holder("another authority of the same root", ROOT)

REFUSED: dict[str, tuple[Recipe, str]] = {
    "other bytes": (replace(GOOD, message=MESSAGE + b"\n"), "over other bytes"),
    "a weak hash of the message": (replace(GOOD, imprint="sha1"), "uses the hash 1.3.14.3.2.26"),
    "a weak hash in the signature": (replace(GOOD, digest="sha1"), "uses the hash 1.3.14.3.2.26"),
    "another key": (replace(GOOD, signing_key=key("a stranger's")), "the signature is not by CN=an authority"),
    "another certificate is named": (replace(GOOD, ess_of=OTHER.der), "not the one that the signed attributes name"),
    "another is named by the older attribute": (
        replace(GOOD, ess=(1,), ess_of=OTHER.der),
        "not the one that the signed attributes name",
    ),
    "named by a weak hash": (replace(GOOD, ess_hash="sha1"), "not the one that the signed attributes name"),
    "another content was signed": (replace(GOOD, edit_sealed=lambda info: info[:-1] + b"\x3a"), "message digest"),
    "in the name of another": (replace(GOOD, tsa=named("the national observatory")), "another authority signed it"),
    "RSA said of an EC key": (replace(GOOD, algorithm="sha256_rsa"), "does not fit the signer's key"),
    "another hash said of the signature": (replace(GOOD, algorithm="sha512_ecdsa"), "does not fit the signer's key"),
    "by a certificate authority": (
        below("a CA", extensions=(AUTHORITY[0], TIME_STAMPING[1])),
        "may not sign timestamps itself",
    ),
    "by the CA of the authority": (Recipe(ROOT), "no root of the trust file stands above"),
    "without a purpose": (below("plain", extensions=TIME_STAMPING[:1]), "no extended key usage"),
    "for other purposes": (
        below("a server", extensions=((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), True),)),
        "not for timestamps alone",
    ),
    "for timestamps and more": (
        below(
            "both",
            extensions=(
                (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING]), True),
            ),
        ),
        "not for timestamps alone",
    ),
    "for anything": (
        below("any", extensions=((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), True),)),
        "not for timestamps alone",
    ),
    "not critically": (
        below("uncritical", extensions=((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), False),)),
        "does not say critically",
    ),
    "with a key for other things": (
        below("wide", extensions=(*TIME_STAMPING, (usage("digital_signature", "key_agreement"), True))),
        "other things with its key",
    ),
    "before its certificate": (below("young", begin=NOW + timedelta(seconds=1)), "is valid from .*, not at the token"),
    "after its certificate": (below("old", end=NOW - timedelta(seconds=1)), "is valid from .*, not at the token"),
    "before its root": (replace(GOOD, gen_time=b"20241231235959Z"), "is valid from .*, not at the token"),
    "by a weak key": (below("weak", kind="rsa1024"), "a key that is not taken"),
    "by a key of another curve": (below("koblitz", kind="k1"), "a key that is not taken"),
    "an unknown critical extension": (
        below("odd", extensions=(*TIME_STAMPING, (UNKNOWN, True))),
        "extension 1.2.3.4.5.6, which is not known",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_refused(fault: str) -> None:
    recipe, said = REFUSED[fault]
    with pytest.raises(VerificationFailed, match=said):
        verify_token(token(recipe), MESSAGE, TRUSTED)


def chain(*extensions: Extensions, **more: Any) -> Recipe:
    """A signer below authorities with these extensions, below the root."""
    above, shown = ROOT, []
    for number, one in enumerate(extensions):
        above = holder(f"between {number}", above, one, **more)
        shown.append(above.der)
    leaf = holder("far below", above)
    return Recipe(leaf, certificates=(*shown, leaf.der))


CHAINS: dict[str, tuple[Recipe, str]] = {
    "below one that is no authority": (chain(TIME_STAMPING), "is not a certificate authority"),
    "below one that may not sign certificates": (
        chain((AUTHORITY[0], (usage("digital_signature"), True))),
        "may not sign certificates",
    ),
    "below an authority for servers": (
        chain((*AUTHORITY, (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False))),
        "an authority for other things",
    ),
    "deeper than allowed": (
        chain(((x509.BasicConstraints(ca=True, path_length=0), True), AUTHORITY[1]), AUTHORITY),
        "allows 0 authorities below it, not 1",
    ),
    "below an expired authority": (
        chain(AUTHORITY, end=NOW - timedelta(days=1)),
        "CN=between 0 is valid from",
    ),
    "below an authority of another day": (chain(AUTHORITY, begin=NOW + timedelta(days=1)), "CN=between 0 is valid"),
    "with name constraints": (
        chain((*AUTHORITY, (x509.NameConstraints([x509.DNSName("example")], None), False))),
        "extension 2.5.29.30, which is not known",
    ),
}


@pytest.mark.parametrize("fault", CHAINS)
def test_refused_for_its_path(fault: str) -> None:
    recipe, said = CHAINS[fault]
    with pytest.raises(VerificationFailed, match=said):
        verify_token(token(recipe), MESSAGE, TRUSTED)


def test_longer_paths_than_anybody_needs() -> None:
    verify_token(token(chain(*[AUTHORITY] * 6)), MESSAGE, TRUSTED)
    with pytest.raises(UnknownAuthority):
        verify_token(token(chain(*[AUTHORITY] * 7)), MESSAGE, TRUSTED)


def test_a_web_of_certificates_is_not_searched_for_ever() -> None:
    """Each of twenty authorities has certificates by each other one: paths without number, none to the root."""
    names = [f"web {number}" for number in range(5)]
    selves = [holder(name, None, AUTHORITY) for name in names]
    web = [holder(name, above, AUTHORITY).der for name in names for above in selves]
    leaf = holder("in the web", selves[0])
    with pytest.raises(UnknownAuthority):
        verify_token(token(Recipe(leaf, certificates=(*web, leaf.der))), MESSAGE, TRUSTED)


@pytest.mark.parametrize("trusted", ["nobody", "another", "a root of the same name", "the signer itself"])
def test_an_authority_that_the_reader_does_not_know(trusted: str) -> None:
    impostor = Holder(holder("root of an authority", None, AUTHORITY, begin=BEGIN).certificate, key("impostor"))
    strange = Holder(_self_signed("root of an authority", impostor), impostor.key)
    readers = {
        "nobody": (),
        "another": (Authority("another", holder("another root", None, AUTHORITY).der, True),),
        "a root of the same name": (Authority("an authority", strange.der, True),),
        "the signer itself": (Authority("an authority", TSA.der, True),),
    }
    with pytest.raises(UnknownAuthority, match="no root of the trust file stands above CN=an authority"):
        verify_token(token(GOOD), MESSAGE, readers[trusted])


def test_a_root_of_the_trust_file_that_cannot_be_read_is_no_fault_of_the_token() -> None:
    broken = Authority("broken", b"\x30\x00", True)
    assert verify_token(token(GOOD), MESSAGE, (broken, *TRUSTED)).authority == "an authority"
    with pytest.raises(UnknownAuthority):
        verify_token(token(GOOD), MESSAGE, (broken,))


def _self_signed(name: str, by: Holder) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(name)).serial_number(5)
    builder = builder.public_key(by.key.public_key()).not_valid_before(BEGIN).not_valid_after(END)
    for extension, critical in AUTHORITY:
        builder = builder.add_extension(extension, critical)
    return builder.sign(by.key, hashes.SHA256())


LISTS = [f"2.5.29.{arc}" for arc in (9, 17, 18, 30, 31, 32, 33, 36, 37, 46)] + [
    "1.3.6.1.5.5.7.1.1",
    "1.3.6.1.5.5.7.1.11",
]


@pytest.mark.parametrize("kind", LISTS)
def test_a_certificate_with_an_empty_list_of_what_must_be_one_at_least_is_of_another_form(kind: str) -> None:
    empty = (x509.UnrecognizedExtension(x509.ObjectIdentifier(kind), b"\x30\0"), False)
    own = TIME_STAMPING if kind != "2.5.29.37" else TIME_STAMPING[:1]
    with pytest.raises(VerificationFailed, match=r"nothing in it|does not parse"):
        verify_token(token(below("of empty lists", extensions=(*own, empty))), MESSAGE, TRUSTED)
    # Above the signer it is as if it were not there.
    between = holder("between with empty lists", ROOT, (*AUTHORITY, empty))
    signer = holder("below empty lists", between)
    with pytest.raises(UnknownAuthority):
        verify_token(token(Recipe(signer, certificates=(signer.der, between.der))), MESSAGE, TRUSTED)


def test_a_certificate_of_the_right_names_that_another_made() -> None:
    """Whoever makes a root of the same name may sign signers of the same name; the trusted root's key did not."""
    thief = Holder(_self_signed("root of an authority", Holder(ROOT.certificate, key("thief"))), key("thief"))
    forged = holder("an authority", thief, serial=TSA.certificate.serial_number)
    with pytest.raises(UnknownAuthority):
        verify_token(token(Recipe(forged, certificates=(forged.der, thief.der, ROOT.der))), MESSAGE, TRUSTED)


def test_the_signature_comes_before_the_question_who_it_is() -> None:
    with pytest.raises(VerificationFailed, match="the signature is not by") as caught:
        verify_token(token(replace(GOOD, signing_key=key("a stranger's"))), MESSAGE, ())
    assert not isinstance(caught.value, UnknownAuthority)


# --- form -------------------------------------------------------------------------

TIMES = {
    "a leap second": b"20261231235960Z",
    "no zone": b"20261121120000",
    "another zone": b"20261121120000+0100",
    "no seconds": b"202611211200Z",
    "a last digit of nought": b"20261121120000.10Z",
    "a dot and nothing": b"20261121120000.Z",
    "a comma": b"20261121120000,5Z",
    "more digits than anybody's clock": b"20261121120000.0000001Z",
    "no such day": b"20260230120000Z",
    "the hour 24": b"20261121240000Z",
    "the year nought": b"00000101000000Z",
    "other digits": "２０２６１１２１１２００００Z".encode(),
}


@pytest.mark.parametrize("what", TIMES)
def test_a_time_of_another_form(what: str) -> None:
    recipe = replace(GOOD, gen_time=TIMES[what])
    with pytest.raises(MalformedInput, match="genTime"):
        verify_token(token(recipe), MESSAGE, TRUSTED)


FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "another content": ({"content_type": "data"}, "no timestamp"),
    "no certificate is named": ({"ess": ()}, "names the signing certificate"),
    "another version": ({"version": "v1"}, "of version 3"),
    "a critical extension": ({"extensions": (("1.2.3.4.5", True, b"\x05\x00"),)}, "critical extension 1.2.3.4.5"),
    "extensions, and none among them": ({"edit_info": lambda info: tlv(0x30, info[2:] + tlv(0xA1, b""))}, "none among"),
    "an accuracy of a thousand milliseconds": ({"accuracy": {"millis": 1000}}, "accuracy"),
    "an accuracy of no milliseconds": ({"accuracy": {"seconds": 1, "millis": 0}}, "accuracy"),
    "an accuracy below nought": ({"accuracy": {"seconds": -1}}, "accuracy"),
    "a serial number beyond 160 bits": ({"serial": 1 << 168}, "serial number"),
}


@pytest.mark.parametrize("what", FORMS)
def test_another_form(what: str) -> None:
    change, said = FORMS[what]
    with pytest.raises(MalformedInput, match=said):
        verify_token(token(replace(GOOD, **change)), MESSAGE, TRUSTED)


def test_the_largest_serial_number_that_must_be_taken() -> None:
    recipe = replace(GOOD, serial=(1 << 160) - 1)
    assert verify_token(token(recipe), MESSAGE, TRUSTED).serial == (1 << 160) - 1


def test_now_is_nobodys_business_here() -> None:
    far = holder("of the far future", ROOT, end=END)
    recipe = replace(Recipe(far), gen_time=b"20340101000000Z")
    found = verify_token(token(recipe), MESSAGE, TRUSTED)
    assert found.not_after == int(datetime.fromisoformat("2034-01-01T00:00:00Z").timestamp())
