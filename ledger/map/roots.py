"""States the root of the map in the log, and answers under the roots that are stated.

One process at a time does this for a log. What is kept here is no more than a copy: a file that is gone, damaged or
of another log's history is made anew from the entries, and nothing is said that the entries do not give.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ledger.batch import Clock
from ledger.errors import Corrupt
from ledger.log import Log
from ledger.map.audits import Audits
from ledger.map.check import as_appended
from ledger.map.disk import DiskMap
from ledger.store import Reads, Record, Search
from tallystick.admission.state import LOG, MAP, LogState, MapState
from tallystick.events import Event
from tallystick.events.kinds import SINCE
from tallystick.events.log import MapRoot
from tallystick.keys import Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.map import MapProof, Relation, key_of
from tallystick.map.about import BOOKKEEPING
from tallystick.map.audit import Auditor
from tallystick.merkle import root_at
from tallystick.statement import parse_statement, sign_statement
from tallystick.times import format_time

TYPE = "log.map-root"
PATIENCE = 30.0
"""Seconds for an entry to be recorded, or published."""
_PAGE = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MapView:
    """The map under a root that a published entry states. ``batch``: of the entry at ``position``."""

    position: int
    batch: int
    size: int
    root: bytes
    audits: tuple[bytes, ...]
    _map: DiskMap

    def prove(self, relation: Relation, text: str) -> MapProof:
        """The proof for a text; only as long as the view is open."""
        return self._map.prove(key_of(relation, text))


class MapRoots:
    """The map of one log in a folder of its own; from any thread. ``every``: seconds until an entry is covered."""

    def __init__(
        self, log: Log, signer: Signer, folder: Path, every: int, clock: Clock, auditors: tuple[Auditor, ...] = ()
    ) -> None:
        """``signer``: the log's own key."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._log = log
        self._signer = signer
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._map = DiskMap(folder / "map.sqlite")
        self._ours = False
        """What the map holds beyond the newest root that is stated was worked out here."""
        self._audited = DiskMap(folder / "audited.sqlite")
        self.auditors = auditors
        """Whose audits are kept."""
        self._audits = Audits(folder / "audits", auditors)

    def close(self) -> None:
        """Make all durable."""
        with self._lock, closing(self._audited):
            self._map.close()

    # --- stating -------------------------------------------------------------------------------------

    def state(self, *, at_once: bool = False) -> int | None:
        """State the root if that is due; where its entry stands.

        Due: something that counts is not covered, and was not for ``every`` seconds, or ``at_once`` is asked for.
        An idle log never states one. Raises what ``Log.submit`` does.
        """
        with self._lock:
            with self._log.store.snapshot() as reads:
                size = reads.size()
                first = _uncovered(reads)
                if first is None or not (at_once or first.admitted_at + self._every <= self._clock()):
                    return None
                self._hold(reads)
                root = self._worked_out(self._map, size, reads)
            event = Event(
                type=TYPE,
                event_id=f"map-{size}",
                subject=self._log.published.keys.origin,
                time=format_time(self._clock()),
                body=MapRoot(size, root.hex()),
            )
            statement = sign_statement(self._signer, event.subject, event)
            return self._log.submit(statement, verified_with=self._signer.public).result(PATIENCE).position

    def _hold(self, reads: Reads) -> None:
        """The map against the root that was stated last, from where it mostly goes on.

        The file leads to its own root, whatever it is: that this is right says the log's word, or having worked it out.
        """
        record = _newest(reads)
        stated: MapRoot | None = None if record is None else parse_statement(record.entry).event.body
        if stated is None or self._map.size > stated.size:
            if self._map.size and not self._ours:
                _log.warning("the map is of %d entries, of which no root is stated: it is made anew", self._map.size)
                self._map.reset()
        elif self._worked_out(self._map, stated.size, reads).hex() != stated.root:
            _log.warning("the map is not of the root that was stated last: it is made anew from the entries")
            self._map.reset()
        self._ours = True

    def _worked_out(self, found: DiskMap, size: int, reads: Reads) -> bytes:
        """The root of the first ``size`` entries. A map in a damaged file is made anew."""
        try:
            if found.damaged:
                found.reset()
            self._bring(found, size, reads)
            return found.root()
        except Corrupt as error:
            if not found.damaged:
                raise
            _log.warning("the map is made anew from the entries: %s", error)
            found.reset()
            self._bring(found, size, reads)
            return found.root()

    def _bring(self, found: DiskMap, size: int, reads: Reads) -> None:
        if found.size > size:
            found.reset()
        for entries, leaves in as_appended(reads, found.size, size):
            found.take(entries, leaves)
        found.flush()

    # --- answering -----------------------------------------------------------------------------------

    @contextmanager
    def view(self, *, audited: bool = False) -> Iterator[MapView | None]:
        """Under the newest root, or the newest that an auditor signed; ``None`` while there is none.

        The entry that states it is published. No root is stated as long as this is open.
        """
        with self._lock:
            yield self._view(audited)

    @contextmanager
    def views(self) -> Iterator[tuple[MapView, ...]]:
        """Both at once, where they differ; none where there is none, or where it is not published in time.

        So a log of which nothing is published for a while still shows what an auditor signed before.
        """
        with self._lock:
            found = [view for view in map(self._view_in_time, (False, True)) if view is not None]
            yield tuple({view.position: view for view in found}.values())

    def _view_in_time(self, audited: bool) -> MapView | None:
        try:
            return self._view(audited)
        except TimeoutError as error:
            _log.warning("a root of the map is not shown: %s", error)
            return None

    def _view(self, audited: bool) -> MapView | None:
        with self._log.store.snapshot() as reads:
            record = self._audited_root(reads) if audited else _newest(reads)
            found = self._audited if audited else self._map
            view = None if record is None else self._checked(found, record, reads)
        if view is not None and self._log.published.checkpoint().checkpoint.size <= view.batch:
            self._log.wait_published(view.batch + 1, PATIENCE)
        return view

    def _checked(self, found: DiskMap, record: Record, reads: Reads) -> MapView:
        stated: MapRoot = parse_statement(record.entry).event.body
        if self._worked_out(found, stated.size, reads).hex() != stated.root:
            found.reset()
            if self._worked_out(found, stated.size, reads).hex() != stated.root:
                raise Corrupt(
                    f"entry {record.position} states another map root than the entries give: run `fsck`",
                    record.position,
                )
        root = bytes.fromhex(stated.root)
        audits = self._audits.of(stated.size, root)
        return MapView(record.position, record.batch, stated.size, root, audits, found)

    # --- audits --------------------------------------------------------------------------------------

    def take_audit(self, note: bytes) -> int:
        """Keep an auditor's word; the size that it is about.

        Raises ``MalformedInput``, or ``VerificationFailed`` unless a known auditor signed it, over this log's tree and
        a root that the log states.
        """
        published = self._log.published.checkpoint().checkpoint
        nodes = self._log.published.nodes(published.size)
        with self._log.store.snapshot() as reads:

            def stated(size: int) -> tuple[bytes, bytes] | None:
                record = _root_of(reads, published.origin, size)
                if record is None or record.position >= published.size:
                    return None
                body: MapRoot = parse_statement(record.entry).event.body
                return root_at(nodes, size), bytes.fromhex(body.root)

            return self._audits.take(note, published.origin, stated)

    def _audited_root(self, reads: Reads) -> Record | None:
        size = self._audits.newest()
        return None if size is None else _root_of(reads, self._log.published.keys.origin, size)


def _newest(reads: Reads) -> Record | None:
    state = reads.get(MAP)
    return reads.record(state.position) if isinstance(state, MapState) else None


def _root_of(reads: Reads, origin: str, size: int) -> Record | None:
    position = reads.position_of_event(origin, f"map-{size}")
    record = None if position is None else reads.record(position)
    return record if record is not None and record.type == TYPE else None


def _uncovered(reads: Reads) -> Record | None:
    """The first entry that counts and is not covered, if the rules let a root be stated."""
    log, state = reads.get(LOG), reads.get(MAP)
    if not isinstance(log, LogState) or log.version < SINCE[TYPE] or log.frozen is not None:
        return None
    after = state.size - 1 if isinstance(state, MapState) else -1
    while found := reads.search(Search(after=after, limit=_PAGE)):
        for record in found:
            if record.type not in BOOKKEEPING:
                return record
        after = found[-1].position
    return None
