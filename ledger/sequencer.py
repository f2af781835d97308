"""The single writer: statements queue, the writer takes all that wait as one batch, and answers after its commit.

While one batch is being committed the next one gathers, so that many callers share
one write to the disk and a lone caller waits for nobody.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from ledger.batch import Scribe
from ledger.errors import HistoryLost, LogClosed, LogHalted, OutcomeUnknown
from ledger.submission import Outcome, Submission
from tallystick.lazy_dataclass import dataclass

MAX_BATCH = 4096
"""Statements in a batch, unless one call brings more."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    submissions: Sequence[Submission]
    done: Future[list[Outcome]]


class Sequencer:
    """A thread that owns the order of a log. ``committed`` is called after each batch that added entries."""

    def __init__(self, scribe: Scribe, committed: Callable[[], None] = lambda: None) -> None:
        self._scribe = scribe
        self._committed = committed
        self._waiting: deque[_Work] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)
        self._thread.start()

    def submit(self, submissions: Sequence[Submission]) -> Future[list[Outcome]]:
        """Outcomes in order, all from one batch, once they are durable; the future raises if the store failed."""
        done: Future[list[Outcome]] = Future()
        with self._changed:
            if self._closing:
                raise LogClosed("the log is being closed; nothing was recorded")
            self._waiting.append(_Work(submissions, done))
            self._changed.notify()
        return done

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while self._wait():
            if taken := self._take():
                self._write(taken)

    def _wait(self) -> bool:
        """Whether there is more to do."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            return bool(self._waiting)

    def _take(self) -> list[_Work]:
        """What waits, up to a batch."""
        with self._changed:
            taken: list[_Work] = []
            count = 0
            while self._waiting and (not taken or count + len(self._waiting[0].submissions) <= MAX_BATCH):
                work = self._waiting.popleft()
                # A caller may give up as long as its turn has not come.
                if work.done.set_running_or_notify_cancel():
                    count += len(work.submissions)
                    taken.append(work)
            return taken

    def _write(self, taken: list[_Work]) -> None:
        try:
            outcomes = self._scribe.write([one for work in taken for one in work.submissions])
        except HistoryLost as error:
            _log.critical("HALTED: %s", error)
            for work in taken:
                work.done.set_result([LogHalted(str(error)) for _ in work.submissions])
            return
        # Whatever the store raises is the answer of everyone in the batch; the writer lives on.
        except Exception as error:
            _log.exception("a batch was not recorded, or nobody knows whether it was")
            for work in taken:
                failure = OutcomeUnknown(f"the store failed ({error}); submit the same statement again")
                failure.__cause__ = error
                work.done.set_exception(failure)
            return
        self._committed()
        at = 0
        for work in taken:
            work.done.set_result(outcomes[at : at + len(work.submissions)])
            at += len(work.submissions)
