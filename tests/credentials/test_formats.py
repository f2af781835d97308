"""Each format round trip: our reader, c2pa-python with our roots, and encypher-c2pa say the same of what we wrote."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import encypher_c2pa
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from credentials.ca import issue_authority, new_root
from credentials.errors import SigningFailed
from credentials.manifests import Actor
from credentials.sign import sign_asset
from credentials.signer import ClaimSigner, PrivateKey, sign_with
from tallystick.c2pa import EMBEDDED, C2paVerdict, CredentialRefused, OtherRoots, SignerRoots, judge, read
from tallystick.c2pa.containers import locate
from tallystick.c2pa.place import embed
from tallystick.c2pa.reading import STRICT_SETTINGS
from tallystick.c2pa.training import TRAINING, require_agreement, training_mining
from tallystick.errors import VerificationFailed
from tallystick.licence.clauses import AiUse
from tests.core.c2pa.kit import (
    AT,
    BORN,
    LONG,
    PAYLOAD,
    claim_signer,
    custom,
    manifest,
    named,
    plain,
    short_lived,
    signed_by,
    world,
)

FORMATS = sorted(EMBEDDED)
STUDIO = new_root("Studio", "Studio identities", BORN, LONG)
PERSON = custom(issue_authority(STUDIO, "Studio issuing", BORN, LONG), purposes=("1.3.6.1.5.5.7.3.4",))
FLAGS = AiUse("permitted", "prohibited", "prohibited", "permitted")
SAID = manifest(identities=(Actor(PERSON.claim_signer()),), training=FLAGS)
OTHERS = OtherRoots((), SignerRoots.from_pem(STUDIO.root_pem))


def verdict(data: bytes, media_type: str, sidecar: bytes | None = None) -> C2paVerdict:
    return judge(read(data, media_type, sidecar), world().roots, AT, OTHERS)


def c2pa_says(data: bytes, media_type: str) -> dict[str, Any]:
    """c2pa-python's report with our roots, each for its purpose."""
    import c2pa

    anchors = [("manifest", world().root), ("cawg", STUDIO)]
    trusted = [
        {"trust_uri": f"https://{kind}.example", "trust_kind": kind, "trust_anchors": root.root_pem.decode()}
        for kind, root in anchors
    ]
    settings = STRICT_SETTINGS | {
        "trust": STRICT_SETTINGS["trust"] | {"anchors": trusted},
        "core": STRICT_SETTINGS["core"] | {"decode_identity_assertions": True},
    }
    context = c2pa.Context.from_dict(settings)
    with c2pa.Reader(media_type, io.BytesIO(data), context=context) as reader:
        report: dict[str, Any] = json.loads(reader.json())
    return report


@pytest.mark.parametrize("media_type", FORMATS)
def test_three_engines_agree(media_type: str) -> None:
    data = signed_by(claim_signer(), plain(media_type), media_type, SAID)
    ours = verdict(data, media_type)
    assert (ours.licence, ours.embedded, ours.problems) == (PAYLOAD, True, ())
    assert ours.training == (training_mining(FLAGS),)
    [person] = ours.identities
    assert (person.trusted, person.roles, person.name) == (True, ("cawg.publisher",), "CN=Custom,O=Registrar")
    assert {TRAINING, "org.tallystick.licence"} < set(person.assertions)
    theirs = c2pa_says(data, media_type)
    active = theirs["validation_results"]["activeManifest"]
    assert (theirs["validation_state"], active["failure"]) == ("Trusted", [])
    codes = {line["code"] for line in active["success"]}
    assert {"cawg.identity.well-formed", "cawg.x509.signature.validated", "cawg.x509.credential.trusted"} < codes
    other = encypher_c2pa.verify(
        data, media_type, telemetry=False, no_default_trust=True, trust_pem=world().root.root_pem.decode()
    )
    assert (other["validation_state"], other["integrity"], other["hard_binding"]) == ("Trusted", "valid", "match")
    assert other["network"]["requests"] == []


@pytest.mark.parametrize("name", ["Teapot.usd", "Teapot.usdz", "Szene.blend", "ton.flac"])
def test_any_other_file_is_signed_by_a_sidecar(tmp_path: Path, name: str) -> None:
    asset = tmp_path / name
    asset.write_bytes(b"#usda 1.0\n" * 1000)
    done = sign_asset(claim_signer(), asset, tmp_path / f"{name}.c2pa", replace(SAID, source_type=None))
    assert (done.embedded, asset.read_bytes()) == (False, b"#usda 1.0\n" * 1000)
    ours = verdict(asset.read_bytes(), done.media_type, done.path.read_bytes())
    assert (ours.licence, ours.embedded, ours.identities[0].trusted) == (PAYLOAD, False, True)
    with pytest.raises(CredentialRefused, match="dataHash"):
        verdict(asset.read_bytes() + b"#", done.media_type, done.path.read_bytes())


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_credential_that_was_there_becomes_the_parent(media_type: str) -> None:
    first = signed_by(claim_signer(), plain(media_type), media_type, SAID)
    again = signed_by(claim_signer(), first, media_type, replace(SAID, source_type=None))
    ours = verdict(again, media_type)
    parent = next(one for one in ours.ingredients if one.relationship == "parentOf")
    assert parent.manifest is not None
    assert verdict(first, media_type).manifest in parent.manifest
    assert c2pa_says(again, media_type)["validation_state"] == "Trusted"


def test_a_store_of_many_segments_is_divided_as_c2pa_python_divides_it() -> None:
    """So putting a store back into a JPEG file gives the very bytes that there were."""
    said = manifest(assertions={"org.tallystick.licence": {"v": 1, "long": "x" * 200_000}})
    data = signed_by(claim_signer(), plain("image/jpeg"), "image/jpeg", said)
    held = locate(io.BytesIO(data), len(data), "image/jpeg")
    assert held.store is not None
    assert data[slice(*held.span)].count(b"\xff\xeb") >= 4
    assert embed(data[slice(*held.span)], held, "image/jpeg", held.store) == data[slice(*held.span)]


KEYS: dict[str, PrivateKey] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "PS256": rsa.generate_private_key(65537, 2048),
}
KEYS |= {"PS384": KEYS["PS256"], "PS512": KEYS["PS256"]}


@pytest.mark.parametrize("algorithm", KEYS)
def test_every_algorithm_of_c2pa_signs(algorithm: str) -> None:
    """The key is behind a callable, as an HSM's is, and is asked once."""
    asked: list[bytes] = []

    def hsm(message: bytes) -> bytes:
        asked.append(message)
        return sign_with(KEYS[algorithm], algorithm, message)

    chain = named(world().issuing, "Imported", KEYS[algorithm].public_key())
    data = signed_by(ClaimSigner.from_pem(chain, hsm, algorithm), plain("image/png"), "image/png", SAID)
    assert len(asked) == 1
    assert verdict(data, "image/png").licence == PAYLOAD
    assert c2pa_says(data, "image/png")["validation_state"] == "Trusted"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256K1()), None),
        (KEYS["ES256"], "ES384"),
        (KEYS["PS256"], "ES256"),
        (rsa.generate_private_key(65537, 1024), None),
    ],
)
def test_a_key_that_signs_no_claims_is_refused(key: Any, algorithm: str | None) -> None:
    chain = named(world().issuing, "Imported", key.public_key())
    with pytest.raises(SigningFailed, match="cannot sign claims"):
        ClaimSigner.from_key(chain, key, algorithm)


def test_an_identity_that_has_expired_is_not_asked_to_sign() -> None:
    gone = Actor(short_lived(world().issuing, BORN, 30).claim_signer())
    with pytest.raises(SigningFailed, match="valid until"):
        signed_by(claim_signer(), plain("image/png"), "image/png", manifest(identities=(gone,)))


def test_the_four_flags_are_those_of_the_licence() -> None:
    told = training_mining(FLAGS)
    assert told == {
        "entries": {
            "cawg.data_mining": {"use": "allowed"},
            "cawg.ai_inference": {"use": "notAllowed"},
            "cawg.ai_generative_training": {"use": "notAllowed"},
            "cawg.ai_training": {"use": "allowed"},
        }
    }
    require_agreement(told, FLAGS)
    for name in ("data_mining", "inference", "generative_training", "other_training"):
        other = "prohibited" if getattr(FLAGS, name) == "permitted" else "permitted"
        with pytest.raises(VerificationFailed, match="something else"):
            require_agreement(told, replace(FLAGS, **{name: other}))
    with pytest.raises(VerificationFailed):
        require_agreement({"entries": {}}, FLAGS)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    sign_asset(claim_signer(), plain("audio/wav"), tmp_path / "a.wav", manifest(), "audio/wav", told.append)
    assert sum(told) >= len(plain("audio/wav"))
