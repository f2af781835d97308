"""Signing: what is written reads back, and every failure is ours, named, and leaves nothing behind."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from credentials.composed import write_composed
from credentials.errors import SigningFailed
from credentials.sign import DIGITAL_CREATION, sign_asset, signed_pictures
from credentials.signer import ClaimSigner
from tallystick import canonical
from tallystick.c2pa import C2paReading, CredentialRefused, judge, read
from tallystick.c2pa.verdict import CERTIFICATE, LICENCE
from tallystick.errors import MalformedInput
from tests.core.c2pa.kit import (
    AT,
    BORN,
    PAYLOAD,
    claim_signer,
    custom,
    es256,
    manifest,
    plain,
    short_lived,
    signed,
    world,
)


def test_an_unknown_format_gets_a_sidecar(tmp_path: Path) -> None:
    asset = tmp_path / "Teapot.usd"
    asset.write_bytes(b"#usda 1.0\n")
    done = sign_asset(claim_signer(), asset, tmp_path / "Teapot.usd.c2pa", manifest())
    assert (done.embedded, done.media_type) == (False, "application/octet-stream")
    assert asset.read_bytes() == b"#usda 1.0\n"
    sidecar = done.path.read_bytes()
    verdict = judge(read(asset, done.media_type, sidecar), world().roots, AT)
    assert (verdict.licence, verdict.embedded, verdict.manifest) == (PAYLOAD, False, done.manifest)
    with pytest.raises(CredentialRefused) as caught:
        judge(read(b"#usda 1.0 ", done.media_type, sidecar), world().roots, AT)
    assert caught.value.code == "assertion.dataHash.mismatch"


def test_an_existing_credential_becomes_the_parent(tmp_path: Path) -> None:
    done = sign_asset(claim_signer(), signed(), tmp_path / "again.png", manifest(source_type=None), "image/png")
    verdict = judge(read(done.path, "image/png"), world().roots, AT)
    assert [action.name for action in verdict.actions] == ["c2pa.opened", "c2pa.placed", "c2pa.published"]
    parent, _ = verdict.ingredients
    assert parent.relationship == "parentOf"
    first = read(signed(), "image/png").manifest.label
    assert parent.manifest is not None
    assert first in parent.manifest


def test_a_file_of_unknown_making_is_opened_not_created(tmp_path: Path) -> None:
    said = manifest(source_type=None, ingredients=())
    done = sign_asset(claim_signer(), plain("image/jpeg"), tmp_path / "a.jpg", said, "image/jpeg")
    verdict = judge(read(done.path, "image/jpeg"), world().roots, AT)
    assert verdict.digital_source_type is None
    assert [action.name for action in verdict.actions] == ["c2pa.opened", "c2pa.published"]


def test_pictures_are_signed_in_memory_as_they_are_in_a_file() -> None:
    made = signed_pictures(claim_signer(), [(plain("image/png"), manifest())] * 2)
    assert len({one for one in made if isinstance(one, bytes)}) == 2
    for one in made:
        verdict = judge(read(one, "image/png"), world().roots, AT)
        assert (verdict.licence, verdict.embedded) == (PAYLOAD, True)


def test_what_is_wrong_with_a_picture_is_its_own_trouble(tmp_path: Path) -> None:
    """What c2pa-python has to validate first is signed as a file: a credential of its own, or of what is in it."""
    brought = tmp_path / "original.png"
    brought.write_bytes(signed())
    [asset] = manifest().ingredients
    of_a_file = manifest(ingredients=(replace(asset, media_type="image/png", path=brought),))
    picture = plain("image/png")
    given = [(signed(), manifest()), (picture, of_a_file), (b"GIF89a", manifest()), (picture, manifest())]
    first, second, third, good = signed_pictures(claim_signer(), given)
    assert [type(one) for one in (first, second, third, good)] == [SigningFailed, SigningFailed, MalformedInput, bytes]
    assert "sign it as a file" in str(first)
    assert "sign it as a file" in str(second)


@pytest.mark.parametrize("at", [40, 1000, 4000, -20])
def test_what_a_picture_says_is_read_back_before_anybody_has_it(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte that changes on its way into the file is found, wherever it stands."""

    def spoilt(stream: BinaryIO, size: int, media_type: str, told: Any, hands: Any, target: BinaryIO) -> None:
        out = io.BytesIO()
        write_composed(stream, size, media_type, told, hands, out)
        data = bytearray(out.getvalue())
        data[at] ^= 1
        target.write(data)

    monkeypatch.setattr("credentials.sign.write_composed", spoilt)
    [found] = signed_pictures(claim_signer(), [(plain("image/png"), manifest())])
    assert isinstance(found, SigningFailed)
    assert "what was signed does not verify" in str(found)


def test_an_ingredient_brings_its_own_credential(tmp_path: Path) -> None:
    original = tmp_path / "original.png"
    original.write_bytes(signed())
    [asset] = manifest().ingredients
    asset = replace(asset, media_type="image/png", path=original)
    said = manifest(ingredients=(asset,), source_type=DIGITAL_CREATION)
    done = sign_asset(claim_signer(), plain("image/png"), tmp_path / "card.png", said, "image/png")
    verdict = judge(read(done.path, "image/png"), world().roots, AT)
    assert verdict.ingredients[0].manifest is not None
    assert (
        verdict.problems
        == (
            "ingredient not judged: signingCredential.untrusted at self#jumbf=/c2pa/"
            f"{read(signed(), 'image/png').manifest.label}/c2pa.signature",
        )
        or verdict.problems == ()
    )


def test_payloads_are_written_canonically(tmp_path: Path) -> None:
    payload = {"v": 1, "b": '\x7f\x01/"\\玉', "a": [True, None, -5, 2**53 - 1]}
    done = sign_asset(
        claim_signer(), plain("image/png"), tmp_path / "a.png", manifest(assertions={CERTIFICATE: payload}), "image/png"
    )
    reading = read(done.path, "image/png")
    [assertion] = [a for a in reading.manifest.assertions if a.label == CERTIFICATE]
    assert assertion.content == canonical.encode(payload)
    assert judge(reading, world().roots, AT).certificate == payload


@pytest.mark.parametrize(
    ("assertions", "error", "says"),
    [
        ({LICENCE: {"v": 1, "x": "y" * (512 * 1024)}}, SigningFailed, "limit"),
        ({"org.example.other": {"v": 1}}, SigningFailed, "not known"),
        ({LICENCE: {"v": 1.5}}, MalformedInput, "canonical"),
    ],
)
def test_payloads_that_are_not_written(
    tmp_path: Path, assertions: dict[str, dict[str, object]], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        sign_asset(claim_signer(), plain("image/png"), tmp_path / "a.png", manifest(assertions=assertions), "image/png")
    assert list(tmp_path.iterdir()) == []


class HsmIsDown(Exception):
    pass


def hsm_is_down(message: bytes) -> bytes:
    raise HsmIsDown("the token was pulled out")


def other_key(message: bytes) -> bytes:
    return es256(world().issuing.key, message)


@pytest.mark.parametrize(
    ("sign", "says"),
    [
        (hsm_is_down, "the token was pulled out"),
        (lambda message: b"", "0 bytes that are no ES256 signature"),
        (lambda message: b"x" * 70, "70 bytes that are no ES256 signature"),
        (lambda message: bytes(64), "64 bytes that are no ES256 signature"),
        (other_key, "no ES256 signature by the key of CN=Test signer"),
    ],
)
def test_a_callback_that_fails_is_our_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sign: Callable[[bytes], bytes], says: str
) -> None:
    signer = ClaimSigner.from_pem(world().signer.signing_chain_pem, sign)
    with pytest.raises(SigningFailed, match=says) as caught:
        sign_asset(signer, plain("image/png"), tmp_path / "a.png", manifest(), "image/png")
    if sign is hsm_is_down:
        assert isinstance(caught.value.__cause__, HsmIsDown)
    assert list(tmp_path.iterdir()) == []
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_certificate_that_may_not_sign_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(SigningFailed, match=r"signer\.is_ca"):
        custom(world().root, ca=True).claim_signer()
    with pytest.raises(SigningFailed, match=r"signer\.purpose"):
        custom(world().issuing, purposes=("1.3.6.1.5.5.7.3.8",)).claim_signer()
    with pytest.raises(SigningFailed, match="does not parse"):
        ClaimSigner.from_pem(b"nothing", other_key)
    with pytest.raises(SigningFailed, match=r"signer\.expired"):
        sign_asset(
            short_lived(world().issuing, BORN, 30).claim_signer(),
            plain("image/png"),
            tmp_path / "a.png",
            manifest(),
            "image/png",
        )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_its_format(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput):
        sign_asset(claim_signer(), b"not a picture", tmp_path / "a.png", manifest(), "image/png")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_file_survives_a_failure(tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    out.write_bytes(b"earlier")
    signer = ClaimSigner.from_pem(world().signer.signing_chain_pem, hsm_is_down)
    with pytest.raises(SigningFailed):
        sign_asset(signer, plain("image/png"), out, manifest(), "image/png")
    assert out.read_bytes() == b"earlier"


def test_one_signer_is_shared_by_threads(tmp_path: Path) -> None:
    def one(number: int) -> str:
        said = manifest(assertions={LICENCE: {"v": 1, "n": number}})
        done = sign_asset(claim_signer(), plain("image/png"), tmp_path / f"{number}.png", said, "image/png")
        verdict = judge(read(done.path, "image/png"), world().roots, AT)
        assert verdict.licence == {"v": 1, "n": number}
        return done.manifest

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(one, range(24)))) == 24


def _sign_in_child(folder: str) -> bool:
    done = sign_asset(claim_signer(), plain("image/png"), Path(folder) / "child.png", manifest(), "image/png")
    return judge(read(done.path, "image/png"), world().roots, AT).state == "trusted"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_builds_its_own(tmp_path: Path) -> None:
    """The native Context and Signer of the parent are not valid in a child."""
    sign_asset(claim_signer(), plain("image/png"), tmp_path / "parent.png", manifest(), "image/png")
    with get_context("fork").Pool(1) as pool:
        assert pool.apply(_sign_in_child, (str(tmp_path),)) is True


def test_what_is_written_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should c2pa-python ever write something else than it was told, the file does not appear."""

    def unbound(*arguments: object) -> C2paReading:
        reading = read(*arguments)  # type: ignore[arg-type]
        return replace(reading, engine=replace(reading.engine, success=()))

    def reworded(*arguments: object) -> C2paReading:
        reading = read(*arguments)  # type: ignore[arg-type]
        changed = tuple(replace(a, content=a.content + b" ") for a in reading.manifest.assertions)
        return replace(reading, manifests=(replace(reading.manifest, assertions=changed),))

    for fake, says in ((unbound, "does not verify"), (reworded, "not written as given")):
        monkeypatch.setattr("credentials.sign.read", fake)
        with pytest.raises(SigningFailed, match=says):
            sign_asset(claim_signer(), plain("image/png"), tmp_path / "a.png", manifest(), "image/png")
        assert list(tmp_path.iterdir()) == []
