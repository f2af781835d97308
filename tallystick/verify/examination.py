"""The state of one verification: what the steps share. A step sets what it establishes; nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tallystick.admission import LOG
from tallystick.admission.state import LogState
from tallystick.bundle import Bundle
from tallystick.case import Case
from tallystick.checkpoint import Checkpoint
from tallystick.evm.anchor import AnchorFact
from tallystick.keys import PublicKey
from tallystick.replay import Placed, Replay, replay
from tallystick.times import parse_time
from tallystick.trust import Trust
from tallystick.verify.focus import Focus, focus_of
from tallystick.verify.outcome import Line


@dataclass
class Examination:
    """One case under one trust file as of ``at`` (Unix seconds).

    verified: the key that signed each entry (step 3). head: the tree head once its signatures hold, and when it
    was signed (step 5). anchored: what each anchor shows (step 10). facts: what the report says besides the claims.
    """

    bundle: Bundle
    case: Case
    trust: Trust
    at: int
    verified: dict[int, PublicKey] = field(default_factory=dict)
    head: Checkpoint | None = None
    head_signed_at: int | None = None
    anchored: list[AnchorFact] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    adverse: list[Line] = field(default_factory=list)

    @cached_property
    def entries(self) -> Mapping[int, Placed]:
        """Entries by leaf index."""
        return {placed.position: placed for placed in self.case.entries}

    @cached_property
    def replay(self) -> Replay:
        """The entries decided again, with the signatures that step 3 verified."""
        return replay(self.case.entries, self.verified)

    @cached_property
    def focus(self) -> Focus:
        """What the case is about."""
        return focus_of(self.case.index, self.replay)

    @property
    def log_state(self) -> LogState | None:
        """What entry 0 and the log's own entries established."""
        state = self.replay.state.get(LOG)
        return state if isinstance(state, LogState) else None

    def said_at(self, placed: Placed) -> int:
        """The time that an entry claims for itself."""
        return parse_time(placed.statement.event.time)
