"""How anchoring fares at each target: what it covers, since when something waits, and what a person must look at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Literal, TypeAlias

from anchors.outbox_rows import OPEN_STATES, Target
from anchors.timestamps.outbox import Stamp
from api.services.anchoring import AnchorDesk, AnchorView
from api.services.errors import NotFound
from api.services.timestamps import TimestampDesk
from ledger.log import Log
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.times import format_time
from tallystick.wording import Wording

AlarmKind: TypeAlias = Literal["late", "over-budget", "dropped", "stopped", "timestamp"]

WATCH_SECONDS = 10.0
"""So often the alarms are looked at, for the log of the service."""

NO_TARGET = "-"
"""Stands for the target where there is none yet."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unanchored:
    """An entry that no final anchor of a target covers. ``admitted_at``: Unix seconds."""

    position: int
    admitted_at: int


@dataclass(frozen=True)
class Alarm:
    """A person must look. ``since``: Unix seconds."""

    kind: AlarmKind
    target: str
    since: int
    words: Wording


Known: TypeAlias = dict[tuple[str, AlarmKind], Alarm]
"""Alarms by target and kind."""


@dataclass(frozen=True)
class TargetView:
    """A target with its newest anchors. ``anchored``: leaves that its last final anchor covers.

    ``oldest``: the oldest entry beyond that; ``current``: whether the settings name it still.
    """

    target: Target
    anchored: int
    final: AnchorView | None
    newest: AnchorView | None
    oldest: Unanchored | None
    current: bool


@dataclass(frozen=True)
class EntryAnchors:
    """Where an entry is anchored: the first final anchor of each target that covers it, oldest first.

    ``waiting``: the others, with the anchor that is on its way there and covers it, if there is one.
    """

    position: int
    admitted_at: int
    anchors: tuple[AnchorView, ...]
    waiting: tuple[tuple[Target, AnchorView | None], ...]


class AnchorWatch:
    """Reads outbox and log as of now."""

    def __init__(
        self,
        log: Log,
        desk: AnchorDesk,
        stamps: TimestampDesk,
        names: Collection[str],
        limit: int | None,
        clock: Callable[[], int],
    ) -> None:
        """``names``: targets that the settings name. ``limit``: seconds for which an entry may be without an anchor;
        ``None``: anchors are another service's to look after.
        """
        self._log = log
        self._desk = desk
        self._stamps = stamps
        self._names = names
        self._limit = limit
        self._clock = clock

    def targets(self) -> tuple[TargetView, ...]:
        """Every target, oldest first."""
        return tuple(self._target(target, target.spec.name in self._names) for target in self._desk.targets())

    def alarms(self) -> tuple[Alarm, ...]:
        """What a person must look at, the oldest first. A target that the settings no longer name raises none."""
        if self._limit is None:
            return ()
        targets = [one for one in self.targets() if one.current]
        found = [alarm for one in targets for alarm in self._alarms(one)]
        found += [_stamp_alarm(stamp) for stamp in self._stamps.alarming()]
        if not targets and (late := self._late(NO_TARGET, self._unanchored(0))):
            found.append(late)
        return tuple(sorted(found, key=lambda alarm: alarm.since))

    def unanchored(self) -> Unanchored | None:
        """The oldest entry that no final anchor of any target covers."""
        return self._unanchored(self._desk.anchored_size())

    def entry(self, position: int) -> EntryAnchors:
        """Raises ``NotFound``."""
        with self._log.store.snapshot() as reads:
            batch, size = reads.batch_of(position), reads.size()
        if batch is None or position >= size:
            raise NotFound(f"no entry stands at position {position}", f"the log has {size} entries", "position")
        final, waiting = [], []
        for target in self._desk.targets():
            view = self._desk.covering(target, position, ("final",))
            if view:
                final.append(view)
            elif target.spec.name in self._names:
                waiting.append((target, self._desk.covering(target, position, OPEN_STATES)))
        return EntryAnchors(position, batch.admitted_at, tuple(final), tuple(waiting))

    async def run(self) -> None:
        """Tell the log of the service of each alarm when it begins and when it is over, for ever."""
        known: Known = {}
        while True:
            try:
                known = await asyncio.to_thread(self.tell, known)
            except TallystickError:
                _log.exception("anchors could not be looked at; trying again")
            await asyncio.sleep(WATCH_SECONDS)

    def tell(self, known: Known) -> Known:
        """What is an alarm now; the log of the service is told in what that differs from ``known``."""
        found = {(one.target, one.kind): one for one in self.alarms()}
        for key in sorted(found.keys() - known.keys()):
            _log.error("ALARM %s: %s", found[key].target, found[key].words.en)
        for key in sorted(known.keys() - found.keys()):
            _log.warning("alarm over: %s, %s", known[key].target, known[key].kind)
        return found

    # --- one target ------------------------------------------------------------------

    def _target(self, target: Target, current: bool) -> TargetView:
        final, newest = self._desk.of_target(target)
        anchored = final.anchor.size if final else 0
        return TargetView(target, anchored, final, newest, self._unanchored(anchored), current)

    def _unanchored(self, anchored: int) -> Unanchored | None:
        with self._log.store.snapshot() as reads:
            # Not the record at that position: a batch entry has none.
            batch = reads.batch_of(anchored) if anchored < reads.size() else None
        return Unanchored(anchored, batch.admitted_at) if batch else None

    def _alarms(self, view: TargetView) -> list[Alarm]:
        target, name = view.target, view.target.spec.name
        late = self._late(name, view.oldest)
        found = [late] if late else []
        if target.waits is not None:
            words = Wording(f"超出预算，锚定在等待：{target.waits}", f"anchoring waits for money: {target.waits}")
            found.append(Alarm("over-budget", name, target.waits_at or 0, words))
        if target.stopped:
            words = Wording(f"锚定已停止：{target.trouble}", f"anchoring is stopped: {target.trouble}")
            found.append(Alarm("stopped", name, target.trouble_at or 0, words))
        newest = view.newest.anchor if view.newest else None
        if newest is not None and newest.state == "dropped":
            words = Wording(
                f"大小 {newest.size} 的锚定已放弃：{newest.error}",
                f"the anchor of size {newest.size} was dropped: {newest.error}",
            )
            found.append(Alarm("dropped", name, newest.dropped_at or 0, words))
        return found

    def _late(self, name: str, oldest: Unanchored | None) -> Alarm | None:
        """Late is what was admitted longer ago than an anchor may take, by the service's clock."""
        if oldest is None or self._limit is None or self._clock() - oldest.admitted_at <= self._limit:
            return None
        at = format_time(oldest.admitted_at)
        words = Wording(
            f"位置 {oldest.position} 的条目收录于 {at}，超过 {self._limit} 秒仍无最终锚定",
            f"entry {oldest.position} was admitted at {at} and has no final anchor after more than {self._limit} s",
        )
        return Alarm("late", name, oldest.admitted_at + self._limit, words)


def _stamp_alarm(stamp: Stamp) -> Alarm:
    words = Wording(f"时间戳机构的回答不能采信：{stamp.error}", f"its answer cannot be believed: {stamp.error}")
    return Alarm("timestamp", stamp.authority, stamp.prepared_at, words)
