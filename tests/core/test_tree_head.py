"""Tree heads: all three of the log's signatures over this origin, size and root, and no two of three."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import re

import pytest

from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import cosign_ml_dsa
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.evm.eip712 import checkpoint_digest, verify_checkpoint
from tallystick.evm.secp256k1 import address_of
from tallystick.note import ED25519, Note, Signature, parse_note, sign_ed25519, verifier_key
from tallystick.tree_head import (
    EIP712_TYPE,
    AuthorityVerifier,
    LocalAuthority,
    LogSigners,
    authority_signature,
    origin_hash,
    parse_log_keys,
    sign_checkpoint,
    verify_tree_head,
)
from tests.world import World

WORLD, OTHER = World(), World("other world", "log.example/other")
KEYS = WORLD.signers.keys
HEAD = Checkpoint(WORLD.origin, 12, hashlib.sha256(b"root").digest())
TEXT = sign_checkpoint(HEAD, WORLD.signers, 1_769_904_000)
NOTE = parse_note(TEXT.encode())


def encode(*signatures: Signature, text: str = NOTE.text) -> bytes:
    return Note(text, signatures).encode().encode()


def test_a_signed_checkpoint() -> None:
    found = verify_tree_head(TEXT.encode(), KEYS)
    assert found.checkpoint == HEAD
    assert found.note.encode() == TEXT
    assert [one.name for one in NOTE.signatures] == [WORLD.origin] * 3
    assert [one.key_id for one in NOTE.signatures] == [one.key_id for one in KEYS.verifiers()]


def test_lines_of_witnesses_are_kept_and_ignored() -> None:
    lines = [Signature(f"witness{one}", bytes(4), bytes(72)) for one in range(16)]
    found = verify_tree_head(encode(*lines, *NOTE.signatures, *lines), KEYS)
    assert len(found.note.signatures) == 35


def test_the_order_of_the_lines_does_not_matter() -> None:
    for order in itertools.permutations(NOTE.signatures):
        assert (
            verify_tree_head(encode(*order), KEYS).checkpoint
            == verify_tree_head(encode(*NOTE.signatures), KEYS).checkpoint
        )


def test_each_signature_is_demanded() -> None:
    names = ["Ed25519", "ML-DSA-44", "EIP-712"]
    for at in range(3):
        rest = [one for number, one in enumerate(NOTE.signatures) if number != at]
        with pytest.raises(
            VerificationFailed, match=f"lacks the log's signature by the {names[at]} key {re.escape(KEYS.origin)}\\+"
        ):
            verify_tree_head(encode(*rest), KEYS)
        with pytest.raises(VerificationFailed, match=r"lacks the log's signature by the .* and the .*newer trust file"):
            verify_tree_head(encode(NOTE.signatures[at]), KEYS)


def test_one_signature_over_another_head_refuses_all() -> None:
    heads = {
        "another size": dataclasses.replace(HEAD, size=13),
        "another root": dataclasses.replace(HEAD, root=bytes(32)),
        "another origin": dataclasses.replace(HEAD, origin=OTHER.origin),
    }
    for head in heads.values():
        # Signed by the true keys under the true name, over the wrong head.
        signers = WORLD.signers
        wrong = [
            sign_ed25519(head.body(), WORLD.origin, signers.ed25519),
            cosign_ml_dsa(head.body(), WORLD.origin, signers.ml_dsa, 1),
            Signature(
                WORLD.origin,
                AuthorityVerifier(WORLD.origin, KEYS.authority).key_id,
                signers.authority.sign_digest(checkpoint_digest(origin_hash(head.origin), head.size, head.root)),
            ),
        ]
        for at in range(3):
            mixed = [wrong[at] if number == at else one for number, one in enumerate(NOTE.signatures)]
            with pytest.raises(VerificationFailed):
                verify_tree_head(encode(*mixed), KEYS)


def test_another_log_is_refused() -> None:
    theirs = sign_checkpoint(dataclasses.replace(HEAD, origin=OTHER.origin), OTHER.signers, 1)
    with pytest.raises(VerificationFailed, match=r"is of log 'log\.example/other', expected 'log.example/little'"):
        verify_tree_head(theirs.encode(), KEYS)
    # Under our name with other keys, and under our keys with another name in the text.
    stolen = LogSigners(WORLD.origin, OTHER.signers.ed25519, OTHER.signers.ml_dsa, OTHER.signers.authority)
    with pytest.raises(VerificationFailed, match="no trusted key"):
        verify_tree_head(sign_checkpoint(HEAD, stolen, 1).encode(), KEYS)
    renamed = sign_checkpoint(dataclasses.replace(HEAD, origin=OTHER.origin), WORLD.signers, 1)
    with pytest.raises(VerificationFailed, match="is of log"):
        verify_tree_head(renamed.encode(), KEYS)


def test_each_single_stolen_key_is_not_enough() -> None:
    for field in ("ed25519", "ml_dsa", "authority"):
        signers = dataclasses.replace(OTHER.signers, origin=WORLD.origin, **{field: getattr(WORLD.signers, field)})
        with pytest.raises(VerificationFailed):
            verify_tree_head(sign_checkpoint(dataclasses.replace(HEAD, size=13), signers, 1).encode(), KEYS)


def test_changed_bytes_are_refused() -> None:
    data = TEXT.encode()
    start = data.index(b"\n\n") + 2
    ml_dsa = data.index(b"\n", start) + 1
    after = data.index(b"\n", ml_dsa)
    for at in [*range(ml_dsa + 100), *range(ml_dsa + 100, after - 4, 97), *range(after - 4, len(data))]:
        bad = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(TallystickError):
            verify_tree_head(bad, KEYS)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff", TEXT.encode()[:-1], NOTE.text.encode(), TEXT.encode() + b"\n"])
def test_what_is_no_note_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        verify_tree_head(data, KEYS)


def test_extension_lines_are_malformed_although_signed() -> None:
    text = NOTE.text + "extension\n"
    with pytest.raises(MalformedInput, match="three lines"):
        verify_tree_head(encode(sign_ed25519(text, WORLD.origin, WORLD.signers.ed25519), text=text), KEYS)


def test_the_signature_for_contracts() -> None:
    signature = authority_signature(NOTE, KEYS)
    assert len(signature) == 65
    address = address_of(KEYS.authority.raw)
    assert address == KEYS.authority_address
    verify_checkpoint(address, hashlib.sha256(WORLD.origin.encode()).digest(), HEAD.size, HEAD.root, signature)
    with pytest.raises(VerificationFailed, match="bears no EIP-712 signature"):
        authority_signature(Note(NOTE.text, NOTE.signatures[:2]), KEYS)


def test_the_high_s_and_the_other_v_are_refused() -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    one = NOTE.signatures[2]
    r, s, v = one.signature[:32], int.from_bytes(one.signature[32:64], "big"), one.signature[64]
    flipped = r + (order - s).to_bytes(32, "big") + bytes([55 - v])
    for bad in (
        flipped,
        one.signature[:64] + bytes([55 - v]),
        one.signature[:64] + bytes([v - 27]),
        one.signature[:64],
    ):
        with pytest.raises(VerificationFailed):
            verify_tree_head(encode(*NOTE.signatures[:2], dataclasses.replace(one, signature=bad)), KEYS)


def test_verifier_keys_round_trip() -> None:
    lines = KEYS.verifier_keys()
    for order in itertools.permutations(lines):
        assert parse_log_keys(order) == KEYS
    assert [line.split("+")[0] for line in lines] == [WORLD.origin] * 3


def test_verifier_keys_that_are_no_logs_are_malformed() -> None:
    lines, other = KEYS.verifier_keys(), OTHER.signers.keys.verifier_keys()
    bad = {
        "none": (),
        "two": lines[:2],
        "one twice": (*lines, lines[0]),
        "two of a kind": (lines[0], lines[1], verifier_key(WORLD.origin, ED25519, OTHER.roles["log"].public.raw)),
        "two names": (lines[0], lines[1], other[2]),
        "a witness's key": (*lines[:2], verifier_key(WORLD.origin, 4, bytes(32))),
        "another long type": (*lines[:2], verifier_key(WORLD.origin, 0xFF, b"x" + EIP712_TYPE + KEYS.authority.raw)),
        "no long type": (*lines[:2], verifier_key(WORLD.origin, 0xFF, KEYS.authority.raw)),
        "our long type after another byte": (
            *lines[:2],
            verifier_key(WORLD.origin, 2, EIP712_TYPE + KEYS.authority.raw),
        ),
        "a short key": (*lines[1:], verifier_key(WORLD.origin, ED25519, bytes(31))),
        "a point off the curve": (*lines[:2], verifier_key(WORLD.origin, 0xFF, EIP712_TYPE + b"\x04" + b"\1" * 64)),
        "no key": ("hello", *lines[1:]),
    }
    for keys in bad.values():
        with pytest.raises(MalformedInput):
            parse_log_keys(keys)


def test_an_authority_has_a_secp256k1_key() -> None:
    with pytest.raises(MalformedInput, match="an authority has an es256k key, found ed25519"):
        LocalAuthority(WORLD.roles["log"])
