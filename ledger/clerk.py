"""The sequencer's side of the letterbox: takes work in the order in which it was left, and leaves answers."""

from __future__ import annotations

import functools
import logging
import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass

from ledger.engine import LocalEngine
from ledger.errors import DatabaseUnreachable, LogClosed
from ledger.letterbox import LOOK, WORK, answers_for
from ledger.packing import pack_outcomes, unpack_submissions
from ledger.store.postgres_wire import Connection, Pool, connect, reaching
from ledger.submission import Outcome

IN_HAND = 256
"""Letters that are with the sequencer at a time."""

AGAIN = 0.2
"""Seconds after which work that failed as a whole is taken again."""

_TAKE = (
    "SELECT turn, sender, work FROM submissions WHERE answer IS NULL AND turn <> ALL(%s::bigint[])"
    " ORDER BY turn LIMIT %s"
)
_ANSWER = (
    "UPDATE submissions AS one SET answer = given.answer FROM unnest(%s::bigint[], %s::bytea[]) AS given (turn, answer)"
    " WHERE one.turn = given.turn AND one.answer IS NULL"
)
_FORGET = "DELETE FROM submissions WHERE answer IS NOT NULL AND left_at < now() - interval '1 hour'"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    turn: int
    sender: str
    outcomes: bytes


class Clerk:
    """Two threads beside an elected engine: one brings it work, the other leaves its answers.

    Work that failed as a whole is not answered: this sequencer tries it again, or the next one does.
    """

    def __init__(self, dsn: str, engine: LocalEngine) -> None:
        self._dsn = dsn
        self._engine = engine
        self._pool = Pool(dsn, "tallystick clerk")
        self._in_hand: set[int] = set()
        self._lock = threading.Lock()
        self._answers: queue.SimpleQueue[_Answer | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True)
            for name, run in (("clerk", self._take), ("clerk's answers", self._answer))
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Take no more. To be called before the engine is closed, and ``finish`` after it."""
        self._closing.set()
        self._threads[0].join()

    def finish(self) -> None:
        """Leave the answers that there are."""
        self._answers.put(None)
        self._threads[1].join()
        self._pool.close()

    # --- taking ------------------------------------------------------------------

    def _take(self) -> None:
        connection: Connection | None = None
        while not self._closing.is_set():
            try:
                if connection is None or connection.closed:
                    connection = connect(self._dsn, "tallystick work")
                    connection.execute(f"LISTEN {WORK}")
                    connection.execute(_FORGET)
                with reaching():
                    if not self._bring(connection):
                        for _ in connection.notifies(timeout=LOOK / 4, stop_after=1):
                            pass
            except DatabaseUnreachable as error:
                _log.warning("no work can be taken: %s", error)
                self._closing.wait(LOOK)
        if connection is not None:
            connection.close()

    def _bring(self, connection: Connection) -> bool:
        """Whether there was work to bring."""
        with self._lock:
            held = list(self._in_hand)
        if len(held) >= IN_HAND:
            return False
        letters = connection.execute(_TAKE, (held, IN_HAND - len(held)), binary=True).fetchall()
        for turn, sender, work in letters:
            with self._lock:
                self._in_hand.add(turn)
            try:
                submissions = unpack_submissions(work)
            # Its sender is told, and the next letter taken.
            except Exception:
                _log.exception("a letter cannot be read")
                self._answers.put(_Answer(turn, sender, pack_outcomes([])))
                continue
            try:
                done = self._engine.submit(submissions)
            except LogClosed:
                return True
            done.add_done_callback(functools.partial(self._done, turn, sender))
        return bool(letters)

    def _done(self, turn: int, sender: str, done: Future[list[Outcome]]) -> None:
        if done.exception() is None:
            self._answers.put(_Answer(turn, sender, pack_outcomes(done.result())))
        else:
            # After a pause it is taken again.
            later = threading.Timer(AGAIN, self._put_back, [turn])
            later.daemon = True
            later.start()

    def _put_back(self, turn: int) -> None:
        with self._lock:
            self._in_hand.discard(turn)

    # --- answering ---------------------------------------------------------------

    def _answer(self) -> None:
        open_ = True
        while open_:
            taken = [self._answers.get()]
            while not self._answers.empty():
                taken.append(self._answers.get())
            open_ = None not in taken
            self._leave([answer for answer in taken if answer is not None])

    def _leave(self, answers: list[_Answer]) -> None:
        while answers:
            try:
                with self._pool.use() as connection, connection.transaction():
                    connection.execute(_ANSWER, ([one.turn for one in answers], [one.outcomes for one in answers]))
                    for sender in {one.sender for one in answers}:
                        connection.execute("SELECT pg_notify(%s, '')", (answers_for(sender),))
            except DatabaseUnreachable as error:
                _log.warning("answers wait: %s", error)
                if self._closing.wait(LOOK):
                    return  # the next sequencer finds the same answers
                continue
            with self._lock:
                self._in_hand -= {one.turn for one in answers}
            return
