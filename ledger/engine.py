"""What writes and publishes a log in one process: the sequencer, and the publisher behind it.

``Log`` speaks to an ``Engine``: one of its own, or in a log that several processes share
the one that was elected, through the queue (``ledger.shared.log``).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

from ledger.background import BackgroundPublisher
from ledger.batch import Scribe
from ledger.errors import LogHalted
from ledger.publisher import Publisher
from ledger.sequencer import Sequencer
from ledger.submission import Outcome, Submission
from tallystick.lazy_dataclass import dataclass
from tallystick.tree_head import SignedCheckpoint


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sequences. ``epoch`` counts those who were elected; ``here``: whether it is this process."""

    epoch: int
    holder: str
    here: bool


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """``published``: size of the checkpoint that was seen last. ``error``: why nothing is published now.

    ``clock_behind``: seconds, where this process sequences. ``seat``: ``None`` for a log that one process keeps.
    ``halted``: why nothing is recorded nor signed until the operator has decided, where this process sequences.
    """

    published: int
    clock_behind: int
    error: str | None
    seat: Seat | None
    halted: str | None = None


class Engine(Protocol):
    """Takes statements and publishes."""

    def submit(self, submissions: Sequence[Submission]) -> Future[list[Outcome]]:
        """Outcomes in order, all from one batch, once they are durable; the future raises if nobody knows."""
        ...

    def publish_now(self) -> SignedCheckpoint:
        """A published checkpoint of everything that was committed when this was called."""
        ...

    def wait_published(self, size: int, timeout: float) -> SignedCheckpoint:
        """A published checkpoint of at least ``size``, as soon as there is one. Raises ``TimeoutError`` (seconds)."""
        ...

    def status(self) -> EngineStatus:
        """As of now."""
        ...

    def close(self) -> None:
        """Finish what is under way."""
        ...


def refused(why: Exception, submissions: Sequence[Submission]) -> Future[list[Outcome]]:
    """Nothing is recorded until the operator has decided: each outcome says why."""
    done: Future[list[Outcome]] = Future()
    done.set_result([LogHalted(str(why)) for _ in submissions])
    return done


class Shown:
    """The checkpoint that was published last, and who waits for one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.latest: SignedCheckpoint | None = None

    @property
    def size(self) -> int:
        """Of the latest; 0 before the first."""
        return self.latest.checkpoint.size if self.latest else 0

    def put(self, signed: SignedCheckpoint) -> None:
        """This one is published."""
        with self._changed:
            self.latest = signed
            self._changed.notify_all()

    def wait(self, size: int, timeout: float) -> SignedCheckpoint:
        """See ``Engine.wait_published``."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.latest and self.size >= size, timeout):
                raise TimeoutError(f"no checkpoint of size {size} was published in {timeout} s")
            assert self.latest is not None  # what was waited for
            return self.latest


class LocalEngine:
    """An ``Engine`` in this process. ``every``: seconds between publications at least; ``None``: only on demand."""

    def __init__(self, publisher: Publisher, scribe: Scribe, every: float | None) -> None:
        self._publisher = publisher
        self._scribe = scribe
        self._shown = Shown()
        self._background = BackgroundPublisher(self.publish_now, every) if every is not None else None
        self._sequencer = Sequencer(scribe, self.wake)
        self.wake()

    def submit(self, submissions: Sequence[Submission]) -> Future[list[Outcome]]:
        """See ``Engine``. While the publisher is halted, nothing is recorded: each outcome says why."""
        if halted := self._publisher.halted:
            return refused(halted, submissions)
        return self._sequencer.submit(submissions)

    def publish_now(self) -> SignedCheckpoint:
        """See ``Publisher.publish``. Raises ``HistoryLost`` where what was acknowledged is gone: it may come back."""
        signed = self._publisher.publish(self._scribe.check())
        self._shown.put(signed)
        return signed

    def wait_published(self, size: int, timeout: float) -> SignedCheckpoint:
        """See ``Engine``."""
        return self._shown.wait(size, timeout)

    def status(self) -> EngineStatus:
        """See ``Engine``."""
        error = self.error
        halted = self._publisher.halted or self._scribe.lost()
        return EngineStatus(
            self._shown.size,
            self._scribe.clock_behind,
            str(error) if error else None,
            None,
            str(halted) if halted else None,
        )

    @property
    def error(self) -> Exception | None:
        """Why the last publication failed."""
        return self._publisher.halted or (self._background.error if self._background else None)

    def wake(self) -> None:
        """Something was committed."""
        if self._background:
            self._background.wake()

    def close(self) -> None:
        """Write what waits, and finish the publication under way."""
        self._sequencer.close()
        if self._background:
            self._background.close()
