"""The doctor names every fault of a signer's certificates at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from tallystick.c2pa import SignerRoots, diagnose
from tests.core.c2pa.kit import AT, BORN, LONG, custom, make_world, world


def codes(pem: bytes, roots: SignerRoots | None = None) -> list[str]:
    return [fault.code for fault in diagnose(pem, roots or world().roots, AT)]


def test_several_faults_at_once() -> None:
    leaf = custom(world().issuing, (), usage=(), ca=True)
    assert codes(leaf.signing_chain_pem, SignerRoots(())) == [
        "signer.is_ca",
        "signer.key_usage",
        "signer.purpose",
        "signer.untrusted",
    ]


def test_the_wrong_order_is_named() -> None:
    leaf, issuing = (certificate.public_bytes(serialization.Encoding.PEM) for certificate in world().signer.chain[:-1])
    found = diagnose(issuing + leaf, world().roots, AT)
    assert found[0].code == "signer.chain_order"
    assert "the leaf comes first" in found[0].detail


def test_a_missing_authority_is_named() -> None:
    leaf = world().signer.chain[0].public_bytes(serialization.Encoding.PEM)
    [fault] = diagnose(leaf, world().roots, AT)
    assert fault.code == "signer.untrusted"
    assert "Test issuing authority" in fault.detail


def test_times_are_judged_at_the_given_instant() -> None:
    pem, roots = world().signer.signing_chain_pem, world().roots
    late, early = BORN + timedelta(days=LONG, seconds=1), BORN - timedelta(seconds=1)
    assert {fault.code for fault in diagnose(pem, roots, late)} == {"signer.expired"}
    assert {fault.code for fault in diagnose(pem, roots, early)} == {"signer.not_yet_valid"}
    for edge in (BORN, BORN + timedelta(days=LONG)):
        assert diagnose(pem, roots, edge) == ()


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate(pem: bytes) -> None:
    assert codes(pem) == ["signer.malformed"]


def test_a_chain_that_is_too_long() -> None:
    assert codes(make_world().signer.signing_chain_pem * 5) == ["signer.chain_too_long"]
