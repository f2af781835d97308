"""The way to a sequencer in another process: work is left in a table, and its answer is fetched from there.

Work is left under a number of the sender's, so that leaving it twice leaves it once; it is
taken again by the next sequencer when one is lost before it answered, and what it had
recorded by then is recognised: a statement has one position, however often it arrives.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

from ledger.errors import DatabaseUnreachable, LogClosed, OutcomeUnknown
from ledger.shared.packing import pack_submissions, unpack_outcomes
from ledger.store.postgres_wire import Connection, Pool, listen, reaching
from ledger.submission import Outcome, Submission
from tallystick.lazy_dataclass import dataclass

PATIENCE = 30.0
"""Seconds that a caller waits; a lost sequencer is replaced in less."""
WORK = "tallystick_work"
"""Notified when work was left."""
LOOK = 1.0
"""Seconds between two looks even if nobody notified: a notification may be lost with its connection."""

_LEAVE = (
    "WITH kept AS (INSERT INTO submissions (sender, number, work)"
    " SELECT %s, * FROM unnest(%b::bigint[], %b::bytea[]) ON CONFLICT DO NOTHING)"
    f" SELECT pg_notify('{WORK}', '')"
)
_TAKEN = "DELETE FROM submissions WHERE sender = %s AND number = ANY(%s)"
_TAKE_BACK = _TAKEN + " AND answer IS NULL"

_log = logging.getLogger(__name__)


def answers_for(sender: str) -> str:
    """The channel on which a sender hears of answers."""
    return f"tallystick_answer_{sender}"


@dataclass(slots=True)
class _Letter:
    work: bytes
    count: int
    done: Future[list[Outcome]]
    until: float


class Letterbox:
    """Two threads: one leaves what callers submit, all that waits at a time; the other fetches answers."""

    def __init__(self, dsn: str, patience: float = PATIENCE) -> None:
        self._dsn = dsn
        self._patience = patience
        self._sender = secrets.token_hex(8)
        self._numbers = itertools.count()
        self._pool = Pool(dsn, "tallystick letters")
        self._changed = threading.Condition()
        self._unsent: dict[int, _Letter] = {}
        self._pending: dict[int, _Letter] = {}
        self._closing = False
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True)
            for name, run in (("letters", self._send), ("answers", self._fetch))
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, submissions: Sequence[Submission]) -> Future[list[Outcome]]:
        """See ``Engine``."""
        until = time.monotonic() + self._patience
        letter = _Letter(pack_submissions(submissions), len(submissions), Future(), until)
        letter.done.set_running_or_notify_cancel()
        with self._changed:
            if self._closing:
                raise LogClosed("the log is being closed; nothing was recorded")
            self._unsent[next(self._numbers)] = letter
            self._changed.notify_all()
        return letter.done

    def close(self) -> None:
        """Wait for the answers that are due, as long as callers would, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            # By then each caller has an answer, or was told that there is none.
            self._changed.wait_for(lambda: not (self._unsent or self._pending))
        for thread in self._threads:
            thread.join()
        self._pool.close()

    # --- leaving -----------------------------------------------------------------

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._unsent or (self._closing and not self._pending))
                if not self._unsent:
                    return
                letters = dict(self._unsent)
                # An answer may come before the call that left the work returns.
                self._pending |= letters
            try:
                self._leave(letters)
            except DatabaseUnreachable as error:
                _log.warning("work waits: %s", error)
                time.sleep(LOOK)
                continue
            # Callers are told when they have waited long enough; without this thread nobody would be heard again.
            except Exception:
                _log.exception("work could not be left")
                time.sleep(LOOK)
                continue
            with self._changed:
                for number in letters:
                    self._unsent.pop(number, None)
                self._changed.notify_all()

    def _leave(self, letters: dict[int, _Letter]) -> None:
        # What was given up meanwhile is not left.
        live = {number: letter.work for number, letter in letters.items() if number in self._pending}
        with self._pool.use() as connection:
            connection.execute(_LEAVE, (self._sender, list(live), list(live.values())))

    # --- fetching ----------------------------------------------------------------

    def _fetch(self) -> None:
        connection: Connection | None = None
        while not self._finished():
            try:
                if connection is None or connection.closed:
                    connection = listen(self._dsn, "tallystick answers", answers_for(self._sender))
                with reaching():
                    self._collect(connection)
                    for _ in connection.notifies(timeout=LOOK / 4, stop_after=1):
                        pass
            except DatabaseUnreachable as error:
                _log.warning("answers wait: %s", error)
                time.sleep(LOOK / 4)
            except Exception:
                _log.exception("answers could not be fetched")
                time.sleep(LOOK / 4)
            self._give_up()
        if connection is not None:
            connection.close()

    def _finished(self) -> bool:
        with self._changed:
            return self._closing and not self._pending and not self._unsent

    def _collect(self, connection: Connection) -> None:
        query = "SELECT number, answer FROM submissions WHERE sender = %s AND answer IS NOT NULL"
        answers = connection.execute(query, (self._sender,), binary=True).fetchall()
        for number, answer in answers:
            with self._changed:
                letter = self._pending.pop(number, None)
                self._unsent.pop(number, None)
                self._changed.notify_all()
            if letter is not None:
                _settle(letter, answer)
        if answers:
            connection.execute(_TAKEN, (self._sender, [number for number, _ in answers]))

    def _give_up(self) -> None:
        """Callers who have waited long enough are told that nobody knows."""
        now = time.monotonic()
        with self._changed:
            late = {number: letter for number, letter in self._pending.items() if letter.until < now}
            for number in late:
                del self._pending[number]
                self._unsent.pop(number, None)
            self._changed.notify_all()
        if not late:
            return
        try:
            with self._pool.use() as connection:
                connection.execute(_TAKE_BACK, (self._sender, list(late)))
        # Whatever it is, callers are told.
        except Exception as error:
            _log.warning("work that nobody waits for stays in the queue: %s", error)
        for letter in late.values():
            problem = f"no sequencer answered in {self._patience:.0f} s; submit the same statement again"
            letter.done.set_exception(OutcomeUnknown(problem))


def _settle(letter: _Letter, answer: bytes) -> None:
    try:
        outcomes = unpack_outcomes(answer)
    # Another version of the program may answer what this one cannot read; its caller is told, and others go on.
    except Exception:
        _log.exception("an answer could not be read")
        outcomes = []
    if len(outcomes) == letter.count:
        letter.done.set_result(outcomes)
    else:
        problem = "the sequencer could not record it, and says so in its log; submit the same statement again"
        letter.done.set_exception(OutcomeUnknown(problem))
