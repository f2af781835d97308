"""Anchors as the service sees them: it asks for them, names their targets in the log, and shows what came of it.

The worker process does the anchoring; the two meet in the outbox.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from anchors.errors import OutboxConflict
from anchors.outbox import Outbox
from anchors.outbox_rows import Anchor, Request, Target
from api.services.drafts import Draft
from api.services.errors import NotFound, Unavailable
from api.services.submission import SubmissionService
from api.services.voices import Voices
from tallystick import canonical
from tallystick.errors import TallystickError
from tallystick.schema import write

NAMING_PAUSE = 0.25
"""Seconds between two looks for a target that waits for its name."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnchorView:
    """An anchor and where it goes."""

    anchor: Anchor
    target: Target

    @property
    def trust_line(self) -> str:
        """What it proves, and on whose word."""
        return self.anchor.trust(self.target.spec).text("en")


class AnchorDesk:
    """The outbox, shared between the threads of this process."""

    def __init__(self, outbox: Outbox, clock: Callable[[], int]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._lock = threading.Lock()

    def request(self, reason: str, size: int) -> Request:
        """Ask that the log be anchored at ``size`` or beyond as soon as that is published."""
        with self._lock:
            return self._outbox.request(reason, size, self._clock())

    async def urgent(self, reason: str, size: int) -> None:
        """As ``request``, beside the event loop."""
        await asyncio.to_thread(self.request, reason, size)

    def anchors(self) -> list[AnchorView]:
        """Every anchor, by target and size."""
        with self._lock:
            targets = {target.id: target for target in self._outbox.targets()}
            return [AnchorView(anchor, targets[anchor.target_id]) for anchor in self._outbox.anchors()]

    def anchor(self, anchor_id: int) -> AnchorView:
        """Raises ``NotFound``."""
        with self._lock:
            try:
                anchor = self._outbox.anchor(anchor_id)
            except OutboxConflict as error:
                raise NotFound(str(error), "list the anchors", "id") from None
            (target,) = (target for target in self._outbox.targets() if target.id == anchor.target_id)
        return AnchorView(anchor, target)

    def proof(self, anchor_id: int) -> bytes:
        """The packed ``AnchorProof`` of a final anchor. Raises ``NotFound``, ``Unavailable`` while it is on its way."""
        anchor = self.anchor(anchor_id).anchor
        if anchor.proof is None:
            raise Unavailable(f"anchor {anchor_id} is {anchor.state}: its proof is packed when it is final")
        return anchor.proof

    def targets(self) -> list[Target]:
        """Every target, oldest first."""
        with self._lock:
            return self._outbox.targets()

    def anchored_size(self) -> int:
        """The largest size that some target holds for good."""
        with self._lock:
            last = (self._outbox.last_final(target.id) for target in self._outbox.targets())
            return max((anchor.size for anchor in last if anchor is not None), default=0)

    def mark_named(self, target: Target, position: int) -> None:
        """The log names the target at ``position``."""
        with self._lock:
            self._outbox.mark_named(target.id, position, self._clock())

    def close(self) -> None:
        """Close the outbox."""
        with self._lock:
            self._outbox.close()


class TargetNaming:
    """Names in the log each target that the worker announces. Repeating it after a crash finds the same entry."""

    def __init__(
        self, desk: AnchorDesk, submission: SubmissionService, voices: Voices, publish: Callable[[], object]
    ) -> None:
        self._desk = desk
        self._submission = submission
        self._voices = voices
        self._publish = publish

    async def name_announced(self) -> None:
        """Name what waits, publish that, and only then let it be anchored: the first anchor covers its own name."""
        for target in await asyncio.to_thread(self._desk.targets):
            if target.state == "announced":
                recorded = await self._submission.record_one(self._voices.of_log(), _naming(target))
                await asyncio.to_thread(self._publish)
                await asyncio.to_thread(self._desk.mark_named, target, recorded.position)

    async def run(self) -> None:
        """``name_announced`` for ever."""
        while True:
            try:
                await self.name_announced()
            except TallystickError:
                _log.exception("an anchor target could not be named; trying again")
            await asyncio.sleep(NAMING_PAUSE)


def _naming(target: Target) -> Draft:
    body = write(target.announcement)
    digest = hashlib.sha256(canonical.encode(body)).hexdigest()
    return Draft(type="log.anchor-target", body=body, event_id=f"anchor-target-{digest[:32]}")
