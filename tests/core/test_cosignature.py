"""ML-DSA-44 cosignatures: the message byte for byte as C2SP tlog-cosignature lays it out."""

from __future__ import annotations

import struct

import pytest

from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import Ed25519Cosigner, MlDsaCosigner, cosign_ml_dsa, cosigned_at, cosigned_message
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.note import Note, Signature, key_id, parse_note, verify_note
from tests.world import key_from

ROOT = bytes(range(32))
TEXT = Checkpoint("example.com/log", 20852163, ROOT).body()
SIGNER = key_from("cosigner", "ml-dsa-44")
WITNESS = MlDsaCosigner("witness.example/w", SIGNER.public)
TIME = 1_679_315_147


def test_the_message_byte_for_byte() -> None:
    """label[12], name<1..255>, u64 time, origin<1..255>, u64 start, u64 end, hash[32], all big-endian."""
    expected = (
        b"subtree/v1\n\0"
        + bytes([17])
        + b"witness.example/w"
        + struct.pack(">Q", TIME)
        + bytes([15])
        + b"example.com/log"
        + struct.pack(">QQ", 0, 20852163)
        + ROOT
    )
    assert cosigned_message("witness.example/w", TIME, TEXT) == expected
    assert len(b"subtree/v1\n\0") == 12


def test_the_line() -> None:
    made = cosign_ml_dsa(TEXT, WITNESS.name, SIGNER, TIME)
    assert made.key_id == WITNESS.key_id == key_id(WITNESS.name, 0x06, SIGNER.public.raw)
    assert made.signature[:8] == struct.pack(">Q", TIME)
    assert len(made.signature) == 8 + 2420
    SIGNER.public.verify(cosigned_message(WITNESS.name, TIME, TEXT), made.signature[8:])
    WITNESS.verify(TEXT, made.signature)
    assert verify_note(parse_note(Note(TEXT, (made,)).encode().encode()), [WITNESS]) == [WITNESS]


GOOD = cosign_ml_dsa(TEXT, WITNESS.name, SIGNER, TIME).signature


def test_a_signature_for_anything_else_is_refused() -> None:
    others = {
        "another origin": Checkpoint("example.com/logs", 20852163, ROOT),
        "another size": Checkpoint("example.com/log", 20852164, ROOT),
        "another root": Checkpoint("example.com/log", 20852163, ROOT[::-1]),
    }
    for other in others.values():
        with pytest.raises(VerificationFailed):
            WITNESS.verify(other.body(), GOOD)
    with pytest.raises(VerificationFailed):
        MlDsaCosigner("witness.example/v", SIGNER.public).verify(TEXT, GOOD)
    with pytest.raises(VerificationFailed):
        MlDsaCosigner(WITNESS.name, key_from("else", "ml-dsa-44").public).verify(TEXT, GOOD)


def test_extension_lines_are_allowed_and_not_covered() -> None:
    assert cosigned_message(WITNESS.name, TIME, TEXT + "extension\n") == cosigned_message(WITNESS.name, TIME, TEXT)
    WITNESS.verify(TEXT + "extension\n", GOOD)


def test_name_and_origin_cannot_be_shifted_into_each_other() -> None:
    """Both carry a length: the same concatenation under other borders is another message."""
    one = cosigned_message("ab", 0, Checkpoint("c", 1, ROOT).body())
    other = cosigned_message("a", 0, Checkpoint("bc", 1, ROOT).body())
    assert one != other


def test_time_is_signed_and_bounded() -> None:
    for seconds in (1, TIME + 1, (1 << 63) - 1):
        changed = struct.pack(">Q", seconds) + GOOD[8:]
        with pytest.raises(VerificationFailed, match="does not verify"):
            WITNESS.verify(TEXT, changed)
        WITNESS.verify(TEXT, cosign_ml_dsa(TEXT, WITNESS.name, SIGNER, seconds).signature)
    with pytest.raises(VerificationFailed, match="does not fit in 63 bits"):
        WITNESS.verify(TEXT, struct.pack(">Q", 1 << 63) + GOOD[8:])


def test_a_signature_of_a_part_of_a_tree_is_no_cosignature() -> None:
    """With time 0 a witness signs for anybody, and of any size up to its newest (C2SP tlog-witness, sign-subtree)."""
    for verifier, line in (
        (WITNESS, cosign_ml_dsa(TEXT, WITNESS.name, SIGNER, 0).signature),
        (OLD_WITNESS, ed25519(TEXT, 0)),
    ):
        with pytest.raises(VerificationFailed, match="bears no time"):
            verifier.verify(TEXT, line)


@pytest.mark.parametrize("length", [0, 7, 8, 9, 64, 72, 2420, 2427, 2429])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(VerificationFailed):
        WITNESS.verify(TEXT, (GOOD + bytes(10))[:length])


def test_names_have_1_to_255_bytes() -> None:
    longest = "w" * 255
    assert cosigned_message(longest, 0, TEXT)[12:14] == b"\xffw"
    for name in ("", "w" * 256, "é" * 128):
        with pytest.raises(VerificationFailed, match="cannot be cosigned"):
            cosigned_message(name, 0, TEXT)
        if name:
            with pytest.raises(VerificationFailed, match="cannot be cosigned"):
                cosigned_message("w", 0, Checkpoint(name, 1, ROOT).body())


@pytest.mark.parametrize("text", ["", "hello\n", TEXT + "\n", TEXT + "a\n\nb\n", TEXT + "no newline", TEXT[:-1]])
def test_only_checkpoints_can_be_cosigned(text: str) -> None:
    with pytest.raises(MalformedInput):
        WITNESS.verify(text, GOOD)


# --- type 0x04 ---------------------------------------------------------------------

OLD = key_from("old witness")
OLD_WITNESS = Ed25519Cosigner("witness.example/old", OLD.public)


def ed25519(text: str = TEXT, seconds: int = TIME) -> bytes:
    """As the specification says: two lines, then the whole note body; the name is not in it."""
    return struct.pack(">Q", seconds) + OLD.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())


def test_ed25519_cosignatures() -> None:
    assert OLD_WITNESS.key_id == key_id(OLD_WITNESS.name, 0x04, OLD.public.raw)
    for seconds in (1, TIME, (1 << 63) - 1):
        OLD_WITNESS.verify(TEXT, ed25519(TEXT, seconds))
        assert cosigned_at(ed25519(TEXT, seconds)) == seconds
    note = Note(TEXT, (Signature(OLD_WITNESS.name, OLD_WITNESS.key_id, ed25519()),))
    assert verify_note(parse_note(note.encode().encode()), [WITNESS, OLD_WITNESS]) == [OLD_WITNESS]


def test_ed25519_cosignatures_of_anything_else_are_refused() -> None:
    other = Checkpoint("example.com/log", 20852164, ROOT).body()
    attacks = {
        "another checkpoint": ed25519(other),
        "an extension line more": ed25519(TEXT + "extension\n"),
        "another time": struct.pack(">Q", TIME + 1) + ed25519()[8:],
        "a signature over the note text": struct.pack(">Q", TIME) + OLD.sign(TEXT.encode()),
        "another key": struct.pack(">Q", TIME) + SIGNER_ED.sign(f"cosignature/v1\ntime {TIME}\n{TEXT}".encode()),
        "a leading zero in the time": struct.pack(">Q", 7) + OLD.sign(f"cosignature/v1\ntime 07\n{TEXT}".encode()),
        "cut short": ed25519()[:-1],
        "a byte more": ed25519() + b"\0",
        "nothing": b"",
        "a time alone": ed25519()[:8],
    }
    for signature in attacks.values():
        with pytest.raises(VerificationFailed):
            OLD_WITNESS.verify(TEXT, signature)
    with pytest.raises(VerificationFailed, match="does not fit in 63 bits"):
        OLD_WITNESS.verify(TEXT, struct.pack(">Q", 1 << 63) + ed25519()[8:])


SIGNER_ED = key_from("another witness")
