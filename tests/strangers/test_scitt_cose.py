"""``scitt-cose`` (PyPI, not ours) reads our statements, receipts and transparent statements; we read what it signs.

Where it and we disagree, the specification is quoted beside the test that shows it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest
import scitt_cose
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from scitt_cose.cose_sign1 import sign_sign1

from tallystick import cose
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import LocalSigner, PublicKey
from tallystick.merkle import leaf_hash, prove_inclusion
from tallystick.receipt import PLACE, parse_consistency, parse_inclusion
from tallystick.statement import parse_statement
from tallystick.transparent import attach, split
from tallystick.tree_head import parse_log_keys
from tests.api.house import House, open_house
from tests.core.test_receipt import ENTRIES, LOG, ORIGIN, SIZES, Tree, extension, head, receipt
from tests.world import key_from

HEX = [entry.hex() for entry in ENTRIES]


def pem(key: PublicKey) -> bytes:
    loaded = ed25519.Ed25519PublicKey.from_public_bytes(key.raw)
    return loaded.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_pem(signer: LocalSigner) -> bytes:
    found: bytes = signer.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return found


LOG_PEM = pem(LOG.public)


# --- it reads ours ----------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_it_verifies_our_receipt_of_every_leaf(size: int) -> None:
    for index in range(size):
        found = scitt_cose.verify_receipt(receipt(index, size), leaf_entry_hex=HEX[index], log_public_key_pem=LOG_PEM)
        assert found.ok, found.errors
        assert (found.tree_size, found.leaf_index, found.root) == (size, index, head(size).root.hex())
        assert (found.issuer, found.subject) == (ORIGIN, parse_statement(ENTRIES[index]).event.subject)
        assert found.protected_header_ext == {4: LOG.public.kid}
        other = scitt_cose.verify_receipt(
            receipt(index, size), leaf_entry_hex=HEX[index - 1], log_public_key_pem=LOG_PEM
        )
        assert not other.ok


def test_its_tree_is_our_tree() -> None:
    for size in SIZES:
        assert scitt_cose.merkle_root(HEX[:size]) == head(size).root.hex()
        for index in range(size):
            path = [bytes.fromhex(node) for node in scitt_cose.inclusion_proof(HEX[:size], index)]
            assert path == prove_inclusion(Tree(), index, size)


@pytest.mark.parametrize("size", SIZES)
def test_it_verifies_the_path_of_our_consistency_receipts(size: int) -> None:
    """It knows no receipts of consistency (-2); the path in ours satisfies its own verifier."""
    for old in range(1, size):
        found = parse_consistency(extension(old, size))
        path = [node.hex() for node in found.path]
        assert path == scitt_cose.consistency_proof(HEX[:size], old, size)
        assert scitt_cose.verify_consistency(head(old).root.hex(), head(size).root.hex(), old, size, path)


def test_it_verifies_our_statements() -> None:
    studio, other = pem(key_from("little world/studio").public), pem(key_from("another").public)
    for entry in ENTRIES[:3]:
        ours = parse_statement(entry)
        told = scitt_cose.parse_signed_statement(entry, public_key_pem=studio)
        assert told["signature_verified"] is True
        assert (told["issuer"], told["subject"]) == (ours.issuer, ours.event.subject)
        assert told["content_type"] == "application/vnd.tallystick.event+json"
        assert told["payload"] == ours.envelope.payload
        assert scitt_cose.parse_signed_statement(entry, public_key_pem=other)["signature_verified"] is False


def test_transparent_statements_are_the_same_bytes_from_either() -> None:
    receipts = [receipt(5, 11), receipt(5, 17)]
    whole = attach(ENTRIES[5], receipts)
    assert scitt_cose.attach_receipts(ENTRIES[5], receipts) == whole
    assert scitt_cose.extract_receipts(whole) == receipts
    assert split(scitt_cose.attach_receipts(ENTRIES[5], receipts)) == (ENTRIES[5], tuple(receipts))


# --- we read its own ----------------------------------------------------------------


def signed_by_it(header: dict[int, Any], proof: list[Any], root: bytes) -> bytes:
    found: bytes = sign_sign1(
        root,
        alg="EdDSA",
        private_key_pem=private_pem(LOG),
        protected=header,
        unprotected={396: {-1: [cbor2.dumps(proof)]}},
        detached=True,
    )
    return found


def profile(index: int, size: int) -> dict[int, Any]:
    claims = {1: ORIGIN, 2: parse_statement(ENTRIES[index]).event.subject, PLACE: [size, index]}
    return {1: -8, 4: LOG.public.kid, 15: claims, 395: 1}


def test_a_receipt_of_this_profile_that_it_signed_is_ours_byte_for_byte() -> None:
    for index, size in ((0, 2), (5, 11), (19, 20)):
        path = [bytes.fromhex(node) for node in scitt_cose.inclusion_proof(HEX[:size], index)]
        data = signed_by_it(profile(index, size), [size, index, path], head(size).root)
        assert data == receipt(index, size)
        assert parse_inclusion(data).verify(ENTRIES[index], ORIGIN, LOG.public).index == index


def test_its_own_receipts_are_not_of_this_profile() -> None:
    """RFC 9942 lets a profile demand more (§5.2.1): deterministic CBOR, kid, iss, sub and the signed place."""
    for more in ({}, {"iss": ORIGIN, "sub": "10.5555/A-0000-0000-0000-0000-0", "kid": LOG.public.kid}):
        theirs = scitt_cose.build_receipt(
            leaf_entry_hex=HEX[5],
            leaf_index=5,
            tree_entries_hex=HEX[:11],
            alg="EdDSA",
            log_private_key_pem=private_pem(LOG),
            **more,
        )
        assert scitt_cose.verify_receipt(theirs, leaf_entry_hex=HEX[5], log_public_key_pem=LOG_PEM).ok
        with pytest.raises(MalformedInput):
            parse_inclusion(theirs)
    in_order = {label: value for label, value in profile(5, 11).items() if label != 15}
    claims = {label: value for label, value in profile(5, 11)[15].items() if label != PLACE}
    path = prove_inclusion(Tree(), 5, 11)
    placeless = signed_by_it({1: -8, 4: in_order[4], 15: claims, 395: 1}, [11, 5, path], head(11).root)
    assert scitt_cose.verify_receipt(placeless, leaf_entry_hex=HEX[5], log_public_key_pem=LOG_PEM).ok
    with pytest.raises(MalformedInput, match="place"):
        parse_inclusion(placeless)


# --- where we disagree ---------------------------------------------------------------


def moved(data: bytes, size: int, index: int) -> bytes:
    """The same signature, with other integers in the unsigned proof."""
    header, unprotected, payload, signature = cbor2.loads(data).value
    (_, _, path) = cbor2.loads(unprotected[396][-1][0])
    proof = {396: {-1: [cose.dump([size, index, path])]}}
    return cose.dump(cbor2.CBORTag(18, [header, proof, payload, signature]))


def test_it_believes_a_place_that_nobody_signed() -> None:
    """RFC 9942 §5.2 signs the root alone, so by its letter the receipt verifies: leaf 2 of 3 as leaf 1 of 2.

    RFC 9162 §2.1.3 takes the size from a signed tree head. The RFC has no such check and scitt-cose none
    to make; our place claim gives it back, and we refuse.
    """
    true, false = receipt(2, 3), moved(receipt(2, 3), 2, 1)
    assert parse_inclusion(true).index == 2
    theirs = scitt_cose.verify_receipt(false, leaf_entry_hex=HEX[2], log_public_key_pem=LOG_PEM)
    assert (theirs.ok, theirs.tree_size, theirs.leaf_index) == (True, 2, 1)
    with pytest.raises(MalformedInput, match="signed place"):
        parse_inclusion(false)


def test_it_takes_several_proofs_and_other_headers_where_we_take_one_form() -> None:
    """RFC 9942: ``[+ inclusion-proof]`` and ``* cose-label``. It is right; here one meaning has one byte string."""
    header, unprotected, payload, signature = cbor2.loads(receipt(5, 11)).value
    proof = unprotected[396][-1][0]
    for other in ({396: {-1: [proof, proof]}}, {4: b"kid", 396: {-1: [proof]}}, {396: {-1: [proof], -2: []}}):
        data = cose.dump(cbor2.CBORTag(18, [header, other, payload, signature]))
        assert scitt_cose.verify_receipt(data, leaf_entry_hex=HEX[5], log_public_key_pem=LOG_PEM).ok
        with pytest.raises(MalformedInput):
            parse_inclusion(data)


def test_both_refuse_what_the_specification_forbids() -> None:
    header, unprotected, _, signature = cbor2.loads(receipt(5, 11)).value
    good = receipt(5, 11)
    bad = {
        "attached": cose.dump(cbor2.CBORTag(18, [header, unprotected, head(11).root, signature])),
        "untagged": good[1:],
        "a trailing byte": good + b"\0",
        "the draft's label": cose.dump(cbor2.CBORTag(18, [header, {-222: unprotected[396]}, None, signature])),
        "no proof": cose.dump(cbor2.CBORTag(18, [header, {396: {-1: []}}, None, signature])),
        "outside the tree": moved(good, 5, 5),
        "a path too long": moved(good, 3, 1),
    }
    for name, data in bad.items():
        assert not scitt_cose.verify_receipt(data, leaf_entry_hex=HEX[5], log_public_key_pem=LOG_PEM).ok, name
        with pytest.raises((MalformedInput, VerificationFailed)):
            parse_inclusion(data).verify(ENTRIES[5], ORIGIN, LOG.public)


# --- over HTTP, and by its command ---------------------------------------------------


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("strangers")) as opened:
        yield opened


def test_its_command_verifies_what_the_service_gave(house: House, tmp_path: Path) -> None:
    studio = house.party("studio")
    said = house.world.object(studio.who)
    answer = house.http.post("/entries", content=said.entry, headers={"Content-Type": "application/cose"})
    assert answer.status_code == 201
    whole = house.http.get(f"/v1/statements/{answer.headers['location'].rpartition('/')[2]}").content
    files = {
        "statement": whole,
        "statement.pem": pem(studio.who.signer.public),
        "receipt": scitt_cose.extract_receipts(whole)[0],
        "log.pem": pem(parse_log_keys(house.http.get("/vkeys").text.splitlines()).ed25519),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)

    def run(leaf: bytes) -> tuple[int, dict[str, Any]]:
        arguments = ["--statement", "statement", "--statement-pubkey", "statement.pem", "--receipt", "receipt"]
        arguments += ["--receipt-log-pubkey", "log.pem", "--leaf-entry-hex", leaf.hex(), "--json"]
        command = [sys.executable, "-m", "scitt_cose.cli", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, found

    status, told = run(said.entry)
    assert status == 0, told
    assert told["statement"]["signature_verified"] is True
    assert told["statement"]["issuer"] == studio.id
    assert told["receipt"]["ok"] is True
    # The receipt is of the statement without its receipts: of the bytes that were hashed.
    assert run(whole)[0] == 1
    assert leaf_hash(said.entry) != leaf_hash(whole)
