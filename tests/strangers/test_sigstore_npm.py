"""npm ``@sigstore/verify``: its checkpoint and inclusion code, in Node, with our key as one of its logs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tallystick.base64s import to_base64
from tallystick.errors import MalformedInput
from tallystick.note import ED25519, key_id, parse_note
from tests.strangers.claims import AT, Claim, false_claims, honest, honest_claims
from tests.strangers.conftest import Served
from tests.strangers.test_sigstore import same_walk
from tools.outsiders import node, npm_packages

SCRIPT = Path(__file__).parent / "npm" / "sigstore_verify.js"

Judge = Callable[[list[Claim]], list[str | None]]


@pytest.fixture(scope="module")
def judge(served: Served) -> Judge:
    """For each claim ``None``, or why it is refused."""
    _, raw = served.verifier_keys()[ED25519]
    key = Ed25519PublicKey.from_public_bytes(raw)
    log = {
        "origin": served.head.origin,
        "keyId": to_base64(key_id(served.head.origin, ED25519, raw)),
        "key": to_base64(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    }

    def ask(claims: list[Claim]) -> list[str | None]:
        given = json.dumps({"log": log, "claims": [written(claim) for claim in claims]})
        environment = {**os.environ, "NODE_PATH": str(npm_packages("strangers") / "node_modules")}
        done = subprocess.run([node(), SCRIPT], input=given, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found: list[str | None] = json.loads(done.stdout)
        return found

    return ask


def written(claim: Claim) -> dict[str, object]:
    return {
        "body": to_base64(claim.body),
        "index": str(claim.index),
        "size": str(claim.size),
        "path": [to_base64(node) for node in claim.path],
        "note": claim.note,
    }


def test_it_verifies_every_honest_claim(served: Served, judge: Judge) -> None:
    claims = honest_claims(served)
    assert dict(zip(claims, judge([*claims.values()]), strict=True)) == dict.fromkeys(claims)


def test_it_refuses_every_attack_and_says_why(served: Served, judge: Judge) -> None:
    claims = false_claims(served)
    root, count = "calculated root hash does not match inclusion proof", "invalid hash count"
    signature = "invalid checkpoint signature"
    assert dict(zip(claims, judge([*claims.values()]), strict=True)) == {
        "another entry": root,
        "one bit of the entry": root,
        "another index": root,
        "an index outside the tree": f"invalid index: {served.head.size}",
        "a short path": count,
        "a long path": count,
        "one bit of the path": root,
        "two hashes of the path swapped": root,
        "the checkpoint of another tree": f"invalid index: {AT}",
        "a checkpoint of another root": signature,
        "a checkpoint of another origin": signature,
        "a bit of the signature": signature,
        "no signature": "no signatures found in checkpoint",
        "somebody else's signature": signature,
    }


def test_it_takes_the_size_from_the_checkpoint_as_we_do(served: Served, judge: Judge) -> None:
    """Its Python sister takes it from the proof, and accepts this."""
    assert judge([same_walk(served)]) == ["invalid hash count"]


# --- where we differ (docs/strangers.md says who is right) ------------------------------------


@pytest.mark.parametrize("line", ["not a signature line", "— a name of five words", "-- log.example/x AAAAAAAA"])
def test_it_skips_malformed_signature_lines(served: Served, judge: Judge, line: str) -> None:
    claim = honest(served, AT)
    malformed = replace(claim, note=f"{claim.note}{line}\n")
    assert judge([malformed]) == [None]
    with pytest.raises(MalformedInput):
        parse_note(malformed.note.encode())
