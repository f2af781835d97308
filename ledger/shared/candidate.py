"""A process that sequences when it is elected, and stands for election while it is not."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress

from ledger.batch import Clock, Reached, Scribe
from ledger.checkpoint_store import CheckpointStore
from ledger.engine import LocalEngine
from ledger.errors import DatabaseUnreachable, Fenced, Forked, HistoryLost, LedgerError, ObjectsUnreachable
from ledger.face import Cosigners
from ledger.publisher import Publisher
from ledger.shared.clerk import Clerk
from ledger.shared.election import Election
from ledger.shared.seen import Seen
from ledger.store import Store
from ledger.tiles import SharedTiles
from tallystick.lazy_dataclass import dataclass
from tallystick.tree_head import LogSigners

_AWAY = (DatabaseUnreachable, ObjectsUnreachable)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Office:
    """What a sequencer works with. ``enter`` tells the store the epoch to write in, ``None``: not to write.

    ``shown``: where readers read what it publishes.
    """

    dsn: str
    store: Store
    enter: Callable[[int | None], None]
    tiles: Callable[[int], SharedTiles]
    shown: SharedTiles
    checkpoints: CheckpointStore
    election: Election
    signers: LogSigners
    clock: Clock
    publish_every: float
    cosigners: Cosigners | None = None
    align: int | None = None


class Candidate:
    """A thread. ``engine`` is there while this process is the sequencer; ``error``: why it could not become it."""

    def __init__(self, office: Office, seen: Seen) -> None:
        self._office = office
        self._seen = seen
        self._closing = threading.Event()
        self.engine: LocalEngine | None = None
        self.error: Exception | None = None
        # Of all the times that it was elected: another may have sequenced in between, and has taken nothing away.
        self._reached = Reached()
        self._thread = threading.Thread(target=self._run, name="candidate", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the batch and the publication under way, and let another be elected at once."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        office = self._office
        while not self._closing.is_set():
            try:
                least = office.checkpoints.latest(office.signers.origin).epoch
                if office.election.vacant():
                    office.shown.checkpoint()
                    if (epoch := office.election.stand(least)) is not None:
                        self._serve(epoch)
                self.error = None
            # Another process may do better; this one tries again, and says meanwhile what keeps it.
            except Exception as error:
                if str(error) != str(self.error):
                    _log.exception("this process cannot sequence")
                self.error = error
            # The lease is looked at often enough to lose little time, seldom enough to cost nothing.
            self._closing.wait(office.election.seconds / (1 if self.lost else 10))

    @property
    def lost(self) -> HistoryLost | Forked | None:
        """What was signed or shown is not in the database, or is contradicted there: this process cannot sequence."""
        if self.engine is None and isinstance(self.error, HistoryLost | Forked):
            return self.error
        return self._seen.forked

    def _serve(self, epoch: int) -> None:
        office = self._office
        _log.info("%s sequences from now on, epoch %d", office.election.holder, epoch)
        office.enter(epoch)
        try:
            with closing(office.tiles(epoch)) as tiles:
                self._work(epoch, self._engine(epoch, tiles))
        finally:
            office.enter(None)
            self._resign(epoch)

    def _work(self, epoch: int, engine: LocalEngine) -> None:
        self.engine = engine
        clerk = Clerk(self._office.dsn, engine)
        try:
            self._hold(epoch, engine)
        finally:
            self.engine = None
            clerk.close()
            engine.close()
            clerk.finish()

    def _engine(self, epoch: int, tiles: SharedTiles) -> LocalEngine:
        office = self._office
        signers, clock = office.signers, office.clock
        shown = self._seen.newest
        publisher = Publisher(
            office.store, tiles, office.checkpoints, signers, clock, office.cosigners, epoch, office.align, shown
        )
        scribe = Scribe(office.store, signers.origin, signers.ed25519, clock, self._reached)
        return LocalEngine(publisher, scribe, office.publish_every)

    def _hold(self, epoch: int, engine: LocalEngine) -> None:
        """Say so again and again, until the process ends, or another has been elected, or nobody can be told.

        After a lease without any publication, for want of what it takes, the seat is offered in each round.
        """
        seconds = self._office.election.seconds
        told = published = time.monotonic()
        while not self._closing.wait(seconds / 5):
            asked = time.monotonic()
            try:
                held = self._office.election.renew(epoch)
            except DatabaseUnreachable as error:
                _log.warning("the lease cannot be renewed: %s", error)
                held = asked < told + seconds
            else:
                told = asked
            if not held or isinstance(engine.error, Fenced):
                _log.warning("epoch %d is over: another process sequences, or cannot be told not to", epoch)
                return
            if not isinstance(engine.error, _AWAY):
                published = asked
            elif asked >= published + seconds:
                self._offer(epoch, engine)

    def _offer(self, epoch: int, engine: LocalEngine) -> None:
        """Let the seat be taken by who reaches what cannot be reached from here; until then this process goes on.

        Not by who knows less: what was acknowledged here and is gone from the database, another would not miss.
        """
        with suppress(LedgerError):
            if not self._reaches() and engine.status().halted is None:
                self._resign(epoch)

    def _reaches(self) -> bool:
        """Whether what a publication takes besides the database is reached from here."""
        try:
            self._office.shown.checkpoint()
            self._office.checkpoints.latest(self._office.signers.origin)
        except _AWAY:
            return False
        return True

    def _resign(self, epoch: int) -> None:
        try:
            self._office.election.resign(epoch)
        except LedgerError as error:
            _log.warning("others have to wait for the end of the lease: %s", error)
