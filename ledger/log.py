"""A log in a data folder: the one object that the service opens, writes through and reads from."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType

from ledger.acknowledged import RememberingScribe, check_acknowledged
from ledger.batch import Clock
from ledger.bucket.place import BucketPlace
from ledger.checkpoint_store import Held, SqliteCheckpointStore
from ledger.engine import Engine, LocalEngine, Seat
from ledger.errors import LogExists, NoLog, WrongLog
from ledger.face import Cosigners
from ledger.folder import Folder, FolderLock
from ledger.genesis import Founding, begin
from ledger.nodes import NodeFiles
from ledger.publisher import Publisher
from ledger.reader import PublishedLog
from ledger.store import Store
from ledger.store.sqlite import create, open_store
from ledger.submission import Outcome, Receipt, Submission, prepare
from ledger.tiles import Tiles
from ledger.tilestore import TileStore
from tallystick.admission import LOG
from tallystick.admission.log_rules import role_key
from tallystick.admission.state import LogState
from tallystick.commitments import Disclosure
from tallystick.key_history import KeyHistory, history_of
from tallystick.keys import PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import Statement
from tallystick.tree_head import LogKeys, LogSigners, SignedCheckpoint

PUBLISH_EVERY = 0.1
"""Seconds between two publications at least."""


@dataclass(frozen=True)
class LogStatus:
    """How a log fares. ``clock_behind``: seconds by which the clock is behind the log's time.

    ``seat``: who sequences a log that several processes share. ``halted``: see ``EngineStatus``.
    """

    size: int
    published: int
    clock_behind: int
    publisher_error: str | None
    seat: Seat | None
    halted: str | None


def system_clock() -> int:
    """Unix seconds now."""
    return int(time.time())


class Log:
    """An open log. ``store.snapshot()`` gives reads of what is committed, ``published`` of what is published."""

    def __init__(self, store: Store, published: PublishedLog, engine: Engine, undo: ExitStack) -> None:
        """Use ``Log.open``, ``Log.create`` or ``ledger.shared.log``. ``undo`` lets go of what the log holds."""
        self.store = store
        self.published = published
        self._engine = engine
        self._undo = undo

    @classmethod
    def create(
        cls,
        path: Path,
        founding: Founding,
        signers: LogSigners,
        clock: Clock = system_clock,
        *,
        checkpoints: Path | None = None,
        bucket: BucketPlace | None = None,
        publish_every: float | None = PUBLISH_EVERY,
    ) -> Log:
        """Begin a log in ``path``, or go on where beginning one was cut short. Raises ``LogExists``."""
        folder = Folder(path, checkpoints)
        folder.make()
        lock = FolderLock(folder)
        try:
            _found(folder, founding, clock)
        finally:
            lock.release()
        return cls.open(path, signers, clock, checkpoints=checkpoints, bucket=bucket, publish_every=publish_every)

    @classmethod
    def open(
        cls,
        path: Path,
        signers: LogSigners,
        clock: Clock = system_clock,
        *,
        checkpoints: Path | None = None,
        bucket: BucketPlace | None = None,
        publish_every: float | None = PUBLISH_EVERY,
        cosigners: Cosigners | None = None,
        align: int | None = None,
    ) -> Log:
        """Open the log in ``path``; creates nothing. ``publish_every`` seconds at most, ``None``: only on demand.

        ``align``: see ``Publisher``. ``bucket``: where its tiles are published, if not in the folder.

        Raises ``NoLog``, ``LogBusy``, ``WrongLog``, ``UnknownSchema``, ``HistoryLost``, ``Corrupt`` or
        ``ObjectsUnreachable``.
        """
        folder = Folder(path, checkpoints)
        if not folder.database.is_file():
            raise NoLog(f"there is no log in {path}: correct the path, or begin one there with `init`")
        with ExitStack() as undo:
            undo.callback(FolderLock(folder).release)
            folder.keep_private()
            store = open_store(folder.database)
            undo.callback(store.close)
            keys = check_keys(store, signers.keys)
            held = SqliteCheckpointStore(folder.checkpoints)
            undo.callback(held.close)
            nodes = NodeFiles(folder.nodes)
            undo.callback(nodes.close)
            tiles, epoch = _tiles(folder, bucket, keys, held.latest(signers.origin), nodes)
            publisher = Publisher(store, tiles, held, signers, clock, cosigners, epoch, align)
            with store.snapshot() as reads:
                check_acknowledged(folder.acknowledged, reads.size())
            scribe = RememberingScribe(folder.acknowledged, store, signers.origin, signers.ed25519, clock)
            engine = LocalEngine(publisher, scribe, publish_every)
            return cls(store, PublishedLog(tiles, keys, nodes), engine, undo.pop_all())

    # --- writing -------------------------------------------------------------

    def submit(
        self, statement: Statement, disclosures: Iterable[Disclosure] = (), verified_with: PublicKey | None = None
    ) -> Future[Receipt]:
        """The receipt once the statement is durable; the future raises ``Refused``, ``Conflict``, ``OutcomeUnknown``.

        Raises ``VerificationFailed`` at once when a disclosure does not open a commitment.
        """
        receipt: Future[Receipt] = Future()
        receipt.set_running_or_notify_cancel()
        many = self.submit_many([prepare(statement, disclosures, verified_with)])
        many.add_done_callback(lambda done: _settle(receipt, done))
        return receipt

    def submit_many(self, submissions: Sequence[Submission]) -> Future[list[Outcome]]:
        """One outcome for each, in order, all decided in one batch: a refused one does not disturb the others."""
        return self._engine.submit(submissions)

    # --- publishing ----------------------------------------------------------

    def publish_now(self) -> SignedCheckpoint:
        """A published checkpoint of all that was committed when this was called; see ``Publisher.publish``."""
        return self._engine.publish_now()

    def wait_published(self, size: int, timeout: float) -> SignedCheckpoint:
        """A published checkpoint of at least ``size``, as soon as there is one. Raises ``TimeoutError`` (seconds)."""
        return self._engine.wait_published(size, timeout)

    def keys(self) -> LogState:
        """The log's keys, those before them, and its rules, as of the last entry."""
        with self.store.snapshot() as reads:
            state = reads.get(LOG)
        assert isinstance(state, LogState)  # ``open`` saw to it
        return state

    def status(self) -> LogStatus:
        """For people and monitors."""
        with self.store.snapshot() as reads:
            size = reads.size()
        engine = self._engine.status()
        return LogStatus(size, engine.published, engine.clock_behind, engine.error, engine.seat, engine.halted)

    # --- closing -------------------------------------------------------------

    def close(self) -> None:
        """Write what waits, finish the publication under way, and let go of everything."""
        self._engine.close()
        self._undo.close()

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _tiles(
    folder: Folder, bucket: BucketPlace | None, keys: KeyHistory, held: Held, nodes: NodeFiles
) -> tuple[Tiles, int | None]:
    """Where the log is published, and the epoch that its publisher has to take, if not just the next one."""
    if bucket is None:
        return TileStore(folder.public, nodes=nodes), None
    # The library is loaded where there is a bucket.
    from ledger.bucket.opening import publishing

    return publishing(bucket, keys, held, nodes)


def _settle(receipt: Future[Receipt], done: Future[list[Outcome]]) -> None:
    error = done.exception()
    outcome = error if error is not None else done.result()[0]
    if isinstance(outcome, Receipt):
        receipt.set_result(outcome)
    else:
        receipt.set_exception(outcome)


def _found(folder: Folder, founding: Founding, clock: Clock) -> None:
    """The checkpoint store comes first: where entries stand without one, somebody took it away."""
    if folder.database.exists() and not folder.checkpoints.exists():
        raise LogExists(f"{folder.database} exists without its checkpoint store: bring that back, then open the log")
    # Either may be there already, whole, when an earlier attempt was cut short; opening them says if they are not.
    with suppress(LogExists):
        SqliteCheckpointStore.create(folder.checkpoints)
    with closing(SqliteCheckpointStore(folder.checkpoints)) as held:
        held.enter(founding.origin)
    with suppress(LogExists):
        create(folder.database)
    with closing(open_store(folder.database)) as store:
        begin(store, founding, clock)


def check_keys(store: Store, keys: LogKeys) -> KeyHistory:
    """The keys of the log in ``store`` by size, of which ``keys`` must be those in force. ``NoLog``, ``WrongLog``."""
    with store.snapshot() as reads:
        log = reads.get(LOG)
    if not isinstance(log, LogState):
        raise NoLog("the database holds no genesis entries: begin the log with `init`")
    if log.origin != keys.origin:
        raise WrongLog(f"this is the log {log.origin}, the keys are of {keys.origin}")
    given = {"log": keys.ed25519, "log-pq": keys.ml_dsa, "authority": keys.authority}
    wrong = [_strange(log, role, key) for role, key in given.items() if role_key(log.keys, role) != key]
    if wrong:
        raise WrongLog(
            f"the log {log.origin} has other keys for: {', '.join(wrong)}; give the log its own keys, "
            "or finish the rotation that was cut short"
        )
    return history_of(log)


def _strange(log: LogState, role: str, key: PublicKey) -> str:
    for gone in log.retired or ():
        if PublicKey.from_text(gone.key) == key:
            return f"{role} (this one was replaced at position {gone.until}, {gone.not_after})"
    return role
