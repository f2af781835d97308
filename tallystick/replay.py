"""Replay: decide entries again, in log order, from the entries alone.

Given the whole log this repeats every admission. Given the entries of a bundle it
shows that each was entitled *on the strength of the entries shown*: a rule that
needs an entry which is not shown refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tallystick.admission import Admission, MemoryState, Refused, decide
from tallystick.errors import VerificationFailed
from tallystick.events.log import Batch
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


def replay(entries: Sequence[Placed]) -> Replay:
    """Decide ``entries`` (any order, each position once) again; a repeated position raises ``VerificationFailed``."""
    ordered = sorted(entries, key=lambda placed: placed.position)
    if len({placed.position for placed in ordered}) != len(ordered):
        raise VerificationFailed("two entries claim one position")
    batches = {placed.position: placed for placed in ordered if placed.statement.event.type == "log.batch"}
    result = Replay({}, {}, MemoryState())
    for placed in ordered:
        try:
            batch = _batch_of(placed, batches.values())
            admitted_at = parse_time(batch.statement.event.time)
            admission = decide(placed.statement, placed.position, admitted_at, result.state)
        except VerificationFailed as error:
            result.refused[placed.position] = error
            continue
        result.state.apply(admission.changes)
        result.admitted[placed.position] = Admitted(placed, admitted_at, batch.position, admission)
    for admitted in list(result.admitted.values()):
        if admitted.batch in result.refused:
            # Its time was taken from a batch entry that turned out not to be the log's.
            result.refused[admitted.placed.position] = result.refused[admitted.batch]
            del result.admitted[admitted.placed.position]
    return result


def _batch_of(placed: Placed, batches: Iterable[Placed]) -> Placed:
    """The batch entry that closes over this entry; a batch entry closes itself."""
    if placed.statement.event.type == "log.batch":
        return placed
    for batch in batches:
        body: Batch = batch.statement.event.body
        if body.first <= placed.position <= body.last < batch.position:
            return batch
    raise Refused(
        "no-batch",
        "position",
        f"no batch entry shown covers position {placed.position}",
        "export again with the batch entry of each statement",
    )
