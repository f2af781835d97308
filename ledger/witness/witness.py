"""A witness: cosigns a log's checkpoint only if it extends the one that it cosigned last. C2SP tlog-witness.

The checks stand in the order of the specification, each with its status code.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from hashlib import sha256

from ledger.batch import Clock
from ledger.witness.heads import Fork, Head, Heads, Smaller
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.cosignature import cosign_ed25519, cosign_ml_dsa
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import EMPTY_ROOT, ProofFailed, verify_consistency
from tallystick.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    Note,
    NoteVerifier,
    Signature,
    verifier_key,
    verify_note,
)
from tallystick.witnessing import SIZE_TYPE, AddCheckpoint, encode_cosignatures, encode_size, parse_add_checkpoint

TEXT = "text/plain; charset=utf-8"
SETBACK = 300
"""Seconds by which the clock may fall back: then the last time is said again. Beyond, nothing is signed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: bytes
    media_type: str = TEXT


class _Refused(Exception):
    """Nothing is cosigned. ``fork``: the request proves one. ``smaller``: it is of less than was cosigned."""

    def __init__(self, answer: Answer, fork: Fork | None = None, smaller: Smaller | None = None) -> None:
        super().__init__(answer.body)
        self.answer = answer
        self.fork = fork
        self.smaller = smaller


@dataclass(frozen=True)
class Voice:
    """The witness's name and keys. One name, one key of each kind: an Ed25519 cosignature does not cover the name."""

    name: str
    ed25519: Signer
    ml_dsa: Signer

    def cosign(self, text: str, seconds: int) -> tuple[Signature, ...]:
        """A line by each key."""
        return (
            cosign_ed25519(text, self.name, self.ed25519, seconds),
            cosign_ml_dsa(text, self.name, self.ml_dsa, seconds),
        )

    def verifier_keys(self) -> tuple[str, str]:
        """C2SP text form of each key."""
        return (
            verifier_key(self.name, COSIGNATURE_ED25519, self.ed25519.public.raw),
            verifier_key(self.name, COSIGNATURE_ML_DSA_44, self.ml_dsa.public.raw),
        )


class Witness:
    """One witness. ``logs``: the keys of each known log, by origin."""

    def __init__(self, voice: Voice, logs: Mapping[str, Sequence[NoteVerifier]], heads: Heads, clock: Clock) -> None:
        self._voice = voice
        self._logs = logs
        self._heads = heads
        self._clock = clock
        self._by_hash = {sha256(origin.encode()).hexdigest(): origin for origin in logs}

    def add_checkpoint(self, data: bytes) -> Answer:
        """The answer to a request body. Raises only what is the fault of this machine, and then nothing is cosigned."""
        try:
            request = parse_add_checkpoint(data)
            checkpoint = parse_body(request.note.text, extended=True)
            lines = self._check_signatures(request.note, checkpoint)
            if request.old_size > checkpoint.size:
                raise _refuse(400, f"the old size {request.old_size} is larger than the checkpoint's {checkpoint.size}")
            cosigned: list[Signature] = []

            def decide(held: Head | None) -> Head:
                self._check_extends(request, checkpoint, held)
                seconds = self._time(held)
                cosigned.extend(self._voice.cosign(request.note.text, seconds))
                note = Note(request.note.text, (*lines, *cosigned))
                return Head(checkpoint.size, checkpoint.root, seconds, note.encode())

            self._heads.update(checkpoint.origin, decide)
        except MalformedInput as error:
            return _say(400, str(error))
        except _Refused as refused:
            if refused.fork:
                self._alarm(refused.fork)
            if refused.smaller:
                self._heads.keep_smaller(refused.smaller)
            return refused.answer
        return Answer(200, encode_cosignatures(cosigned))

    def latest(self, origin_hash: str) -> Answer:
        """For monitors: the latest checkpoint that was cosigned, by the SHA-256 of the log's origin in hex."""
        origin = self._by_hash.get(origin_hash)
        head = self._heads.get(origin) if origin is not None else None
        return Answer(200, head.note.encode()) if head else _say(404, "no checkpoint of such a log was cosigned here")

    def keys(self) -> Answer:
        """The verifier keys, one a line."""
        return Answer(200, "".join(f"{key}\n" for key in self._voice.verifier_keys()).encode())

    def _check_signatures(self, note: Note, checkpoint: Checkpoint) -> tuple[Signature, ...]:
        """The lines of the log's known keys; all others are ignored, and not kept."""
        verifiers = self._logs.get(checkpoint.origin)
        if verifiers is None:
            raise _refuse(404, f"the log {checkpoint.origin!r} is not known to this witness")
        try:
            signed = verify_note(note, verifiers)
        except VerificationFailed as error:
            raise _refuse(403, str(error)) from None
        keys = {(one.name, one.key_id) for one in signed}
        return tuple(line for line in note.signatures if (line.name, line.key_id) in keys)

    def _check_extends(self, request: AddCheckpoint, new: Checkpoint, held: Head | None) -> None:
        size, root = (held.size, held.root) if held else (0, EMPTY_ROOT)
        fork = self._fork(request, new, held)
        if request.old_size != size:
            raise _Refused(Answer(409, encode_size(size), SIZE_TYPE), fork, self._smaller(request, new, size))
        if fork:
            raise _Refused(_say(409, f"a tree of {size} leaves with root {root.hex()} was cosigned: a fork"), fork)
        try:
            verify_consistency(size, root, new.size, new.root, request.proof)
        except ProofFailed as error:
            _log.warning("refused: %s to %d: %s", new.origin, new.size, error)
            raise _refuse(422, str(error)) from None

    def _time(self, held: Head | None) -> int:
        """Never earlier than what was said before: a cosignature says that no larger tree was seen by then."""
        now, last = self._clock(), held.time if held else 0
        if now < last - SETBACK:
            _log.error(
                "the clock is %d seconds behind the last cosignature; nothing is signed until it is right", last - now
            )
            raise _refuse(503, "the witness's clock is behind its last cosignature")
        return max(now, last)

    def _fork(self, request: AddCheckpoint, new: Checkpoint, held: Head | None) -> Fork | None:
        if held is None or new.size != held.size or new.root == held.root:
            return None
        return Fork(new.origin, new.size, new.root, self._clock(), held.note, request.note.encode())

    def _smaller(self, request: AddCheckpoint, new: Checkpoint, size: int) -> Smaller | None:
        if new.size >= size:
            return None
        return Smaller(new.origin, new.size, new.root, self._clock(), request.note.encode())

    def _alarm(self, fork: Fork) -> None:
        _log.error("ALARM: %s signed two trees of %d leaves; `witness status` shows both", fork.origin, fork.size)
        self._heads.keep_fork(fork)


def _refuse(status: int, why: str) -> _Refused:
    return _Refused(_say(status, why))


def _say(status: int, why: str) -> Answer:
    return Answer(status, (why + "\n").encode("utf-8", "backslashreplace"))
