"""What step 11 reads: every source of time in the case, as bounds, each on the word of whoever gives it.

Nothing here decides whom to believe: a witness or a time authority is independent
only where the trust file says so, and all others count as the operator.
"""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import Witness, cosigned_at
from tallystick.errors import VerificationFailed
from tallystick.events.log import Batch
from tallystick.note import Note, Signature, verify_note
from tallystick.replay import Admitted
from tallystick.time_interval import UNSTATED, Source, Word
from tallystick.times import parse_time
from tallystick.tree_head import signing_time
from tallystick.trust import LogTrust
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Tally, time_text


def gather(ex: Examination, tally: Tally) -> list[Source]:
    """Every source that is not later than ``at``. Notes on ``tally`` what is later, and cosignatures that are none."""
    found = [source for one in ex.replay.admitted.values() for source in _batch(one)]
    found += [_claimed(one) for one in ex.about]
    found += _checkpoints(ex, tally)
    found += [_block(ex, number) for number in range(len(ex.anchored))]
    timely = [source for source in found if source.time <= ex.at]
    for source in found:
        if source.time > ex.at:
            tally.shows("time.later", source=source, time=time_text(source.time))
    return timely


def _batch(one: Admitted) -> Iterable[Source]:
    """The operator says: admitted at this time; and what stands before it earlier, what stands after it later."""
    body = one.placed.statement.event.body
    if isinstance(body, Batch):
        place, size = str(one.placed.position), one.placed.position + 1
        yield Source("batch", place, "operator", "not_before", body.first, one.admitted_at, UNSTATED)
        yield Source("batch", place, "operator", "not_after", size, one.admitted_at, UNSTATED)


def _claimed(one: Admitted) -> Source:
    """Nothing is logged before it is said, by the clock of whoever says it."""
    event, position = one.placed.statement.event, one.placed.position
    return Source("claimed", str(position), "party", "not_before", position, parse_time(event.time), UNSTATED)


def _checkpoints(ex: Examination, tally: Tally) -> Iterable[Source]:
    log = ex.trust.logs.get(ex.case.index.log)
    if log is None or ex.keys is None:
        return
    for head in ex.heads:
        size, signed = head.checkpoint.size, signing_time(head.note, ex.keys)
        yield Source("checkpoint", ex.case.index.log, "operator", "not_after", size, signed, 0)
        for witness in log.witnesses:
            yield from _cosignature(log, witness, head.note, head.checkpoint, tally)


def _cosignature(log: LogTrust, witness: Witness, note: Note, checkpoint: Checkpoint, tally: Tally) -> Iterable[Source]:
    """When a witness of the trust file saw this tree, by its clock, whose accuracy nothing states."""
    line = _line(note, witness)
    if line is None:
        return
    try:
        verify_note(note, [witness])
    except VerificationFailed as error:
        tally.contradicts("time.bad-cosignature", name=witness.name, size=checkpoint.size, detail=str(error))
        return
    word: Word = "independent" if witness.name in log.independent else "operator"
    seconds = cosigned_at(line.signature)
    yield Source("witness", witness.name, word, "not_after", checkpoint.size, seconds, UNSTATED)


def _line(note: Note, witness: Witness) -> Signature | None:
    named = (one for one in note.signatures if (one.name, one.key_id) == (witness.name, witness.key_id))
    return next(named, None)


def _block(ex: Examination, number: int) -> Source:
    """The contract held this tree in a block of that time. Who vouches for the header vouches for its time."""
    fact = ex.anchored[number]
    chain, block = f"{fact.chain_id}", str(fact.block_number)
    return Source("block", chain, "operator", "not_after", fact.size, fact.block_time, 0, block)
