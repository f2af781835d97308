"""A log that somebody else keeps, by the verifier keys that its reader was given out of band."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.cosignature import MlDsaCosigner
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.note import (
    COSIGNATURE_ML_DSA_44,
    ED25519,
    OTHER,
    Ed25519Verifier,
    Note,
    NoteVerifier,
    parse_note,
    parse_verifier_key,
    verify_note,
)
from tallystick.tree_head import EIP712_TYPE, AuthorityVerifier, CheckpointKeys


@dataclass(frozen=True)
class Head:
    """A checkpoint that the log signed, and its exact text."""

    checkpoint: Checkpoint
    note: str
    parsed: Note


@dataclass(frozen=True)
class KnownLog:
    """A log's name and keys. For each kind of key that is known one must have signed.

    Whoever knows one alone demands that one alone; whoever knows a key and the one that replaced
    it can read checkpoints from before and after. ``history``: the keys by size, where entries
    say them; then it alone counts, and all must have signed.
    """

    origin: str
    verifiers: tuple[NoteVerifier, ...]
    history: CheckpointKeys | None = None

    def verify(self, note: bytes) -> Head:
        """The checkpoint in ``note``. Raises ``MalformedInput`` or ``VerificationFailed``."""
        parsed = parse_note(note)
        checkpoint = parse_body(parsed.text)
        if checkpoint.origin != self.origin:
            raise VerificationFailed(f"the checkpoint is of log {checkpoint.origin!r}, expected {self.origin!r}")
        verifiers = self.history.at(checkpoint.size).verifiers() if self.history else self.verifiers
        kinds = {type(one) for one in verify_note(parsed, verifiers)}
        missing = [f"{one.name}+{one.key_id.hex()}" for one in verifiers if type(one) not in kinds]
        if missing:
            lacks = " or ".join(missing)
            raise VerificationFailed(
                f"the checkpoint lacks the signature of {lacks}; if a key was replaced give the new one too "
                "(--key): GET /vkeys gives it, and whoever follows the log has it"
            )
        return Head(checkpoint, note.decode(), parsed)


def known_log(lines: Sequence[str]) -> KnownLog:
    """A log from verifier keys in C2SP text form, at least one, all named by its origin. Raises ``MalformedInput``."""
    verifiers = tuple(_verifier(line) for line in dict.fromkeys(lines))
    names = {verifier.name for verifier in verifiers}
    if len(names) != 1:
        raise MalformedInput(f"expected the keys of one log, found those of {len(names)}: {', '.join(sorted(names))}")
    return KnownLog(names.pop(), verifiers)


def _verifier(line: str) -> NoteVerifier:
    name, kind, raw = parse_verifier_key(line)
    if kind == ED25519:
        return Ed25519Verifier(name, PublicKey("ed25519", raw))
    if kind == COSIGNATURE_ML_DSA_44:
        return MlDsaCosigner(name, PublicKey("ml-dsa-44", raw))
    if kind == OTHER and raw.startswith(EIP712_TYPE):
        return AuthorityVerifier(name, PublicKey("es256k", raw.removeprefix(EIP712_TYPE)))
    raise MalformedInput(f"the key {line[:60]!r} is of type {kind:#04x}, by which no log signs its checkpoints")
