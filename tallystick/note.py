"""Signed notes: C2SP signed-note v1.0.0.

A note is text, a blank line, and signature lines ``— <name> <base64(key ID ‖ signature)>``.
A verifier ignores signatures of keys it does not know and refuses a note in which
a signature of a known key does not verify; malformed lines are refused, never skipped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Protocol

from tallystick.base64s import from_base64, to_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey, Signer
from tallystick.lazy_dataclass import dataclass

MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 64

ED25519 = 0x01
COSIGNATURE_ED25519 = 0x04
COSIGNATURE_ML_DSA_44 = 0x06
OTHER = 0xFF

_LINE = "— "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True)
class Signature:
    """One signature line: key name, 4-byte key ID, and the signature field after the key ID."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line, newline included."""
        return f"{_LINE}{self.name} {to_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """A parsed note; nothing in it is verified. ``text`` ends in a newline."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> str:
        """The whole note."""
        return self.text + "\n" + "".join(signature.line() for signature in self.signatures)


class NoteVerifier(Protocol):
    """A key that may sign notes, whatever its signature type."""

    @property
    def name(self) -> str:
        """Key name."""
        ...

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key)."""
        ...

    def verify(self, text: str, signature: bytes) -> None:
        """Raise ``VerificationFailed`` unless ``signature`` is this key's over the note text."""
        ...


def key_id(name: str, kind: int, encoded_key: bytes) -> bytes:
    """Key ID of signed-note §Signatures; for ``OTHER`` the encoded key starts with its long type identifier."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + encoded_key).digest()[:4]


def verifier_key(name: str, kind: int, encoded_key: bytes) -> str:
    """The text form of a verifier key: ``name+hash+base64(type ‖ key)``."""
    return f"{name}+{key_id(name, kind, encoded_key).hex()}+{to_base64(bytes([kind]) + encoded_key)}"


def parse_verifier_key(text: str) -> tuple[str, int, bytes]:
    """(name, type, encoded key) of a verifier key. Raises ``MalformedInput``, also when the key ID is not the key's."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise MalformedInput(f"{text[:60]!r} is not a verifier key: expected name+hash+base64")
    name, hexed, encoded = parts
    check_name(name)
    raw = from_base64(encoded)
    if len(raw) < 2:
        raise MalformedInput(f"the verifier key {text[:60]!r} holds no key")
    if key_id(name, raw[0], raw[1:]).hex() != hexed:
        raise MalformedInput(f"the verifier key {text[:60]!r} has key ID {hexed[:8]!r}, its key demands another")
    return name, raw[0], raw[1:]


def check_name(name: str) -> None:
    """Raise ``MalformedInput`` unless ``name`` may name a key: non-empty, no space, plus, control or lone surrogate."""
    if not name or "+" in name or any(c.isspace() or ord(c) < 32 or "\ud800" <= c <= "\udfff" for c in name):
        raise MalformedInput(f"{name[:60]!r} is not a key name: it must not be empty or hold spaces or +")


def parse_note(data: bytes) -> Note:
    """Split a note. Raises ``MalformedInput``."""
    if len(data) > MAX_NOTE_BYTES:
        raise MalformedInput(f"the note has {len(data)} bytes, at most {MAX_NOTE_BYTES} are read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedInput("the note is not UTF-8") from None
    if _CONTROL.search(text):
        raise MalformedInput("the note holds a control character")
    # Without a blank line all of it is ``lines`` and ``body`` is empty.
    body, _, lines = text.rpartition("\n\n")
    if not body or not lines.endswith("\n"):
        raise MalformedInput("not a signed note: expected text, a blank line, and signature lines that end in newlines")
    signatures = tuple(_parse_line(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MAX_SIGNATURES:
        raise MalformedInput(f"the note has {len(signatures)} signatures, at most {MAX_SIGNATURES} are read")
    return Note(body + "\n", signatures)


def _parse_line(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_LINE).partition(" ")
    if not line.startswith(_LINE) or not space:
        raise MalformedInput(f"{line[:60]!r} is not a signature line")
    check_name(name)
    raw = from_base64(encoded)
    if len(raw) < 5:
        raise MalformedInput(f"the signature line of {name!r} holds no signature")
    return Signature(name, raw[:4], raw[4:])


def verify_note(note: Note, verifiers: Sequence[NoteVerifier]) -> list[NoteVerifier]:
    """The verifiers whose signatures the note bears.

    Raises ``VerificationFailed`` when a signature of one of them does not verify,
    stands twice, or when none of them signed.
    """
    found: list[NoteVerifier] = []
    named = [(verifier, (verifier.name, verifier.key_id)) for verifier in verifiers]
    for signature in note.signatures:
        for verifier, name in named:
            if name != (signature.name, signature.key_id):
                continue
            if verifier in found:
                raise VerificationFailed(f"the note bears two signatures of the same key of {verifier.name!r}")
            verifier.verify(note.text, signature.signature)
            found.append(verifier)
    if not found:
        known = ", ".join(f"{v.name} ({v.key_id.hex()})" for v in verifiers) or "none"
        raise VerificationFailed(f"no trusted key signed the note; trusted: {known}")
    return found


@dataclass(frozen=True)
class Ed25519Verifier:
    """Type 0x01: Ed25519 over the note text."""

    name: str
    key: PublicKey

    @property
    def key_id(self) -> bytes:
        """See ``key_id``."""
        return key_id(self.name, ED25519, self.key.raw)

    def verify(self, text: str, signature: bytes) -> None:
        """See ``NoteVerifier.verify``."""
        self.key.verify(text.encode(), signature)


def sign_ed25519(text: str, name: str, signer: Signer) -> Signature:
    """A type 0x01 signature line."""
    return Signature(name, key_id(name, ED25519, signer.public.raw), signer.sign(text.encode()))
