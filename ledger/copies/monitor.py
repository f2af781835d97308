"""Watching a log: its history is one, its checkpoints fresh, its entries as its own rules and its reader expect.

A monitor keeps a verified copy (``mirror``), reads each new entry from it once, and decides
every admission again. What it found, the states that the entries give and the position
that it has reached are committed together: an alarm is told once at least, and no entry
is passed over because a process ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ledger.copies.auditing import Hand, MapWatch
from ledger.copies.evidence import save
from ledger.copies.known import Head, KnownLog
from ledger.copies.mirror import Mirror
from ledger.copies.source import Source
from ledger.copies.watching import Alarm, Scan, WatchStore
from ledger.errors import BadSource, Corrupt, ForkSeen, Unreachable
from ledger.upkeep.opening import keys_of
from ledger.upkeep.rebuild import published_entries
from tallystick.admission import LOG
from tallystick.cosignature import MlDsaCosigner, cosigned_at
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import Freeze
from tallystick.lazy_dataclass import dataclass
from tallystick.tiles import Tile
from tallystick.times import format_time
from tallystick.tree_head import verify_tree_head
from tallystick.witness_policy import WitnessPolicy

STATES = "monitor.sqlite"
CHUNK = 1024
"""Entries scanned between two commits, or one batch if it has more."""
AHEAD = 60
"""Seconds by which the clock of a log may be ahead of ours."""
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Expectations:
    """What a reader expects. No ``issuers``: anybody whom the rules admit. ``max_age``: seconds, of the checkpoint.

    ``policy``: which witnesses must have cosigned it.
    """

    issuers: frozenset[str] = frozenset()
    watched: frozenset[str] = frozenset()
    max_age: int | None = None
    policy: WitnessPolicy | None = None


class Monitor:
    """A watch over one log, in a folder of its own; one process at a time."""

    def __init__(
        self, path: Path, log: KnownLog, source: Source, expected: Expectations, hand: Hand | None = None
    ) -> None:
        """``hand``: signs audits of the map, where this monitor is an auditor.

        Raises ``MalformedInput`` when an age is expected and no key given that states one; else as ``Mirror``."""
        self._cosigners = {(one.name, one.key_id) for one in log.verifiers if isinstance(one, MlDsaCosigner)}
        if expected.max_age is not None and not self._cosigners:
            raise MalformedInput("the age of a checkpoint is told by its ML-DSA-44 signature: give that key too")
        self._log = log
        self._origin = log.origin
        self._expected = expected
        self._source = _Remembering(source)
        self._mirror = Mirror(path, log, self._source)
        try:
            self._store = WatchStore(path / STATES)
            self._map = MapWatch(path, log.origin, self._store, self._mirror.tiles, hand)
            if seen := self._seen():
                # Should the copy be lost, what comes in its place must extend what was scanned.
                self._mirror.follower.expect(seen)
        except BaseException:
            self._mirror.close()
            raise

    def look(self, now: int, progress: Progress = lambda done: None) -> Head | None:
        """Follow the log once, and scan what is new: what was found waits in ``alarms``. Raises ``Unreachable``.

        ``now``: Unix seconds. ``progress`` is told how many more entries are copied or scanned.
        """
        try:
            self._store.add(self._follow(now, progress))
        except Unreachable:
            self._store.add(list(self._unseen(now)))
            raise
        try:
            held = self._mirror.follower.held()
        except Corrupt:
            return None  # The step read it too: an alarm tells of it, which nobody would hear if this were raised.
        seen = self._seen()
        # A copy that was lost and holds less by now has nothing new: the alarm says what was shown instead.
        if held is not None and (seen is None or held.checkpoint.size >= seen.checkpoint.size):
            self._scan(held, now, progress)
            self._map.look(held, now)
        return held

    def audit(self) -> bytes | None:
        """See ``MapWatch.audit``."""
        return self._map.audit()

    def alarms(self) -> Iterator[str]:
        """JSON lines that were not told yet; each counts as told when the next one is asked for."""
        return self._store.untold()

    def ended(self) -> Freeze | None:
        """See ``Mirror.ended``."""
        return self._mirror.ended()

    def close(self) -> None:
        """Let the next process in."""
        self._map.close()
        self._store.close()
        self._mirror.close()

    def _follow(self, now: int, progress: Progress) -> list[Alarm]:
        try:
            step = self._mirror.step(progress)
        except ForkSeen as fork:
            return [Alarm("fork", str(fork), now, evidence=str(self._mirror.evidence))]
        except (BadSource, Corrupt) as error:
            files = {"checkpoint": self._source.last, "problem": f"{error}\n".encode()}
            return [Alarm("inconsistent", str(error), now, evidence=str(self._keep("inconsistent", files)))]
        found = []
        seen = self._seen()
        before = max([step.held, *([seen] if seen else [])], key=lambda head: head.checkpoint.size)
        if step.offered.checkpoint.size < before.checkpoint.size:
            files = {"shown": step.offered.note.encode(), "shown-before": before.note.encode()}
            message = f"size {step.offered.checkpoint.size} is shown, {before.checkpoint.size} was shown before"
            found.append(Alarm("went-backwards", message, now, evidence=str(self._keep("went-backwards", files))))
        return [*found, *self._stale(step.offered, now), *self._unwitnessed(step.offered, now)]

    def _seen(self) -> Head | None:
        """The newest checkpoint of which entries were scanned; the copy itself may be lost."""
        reached = self._store.reached()
        return self._log.verify(reached.note.encode()) if reached else None

    def _keep(self, kind: str, files: dict[str, bytes]) -> Path:
        return save(self._mirror.evidence, kind, files)

    def _unseen(self, now: int) -> Iterator[Alarm]:
        """A log that answers no more would else never be too old: the newest checkpoint that it showed gets older."""
        held = self._mirror.follower.held()
        if held is not None:
            yield from self._stale(held, now, "the log is out of reach; the newest checkpoint that it showed")

    def _stale(self, head: Head, now: int, what: str = "the checkpoint shown") -> Iterator[Alarm]:
        if self._expected.max_age is None:
            return
        ours = [one for one in head.parsed.signatures if (one.name, one.key_id) in self._cosigners]
        signed = max(cosigned_at(one.signature) for one in ours)
        if now - signed > self._expected.max_age:
            message = f"{what} was signed at {format_time(signed)}, {now - signed} seconds ago"
            yield Alarm("stale", message, now)
        elif signed > now + AHEAD:
            message = (
                f"{what} was signed at {format_time(signed)}, {signed - now} seconds from now: its age tells nothing"
            )
            yield Alarm("stale", message, now)

    def _unwitnessed(self, head: Head, now: int) -> Iterator[Alarm]:
        if self._expected.policy is None:
            return
        try:
            self._expected.policy.require(head.parsed, now)
        except VerificationFailed as error:
            yield Alarm("below-quorum", f"the checkpoint of size {head.checkpoint.size}: {error}", now)

    def _scan(self, held: Head, now: int, progress: Progress) -> None:
        reached = self._store.reached()
        first, size = reached.size if reached else 0, held.checkpoint.size
        scan = Scan(self._store, first, self._origin, self._expected.issuers, self._expected.watched, now)
        done = first
        for position, entry in enumerate(published_entries(self._mirror.tiles, first, size), first):
            closed = scan.take(position, entry)
            if closed and position + 1 - done >= CHUNK:
                # Within the copy's checkpoint, whose note stands for every size below it.
                self._store.commit(scan, position + 1, held.note)
                progress(position + 1 - done)
                done = position + 1
        scan.end(size)
        if size > done:
            self._store.commit(scan, scan.first, held.note)
            progress(size - done)
        self._store.add(list(self._keys(held, now)))

    def _keys(self, held: Head, now: int) -> Iterator[Alarm]:
        """The checkpoint bears the keys that the entries below it name, also where others were given as well."""
        keys = keys_of(self._store.states().get(LOG))
        if keys is None:
            return
        try:
            verify_tree_head(held.note.encode(), keys)
        except VerificationFailed as error:
            kept = self._keep("keys", {"checkpoint": held.note.encode()})
            message = f"the log's entries name other keys for this checkpoint: {error}"
            yield Alarm("keys", message, now, evidence=str(kept))


class _Remembering:
    """A source that remembers the checkpoint it gave last, which may become evidence."""

    def __init__(self, source: Source) -> None:
        self._inner = source
        self.name = source.name
        self.last = b""

    def checkpoint(self) -> bytes:
        self.last = self._inner.checkpoint()
        return self.last

    def tile(self, tile: Tile) -> bytes:
        return self._inner.tile(tile)

    def close(self) -> None:
        self._inner.close()
