"""Two verifiers that know nothing of one another: tokens of OpenSSL hold here, and the verdicts of both agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.timestamp import Authority, verify_token
from tests.core.timestamp import openssl
from tests.core.timestamp.forge import AUTHORITY, BEGIN, END, MESSAGE, NOW, Holder, Recipe, holder, token
from tests.core.timestamp.test_verify import CHAINS, GOOD, REFUSED, ROOT, TSA

# Its clock cannot be set: what it signs is of today.
TODAY = datetime.now(UTC)
OPEN = {"begin": BEGIN - timedelta(days=3650), "end": END + timedelta(days=36500)}


@pytest.fixture(scope="module")
def root() -> Holder:
    return holder("root for openssl", None, AUTHORITY, begin=OPEN["begin"], end=OPEN["end"])


def signer(root: Holder, kind: str) -> Holder:
    return holder(f"openssl {kind}", root, kind=kind, begin=OPEN["begin"], end=OPEN["end"])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("p256", {}),
        ("p256", {"ess": "sha1"}),
        ("p384", {"digest": "sha384", "ordering": "yes", "digits": "6"}),
        ("rsa2048", {"digest": "sha512", "digits": "3", "name": "no", "chain": "yes"}),
    ],
)
def test_a_token_of_openssl_holds(tmp_path: Path, root: Holder, kind: str, options: dict[str, str]) -> None:
    tsa = signer(root, kind)
    authority = openssl.Authority.make(tmp_path / "tsa", tsa, [root], **options)
    before = datetime.now(UTC)
    made = authority.token(MESSAGE)
    fact = verify_token(made, MESSAGE, [Authority("openssl", root.der, True)])
    assert fact.accuracy == 1_500_100
    assert fact.ordering is (options.get("ordering") == "yes")
    assert fact.not_before <= int(datetime.now(UTC).timestamp())
    assert fact.not_after >= int(before.timestamp())
    assert openssl.verifies(tmp_path, made, MESSAGE, root, TODAY)


def test_a_query_for_another_policy_and_hash(tmp_path: Path, root: Holder) -> None:
    tsa = signer(root, "p256")
    authority = openssl.Authority.make(tmp_path / "tsa", tsa)
    made = authority.token(MESSAGE, "-tspolicy", "1.3.6.1.4.1.99999.7.2", "-sha512")
    fact = verify_token(made, MESSAGE, [Authority("openssl", root.der, True)])
    assert (fact.policy, fact.hash) == ("1.3.6.1.4.1.99999.7.2", "sha512")


def test_openssl_takes_the_tokens_of_the_forger(tmp_path: Path) -> None:
    """So that what it refuses below it refuses for the fault that was put in."""
    between = holder("an authority between", ROOT, AUTHORITY)
    leaf = holder("below it", between)
    rsa = holder("authority of rsa2048", ROOT, kind="rsa2048")
    for recipe in (
        GOOD,
        replace(GOOD, ess=(1, 2), tsa=TSA.certificate.subject, accuracy={"millis": 5}, ordering=True),
        replace(GOOD, issuer_serial=False, imprint="sha512"),
        Recipe(leaf, certificates=(leaf.der, between.der)),
        Recipe(rsa),
    ):
        assert openssl.verifies(tmp_path, token(recipe), MESSAGE, ROOT, NOW)


# What we refuse and OpenSSL takes, and why we do. Everything else in the two lists it refuses as well.
STRICTER = {
    "a weak hash of the message": "SHA-1 stands for no message here",
    "RSA said of an EC key": "OpenSSL does not look at the signature algorithm that the token names",
    "another hash said of the signature": "as above",
    "by a certificate authority": "OpenSSL lets an authority sign timestamps itself",
    "a weak hash in the signature": "SHA-1 signs nothing here",
    "named by a weak hash": "SHA-1 names no certificate where another hash could",
    "by a weak key": "RSA below 2,048 bits; OpenSSL's default security level is the distribution's choice",
    "by a key of another curve": "P-256, P-384, P-521 alone",
    "below an authority for servers": "an authority's own extended key usage bounds what it issues",
    "with name constraints": "not known here, so refused; OpenSSL knows them",
}


@pytest.mark.parametrize("fault", [*REFUSED, *CHAINS])
def test_what_is_refused_here_is_refused_there(tmp_path: Path, fault: str) -> None:
    recipe, _ = (REFUSED | CHAINS)[fault]
    # OpenSSL judges as of the time that it is given: the recipe of a court gives it the token's own.
    at = datetime.strptime(recipe.gen_time[:14].decode(), "%Y%m%d%H%M%S") if recipe.gen_time != NOW else NOW
    assert openssl.verifies(tmp_path, token(recipe), MESSAGE, ROOT, at) is (fault in STRICTER)


def test_a_time_outside_the_certificate_is_refused_there_as_of_that_time(tmp_path: Path) -> None:
    recipe, _ = REFUSED["after its certificate"]
    assert not openssl.verifies(tmp_path, token(recipe), MESSAGE, ROOT, NOW)
    assert openssl.verifies(tmp_path, token(recipe), MESSAGE, ROOT, NOW - timedelta(days=1))


def test_flipped_bits_are_refused_there_too_or_here_alone(tmp_path: Path) -> None:
    """Nothing that OpenSSL refuses is accepted here: a bit of every 41st byte."""
    good = token(replace(GOOD, tsa=TSA.certificate.subject, accuracy={"seconds": 1}, certificates=(TSA.der, ROOT.der)))
    # A certificate that nobody needs is not read here; OpenSSL reads all of them.
    needless = range(good.index(ROOT.der), good.index(ROOT.der) + len(ROOT.der))
    for at in set(range(0, len(good), 41)) - set(needless):
        changed = bytearray(good)
        changed[at] ^= 1 << at % 8
        try:
            verify_token(bytes(changed), MESSAGE, [Authority("an authority", ROOT.der, True)])
        except (MalformedInput, VerificationFailed):
            continue
        assert openssl.verifies(tmp_path, bytes(changed), MESSAGE, ROOT, NOW)
