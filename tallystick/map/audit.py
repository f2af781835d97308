"""An auditor's word on a map: it replayed the first n entries of this very history, and they give this root
(docs/map.md §7). A signed note whose text, message and key ID are those of no checkpoint and no cosignature.
"""

from __future__ import annotations

from typing import Literal

from tallystick.base64s import to_base64
from tallystick.checkpoint import parse_hash, parse_size
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.note import OTHER, Note, Signature, key_id, parse_note, parse_verifier_key, verifier_key, verify_note
from tallystick.time_interval import UNSTATED

AUDIT_TYPE = b"tallystick/map-audit/v1\n"
"""Long identifier that follows the 0xff byte (signed-note §Signature types); also what the message begins with."""
TITLE = "tallystick map audit v1"
MAX_AUDIT_BYTES = 1 << 14

_TIME_BYTES = 8
_MAX_TIME = (1 << 63) - 1


@dataclass(frozen=True)
class MapAudit:
    """The first ``size`` entries of the log have the tree root ``tree`` and the map root ``root``."""

    origin: str
    size: int
    tree: bytes
    root: bytes

    def text(self) -> str:
        """The note text."""
        return f"{TITLE}\n{self.origin}\n{self.size}\n{to_base64(self.tree)}\n{to_base64(self.root)}\n"


def parse_audit(data: bytes) -> tuple[MapAudit, Note]:
    """An audit from its note; no signature is verified. Raises ``MalformedInput``."""
    if len(data) > MAX_AUDIT_BYTES:
        raise MalformedInput(f"the audit has {len(data)} bytes, at most {MAX_AUDIT_BYTES} are read")
    note = parse_note(data)
    lines = note.text.split("\n")
    if len(lines) != 6 or lines[0] != TITLE or not lines[1] or lines[5]:
        raise MalformedInput(f"an audit has five lines: {TITLE!r}, origin, size, tree root, map root")
    return MapAudit(lines[1], parse_size(lines[2]), parse_hash(lines[3]), parse_hash(lines[4])), note


@dataclass(frozen=True)
class Auditor:
    """The key of an auditor (a ``NoteVerifier``). The signature field is u64 time ‖ 64 bytes."""

    name: str
    key: PublicKey

    @property
    def key_id(self) -> bytes:
        """Key ID; the encoded key starts with the long identifier."""
        return key_id(self.name, OTHER, AUDIT_TYPE + self.key.raw)

    @property
    def verifier_key(self) -> str:
        """C2SP text form."""
        return verifier_key(self.name, OTHER, AUDIT_TYPE + self.key.raw)

    def verify(self, text: str, signature: bytes) -> None:
        """Raise ``VerificationFailed`` unless the auditor signed the note ``text``."""
        seconds = audited_at(signature)
        self.key.verify(_message(seconds, text), signature[_TIME_BYTES:])


def parse_auditor(line: str) -> Auditor:
    """An auditor from its verifier key (C2SP text form). Raises ``MalformedInput`` for a key of another type."""
    name, kind, raw = parse_verifier_key(line)
    if kind != OTHER or not raw.startswith(AUDIT_TYPE):
        raise MalformedInput(f"the auditor {name!r} has a key of type {kind:#04x}, expected ff with {AUDIT_TYPE!r}")
    return Auditor(name, PublicKey("ed25519", raw.removeprefix(AUDIT_TYPE)))


def audited_at(signature: bytes) -> int:
    """Unix seconds at which an auditor says that it signed. Raises ``VerificationFailed``."""
    seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
    if seconds > _MAX_TIME:
        raise VerificationFailed("the audit's time does not fit in 63 bits")
    return seconds


def out_of_time(seconds: int, at: int, until: int | None, stated_at: int) -> Literal["late", "early"] | None:
    """Why an audit of that time counts for nothing as of ``at``; ``None``: it counts (step 13).

    until: the trust file's ``not_after`` of the auditor. stated_at: when the log stated the root. Who signs a root
    saw it stated; a key that was lost since can only pretend to be older. All are Unix seconds.
    """
    if seconds > at or (until is not None and seconds > until):
        return "late"
    return "early" if seconds < stated_at - UNSTATED else None


def _message(seconds: int, text: str) -> bytes:
    return AUDIT_TYPE + f"time {seconds}\n{text}".encode()


def sign_audit(audit: MapAudit, name: str, signer: Signer, seconds: int) -> str:
    """The note of an audit made at ``seconds`` since 1970."""
    if signer.public.alg != "ed25519":
        raise MalformedInput(f"an auditor signs with Ed25519, found {signer.public.alg}")
    text, auditor = audit.text(), Auditor(name, signer.public)
    signature = seconds.to_bytes(_TIME_BYTES, "big") + signer.sign(_message(seconds, text))
    return Note(text, (Signature(name, auditor.key_id, signature),)).encode()


def verify_audit(data: bytes, auditor: Auditor) -> tuple[MapAudit, int]:
    """The audit in ``data`` and its time, signed by ``auditor``. Raises ``MalformedInput``, ``VerificationFailed``."""
    audit, note = parse_audit(data)
    verify_note(note, [auditor])
    line = next(one for one in note.signatures if (one.name, one.key_id) == (auditor.name, auditor.key_id))
    return audit, audited_at(line.signature)
