"""Anchors as the service sees them: it asks for them, names their targets in the log, and shows what came of it.

The worker process does the anchoring; the two meet in the outbox.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections.abc import Callable, Collection, Sequence

from anchors.errors import OutboxConflict
from anchors.outbox import Outbox
from anchors.outbox_rows import Anchor, AnchorState, Handover, Request, Target
from api.services.drafts import Draft
from api.services.errors import NotFound, Unavailable
from api.services.submission import SubmissionService
from api.services.voices import Voices
from tallystick import canonical
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import write
from tallystick.trust_line import TrustLine

NAMING_PAUSE = 0.25
"""Seconds between two looks for a target that waits for its name."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnchorView:
    """An anchor and where it goes."""

    anchor: Anchor
    target: Target

    cost: int = 0
    """Wei that its transactions took; on the operator's own chain nobody pays them."""

    @property
    def trust(self) -> TrustLine:
        """What it proves, and on whose word."""
        return self.anchor.trust(self.target.spec)

    @property
    def trust_line(self) -> str:
        """The same in one English line."""
        return self.trust.text("en")

    @property
    def is_free(self) -> bool:
        """The chain is the operator's own."""
        return self.target.spec.vouched_by == "operator"


class AnchorDesk:
    """The outbox, shared between the threads of this process."""

    def __init__(self, outbox: Outbox, clock: Callable[[], int]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._lock = threading.Lock()
        self._wanted = 0

    def request(self, reason: str, size: int) -> Request:
        """Ask that the log be anchored at ``size`` or beyond as soon as that is published."""
        with self._lock:
            return self._outbox.request(reason, size, self._clock())

    def want(self, reason: str, size: int) -> None:
        """As ``request``, unless this process has wanted as much before: an anchor of more entries serves as well."""
        if size > self._wanted:
            self.request(reason, size)
            self._wanted = size

    async def urgent(self, reason: str, size: int) -> None:
        """As ``request``, beside the event loop."""
        await asyncio.to_thread(self.request, reason, size)

    def page(self, after: int, limit: int) -> list[AnchorView]:
        """Anchors in the order in which they were prepared. There may be one for each licence."""
        with self._lock:
            targets = {target.id: target for target in self._outbox.targets()}
            return [self._view(anchor, targets[anchor.target_id]) for anchor in self._outbox.page(after, limit)]

    def proved(self, above: int, most: int) -> list[Anchor]:
        """Of each target the first anchor with a proof of more than ``above`` entries, else the latest: of at most
        ``most``.
        """
        with self._lock:
            found = (self._outbox.proved(target.id, above, most) for target in self._outbox.targets())
            return [one for one in found if one is not None]

    def proved_at(self, sizes: Collection[int], blocks: Collection[bytes]) -> list[Anchor]:
        """See ``Outbox``."""
        with self._lock:
            return self._outbox.proved_at(sizes, blocks)

    def latest(self, limit: int) -> list[AnchorView]:
        """The anchors that were prepared last, newest first."""
        with self._lock:
            targets = {target.id: target for target in self._outbox.targets()}
            return [self._view(anchor, targets[anchor.target_id]) for anchor in self._outbox.latest(limit)]

    def of_target(self, target: Target) -> tuple[AnchorView | None, AnchorView | None]:
        """Its final anchor with the largest size, and its newest one in whatever state."""
        with self._lock:
            found = (self._outbox.last_final(target.id), self._outbox.newest(target.id))
            final, newest = (None if one is None else self._view(one, target) for one in found)
            return final, newest

    def covering(self, target: Target, position: int, states: Sequence[AnchorState]) -> AnchorView | None:
        """The first anchor of a target in one of these states whose tree holds the entry, or None."""
        with self._lock:
            found = self._outbox.covering(target.id, position, states)
            return None if found is None else self._view(found, target)

    def anchor(self, anchor_id: int) -> AnchorView:
        """Raises ``NotFound``."""
        with self._lock:
            try:
                anchor = self._outbox.anchor(anchor_id)
            except OutboxConflict as error:
                raise NotFound(str(error), "list the anchors", "id") from None
            (target,) = (target for target in self._outbox.targets() if target.id == anchor.target_id)
            return self._view(anchor, target)

    def _view(self, anchor: Anchor, target: Target) -> AnchorView:
        return AnchorView(anchor, target, self._outbox.cost(anchor.id))

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

    def handovers(self) -> list[tuple[Target, Handover]]:
        """Every handover to a new authority of the log, with its target, by target and age."""
        with self._lock:
            targets = self._outbox.targets()
            return [(target, one) for target in targets for one in self._outbox.handovers(target.id)]

    def anchored_size(self) -> int:
        """The largest size that some target holds for good."""
        with self._lock:
            last = (self._outbox.last_final(target.id) for target in self._outbox.targets())
            return max((anchor.size for anchor in last if anchor is not None), default=0)

    def final(self) -> list[AnchorView]:
        """Of each target the final anchor with the largest size."""
        with self._lock:
            last = ((target, self._outbox.last_final(target.id)) for target in self._outbox.targets())
            return [self._view(anchor, target) for target, anchor in last if anchor is not None]

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
