"""The sequencer's side of the letterbox: takes work in the order in which it was left, and leaves answers."""

from __future__ import annotations

import functools
import logging
import queue
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future

from ledger.engine import LocalEngine
from ledger.errors import DatabaseUnreachable, Fenced, LogClosed
from ledger.shared.letterbox import LOOK, WORK, answers_for
from ledger.shared.packing import pack_outcomes, unpack_submissions
from ledger.store.postgres_wire import WRITER, Connection, Pool, listen, reaching
from ledger.submission import Outcome
from tallystick.lazy_dataclass import dataclass

IN_HAND = 256
"""Letters that are with the sequencer at a time."""

AGAIN = 0.2
"""Seconds after which work that failed as a whole is taken again."""
TRIES = 3
"""So often a letter may fail with its batch, for a reason of its own or of the store's; then its sender is told."""

_TAKE = (
    "SELECT turn, sender, work FROM submissions WHERE answer IS NULL AND turn <> ALL(%s::bigint[])"
    " ORDER BY turn LIMIT %s"
)
# One statement: a process that is frozen between two would keep its successor from answering these letters.
# A letter that somebody else holds is answered later. What was answered is not needed any more, and private values
# stand in it.
_ANSWER = (
    "WITH free AS (SELECT turn FROM submissions WHERE turn = ANY(%(turns)s) AND answer IS NULL FOR UPDATE SKIP LOCKED),"
    " kept AS (UPDATE submissions AS one SET answer = given.answer, work = ''"
    " FROM free JOIN unnest(%(turns)s::bigint[], %(answers)s::bytea[]) AS given (turn, answer) USING (turn)"
    " WHERE one.turn = free.turn RETURNING one.turn)"
    " SELECT array(SELECT turn FROM kept),"
    " (SELECT count(pg_notify(channel, '')) FROM unnest(%(channels)s::text[]) AS told (channel))"
)
FORGET_EVERY = 60.0
"""Seconds between two looks for answers whose sender died before it took them."""
_FORGET = "DELETE FROM submissions WHERE answer IS NOT NULL AND left_at < now() - interval '1 hour'"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    turn: int
    sender: str
    outcomes: bytes


class Clerk:
    """Two threads beside an elected engine: one brings it work, the other leaves its answers.

    Work that failed as a whole is tried again, by this sequencer or the next one; what fails again and again is
    answered without outcomes, so that it does not hold up all others for ever.
    """

    def __init__(self, dsn: str, engine: LocalEngine) -> None:
        self._dsn = dsn
        self._engine = engine
        self._pool = Pool(dsn, WRITER)
        self._in_hand: set[int] = set()
        self._failed: dict[int, int] = {}
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
        forget_at = 0.0
        while not self._closing.is_set():
            try:
                if connection is None or connection.closed:
                    connection = listen(self._dsn, "tallystick work", WORK)
                with reaching():
                    if time.monotonic() >= forget_at:
                        connection.execute(_FORGET)
                        forget_at = time.monotonic() + FORGET_EVERY
                    if not self._bring(connection):
                        for _ in connection.notifies(timeout=LOOK / 4, stop_after=1):
                            pass
            except DatabaseUnreachable as error:
                _log.warning("no work can be taken: %s", error)
                self._closing.wait(LOOK)
            # Without this thread nothing would be recorded any more, while the lease is renewed for ever.
            except Exception:
                _log.exception("no work could be taken")
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
        elif self._is_hopeless(turn, done.exception()):
            self._answers.put(_Answer(turn, sender, pack_outcomes([])))
        else:
            self._put_back([turn])

    def _is_hopeless(self, turn: int, failure: BaseException | None) -> bool:
        """It failed often, and neither for want of the database nor because this process is deposed."""
        if failure is None or isinstance(failure.__cause__, DatabaseUnreachable | Fenced):
            return False
        with self._lock:
            self._failed[turn] = self._failed.get(turn, 0) + 1
            return self._failed[turn] >= TRIES

    def _put_back(self, turns: Iterable[int]) -> None:
        """After a pause they are taken again."""
        later = threading.Timer(AGAIN, self._let_go, [turns])
        later.daemon = True
        later.start()

    def _let_go(self, turns: Iterable[int]) -> None:
        with self._lock:
            self._in_hand.difference_update(turns)

    # --- answering ---------------------------------------------------------------

    def _answer(self) -> None:
        open_ = True
        while open_:
            taken = [self._answers.get()]
            while not self._answers.empty():
                taken.append(self._answers.get())
            open_ = None not in taken
            if answers := [answer for answer in taken if answer is not None]:
                self._leave(answers)

    def _leave(self, answers: list[_Answer]) -> None:
        given = {
            "turns": [one.turn for one in answers],
            "answers": [one.outcomes for one in answers],
            "channels": list({answers_for(one.sender) for one in answers}),
        }
        while True:
            try:
                with self._pool.use() as connection:
                    found = connection.execute(_ANSWER, given).fetchone()
            except DatabaseUnreachable as error:
                _log.warning("answers wait: %s", error)
            except Exception:
                _log.exception("answers could not be left")
            else:
                break
            if self._closing.wait(LOOK):
                return  # the next sequencer finds the same answers
        assert found is not None  # a row of two aggregates
        kept = set(found[0])
        self._let_go(kept)
        with self._lock:
            for turn in kept:
                self._failed.pop(turn, None)
        # Held by somebody else, or not waiting any more.
        self._put_back([one.turn for one in answers if one.turn not in kept])
