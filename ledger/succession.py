"""What a log succeeds: another that has ended, read whole from its tiles and verified before a word is said of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from ledger.copies.source import Source
from ledger.errors import BadSource, LedgerError
from tallystick.admission import LOG
from tallystick.admission.state import LogState
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import Freeze, Predecessor
from tallystick.key_history import history_of
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import CompactRange, leaf_hash
from tallystick.note import parse_note
from tallystick.replay import Placed, replay
from tallystick.statement import parse_statement
from tallystick.tiles import WIDTH, bundles_between, parse_bundle
from tallystick.tree_head import verify_tree_head
from tallystick.trust import LogTrust

_ABOUT_THE_LOG = b'"type":"log.'
"""In the canonical JSON of every entry that a log says about itself."""

Progress = Callable[[int], None]


class NotEnded(LedgerError):
    """The other log goes on, or names another successor."""


@dataclass(frozen=True)
class Ended:
    """A log that has ended: what its successor says of it, and ``note``, its last checkpoint."""

    predecessor: Predecessor
    note: bytes


def read_predecessor(source: Source, trust: LogTrust, successor: str, progress: Progress = lambda done: None) -> Ended:
    """Read all of a log that has ended, which ``trust`` names, for the log ``successor`` to say where it ended.

    Raises ``BadSource`` when what is read is not that log, whole; ``NotEnded``; and what the source does.
    """
    note = source.checkpoint()
    try:
        checkpoint = parse_body(parse_note(note).text)
        entries = _Entries(source, checkpoint, progress)
        state = _state(entries)
        keys = trust.history.extended(history_of(state))
        if history_of(state).first != trust.keys:
            raise VerificationFailed("its entry 0 names other keys than those that are trusted")
        verify_tree_head(note, keys)
    except (VerificationFailed, MalformedInput) as error:
        raise BadSource(f"{source.name} is not the log {trust.keys.origin}, whole and signed: {error}") from None
    if state.frozen is None or state.frozen != checkpoint.size - 2:
        raise NotEnded(f"the log {state.origin} goes on: its registrar ends it with log.freeze first")
    _check_successor(entries.freeze, state.origin, successor)
    size, root = checkpoint.size, checkpoint.root.hex()
    return Ended(Predecessor(state.origin, size, root, hashlib.sha256(note).hexdigest()), note)


class _Entries:
    """What the log says about itself, gathered while every entry is hashed."""

    def __init__(self, source: Source, checkpoint: Checkpoint, progress: Progress) -> None:
        self.about: list[Placed] = []
        self.freeze: Freeze | None = None
        edge = CompactRange()
        for position, entry in _read(source, checkpoint.size, progress):
            edge.append(leaf_hash(entry))
            if _ABOUT_THE_LOG in entry:
                self._take(Placed(position, parse_statement(entry)))
        if edge.root() != checkpoint.root:
            raise VerificationFailed("its entries do not give the root of its checkpoint")

    def _take(self, placed: Placed) -> None:
        """Of the batch entries those that close over something that was kept: memory stays small."""
        event = placed.statement.event
        closes_nothing = not self.about or self.about[-1].statement.event.type == "log.batch"
        if not event.type.startswith("log.") or (event.type == "log.batch" and closes_nothing):
            return
        self.about.append(placed)
        if isinstance(event.body, Freeze):
            self.freeze = event.body


def _read(source: Source, size: int, progress: Progress) -> Iterator[tuple[int, bytes]]:
    for bundle in bundles_between(0, size):
        entries = parse_bundle(source.tile(bundle))[: bundle.width]
        yield from enumerate(entries, bundle.index * WIDTH)
        progress(len(entries))


def _state(entries: _Entries) -> LogState:
    decided = replay(entries.about)
    state = decided.state.get(LOG)
    if decided.refused or not isinstance(state, LogState):
        first = min(decided.refused, default=0)
        raise decided.refused.get(first, VerificationFailed("it has no key set"))
    return state


def _check_successor(freeze: Freeze | None, origin: str, successor: str) -> None:
    if origin == successor:
        raise NotEnded(f"{successor} is the log that ended: its successor has a name of its own")
    if freeze is not None and freeze.successor not in (None, successor):
        raise NotEnded(f"the log {origin} ended in favour of {freeze.successor}, not of {successor}")
