"""A log that several processes share, on one host or many: PostgreSQL between them, one elected sequencer among them.

Every process submits, reads and shows what is published; each that has the log's keys is a
candidate. See ADR 0013.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, suppress

from ledger.batch import Clock
from ledger.engine import EngineStatus, Seat, Shown, refused
from ledger.errors import (
    DatabaseUnreachable,
    HistoryLost,
    LogBusy,
    LogExists,
    NoLog,
    ObjectsUnreachable,
    OutcomeUnknown,
)
from ledger.face import Cosigners
from ledger.genesis import Founding, begin
from ledger.log import PUBLISH_EVERY, Log, check_keys, system_clock
from ledger.reader import PublishedLog
from ledger.rotation import write_rotation
from ledger.shared.candidate import Candidate, Office
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.election import Election
from ledger.shared.letterbox import LOOK, PATIENCE, Letterbox
from ledger.shared.place import Place
from ledger.shared.seen import Seen
from ledger.shared.tiles_postgres import CHANNEL
from ledger.shared.where import elected_tiles, readers_tiles
from ledger.store.postgres import create, open_store
from ledger.store.postgres_wire import Connection, listen, reaching
from ledger.submission import Outcome, Receipt, Submission
from ledger.tiles import SharedTiles
from ledger.upkeep.opening import keys_in
from tallystick.errors import TallystickError
from tallystick.events.log import Role
from tallystick.keys import Signer
from tallystick.tree_head import LogSigners, SignedCheckpoint

_log = logging.getLogger(__name__)


def create_shared(place: Place, founding: Founding, clock: Clock = system_clock) -> None:
    """Begin a log, or go on where beginning one was cut short. Raises ``LogExists``, ``LogBusy`` while another does."""
    with suppress(LogExists):
        create(place.database)
    election = Election(place.database, place.holder, place.lease)
    with closing(election), closing(open_store(place.database)) as store:
        with store.snapshot() as reads:
            if reads.size():
                raise LogExists(f"the database holds {reads.size()} entries: this log has begun, open it")
        with suppress(LogExists):
            PostgresCheckpointStore.create(place.signed)
        with closing(PostgresCheckpointStore(place.signed)) as held:
            held.enter(founding.origin)
            store.epoch = election.stand(held.latest(founding.origin).epoch)
        if store.epoch is None:
            raise LogBusy(f"{election.incumbent().holder} begins this log just now: wait, then open it")
        try:
            begin(store, founding, clock)
        finally:
            election.resign(store.epoch)


def has_log(database: str) -> bool:
    """Whether a log was begun there. Raises ``UnknownSchema``, ``DatabaseUnreachable``."""
    try:
        store = open_store(database)
    except NoLog:
        return False
    with closing(store), store.snapshot() as reads:
        return reads.size() > 0


def rotate_shared(
    place: Place, signers: Mapping[str, Signer], role: Role, new: Signer, clock: Clock = system_clock
) -> Receipt:
    """As ``ledger.rotation.rotate_key``, in a log that no process sequences meanwhile. Raises ``LogBusy`` otherwise."""
    election = Election(place.database, place.holder, place.lease)
    with (
        closing(election),
        closing(open_store(place.database)) as store,
        closing(PostgresCheckpointStore(place.signed)) as held,
    ):
        with store.snapshot() as reads:
            origin = keys_in(reads).origin
        with election.hold(held.latest(origin).epoch) as epoch:
            store.epoch = epoch
            return write_rotation(store, signers, role, new, clock)


def open_shared(
    place: Place,
    signers: LogSigners,
    clock: Clock = system_clock,
    *,
    publish_every: float = PUBLISH_EVERY,
    cosigners: Cosigners | None = None,
    align: int | None = None,
    patience: float = PATIENCE,
    adapt: Callable[[Office], Office] = lambda office: office,
) -> Log:
    """Open a log in this process, as one of its candidates. ``patience``: seconds that a caller waits for an answer.
    ``align``: see ``Publisher``; the same in every process.

    Raises ``NoLog``, ``WrongLog``, ``UnknownSchema``, ``HistoryLost`` or ``DatabaseUnreachable``. ``adapt`` may put
    other parts into the sequencer's hands.
    """
    with ExitStack() as undo:
        store = open_store(place.database)
        undo.callback(store.close)
        keys = check_keys(store, signers.keys)
        held = PostgresCheckpointStore(place.signed)
        undo.callback(held.close)
        # In this order, for others may be at work: what was signed is stored already.
        signed = held.latest(signers.origin).size
        with store.snapshot() as reads:
            size = reads.size()
        if size < signed:
            raise HistoryLost(
                f"the database has {size} entries, a checkpoint of {signed} was signed: it is an old copy. "
                "Bring back the newest database, or bring this one forward with `python -m ledger restore`; to go on "
                "from it as it is would be a second history"
            )
        election = Election(place.database, place.holder, place.lease)
        undo.callback(election.close)

        def tiles(epoch: int) -> SharedTiles:
            return elected_tiles(place, store.pool, keys, lambda: held.latest(signers.origin), epoch)

        shown = readers_tiles(place, store.pool)
        published = PublishedLog(shown, keys)
        office = Office(
            place.database,
            store,
            store.enter,
            tiles,
            shown,
            held,
            election,
            signers,
            clock,
            publish_every,
            cosigners,
            align,
        )
        engine = SharedEngine(adapt(office), published, patience)
        return Log(store, published, engine, undo.pop_all())


class SharedEngine:
    """An ``Engine`` whose sequencer may be any process: work goes through the queue, checkpoints are watched."""

    def __init__(self, office: Office, published: PublishedLog, patience: float) -> None:
        self._office = office
        self._patience = patience
        self._letters = Letterbox(office.dsn, patience)
        seen = Seen()
        self._watch = _Watch(office, published, seen)
        self._candidate = Candidate(office, seen)

    def submit(self, submissions: Sequence[Submission]) -> Future[list[Outcome]]:
        """See ``Engine``. Where what was signed is gone nobody would read the letters: each outcome says so."""
        if lost := self._candidate.lost:
            return refused(lost, submissions)
        return self._letters.submit(submissions)

    def publish_now(self) -> SignedCheckpoint:
        """See ``Engine``. Raises ``OutcomeUnknown`` when no sequencer published in time."""
        with self._office.store.snapshot() as reads:
            size = reads.size()
        try:
            return self.wait_published(size, self._patience)
        except TimeoutError as error:
            raise OutcomeUnknown(f"{error}: is there a sequencer?") from None

    def wait_published(self, size: int, timeout: float) -> SignedCheckpoint:
        """See ``Engine``."""
        return self._watch.shown.wait(size, timeout)

    def status(self) -> EngineStatus:
        """See ``Engine``."""
        engine = self._candidate.engine
        own = engine.status() if engine else None
        incumbent = self._office.election.incumbent()
        here = engine is not None and incumbent.holder == self._office.election.holder
        error = own.error if own else self._trouble(incumbent.seconds)
        seat = Seat(incumbent.epoch, incumbent.holder, here)
        lost = self._candidate.lost
        halted = (own.halted if own else None) or (str(lost) if lost else None)
        return EngineStatus(self._watch.shown.size, own.clock_behind if own else 0, error, seat, halted)

    def _trouble(self, seconds: float) -> str | None:
        """Nobody sequences, and what keeps this process from it."""
        if seconds > 0:
            return None
        return str(self._candidate.error or "no process sequences just now")

    def close(self) -> None:
        """Wait for answers that are due, then leave the seat."""
        self._letters.close()
        self._candidate.close()
        self._watch.close()


class _Watch:
    """A thread that sees each checkpoint that is published, whoever publishes it."""

    def __init__(self, office: Office, published: PublishedLog, seen: Seen) -> None:
        self.shown = Shown()
        self._office = office
        self._published = published
        self._seen = seen
        self._note = b""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        connection: Connection | None = None
        while not self._closing.is_set():
            try:
                if connection is None or connection.closed:
                    connection = listen(self._office.dsn, "tallystick watch", CHANNEL)
                self._look()
                with reaching():
                    for _ in connection.notifies(timeout=LOOK / 4, stop_after=1):
                        pass
            except (DatabaseUnreachable, ObjectsUnreachable) as error:
                _log.warning("publications are not seen: %s", error)
                self._closing.wait(LOOK)
            # Readers meet the same error and say it; whoever waits here goes on waiting.
            except TallystickError:
                _log.exception("what is published cannot be read")
                self._closing.wait(LOOK)
        if connection is not None:
            connection.close()

    def _look(self) -> None:
        try:
            note = self._published.note()
        except NoLog:
            return
        if note != self._note:
            signed = self._published.checkpoint()
            self.shown.put(signed)
            self._note = note
            self._seen.show(signed, self._office.shown)
