"""Updates that bring a receipt: in every format, over and over, and the file that the log knows is had back."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import encypher_c2pa
import pytest

from credentials.errors import SigningFailed
from credentials.sign import sign_asset
from credentials.signer import ClaimSigner
from credentials.update import Update, add_receipt
from tallystick.c2pa import EMBEDDED, CredentialRefused, judge, read
from tallystick.c2pa.containers import locate
from tallystick.c2pa.log_receipt import logged_digests
from tallystick.c2pa.place import FIXED, first_manifests
from tallystick.errors import MalformedInput
from tests.core.c2pa.kit import (
    AT,
    BORN,
    PAYLOAD,
    SIGNED,
    claim_signer,
    es256,
    make_world,
    manifest,
    plain,
    replaced,
    short_lived,
    signed,
    store_of,
    world,
)
from tests.credentials.test_formats import FORMATS, OTHERS, SAID, c2pa_says, signed_by

SIDECAR = "application/octet-stream"


def updated(
    folder: Path, first: bytes, media_type: str, count: int = 1, signer: ClaimSigner | None = None, extra: int = 0
) -> bytes:
    """`first` after `count` updates, each with a number in its receipt."""
    for number in range(count):
        (folder / "before").write_bytes(first)
        receipt = {"v": 1, "number": number, "long": "x" * (1000 + number + extra)}
        update = Update(receipt, SIGNED)
        done = add_receipt(signer or claim_signer(), folder / "before", folder / "after", update, media_type)
        first = done.path.read_bytes()
    return first


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("extra", [0, 1])
def test_every_format_is_updated_again_and_again(tmp_path: Path, media_type: str, extra: int) -> None:
    first = signed_by(claim_signer(), plain(media_type), media_type, SAID)
    data = updated(tmp_path, first, media_type, 3, extra=extra)
    reading = read(data, media_type)
    verdict = judge(reading, world().roots, AT, OTHERS)
    assert (verdict.licence, verdict.problems) == (PAYLOAD, ())
    assert verdict.receipt is not None
    assert (verdict.receipt["number"], [one.update for one in verdict.manifests]) == (2, [True, True, True, False])
    assert logged_digests(reading, data).sha256 == hashlib.sha256(first).hexdigest()
    said = c2pa_says(data, media_type)
    assert (said["validation_state"], said["validation_results"]["activeManifest"]["failure"]) == ("Trusted", [])


@pytest.mark.parametrize("media_type", FORMATS)
def test_another_engine_reads_updates(tmp_path: Path, media_type: str) -> None:
    data = updated(tmp_path, signed_by(claim_signer(), plain(media_type), media_type, SAID), media_type)
    trust = world().root.root_pem.decode()
    other = encypher_c2pa.verify(data, media_type, telemetry=False, no_default_trust=True, trust_pem=trust)
    assert other["signature"] == "valid"
    # It adjusts what a data hash leaves out only where it knows how the format grows.
    known = media_type not in ("application/pdf", "image/svg+xml")
    assert other["hard_binding"] == ("match" if known else "mismatch")


def test_a_sidecar_is_updated(tmp_path: Path) -> None:
    asset = tmp_path / "Teapot.usd"
    asset.write_bytes(b"#usda 1.0\n")
    first = sign_asset(claim_signer(), asset, tmp_path / "first.c2pa", SAID).path.read_bytes()
    store = first
    for number in range(2):
        update = Update({"v": 1, "number": number}, SIGNED)
        store = add_receipt(claim_signer(), asset, tmp_path / "next.c2pa", update, SIDECAR, store).path.read_bytes()
    reading = read(asset, SIDECAR, store)
    verdict = judge(reading, world().roots, AT, OTHERS)
    assert (verdict.receipt, verdict.licence) == ({"v": 1, "number": 1}, PAYLOAD)
    assert logged_digests(reading, asset).sha256 == hashlib.sha256(first).hexdigest()
    assert asset.read_bytes() == b"#usda 1.0\n"


def test_a_stripped_receipt_gives_the_file_as_it_was_issued(tmp_path: Path) -> None:
    """Whoever takes the proof away has the file without its proof, and nothing else."""
    data = updated(tmp_path, signed(), "image/png", 2)
    assert replaced(data, first_manifests(store_of(data), 1)) == signed()
    once = judge(read(replaced(data, first_manifests(store_of(data), 2)), "image/png"), world().roots, AT)
    assert (once.receipt or {})["number"] == 0
    with pytest.raises(MalformedInput, match="fewer than 4"):
        first_manifests(store_of(data), 4)


def test_an_update_by_another_signer_is_refused(tmp_path: Path) -> None:
    stranger = make_world().signer.claim_signer()
    data = updated(tmp_path, signed(), "image/png", 1, stranger)
    with pytest.raises(CredentialRefused, match=r"signer\.untrusted"):
        judge(read(data, "image/png"), world().roots, AT)


def test_an_update_stands_over_the_manifest_that_it_names(tmp_path: Path) -> None:
    """The parent replaced by another manifest of the same signer, or the file's bytes by another's."""
    data = updated(tmp_path, signed(), "image/png")
    again = updated(tmp_path, signed_by(claim_signer(), plain("image/png"), "image/png", manifest()), "image/png")
    store, other = store_of(data), store_of(again)
    update = store[len(first_manifests(store, 1)) :]
    body = first_manifests(other, 1)[4:] + update
    with pytest.raises((CredentialRefused, MalformedInput)):
        judge(read(replaced(data, (len(body) + 4).to_bytes(4) + body), "image/png"), world().roots, AT)
    changed = bytearray(data)
    changed[-20] ^= 1
    with pytest.raises((CredentialRefused, MalformedInput)):
        judge(read(bytes(changed), "image/png"), world().roots, AT)


@pytest.mark.parametrize("media_type", sorted(FIXED))
def test_a_file_without_room_is_not_updated(tmp_path: Path, media_type: str) -> None:
    first = signed_by(claim_signer(), plain(media_type), media_type, replace(SAID, room=0))
    with pytest.raises(SigningFailed, match="room for"):
        updated(tmp_path, first, media_type)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["before"]


@pytest.mark.parametrize("media_type", sorted(FIXED))
def test_what_is_left_of_the_room_is_zero(media_type: str) -> None:
    data = signed_by(claim_signer(), plain(media_type), media_type, SAID)
    held = locate(io.BytesIO(data), len(data), media_type)
    assert held.room >= 60_000
    at = data.index(held.store or b"") + len(held.store or b"") + 100
    with pytest.raises((MalformedInput, CredentialRefused)):
        judge(read(data[:at] + b"\1" + data[at + 1 :], media_type), world().roots, AT)


def test_an_update_is_not_signed_where_it_would_not_hold(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(signed())
    update = Update({"v": 1}, SIGNED)

    def attempt(signer: ClaimSigner, update: Update = update, source: str = "a.png") -> None:
        add_receipt(signer, tmp_path / source, tmp_path / "out.png", update, "image/png")

    with pytest.raises(SigningFailed, match="valid until"):
        attempt(short_lived(world().issuing, BORN, 30).claim_signer())
    with pytest.raises(SigningFailed, match="no ES256 signature"):
        attempt(
            ClaimSigner.from_pem(world().signer.signing_chain_pem, lambda message: es256(world().root.key, message))
        )
    with pytest.raises(SigningFailed, match="limit"):
        attempt(claim_signer(), Update({"v": 1, "x": "y" * (1 << 19)}, SIGNED))
    (tmp_path / "b.png").write_bytes(signed()[:-30] + bytes(30))
    with pytest.raises((MalformedInput, CredentialRefused)):
        attempt(claim_signer(), source="b.png")
    assert not (tmp_path / "out.png").exists()


def test_a_key_is_asked_once_for_an_update(tmp_path: Path) -> None:
    asked: list[Any] = []

    def hsm(message: bytes) -> bytes:
        asked.append(message)
        return es256(world().signer.key, message)

    signer = ClaimSigner.from_pem(world().signer.signing_chain_pem, hsm)
    for media_type in sorted(EMBEDDED):
        updated(tmp_path, signed(media_type), media_type, 1, signer)
    assert len(asked) == len(EMBEDDED)
