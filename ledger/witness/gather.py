"""Gathering: all witnesses are asked side by side, and no publication waits longer than it was told to.

One thread for each witness has one task: a cosignature of the newest checkpoint. One
that fails is asked again, ever more rarely, and is not waited for until it has
answered once more; what comes after the deadline is shown late.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from ledger.batch import Clock
from ledger.face import Offer
from ledger.witness.client import Transport, WitnessAlarm, WitnessClient, WitnessFailed, recall
from tallystick.cosignature import Witness
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.note import Note, Signature, verify_note
from tallystick.witness_policy import WitnessPolicy

TIMEOUT = 10.0
"""Seconds for one answer."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a witness that failed is asked again; doubled each time."""

_Key: TypeAlias = tuple[str, bytes]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WitnessReport:
    """How a witness fares. ``size``: of the last tree that it cosigned for this process, -1 for none.

    ``error``: why it gave nothing for the newest; ``alarm``: what it says contradicts our history.
    """

    url: str
    names: tuple[str, ...]
    size: int = -1
    error: str | None = None
    alarm: bool = False


Ask: TypeAlias = Callable[[Offer], Sequence[Signature]]
"""Verified cosignatures by one witness. Raises ``WitnessFailed``."""


Recall: TypeAlias = Callable[[str, str], Note | None]
"""The checkpoint that the witness at a URL cosigned last of a log, unverified. Raises ``WitnessFailed``."""


class _Task:
    """The newest checkpoint, and the lines that it has. Guarded by the gatherer's condition."""

    def __init__(self, offer: Offer, lines: Mapping[_Key, Signature]) -> None:
        self.offer = offer
        self.signed = offer.signed
        self.lines = dict(lines)
        self.answered: set[str] = set()
        self.returned = False


class _Asker:
    """A witness and its thread. Everything but ``ask`` is guarded by the gatherer's condition."""

    def __init__(self, url: str, names: Mapping[_Key, str], ask: Ask) -> None:
        self.url = url
        self.names = names
        self.ask = ask
        self.report = WitnessReport(url, tuple(names.values()))
        self.busy: _Task | None = None
        self.pause = 0.0
        self.not_before = 0.0

    def hopeful(self, task: _Task) -> bool:
        """It may answer soon: it is not failing, nor still at an older task that it was not waited for any more."""
        return self.wants(task) and not self.pause and self.busy in (None, task)

    def wants(self, task: _Task) -> bool:
        return self.url not in task.answered

    def failed(self, error: WitnessFailed, first_pause: float) -> None:
        self.busy = None
        self.pause = min(self.pause * 2 or first_pause, LONGEST_PAUSE)
        self.not_before = time.monotonic() + self.pause
        told, alarm = str(error), isinstance(error, WitnessAlarm)
        if told != self.report.error:
            _log.log(logging.ERROR if alarm else logging.WARNING, "%switness %s: %s", "ALARM: " * alarm, self.url, told)
        self.report = replace(self.report, error=told, alarm=alarm)

    def cosigned(self, size: int) -> None:
        self.dropped()
        self.report = replace(self.report, size=size)

    def dropped(self) -> None:
        self.busy = None
        self.pause = self.not_before = 0.0
        self.report = replace(self.report, error=None, alarm=False)


class Gatherer:
    """The ``Cosigners`` of a log whose policy names witnesses. ``deadline``: seconds that a publication may wait."""

    def __init__(
        self,
        policy: WitnessPolicy,
        askers: Mapping[str, Ask],
        deadline: float,
        first_pause: float = FIRST_PAUSE,
        recall: Recall = lambda url, origin: None,
    ) -> None:
        """``askers``: by URL, for each URL of the policy. Use ``open_gatherer``."""
        self.policy = policy
        self._recall = recall
        self._first_pause = first_pause
        self._deadline = deadline
        self._verifiers: dict[_Key, Witness] = {_key(one.verifier): one.verifier for one in policy.witnesses}
        self._names: dict[_Key, str] = {_key(one.verifier): one.name for one in policy.witnesses}
        self._changed = threading.Condition()
        self._task: _Task | None = None
        self._met = True
        self._closing = False
        self._askers = [_Asker(url, self._keys_of(url), ask) for url, ask in askers.items()]
        for asker in self._askers:
            threading.Thread(target=self._run, args=(asker,), name=f"witness {asker.url}", daemon=True).start()

    # --- for the publisher ---------------------------------------------------

    def gather(self, offer: Offer) -> Sequence[Signature]:
        """See ``Cosigners``. Of one checkpoint only the first call waits."""
        note = offer.signed.note
        with self._changed:
            task = self._task
            if task is None or task.signed.note.text != note.text:
                task = self._task = _Task(offer, self._present(note))
                for asker in self._askers:
                    if set(asker.names) <= set(task.lines):
                        task.answered.add(asker.url)
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closing or self._enough(task), self._deadline)
                self._tell(task)
            task.returned = True
            return tuple(task.lines.values())

    def remembered(self, origin: str) -> Sequence[Note]:
        """See ``Cosigners``. All are asked at once; who does not answer by the deadline is not waited for."""
        found: dict[str, Note] = {}

        def ask(url: str) -> None:
            try:
                note = self._recall(url, origin)
            except WitnessFailed as error:
                _log.warning("witness %s does not say what it cosigned last: %s", url, error)
                return
            if note is not None:
                with self._changed:
                    merged = found.setdefault(note.text, note)
                    found[note.text] = Note(note.text, tuple(dict.fromkeys((*merged.signatures, *note.signatures))))

        threads = [threading.Thread(target=ask, args=(one.url,), daemon=True) for one in self._askers]
        end = time.monotonic() + self._deadline
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        with self._changed:
            return tuple(found.values())

    def vouch(self, note: Note) -> bool:
        """See ``Cosigners``."""
        names = [self._names[key] for key in self._present(note)]
        return bool(names) and self.policy.satisfied_by(names)

    def reports(self) -> list[WitnessReport]:
        """How each witness fares."""
        with self._changed:
            return [asker.report for asker in self._askers]

    def close(self) -> None:
        """Ask no more. Threads that wait for a witness end with the process."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    # --- the threads ---------------------------------------------------------

    def _run(self, asker: _Asker) -> None:
        while task := self._next(asker):
            try:
                lines = asker.ask(task.offer)
            except Exception as error:
                if _is_over(task.offer):
                    self._drop(asker, task, error)
                else:
                    self._met_with(asker, task.offer, error)
            else:
                self._take(asker, task, lines)

    def _met_with(self, asker: _Asker, offer: Offer, error: Exception) -> None:
        if not isinstance(error, WitnessFailed):
            # Not the witness's fault: a tile that cannot be read, or a bug. The log goes on; somebody must look.
            _log.error("witness %s could not be asked", asker.url, exc_info=error)
            error = WitnessFailed(f"it could not be asked: {error}")
        self._failed(asker, error)
        if isinstance(error, WitnessAlarm):
            self._doubt(asker, offer)

    def _drop(self, asker: _Asker, task: _Task, error: Exception) -> None:
        """Whoever signed later asks now. What a witness has against this checkpoint may be that it cosigned that one.

        One that did not answer is not waited for with the next one either.
        """
        with self._changed:
            task.answered.add(asker.url)
            if isinstance(error, WitnessFailed) and not isinstance(error, WitnessAlarm):
                asker.failed(error, self._first_pause)
            else:
                asker.dropped()
            self._changed.notify_all()

    def _next(self, asker: _Asker) -> _Task | None:
        """The task, as soon as there is one for this witness and its pause is over; ``None``: no more."""
        with self._changed:
            while not self._closing:
                wait: float | None = None
                if self._task and asker.wants(self._task):
                    wait = asker.not_before - time.monotonic()
                    if wait <= 0:
                        asker.busy = self._task
                        return self._task
                self._changed.wait(wait)
            return None

    def _failed(self, asker: _Asker, error: WitnessFailed) -> None:
        with self._changed:
            asker.failed(error, self._first_pause)
            self._changed.notify_all()

    def _doubt(self, asker: _Asker, offer: Offer) -> None:
        """What the witness says is its word alone; what it shows may bear the log's own signature."""
        try:
            shown = self._recall(asker.url, offer.signed.checkpoint.origin)
        except WitnessFailed as error:
            _log.warning("witness %s does not show what it holds: %s", asker.url, error)
            return
        if shown is not None:
            offer.doubt(shown)

    def _take(self, asker: _Asker, task: _Task, lines: Sequence[Signature]) -> None:
        with self._changed:
            asker.cosigned(task.signed.checkpoint.size)
            task.answered.add(asker.url)
            task.lines.update({(line.name, line.key_id): line for line in lines})
            late = task.returned and task is self._task
            self._changed.notify_all()
            if late:
                self._tell(task)
        if late:
            try:
                task.offer.late(task.signed, lines)
            # Kept in memory: the next publication of this checkpoint shows it.
            except Exception:
                _log.exception("a late cosignature by %s could not be shown", asker.url)

    # --- what counts ---------------------------------------------------------

    def _enough(self, task: _Task) -> bool:
        """The quorum is there, or nobody is left who answered when last asked."""
        return self._quorum(task) or not any(asker.hopeful(task) for asker in self._askers)

    def _quorum(self, task: _Task) -> bool:
        return self.policy.satisfied_by([self._names[key] for key in task.lines])

    def _tell(self, task: _Task) -> None:
        """Once when it falls below quorum, once when it is back."""
        met, size = self._quorum(task), task.signed.checkpoint.size
        if met != self._met:
            self._met = met
            have = ", ".join(self._names[key] for key in task.lines) or "nobody"
            if met:
                _log.warning("the checkpoint of size %d has its quorum of witnesses again: %s", size, have)
            else:
                _log.error("the checkpoint of size %d is BELOW QUORUM: cosigned by %s so far", size, have)

    def _present(self, note: Note) -> dict[_Key, Signature]:
        """Good cosignatures that the note bears already."""
        found = {}
        for line in note.signatures:
            verifier = self._verifiers.get((line.name, line.key_id))
            if verifier is None:
                continue
            try:
                verify_note(note, [verifier])
            except (MalformedInput, VerificationFailed):
                continue
            found[line.name, line.key_id] = line
        return found

    def _keys_of(self, url: str) -> dict[_Key, str]:
        return {_key(one.verifier): one.name for one in self.policy.witnesses if one.url == url}


def open_gatherer(policy: WitnessPolicy, clock: Clock, deadline: float) -> Gatherer:
    """A gatherer over HTTP. Raises ``MalformedInput`` for a witness without an address, or with one that is none."""
    keys: dict[str, list[Witness]] = {}
    for one in policy.witnesses:
        if one.url is None:
            raise MalformedInput(f"the witness {one.name!r} has no address: witness <name> <vkey> <url>")
        keys.setdefault(one.url, []).append(one.verifier)
    askers: dict[str, Ask] = {
        url: WitnessClient(verifiers, Transport(url, TIMEOUT).post, clock).cosign for url, verifiers in keys.items()
    }
    return Gatherer(policy, askers, deadline, recall=lambda url, origin: recall(url, origin, deadline))


def _is_over(offer: Offer) -> bool:
    """Whether another checkpoint was signed since."""
    try:
        return not offer.newest()
    # Nobody knows just now; it is asked again, and so is this.
    except Exception:
        return False


def _key(verifier: Witness) -> _Key:
    return verifier.name, verifier.key_id
