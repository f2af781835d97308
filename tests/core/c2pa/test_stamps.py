"""Timestamps inside a signature: one by a trusted authority keeps it valid after its certificate has expired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from cryptography import x509

from tallystick.c2pa import CredentialRefused, OtherRoots, SignerRoots, judge, read
from tallystick.c2pa.jumbf import parse_store
from tallystick.timestamp import Authority
from tests.core.c2pa.kit import AT, SIGNED, replaced, resign, short_lived, signed, store_of, world
from tests.core.timestamp.forge import AUTHORITY, TIME_STAMPING, Holder, Recipe, holder, tlv, token, usage

STAMPED = SIGNED + timedelta(days=1)
LATER = datetime(2030, 1, 1, tzinfo=UTC)
ROOT = holder("tsa root", None, AUTHORITY)


def clock(name: str, issuer: Holder) -> Holder:
    """A signer of timestamps as c2pa-python demands one: with key usage and the identifier of its issuer's key."""
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return holder(name, issuer, (*TIME_STAMPING, (usage("digital_signature"), True), (above, False)))


TSA = clock("tsa", ROOT)


def trusting(root: Holder = ROOT, independent: bool = True) -> OtherRoots:
    return OtherRoots((Authority("the clock", root.der, independent),))


def stamped(form: str = "sigTst2", signer: Holder = TSA, **changes: Any) -> bytes:
    """The usual picture, signed by who lived for ten days in 2025, with a timestamp."""
    brief = short_lived(world().issuing, SIGNED - timedelta(days=5), 10)
    bare = resign(signed(), brief.chain[:-1], brief.key)
    active = parse_store(store_of(bare)).children[-1]
    protected, unprotected, _, signature = cbor2.loads(active.child("c2pa.signature").content(b"cbor")).value
    over = active.child("c2pa.claim.v2").content(b"cbor") if form == "sigTst" else cbor2.dumps(signature)
    message = cbor2.dumps(["CounterSignature", protected, b"", over])
    made = token(Recipe(signer, **({"message": message, "gen_time": STAMPED} | changes)))
    if form == "sigTst":
        made = tlv(0x30, tlv(0x30, b"\x02\x01\x00") + made)
    value = {form: {"tstTokens": [{"val": made}]}}
    # The header is outside the signature, which stays as it is: in goes the token, out goes as much padding.
    old = active.child("c2pa.signature").content(b"cbor")
    pad = len(unprotected["pad"]) - (len(cbor2.dumps(value)) - 1)
    new = cbor2.dumps(cbor2.CBORTag(18, [protected, {**value, "pad": bytes(pad)}, None, signature]))
    assert len(new) == len(old)
    store = store_of(bare).replace(old, new)
    return replaced(bare, store)


def code(png: bytes, others: OtherRoots, at: datetime = LATER) -> str:
    with pytest.raises(CredentialRefused) as caught:
        judge(read(png, "image/png"), world().roots, at, others)
    return caught.value.code


def test_a_signature_outlives_its_certificate() -> None:
    png = stamped()
    verdict = judge(read(png, "image/png"), world().roots, LATER, trusting())
    [manifest] = verdict.manifests
    assert manifest.proven is not None
    assert (manifest.proven.time, manifest.proven.authority) == (STAMPED, "the clock")
    assert (manifest.proven.independent, verdict.problems) == (True, ())


def test_without_a_trusted_authority_it_has_expired() -> None:
    other = holder("another root", None, AUTHORITY)
    assert code(stamped(), OtherRoots()) == "signer.expired"
    assert code(stamped(), trusting(other)) == "signer.expired"
    assert code(resign_brief(), trusting()) == "signer.expired"


def resign_brief() -> bytes:
    brief = short_lived(world().issuing, SIGNED - timedelta(days=5), 10)
    return resign(signed(), brief.chain[:-1], brief.key)


def test_a_timestamp_over_the_claim_alone_says_nothing_of_the_signature() -> None:
    """Anybody can have a claim stamped with the certificate of another, and wait for his key."""
    png = stamped("sigTst")
    assert code(png, trusting()) == "signer.expired"
    verdict = judge(read(png, "image/png"), world().roots, STAMPED, trusting())
    assert verdict.problems == ("a timestamp (sigTst) is over the claim alone: when it was signed remains open",)
    assert code(png, trusting(), SIGNED) == "time.future"


def test_the_operators_own_clock_is_told() -> None:
    verdict = judge(read(stamped(), "image/png"), world().roots, LATER, trusting(independent=False))
    [told] = [one for one in verdict.problems if "independent" in one]
    assert told == "the time of signing is the word of the clock, who is not independent of the operator"


def test_a_timestamp_made_after_expiry_does_not_help() -> None:
    assert code(stamped(gen_time=SIGNED + timedelta(days=30)), trusting()) == "signer.expired"


def test_a_timestamp_from_before_the_certificate_refuses() -> None:
    assert code(stamped(gen_time=SIGNED - timedelta(days=30)), trusting()) == "signer.not_yet_valid"


def test_a_timestamp_of_the_future_is_refused_whoever_made_it() -> None:
    for others in (trusting(), OtherRoots()):
        assert code(stamped(), others, SIGNED) == "time.future"
    late = stamped(gen_time=LATER + timedelta(seconds=2), accuracy={"seconds": 1})
    assert code(late, trusting()) == "time.future"


@pytest.mark.parametrize(
    "changes",
    [{"message": b"another signature"}, {"signing_key": ROOT.key}, {"imprint": "sha1"}],
    ids=["over-another-signature", "by-another-key", "sha1"],
)
def test_a_timestamp_that_does_not_hold_proves_nothing(changes: dict[str, Any]) -> None:
    png = stamped(**changes)
    assert code(png, trusting()) == "signer.expired"
    verdict = judge(read(png, "image/png"), world().roots, STAMPED, trusting())
    assert any("does not hold" in problem for problem in verdict.problems)
    assert verdict.manifests[0].proven is None


def test_a_claim_signer_is_no_clock_and_a_clock_no_signer() -> None:
    """One chain of each kind, listed for the other purpose."""
    authority = Holder(world().issuing.certificate, world().issuing.key)
    as_clock = clock("a signer's clock", authority)
    root = world().root.certificate
    listed = OtherRoots((Authority("no clock", Holder(root, world().root.key).der, True),))
    assert code(stamped(signer=as_clock, certificates=(as_clock.der,)), listed) == "signer.expired"
    signer = Holder(world().signer.certificate, world().signer.key)
    assert code(stamped(signer=signer), listed) == "signer.expired"
    with pytest.raises(CredentialRefused) as caught:
        judge(read(signed(), "image/png"), SignerRoots((ROOT.certificate,)), AT, trusting())
    assert caught.value.code == "signer.untrusted"
