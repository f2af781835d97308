"""What a log and a witness say to each other: ``add-checkpoint`` of C2SP tlog-witness v1.0.0.

A request is the line ``old <size>``, at most 63 lines of base64 hashes, a blank line
and the checkpoint. An answer is cosignature lines, or (409) the size that the witness holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.base64s import to_base64
from tallystick.checkpoint import parse_hash, parse_size
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.note import Note, Signature, parse_note

MAX_PROOF_LINES = 63
MAX_REQUEST_BYTES = 128 << 10
"""The longest proof and a checkpoint with 16 post-quantum signatures fit in 90 KiB."""
MAX_ANSWER_BYTES = 64 << 10

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
"""Content type of a 409 that tells a size."""


@dataclass(frozen=True)
class AddCheckpoint:
    """A request. ``proof``: consistency of the tree of ``old_size`` leaves and the one that ``note`` signs."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note

    def encode(self) -> bytes:
        """The request body."""
        lines = [f"old {self.old_size}", *map(to_base64, self.proof)]
        return ("\n".join(lines) + "\n\n" + self.note.encode()).encode()


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Inverse of ``AddCheckpoint.encode``; nothing is verified. Raises ``MalformedInput`` for every other text."""
    if len(data) > MAX_REQUEST_BYTES:
        raise MalformedInput(f"the request has {len(data)} bytes, at most {MAX_REQUEST_BYTES} are read")
    head, blank, note = data.partition(b"\n\n")
    if not blank:
        raise MalformedInput("expected 'old <size>', hashes, a blank line and a checkpoint")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise MalformedInput("the lines before the checkpoint are not ASCII") from None
    word, _, size = first.partition(" ")
    if word != "old":
        raise MalformedInput(f"{first[:40]!r} is not the line 'old <size>'")
    if len(lines) > MAX_PROOF_LINES:
        raise MalformedInput(f"a proof has at most {MAX_PROOF_LINES} lines, found {len(lines)}")
    return AddCheckpoint(parse_size(size), tuple(map(parse_hash, lines)), parse_note(note))


def encode_size(size: int) -> bytes:
    """The body of a 409."""
    return f"{size}\n".encode()


def parse_size_answer(data: bytes) -> int:
    """Inverse of ``encode_size``. Raises ``MalformedInput``."""
    try:
        line, newline, rest = data[:40].decode("ascii").partition("\n")
    except UnicodeDecodeError:
        raise MalformedInput("the size is not ASCII") from None
    if not newline or rest or len(data) > 40:
        raise MalformedInput("expected a size and a newline")
    return parse_size(line)


def encode_cosignatures(lines: Sequence[Signature]) -> bytes:
    """The body of a 200."""
    return "".join(line.line() for line in lines).encode()


def parse_cosignatures(data: bytes, text: str) -> tuple[Signature, ...]:
    """The signature lines of an answer about the checkpoint with this ``text``. Raises ``MalformedInput``."""
    if len(data) > MAX_ANSWER_BYTES:
        raise MalformedInput(f"the answer has {len(data)} bytes, at most {MAX_ANSWER_BYTES} are read")
    if b"\n\n" in data or data.startswith(b"\n"):
        raise MalformedInput("the answer holds an empty line")
    return parse_note(text.encode() + b"\n" + data).signatures
