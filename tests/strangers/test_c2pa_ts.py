"""npm ``@trustnxt/c2pa-ts``: a C2PA reader in TypeScript, which shares no code with c2pa-python, reads what we sign."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tallystick.base64s import to_base64
from tests.core.c2pa.kit import custom, manifest, plain, replaced, signed, signed_by, store_of, world
from tests.core.c2pa.test_updates import updated
from tools.outsiders import node, npm_packages

SCRIPT = Path(__file__).parent / "npm" / "c2pa_ts.mjs"
CORPUS = Path(__file__).parents[2] / "fixtures" / "c2pa"
EMAIL = "1.3.6.1.5.5.7.3.4"
GOOD = {"valid": True, "failures": []}

Judge = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def judge() -> Judge:
    def ask(*files: bytes) -> list[dict[str, Any]]:
        command = [str(node()), str(SCRIPT), str(npm_packages("strangers") / "node_modules")]
        given = json.dumps([to_base64(file) for file in files])
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    return ask


@functools.cache
def mailed(media_type: str) -> bytes:
    """Signed by us with a certificate for e-mail, one of the purposes that it knows."""
    signer = custom(world().issuing, (EMAIL,)).claim_signer()
    return signed_by(signer, plain(media_type), media_type, manifest())


def test_it_reads_and_validates_what_we_sign(judge: Judge) -> None:
    assert judge(mailed("image/png"), mailed("image/jpeg")) == [GOOD, GOOD]


def test_it_validates_the_corpus_where_it_knows_the_purpose(judge: Judge) -> None:
    assert judge((CORPUS / "good" / "signer-for-mail.png").read_bytes()) == [GOOD]


def test_it_refuses_what_was_changed(judge: Judge) -> None:
    png, store = mailed("image/png"), store_of(mailed("image/png"))
    picture = png.index(b"IDAT") + 12
    # Those two letters may stand in a signature as well.
    place = store.index(b"DE", store.index(b"org.tallystick.licence"))
    attacks = {
        "picture": png[:picture] + b"\xff\xff" + png[picture + 2 :],
        "licence": replaced(png, store[:place] + b"FR" + store[place + 2 :]),
        "claim": replaced(png, store.replace(b"Teapot", b"Teacup")),
        "appended": png + b"tail",
    }
    found = dict(zip(attacks, judge(*attacks.values()), strict=True))
    assert {name: one["failures"][0] for name, one in found.items()} == {
        "picture": "assertion.dataHash.mismatch",
        "licence": "assertion.hashedURI.mismatch",
        "claim": "claimSignature.mismatch",
        "appended": "assertion.dataHash.mismatch",
    }


# --- where we differ (docs/strangers.md says who is right) ------------------------------------


def test_it_does_not_know_the_purpose_of_claim_signers(judge: Judge) -> None:
    assert judge(signed()) == [{"valid": False, "failures": ["signingCredential.invalid"]}]


def test_it_counts_the_ingredients_of_the_first_version_alone(judge: Judge) -> None:
    [found] = judge(updated())
    assert "manifest.update.wrongParents" in found["failures"]


def test_it_does_not_read_films(judge: Judge) -> None:
    assert judge(signed("video/mp4")) == [{"error": "it does not read this format"}]
