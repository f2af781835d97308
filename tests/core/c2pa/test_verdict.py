"""The verdict: what holds is described, and every way of not holding is refused for its own reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import cbor2
import pytest
from cryptography import x509

from credentials.ca import Identity, issue_authority, issue_signer, new_root
from credentials.sign import TRAINED_ALGORITHMIC_MEDIA
from tallystick.c2pa import CredentialRefused, SignerRoots, judge, read
from tallystick.c2pa.verdict import LICENCE
from tallystick.errors import MalformedInput
from tests.core.c2pa.kit import (
    AT,
    BORN,
    LONG,
    PAYLOAD,
    SIGNED,
    claim_signer,
    custom,
    make_world,
    manifest,
    plain,
    relabelled,
    resign,
    short_lived,
    signed,
    signed_by,
    world,
)

TIME_STAMPING, ANY, SERVER_AUTH = "1.3.6.1.5.5.7.3.8", "2.5.29.37.0", "1.3.6.1.5.5.7.3.1"
CLAIM_SIGNING, EMAIL = "1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4"


def code(png: bytes, roots: SignerRoots | None = None, at: datetime = AT) -> str:
    with pytest.raises(CredentialRefused) as caught:
        judge(read(png, "image/png"), roots or world().roots, at)
    return caught.value.code


def path(identity: Identity) -> tuple[x509.Certificate, ...]:
    """What a signature carries: the chain without its root."""
    return identity.chain[:-1]


@pytest.mark.parametrize(
    "media_type",
    ["image/png", "image/jpeg", "image/webp", "audio/wav", "video/mp4", "application/pdf"],
)
def test_a_signed_file_is_described(media_type: str) -> None:
    verdict = judge(read(signed(media_type), media_type), world().roots, AT)
    assert verdict.state == "trusted"
    assert (verdict.title, verdict.signer) == ("Teapot", "CN=Test signer,O=Registrar")
    assert [link.subject for link in verdict.chain] == [
        "CN=Test signer,O=Registrar",
        "CN=Test issuing authority,O=Registrar",
        "CN=Test root,O=Registrar",
    ]
    assert verdict.digital_source_type == TRAINED_ALGORITHMIC_MEDIA
    assert [action.name for action in verdict.actions] == ["c2pa.created", "c2pa.placed", "c2pa.published"]
    assert {action.when for action in verdict.actions} == {SIGNED}
    assert (verdict.licence, verdict.certificate) == (PAYLOAD, None)
    [ingredient] = verdict.ingredients
    assert (ingredient.title, ingredient.instance_id) == ("Teapot.usd", "10.5555/A-0001")
    assert ingredient.description == "sha256:" + "ab" * 32
    assert verdict.problems == ()


def test_the_wall_clock_does_not_judge() -> None:
    """The certificate expired years ago, c2pa-python says so, and at T it was valid."""
    old = short_lived(world().issuing, SIGNED - timedelta(days=5), 10)
    png = resign(signed(), path(old), old.key)
    reading = read(png, "image/png")
    assert {status.code for status in reading.engine.failure} & {
        "signingCredential.expired",
        "claimSignature.outsideValidity",
    }
    assert judge(reading, world().roots, SIGNED + timedelta(days=1)).signer == "CN=Short-lived signer,O=Registrar"


def test_expired_and_not_yet_valid_at_t() -> None:
    brief = short_lived(world().issuing, SIGNED - timedelta(days=5), 10)
    png = resign(signed(), path(brief), brief.key)
    assert code(png, at=SIGNED + timedelta(days=6)) == "signer.expired"
    assert code(png, at=SIGNED - timedelta(days=6)) == "signer.not_yet_valid"


def test_an_expired_authority_is_refused() -> None:
    root = new_root("Registrar", "Root", BORN, LONG)
    issuing = issue_authority(root, "Brief authority", BORN, 10)
    signer = issue_signer(issuing, "Signer", BORN, LONG)
    png = resign(signed(), path(signer), signer.key)
    assert code(png, SignerRoots.from_pem(root.root_pem)) == "signer.expired"


def test_another_root_is_refused() -> None:
    assert code(signed(), make_world().roots) == "signer.untrusted"
    assert code(signed(), SignerRoots(())) == "signer.untrusted"


def test_a_foreign_authority_with_the_same_names_is_refused() -> None:
    foreign = make_world()
    png = resign(signed(), path(foreign.signer), foreign.signer.key)
    assert code(png) == "signer.untrusted"


def test_a_foreign_leaf_in_front_of_our_authority_is_refused() -> None:
    foreign = make_world().signer
    png = resign(signed(), (foreign.certificate, *world().issuing.chain[:-1]), foreign.key)
    assert code(png) == "signer.chain_broken"


def test_a_leaf_listed_as_a_root_is_refused() -> None:
    assert code(signed(), SignerRoots((world().signer.certificate,))) == "signer.untrusted"


@pytest.mark.parametrize("purposes", [(TIME_STAMPING,), (TIME_STAMPING, ANY)])
def test_a_timestamp_authority_never_makes_a_signer(purposes: tuple[str, ...]) -> None:
    """A root or an authority below it that is there for timestamps."""
    tsa = custom(world().root, purposes, ca=True, usage=("key_cert_sign",))
    signer = issue_signer(tsa, "Signer", BORN, LONG)
    png = resign(signed(), path(signer), signer.key)
    assert code(png) == "signer.purpose"
    assert code(resign(signed(), signer.chain[:1], signer.key), SignerRoots(tsa.chain[:1])) == "signer.purpose"


@pytest.mark.parametrize(
    ("purposes", "wanted"),
    [
        ((SERVER_AUTH,), "signer.purpose"),
        ((), "signer.purpose"),
        ((CLAIM_SIGNING, TIME_STAMPING), "signer.purpose"),
        ((CLAIM_SIGNING, ANY), "signer.purpose"),
        ((CLAIM_SIGNING, "1.3.6.1.4.1.62558.2.2"), "signer.purpose"),
    ],
)
def test_a_leaf_with_other_purposes_is_refused(purposes: tuple[str, ...], wanted: str) -> None:
    leaf = custom(world().issuing, purposes)
    assert code(resign(signed(), path(leaf), leaf.key)) == wanted


def test_email_protection_may_sign() -> None:
    leaf = custom(world().issuing, (EMAIL,))
    assert judge(read(resign(signed(), path(leaf), leaf.key), "image/png"), world().roots, AT).state == "trusted"


def test_an_authority_may_not_sign_claims() -> None:
    authority = custom(world().root, ca=True)
    assert code(resign(signed(), path(authority), authority.key)) == "signer.is_ca"


def test_key_usage_is_demanded() -> None:
    leaf = custom(world().issuing, usage=("content_commitment",))
    assert code(resign(signed(), path(leaf), leaf.key)) == "signer.key_usage"
    leaf = custom(world().issuing, usage=("digital_signature", "key_cert_sign"))
    assert code(resign(signed(), path(leaf), leaf.key)) == "signer.key_usage"


def test_a_self_signed_leaf_is_refused_even_as_root() -> None:
    leaf = custom(world().root, self_signed=True)
    png = resign(signed(), leaf.chain, leaf.key)
    assert code(png) == "signer.self_signed"
    assert code(png, SignerRoots(leaf.chain)) == "signer.self_signed"


def test_a_leaf_issued_by_a_leaf_is_refused() -> None:
    child = issue_signer(world().signer, "Child", BORN, LONG)
    assert code(resign(signed(), path(child), child.key)) == "signer.not_an_authority"


def test_path_length_is_kept() -> None:
    deeper = issue_authority(world().issuing, "Deeper", BORN, LONG)
    signer = issue_signer(deeper, "Signer", BORN, LONG)
    assert code(resign(signed(), path(signer), signer.key)) == "signer.path_length"


def test_a_chain_that_carries_its_root_is_accepted() -> None:
    png = resign(signed(), world().signer.chain, world().signer.key)
    assert len(judge(read(png, "image/png"), world().roots, AT).chain) == 3


def test_a_claim_dated_after_t_is_refused() -> None:
    assert code(signed(), at=SIGNED - timedelta(seconds=1)) == "time.future"


def test_a_time_without_a_zone_is_malformed() -> None:
    with pytest.raises(MalformedInput):
        judge(read(signed(), "image/png"), world().roots, datetime(2025, 7, 1))


def test_an_unknown_assertion_of_ours_is_refused() -> None:
    """A later version may say there what this one cannot weigh."""
    png = relabelled(signed(), "org.tallystick.licence", "org.tallystick.licencf", world().signer)
    assert code(png) == "assertion.unknown"


def test_an_assertion_that_was_only_gathered_is_refused() -> None:
    """What a signer gathered from elsewhere is not what the signer says."""
    reading = read(signed(), "image/png")
    gathered = tuple(
        replace(assertion, created=assertion.label != LICENCE) for assertion in reading.manifest.assertions
    )
    with pytest.raises(CredentialRefused) as caught:
        judge(replace(reading, manifests=(replace(reading.manifest, assertions=gathered),)), world().roots, AT)
    assert caught.value.code == "assertion.not_created"


def test_a_signer_cannot_leave_the_picture_unhashed() -> None:
    """An honest signature over an exclusion that is too wide would let anybody change the bytes it leaves out."""

    def widen(content: bytes) -> bytes:
        value = cbor2.loads(content)
        value["exclusions"][0]["length"] += 8
        return cbor2.dumps(value)

    with pytest.raises(CredentialRefused) as caught:
        read(resign(signed(), path(world().signer), world().signer.key, {"c2pa.hash.data": widen}), "image/png")
    assert caught.value.code == "binding.exclusion"


def test_padding_of_the_signature_must_be_zero() -> None:
    """Padding is not signed: a byte in it would make a second file with the same signature."""
    png = resign(signed(), path(world().signer), world().signer.key, unprotected={"pad2": b"\1"})
    with pytest.raises(MalformedInput, match="padding"):
        read(png, "image/png")
    with pytest.raises(MalformedInput, match="unprotected"):
        read(resign(signed(), path(world().signer), world().signer.key, unprotected={"x": b""}), "image/png")


def test_bytes_after_the_end_that_were_signed_are_told() -> None:
    trailing = signed_by(claim_signer(), plain("image/png") + b"tail", "image/png", manifest())
    assert judge(read(trailing, "image/png"), world().roots, AT).problems == (
        "4 bytes stand after the end of the file format",
    )
