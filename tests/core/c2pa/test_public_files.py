"""Real files from outside, where they lie beside the checkout: the good described, the bad refused for their fault."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tallystick.c2pa import CredentialRefused, NoCredential, SignerRoots, judge, media_type_of, read
from tallystick.c2pa.second import compare, opinions

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "c2pa"
AT = datetime(2024, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the public C2PA files are not beside the checkout")


@pytest.mark.parametrize("name", ["A.jpg", "I.jpg", "sample1.wav", "sample1.webp", "video1_no_manifest.mp4"])
def test_files_without_credentials(name: str) -> None:
    with pytest.raises(NoCredential):
        read(FOLDER / name, media_type_of(name))


@pytest.mark.parametrize(
    ("name", "actions", "ingredients"),
    [
        ("C.jpg", ["c2pa.created", "c2pa.drawing"], []),
        ("CA.jpg", ["c2pa.opened", "c2pa.color_adjustments"], ["A.jpg"]),
        ("CICA.jpg", ["c2pa.created", "c2pa.drawing", "c2pa.placed", "c2pa.resized"], ["CA.jpg"]),
        (
            "CAICA.jpg",
            ["c2pa.opened", "c2pa.color_adjustments", "c2pa.placed", "c2pa.resized"],
            ["A.jpg", "CA.jpg"],
        ),
        ("single_manifest_store.pdf", ["c2pa.edited"], ["Imported Ingredient"] * 2),
    ],
)
def test_good_files_are_described(name: str, actions: list[str], ingredients: list[str]) -> None:
    reading = read(FOLDER / name, media_type_of(name))
    verdict = judge(reading, SignerRoots((reading.manifest.chain[-1],)), AT)
    assert [action.name for action in verdict.actions] == actions
    assert [ingredient.title for ingredient in verdict.ingredients] == ingredients
    assert (verdict.licence, verdict.certificate) == (None, None)


def test_changed_content_and_changed_signature() -> None:
    changed = read(FOLDER / "E-dat-CA.jpg", "image/jpeg")
    with pytest.raises(CredentialRefused) as caught:
        judge(changed, SignerRoots((changed.manifest.chain[-1],)), AT)
    assert caught.value.code == "assertion.dataHash.mismatch"
    with pytest.raises(CredentialRefused) as caught:
        read(FOLDER / "E-sig-CA.jpg", "image/jpeg")
    assert caught.value.code == "claimSignature.mismatch"


def test_strangers_and_later_signatures_are_refused() -> None:
    reading = read(FOLDER / "C.jpg", "image/jpeg")
    with pytest.raises(CredentialRefused) as caught:
        judge(reading, SignerRoots(()), AT)
    assert caught.value.code == "signer.untrusted"
    with pytest.raises(CredentialRefused) as caught:
        judge(reading, SignerRoots((reading.manifest.chain[-1],)), datetime(2022, 12, 1, tzinfo=UTC))
    assert caught.value.code == "time.future"


@pytest.mark.parametrize("name", ["C.jpg", "CA.jpg", "CICA.jpg", "CAICA.jpg", "single_manifest_store.pdf"])
def test_what_else_is_told_of_them(name: str) -> None:
    """Claims of version 1: nothing is created by the signer, and their timestamps are over the claim alone."""
    reading = read(FOLDER / name, media_type_of(name))
    root = SignerRoots((reading.manifest.chain[-1],))
    verdict = judge(reading, root, AT)
    assert not any(assertion.created for assertion in reading.manifest.assertions)
    assert [(one.update, one.proven) for one in verdict.manifests] == [(False, None)]
    stamps = [problem for problem in verdict.problems if "(sigTst)" in problem]
    assert len(stamps) == 1
    assert re.search(r"an authority that is not trusted: .* issued by CN=", stamps[0])
    kinds = {label.partition("__")[0].removesuffix(".jpeg") for label in verdict.unjudged}
    assert kinds <= {"stds.schema-org.CreativeWork", "c2pa.thumbnail.claim", "c2pa.thumbnail.ingredient"}
    assert bool(kinds) == name.endswith(".jpg")
    assert (len(verdict.problems) > 1) == any(one.manifest for one in verdict.ingredients)


@pytest.mark.parametrize("name", ["C.jpg", "CA.jpg", "CICA.jpg", "CAICA.jpg", "E-dat-CA.jpg", "E-sig-CA.jpg"])
def test_a_second_engine_says_the_same(name: str) -> None:
    try:
        reading = read(FOLDER / name, "image/jpeg")
        judge(reading, SignerRoots((reading.manifest.chain[-1],)), AT)
        refused = None
    except CredentialRefused as error:
        refused = error.code
    found = opinions(FOLDER / name, "image/jpeg")
    assert (refused is None) == name.startswith("C")
    assert (found[0].verdict == "valid") == (refused is None)
    assert refused is None or refused in found[0].codes
    assert compare(refused, found) == ()
