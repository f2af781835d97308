"""Proof files: C2SP tlog-proof, ``c2sp.org/tlog-proof@v1``.

One text that shows, offline, that an entry stands in a witnessed log: extra data
(authenticated by nothing), the index, the inclusion path, and the checkpoint with
its cosignatures. What is believed about the log comes from the reader.
"""

from __future__ import annotations

from tallystick.base64s import from_base64, to_base64
from tallystick.checkpoint import Checkpoint, parse_body, parse_hash, parse_size
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import MAX_PROOF_HASHES, leaf_hash, verify_inclusion
from tallystick.note import MAX_NOTE_BYTES, Note, parse_note, verify_note
from tallystick.tree_head import signing_time, verify_tree_head
from tallystick.trust import Trust
from tallystick.witness_policy import WitnessPolicy

FIRST_LINE = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
MAX_EXTRA_BYTES = 64 << 10
MAX_BYTES = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES


@dataclass(frozen=True)
class TlogProof:
    """A proof that was read; nothing in it is verified. ``extra``: opaque, and never to be trusted."""

    index: int
    path: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    def encode(self) -> bytes:
        """The file."""
        extra = [] if self.extra is None else [f"extra {to_base64(self.extra)}"]
        lines = [FIRST_LINE, *extra, f"index {self.index}", *map(to_base64, self.path)]
        return ("\n".join(lines) + "\n\n" + self.note.encode()).encode()


@dataclass(frozen=True)
class Logged:
    """What a proof showed: the entry stands at ``index`` of the log, in the tree of ``checkpoint``.

    witnesses: names of the trusted witnesses that cosigned it, as the reader's trust file or policy has them.
    signed_at: Unix seconds that the log claims; ``None`` where its ML-DSA key was not asked for.
    """

    index: int
    checkpoint: Checkpoint
    witnesses: tuple[str, ...]
    signed_at: int | None


def parse_proof(data: bytes) -> TlogProof:
    """Inverse of ``TlogProof.encode``. Raises ``MalformedInput`` for every other text."""
    if len(data) > MAX_BYTES:
        raise MalformedInput(f"the proof has {len(data)} bytes, at most {MAX_BYTES} are read")
    head, blank, note = data.partition(b"\n\n")
    if not blank:
        raise MalformedInput("expected the proof, a blank line and a checkpoint")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise MalformedInput("the lines before the checkpoint are not ASCII") from None
    if first != FIRST_LINE:
        raise MalformedInput(f"the first line is {first[:40]!r}, expected {FIRST_LINE!r}")
    extra = _extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise MalformedInput("expected the line 'index <number>'")
    if len(lines) > MAX_PROOF_HASHES + 1:
        raise MalformedInput(f"an inclusion path has at most {MAX_PROOF_HASHES} hashes, found {len(lines) - 1}")
    index = parse_size(lines[0].removeprefix("index "))
    return TlogProof(index, tuple(map(parse_hash, lines[1:])), parse_note(note), extra)


def _extra(line: str) -> bytes:
    found = from_base64(line.removeprefix("extra "))
    # "If no extra data is present, this line is omitted": so that one proof has one text.
    if not found or len(found) > MAX_EXTRA_BYTES:
        raise MalformedInput(f"extra data has 1 to {MAX_EXTRA_BYTES} bytes, found {len(found)}")
    return found


def verify_proof(proof: TlogProof, entry: bytes, trust: Trust, at: int) -> Logged:
    """Check ``proof`` of these exact entry bytes by a trust file, as of ``at`` (Unix seconds).

    All three signatures of a trusted log and the trust file's quorum of witnesses are
    demanded, none later than ``at``. Raises ``VerificationFailed`` or ``MalformedInput``.
    """
    checkpoint = parse_body(proof.note.text)
    log = trust.logs.get(checkpoint.origin)
    if log is None:
        raise VerificationFailed(f"the proof is of log {checkpoint.origin!r}, which the trust file does not name")
    head = verify_tree_head(proof.note.encode().encode(), log.history)
    signed_at = signing_time(head.note, log.history)
    if signed_at > at:
        raise VerificationFailed(f"the checkpoint was signed at {signed_at}, after the time of this check, {at}")
    witnesses = log.require_quorum(head.note, at)
    verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.path, checkpoint.root)
    return Logged(proof.index, checkpoint, witnesses, signed_at)


def verify_proof_by_policy(proof: TlogProof, leaf: bytes, policy: WitnessPolicy, at: int) -> Logged:
    """Check ``proof`` of a leaf hash by a C2SP tlog-policy: any of its logs, and its quorum of witnesses by ``at``.

    This is for any log of the specification, also one whose checkpoints have extension lines;
    of ours, it does not ask for all three signatures. Raises ``VerificationFailed`` or ``MalformedInput``.
    """
    checkpoint = parse_body(proof.note.text, extended=True)
    logs = [log.verifier for log in policy.logs if log.verifier.name == checkpoint.origin]
    if not logs:
        raise VerificationFailed(f"the proof is of log {checkpoint.origin!r}, which the policy does not name")
    verify_note(proof.note, logs)
    witnesses = policy.require(proof.note, at)
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.path, checkpoint.root)
    return Logged(proof.index, checkpoint, witnesses, None)
