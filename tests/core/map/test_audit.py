"""Audits: what an auditor signed, and what never counts as its word."""

from __future__ import annotations

import pytest

from tallystick.base64s import to_base64
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.cosignature import Ed25519Cosigner, cosign_ed25519
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.map.audit import Auditor, MapAudit, parse_audit, parse_auditor, sign_audit, verify_audit
from tallystick.note import Note, Signature, parse_note, sign_ed25519, verifier_key
from tests.world import key_from

KEY, OTHER = key_from("auditor"), key_from("another auditor")
AUDITOR = Auditor("auditor.example", KEY.public)
AUDIT = MapAudit("log.example/films", 70, bytes(range(32)), bytes(range(1, 33)))
SECONDS = 1_770_000_000
NOTE = sign_audit(AUDIT, AUDITOR.name, KEY, SECONDS)


def test_an_audit_is_read_as_it_was_signed() -> None:
    assert verify_audit(NOTE.encode(), AUDITOR) == (AUDIT, SECONDS)
    assert NOTE.startswith(f"tallystick map audit v1\nlog.example/films\n70\n{to_base64(AUDIT.tree)}\n")
    assert parse_auditor(AUDITOR.verifier_key) == AUDITOR


def test_every_bit_counts() -> None:
    data = NOTE.encode()
    for at in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[at >> 3] ^= 1 << (at & 7)
        with pytest.raises((MalformedInput, VerificationFailed)):
            verify_audit(bytes(flipped), AUDITOR)


@pytest.mark.parametrize(
    "other",
    [
        MapAudit("log.example/other", AUDIT.size, AUDIT.tree, AUDIT.root),
        MapAudit(AUDIT.origin, 71, AUDIT.tree, AUDIT.root),
        MapAudit(AUDIT.origin, 70, AUDIT.root, AUDIT.root),
        MapAudit(AUDIT.origin, 70, AUDIT.tree, AUDIT.tree),
    ],
)
def test_the_signature_of_another_audit_does_not_hold(other: MapAudit) -> None:
    moved = Note(other.text(), parse_note(NOTE.encode()).signatures).encode()
    with pytest.raises(VerificationFailed):
        verify_audit(moved.encode(), AUDITOR)


@pytest.mark.parametrize("auditor", [Auditor("auditor.example", OTHER.public), Auditor("other.example", KEY.public)])
def test_another_key_or_name(auditor: Auditor) -> None:
    with pytest.raises(VerificationFailed):
        verify_audit(NOTE.encode(), auditor)


def test_a_witness_line_of_the_same_key_is_no_audit() -> None:
    """Over a checkpoint of the same numbers, and even over the text of an audit."""
    checkpoint = Checkpoint(AUDIT.origin, AUDIT.size, AUDIT.tree)
    line = cosign_ed25519(checkpoint.body(), AUDITOR.name, KEY, SECONDS)
    for text in (checkpoint.body(), AUDIT.text()):
        for key_id in (line.key_id, AUDITOR.key_id):
            note = Note(text, (Signature(line.name, key_id, line.signature),)).encode()
            with pytest.raises((MalformedInput, VerificationFailed)):
                verify_audit(note.encode(), AUDITOR)


def test_an_audit_is_no_checkpoint_nor_a_cosignature_of_one() -> None:
    note = parse_note(NOTE.encode())
    with pytest.raises(MalformedInput):
        parse_body(note.text)
    with pytest.raises(MalformedInput):
        parse_body(note.text, extended=True)
    witness = Ed25519Cosigner(AUDITOR.name, KEY.public)
    assert witness.key_id != AUDITOR.key_id
    with pytest.raises(VerificationFailed):
        witness.verify(Checkpoint(AUDIT.origin, 70, AUDIT.tree).body(), note.signatures[0].signature)


def test_a_plain_signature_over_the_text_is_no_audit() -> None:
    line = sign_ed25519(AUDIT.text(), AUDITOR.name, KEY)
    note = Note(AUDIT.text(), (Signature(line.name, AUDITOR.key_id, SECONDS.to_bytes(8, "big") + line.signature),))
    with pytest.raises(VerificationFailed):
        verify_audit(note.encode().encode(), AUDITOR)


@pytest.mark.parametrize(
    "text",
    [
        AUDIT.text().replace("v1", "v2"),
        AUDIT.text() + "more\n",
        AUDIT.text().replace("\n70\n", "\n070\n"),
        AUDIT.text().replace("\n70\n", "\n-1\n"),
        AUDIT.text().replace("log.example/films", ""),
        "\n".join(AUDIT.text().split("\n")[:4]) + "\n",
    ],
)
def test_what_is_no_audit(text: str) -> None:
    note = Note(text, parse_note(NOTE.encode()).signatures).encode()
    with pytest.raises(MalformedInput):
        parse_audit(note.encode())


def test_keys_of_other_kinds_are_no_auditors() -> None:
    witness = verifier_key("w.example", 0x04, KEY.public.raw)
    for line in (witness, verifier_key("w.example", 0x01, KEY.public.raw), verifier_key("w", 0xFF, KEY.public.raw)):
        with pytest.raises(MalformedInput):
            parse_auditor(line)
    with pytest.raises(MalformedInput):
        sign_audit(AUDIT, "a", key_from("es", "es256"), 1)
    with pytest.raises(MalformedInput):
        parse_audit(b"x" * (1 << 15))
    late = Note(AUDIT.text(), (Signature(AUDITOR.name, AUDITOR.key_id, b"\xff" * 72),)).encode()
    with pytest.raises(VerificationFailed):
        verify_audit(late.encode(), AUDITOR)
