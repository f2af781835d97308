"""Serial numbers of certificates (docs/evidence/timestamps.md 3, number 2): both verifiers take the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.core.timestamp import forge
from tests.core.timestamp.forge import AUTHORITY, Holder, holder, tlv
from tests.verifier_js.both import Second
from tests.verifier_js.pdf_forge import CLOCK, CLOCK_ROOT, REGISTRAR, ROOT, SIGNED, Recipe, document, for_documents
from tests.verifier_js.test_card_attacks import value_of
from tests.verifier_js.test_documents import Case, Written, of_the_first

ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
NUMBERS = {
    "zero": (b"\0", False),
    "below zero": (b"\x81", False),
    "of twenty bytes": (b"\x7f" * 20, True),
    "of twenty bytes, the first bit set": (b"\0" + b"\xff" * 20, True),
    "of 22 bytes": (b"\x7f" * 22, False),
}


def numbered(who: Holder, issuer: Holder, number: bytes) -> Holder:
    """The same certificate under another serial number."""
    part = value_of(who.certificate.tbs_certificate_bytes)
    signed = tlv(0x30, part[:5] + tlv(2, number) + part[7 + part[6] :])
    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    signature = issuer.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    raw = tlv(0x30, signed + ECDSA_SHA256 + tlv(3, b"\0" + signature))
    return Holder(x509.load_der_x509_certificate(raw), who.key)


def between(number: bytes) -> Recipe:
    authority = numbered(holder("numbered authority", ROOT, AUTHORITY), ROOT, number)
    signer = holder("signer behind a number", authority, for_documents())
    return Recipe(signer=signer, shown=(signer.der, authority.der))


def cases(number: bytes, holds: bool) -> dict[str, Case]:
    clock = forge.Recipe(numbered(CLOCK, CLOCK_ROOT, number), gen_time=SIGNED)
    signer = numbered(REGISTRAR, ROOT, number)
    root = numbered(CLOCK_ROOT, CLOCK_ROOT, number)
    return {
        "a clock": Case(lambda: document(Recipe(stamp=clock)), holds),
        "a signer": Case(lambda: document(Recipe(signer=signer)), holds),
        "an authority between": Case(lambda: document(between(number)), holds),
        "the root of a clock": Case(lambda: document(Recipe()), True, clocks=(root,)),
    }


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("name", NUMBERS)
def test_serial_numbers(name: str, second: Second, tmp_path: Path) -> None:
    written, given = Written(tmp_path), cases(*NUMBERS[name])
    trials = {who: written.trial(who, case) for who, case in given.items()}
    found = dict(zip(trials, second.judge(trials.values()), strict=True))
    for who, case in given.items():
        said = {key: value for key, value in found[who].items() if key != "reason"}
        assert said == of_the_first(trials[who].path, case), (who, found[who])
        assert said["outcome"] == ("proved" if case.holds else "contradicted"), who
        assert not case.holds or said["judged_at"] == SIGNED.strftime("%Y-%m-%dT%H:%M:%SZ"), who
