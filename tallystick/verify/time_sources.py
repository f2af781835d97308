"""What step 11 reads: every source of time in the case, as bounds, each on the word of whoever gives it.

Nothing here decides whom to believe: a witness or a time authority is independent
only where the trust file says so, and all others count as the operator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import field, replace

from tallystick.cosignature import Witness, cosigned_at
from tallystick.errors import VerificationFailed
from tallystick.events.log import Batch, TimeMark
from tallystick.evm.anchor import AnchorFact
from tallystick.lazy_dataclass import dataclass
from tallystick.note import Note, Signature, verify_note
from tallystick.replay import Admitted
from tallystick.time_interval import UNSTATED, Source, Word
from tallystick.times import parse_time
from tallystick.timestamp import TimestampFact
from tallystick.tree_head import signing_time
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Tally, time_text

_CHAIN = 900
"""Accuracy in seconds of another chain's block times: the nodes of each refuse blocks that are much further off."""


def gather(ex: Examination, tally: Tally) -> list[Source]:
    """Every source that is not later than ``at``. Notes on ``tally`` what is later, and cosignatures that are none."""
    found = [source for one in ex.replay.admitted.values() for source in _batch(one)]
    seen = Seen([*found, *(_claimed(one) for one in ex.about)])
    _checkpoints(ex, tally, seen)
    for stamp in ex.stamped:
        seen.add(_token(stamp.fact, stamp.size), "rfc3161", stamp.token_sha256)
    for fact in ex.anchored:
        _block(fact, seen)
    _marks(ex, tally, seen)
    every = list(dict.fromkeys(seen.sources))
    timely = [source for source in every if source.time <= ex.at]
    for source in every:
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


@dataclass
class Seen:
    """Sources so far; and by what digest a ``log.time`` entry may name one."""

    sources: list[Source]
    named: dict[tuple[str, str], Source] = field(default_factory=dict)

    def add(self, source: Source, kind: str, digest: bytes) -> None:
        """Note a source whose ``digest`` nobody knew before its time."""
        self.sources.append(source)
        self.named[kind, digest.hex()] = source


def _checkpoints(ex: Examination, tally: Tally, seen: Seen) -> None:
    """When each tree was signed: by the log, and by the witnesses of the trust file."""
    log = ex.trust.logs.get(ex.case.index.log)
    if log is None or ex.keys is None:
        return
    for head in ex.heads:
        size, signed = head.checkpoint.size, signing_time(head.note, ex.keys)
        seen.sources.append(Source("checkpoint", ex.case.index.log, "operator", "not_after", size, signed, 0))
        for witness in log.witnesses:
            line = _line(head.note, witness)
            if line is None:
                continue
            try:
                verify_note(head.note, [witness])
            except VerificationFailed as error:
                tally.contradicts("time.bad-cosignature", name=witness.name, size=size, detail=str(error))
                continue
            word: Word = "independent" if witness.name in log.independent else "operator"
            source = Source("witness", witness.name, word, "not_after", size, cosigned_at(line.signature), UNSTATED)
            seen.add(source, "cosignature", hashlib.sha256(line.signature).digest())


def _line(note: Note, witness: Witness) -> Signature | None:
    named = (one for one in note.signatures if (one.name, one.key_id) == (witness.name, witness.key_id))
    return next(named, None)


def _block(fact: AnchorFact, seen: Seen) -> None:
    """The contract held this tree in a block of that time, by the clock of whoever makes blocks of that chain."""
    foreign = fact.vouched_by == "named-block" and not fact.sealed
    word: Word = "independent" if foreign else "operator"
    chain, block = f"{fact.chain_id}", f"{fact.block_number}"
    source = Source("block", chain, word, "not_after", fact.size, fact.block_time, _CHAIN if foreign else 0, block)
    seen.add(source, "block", fact.block_hash)


def _token(fact: TimestampFact, size: int, over: str = "") -> Source:
    """An authority stamped this tree, or a block that holds it. An authority of the operator's own is the operator."""
    seconds = fact.gen_time // 1_000_000
    accuracy = max(fact.not_after - seconds, seconds - fact.not_before) + (UNSTATED if fact.accuracy is None else 0)
    word: Word = "independent" if fact.independent else "operator"
    return Source("token", fact.authority, word, "not_after", size, seconds, accuracy, over)


def _marks(ex: Examination, tally: Tally, seen: Seen) -> None:
    """What stands after a ``log.time`` entry is later than what the entry names, if that is here and holds."""
    for position, one in sorted(ex.replay.admitted.items()):
        body = one.placed.statement.event.body
        if not isinstance(body, TimeMark):
            continue
        source = seen.named.get((body.kind, body.digest))
        if source is None:
            tally.shows("time.unshown", position=position, kind=body.kind, name=body.source)
        else:
            # A chain of the operator's own is a second clock of his: the two may differ as others may.
            accuracy = max(source.accuracy, UNSTATED) if source.kind == "block" else source.accuracy
            seen.sources.append(replace(source, bound="not_before", place=position, accuracy=accuracy))
