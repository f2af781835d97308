"""Timestamps that we write: they outlive the certificate, and one that is not to be had stops nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from credentials.update import Update, add_receipt
from tallystick.c2pa import CredentialRefused, judge, read
from tests.core.c2pa.kit import AT, SIGNED, claim_signer, manifest, plain, short_lived, signed_by, world
from tests.core.c2pa.test_stamps import LATER, STAMPED, TSA, trusting
from tests.core.timestamp.forge import Recipe, token
from tests.credentials.test_formats import FORMATS

BRIEF = short_lived(world().issuing, SIGNED - timedelta(days=5), 10).claim_signer()


def clock(message: bytes) -> bytes:
    return token(Recipe(TSA, message=message, gen_time=STAMPED))


def no_clock(message: bytes) -> None:
    return None


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_stamped_signature_outlives_its_certificate(media_type: str) -> None:
    data = signed_by(BRIEF, plain(media_type), media_type, manifest(stamper=clock))
    verdict = judge(read(data, media_type), world().roots, LATER, trusting())
    [one] = verdict.manifests
    assert one.proven is not None
    assert (one.proven.time, verdict.problems) == (STAMPED, ())


def test_without_a_timestamp_it_is_signed_all_the_same() -> None:
    data = signed_by(BRIEF, plain("image/png"), "image/png", manifest(stamper=no_clock))
    assert judge(read(data, "image/png"), world().roots, SIGNED + timedelta(days=1), trusting()).problems == ()
    with pytest.raises(CredentialRefused, match="expired"):
        judge(read(data, "image/png"), world().roots, LATER, trusting())


def test_a_timestamp_from_the_future_is_refused() -> None:
    def ahead(message: bytes) -> bytes:
        return token(Recipe(TSA, message=message, gen_time=LATER))

    data = signed_by(claim_signer(), plain("image/png"), "image/png", manifest(stamper=ahead))
    with pytest.raises(CredentialRefused, match=r"time\.future"):
        judge(read(data, "image/png"), world().roots, AT, trusting())


def test_an_update_is_stamped_too(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(signed_by(BRIEF, plain("image/png"), "image/png", manifest(stamper=clock)))
    update = Update({"v": 1}, SIGNED, clock)
    out = add_receipt(BRIEF, tmp_path / "a.png", tmp_path / "b.png", update, "image/png").path
    verdict = judge(read(out, "image/png"), world().roots, LATER, trusting())
    assert [one.proven is not None for one in verdict.manifests] == [True, True]
