"""PyPI ``sigstore``: its checkpoint and inclusion code, as it runs for the log entry of a bundle."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore._internal.trust import Keyring, RekorKeyring
from sigstore.errors import VerificationError
from sigstore.models import TransparencyLogEntry
from sigstore_models.common import v1 as common
from sigstore_models.rekor import v1 as rekor

from tallystick.errors import MalformedInput
from tallystick.merkle import ProofFailed, leaf_hash, verify_inclusion
from tallystick.note import ED25519, key_id, parse_note
from tests.strangers.claims import AT, Claim, false_claims, honest, honest_claims
from tests.strangers.conftest import Served


def encoded(data: bytes) -> bytes:
    return base64.b64encode(data)


def spki(raw: bytes) -> bytes:
    """An Ed25519 key as X.509 writes it."""
    return Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def keyring(served: Served) -> RekorKeyring:
    """The log's Ed25519 key, as a trusted root names it."""
    _, raw = served.verifier_keys()[ED25519]
    details = common.PublicKeyDetails.PKIX_ED25519
    return RekorKeyring(Keyring([common.PublicKey(raw_bytes=encoded(spki(raw)), key_details=details)]))


def entry(served: Served, claim: Claim) -> TransparencyLogEntry:
    """A claim in the form of a bundle's ``tlogEntries``."""
    _, raw = served.verifier_keys()[ED25519]
    proof = rekor.InclusionProof(
        log_index=str(claim.index),
        root_hash=claim.note.split("\n")[2],
        tree_size=str(claim.size),
        hashes=[encoded(node) for node in claim.path],
        checkpoint=rekor.Checkpoint(envelope=claim.note),
    )
    return TransparencyLogEntry(
        rekor.TransparencyLogEntry(
            log_index=str(claim.index),
            log_id=common.LogId(key_id=encoded(key_id(served.head.origin, ED25519, raw))),
            kind_version=rekor.KindVersion(kind="tallystick", version="1"),
            inclusion_proof=proof,
            canonicalized_body=encoded(claim.body),
        )
    )


def test_it_verifies_every_honest_claim(served: Served, keyring: RekorKeyring) -> None:
    claims = honest_claims(served)
    assert len(claims) > 12
    for claim in claims.values():
        entry(served, claim)._verify(keyring)


def test_it_refuses_every_attack(served: Served, keyring: RekorKeyring) -> None:
    entry(served, honest(served, AT))._verify(keyring)
    accepted = []
    for name, claim in false_claims(served).items():
        try:
            entry(served, claim)._verify(keyring)
        except (VerificationError, ValidationError):
            continue
        accepted.append(name)
    assert accepted == []


def test_it_reads_the_same_checkpoint(served: Served) -> None:
    found = SignedCheckpoint.from_text(served.notes[-1]).checkpoint
    assert (found.origin, found.log_size, bytes.fromhex(found.log_hash)) == (
        served.head.origin,
        served.head.size,
        served.head.root,
    )
    assert found.other_content == []


# --- where we differ (docs/strangers.md says who is right) ------------------------------------


def path_length(index: int, size: int) -> int:
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def same_walk(served: Served) -> Claim:
    """The last leaf, said to be the last leaf of a smaller tree: the hashes are taken in the same order."""
    size = served.head.size
    true = honest(served, size - 1)
    smaller = next(other for other in range(2, size) if path_length(other - 1, other) == len(true.path))
    return replace(true, index=smaller - 1, size=smaller)


def test_it_takes_the_size_from_the_proof_and_not_from_the_checkpoint(served: Served, keyring: RekorKeyring) -> None:
    lie = same_walk(served)
    assert lie.size < served.head.size
    entry(served, lie)._verify(keyring)
    with pytest.raises(ProofFailed):
        verify_inclusion(leaf_hash(lie.body), lie.index, served.head.size, lie.path, served.head.root)


@pytest.mark.parametrize("line", ["not a signature line", "— a name of five words", "-- log.example/x AAAAAAAA"])
def test_it_skips_malformed_signature_lines(served: Served, keyring: RekorKeyring, line: str) -> None:
    claim = honest(served, AT)
    malformed = replace(claim, note=f"{claim.note}{line}\n")
    entry(served, malformed)._verify(keyring)
    with pytest.raises(MalformedInput):
        parse_note(malformed.note.encode())
