"""Replay: decide entries again, in log order, from the entries alone.

Given the whole log this repeats every admission. Given the entries of a bundle it
shows that each was entitled *on the strength of the entries shown*: a rule that
needs an entry which is not shown refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tallystick.admission import LOG, Admission, MemoryState, Refused, State, decide
from tallystick.admission.state import LogState
from tallystick.errors import VerificationFailed
from tallystick.events.log import Batch
from tallystick.key_history import KeyHistory, history_of
from tallystick.keys import PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import Statement
from tallystick.times import parse_time


@dataclass(frozen=True)
class Placed:
    """A statement and the leaf index at which the log holds it."""

    position: int
    statement: Statement


@dataclass(frozen=True)
class Admitted:
    """An entry that the rules admit again, with its admission time (Unix seconds, the operator's claim)."""

    placed: Placed
    admitted_at: int
    batch: int
    admission: Admission


@dataclass(frozen=True)
class Replay:
    """What came of it: entries admitted again, and the first reason for each that was not."""

    admitted: dict[int, Admitted]
    refused: dict[int, VerificationFailed]
    state: MemoryState


def replay(entries: Sequence[Placed], verified: Mapping[int, PublicKey] | None = None) -> Replay:
    """Decide ``entries`` (any order, each position once) again; a repeated position raises ``VerificationFailed``.

    ``verified``: keys with which the caller has already verified signatures, by position.
    Entries count once the batch entry that closes over them is itself admitted: a
    forged one must not lend its time to a statement on which a later one rests.
    """
    ordered = sorted(entries, key=lambda placed: placed.position)
    if len({placed.position for placed in ordered}) != len(ordered):
        raise VerificationFailed("two entries claim one position")
    result = Replay({}, {}, MemoryState())
    seen: dict[bytes, int] = {}
    waiting: list[Placed] = []
    for placed in ordered:
        identity = placed.statement.statement_id
        if identity in seen:
            result.refused[placed.position] = repeated(placed.position, seen[identity])
            continue
        seen[identity] = placed.position
        if placed.statement.event.type == "log.batch":
            _close(placed, waiting, result, verified or {})
            waiting = []
        else:
            waiting.append(placed)
    result.refused.update(_unclosed(waiting))
    return result


def shown_keys(found: Replay, trusted: KeyHistory) -> KeyHistory:
    """The keys of the log: as trusted, with the rotations among the entries that were admitted again.

    Raises ``VerificationFailed`` when these do not begin with the trusted keys, or contradict what is trusted.
    """
    log = found.state.get(LOG)
    return trusted.extended(history_of(log)) if isinstance(log, LogState) else trusted


class _Pending:
    """State with the changes of a batch that is not admitted yet."""

    def __init__(self, below: MemoryState) -> None:
        self._below = below
        self.changes: dict[str, State] = {}

    def get(self, key: str) -> State | None:
        return self.changes.get(key) or self._below.get(key)


def _close(batch: Placed, waiting: Sequence[Placed], result: Replay, verified: Mapping[int, PublicKey]) -> None:
    """Decide what ``batch`` covers and then itself; nothing of it counts unless the batch entry is admitted."""
    admitted_at = parse_time(batch.statement.event.time)
    pending = _Pending(result.state)
    admitted: dict[int, Admitted] = {}
    # A batch entry that skips a position leaves it without admission time: no later one may cover it.
    refused = _unclosed(one for one in waiting if not _covers(batch, one))
    for placed in [*(one for one in waiting if _covers(batch, one)), batch]:
        try:
            admission = decide(placed.statement, placed.position, admitted_at, pending, verified.get(placed.position))
        except VerificationFailed as error:
            refused[placed.position] = error
            continue
        pending.changes.update(admission.changes)
        admitted[placed.position] = Admitted(placed, admitted_at, batch.position, admission)
    if batch.position in refused:
        result.refused.update(dict.fromkeys(admitted, refused[batch.position]) | refused)
        return
    result.state.apply(pending.changes.items())
    result.admitted.update(admitted)
    result.refused.update(refused)


def _covers(batch: Placed, placed: Placed) -> bool:
    body: Batch = batch.statement.event.body
    return body.first <= placed.position <= body.last < batch.position


def _unclosed(entries: Iterable[Placed]) -> dict[int, VerificationFailed]:
    return {
        placed.position: Refused(
            "no-batch",
            "position",
            f"no batch entry shown covers position {placed.position}",
            "export again with the batch entry of each statement",
        )
        for placed in entries
    }


def repeated(position: int, first: int) -> Refused:
    """Why the statement at ``position`` is refused, which stands at ``first`` (rule A1)."""
    return Refused(
        "already-entered",
        "position",
        f"the statement at position {position} stands at {first} already",
        "a log takes a statement once: who wrote it a second time must explain",
    )
