"""The state of one verification: what the steps share. A step sets what it establishes; nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tallystick.admission import LOG
from tallystick.admission.state import LogState
from tallystick.bundle import Bundle
from tallystick.case import Case
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput
from tallystick.evm.anchor import AnchorFact
from tallystick.key_history import KeyHistory
from tallystick.keys import PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.map.audit import parse_audit
from tallystick.replay import Admitted, Placed, Replay, replay
from tallystick.timestamp import TimestampFact
from tallystick.tree_head import SignedCheckpoint
from tallystick.trust import Trust
from tallystick.verify.focus import Focus, History, focus_of
from tallystick.verify.outcome import Line
from tallystick.verify.whole import Whole, whole_of

if TYPE_CHECKING:
    from tallystick.revocation import Words
    from tallystick.verify.accusation import Accusation
    from tallystick.verify.copied import Copied


@dataclass(frozen=True)
class Stamped:
    """A timestamp token that holds, over a checkpoint of the tree of step 5, not later than the examination's time.

    number: of the token in the case, or of the anchor whose block it is over. token_sha256: of its exact bytes.
    """

    number: int
    size: int
    root: bytes
    fact: TimestampFact
    token_sha256: bytes


@dataclass
class Examination:
    """One case under one trust file as of ``at`` (Unix seconds); ``accusations``: what the caller says of forks;
    ``copy``: gives every entry of the log, from the first on, as the reader has them from elsewhere.

    verified: the key that signed each entry (step 3). head: the tree head once its signatures hold, when it was
    signed, and the keys by which the log signs each size (step 5). heads: every checkpoint whose signatures hold and
    whose tree the case's tree extends. anchored: what each anchor shows (step 10); unvouched: the same of anchors
    whose block header nobody vouches for.
    stamped: what each timestamp shows (step 14). joined: sizes between which a consistency path was used.
    facts: what the report says besides the claims.
    """

    bundle: Bundle
    case: Case
    trust: Trust
    at: int
    accusations: tuple[Accusation, ...] = ()
    copy: Callable[[], Iterable[bytes]] | None = None
    verified: dict[int, PublicKey] = field(default_factory=dict)
    head: Checkpoint | None = None
    head_signed_at: int | None = None
    keys: KeyHistory | None = None
    heads: list[SignedCheckpoint] = field(default_factory=list)
    anchored: list[AnchorFact] = field(default_factory=list)
    unvouched: list[AnchorFact] = field(default_factory=list)
    stamped: list[Stamped] = field(default_factory=list)
    joined: set[tuple[int, int]] = field(default_factory=set)
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
    def history(self) -> History:
        """Admitted entries by subject."""
        return History(self.replay)

    @cached_property
    def focus(self) -> Focus:
        """What the case is about."""
        return focus_of(self.case.index, self.history)

    @cached_property
    def about(self) -> tuple[Admitted, ...]:
        """Admitted entries about the case's subjects, in log order."""
        found = (one for subject in self.focus.subjects for one in self.history.about(subject))
        return tuple(sorted(found, key=lambda one: one.placed.position))

    @cached_property
    def whole(self) -> Whole:
        """The histories that the case must show whole."""
        return whole_of(self)

    @cached_property
    def copied(self) -> Copied | None:
        """What the reader's copy of the log gives, read once (step 5 is done); ``None`` without one of this tree."""
        if self.copy is None:
            return None
        from tallystick.verify.copied import read_copy

        return read_copy(self)

    @cached_property
    def words(self) -> Words:
        """What the case holds of revocation beside its files, and what was heard of it."""
        from tallystick.revocation import Words  # only signed files and tokens ask

        held = self.case.revocation
        lists = [data for name, data in held.items() if name.endswith(".crl")]
        return Words(lists, [data for name, data in held.items() if name.endswith(".ocsp")])

    @cached_property
    def audited_sizes(self) -> frozenset[int]:
        """Sizes that the audits of the case are about."""
        found = set()
        for data in self.case.map.audits if self.case.map else ():
            # What is no audit is told where audits are read.
            with suppress(MalformedInput):
                found.add(parse_audit(data)[0].size)
        return frozenset(found)

    @cached_property
    def names(self) -> frozenset[str]:
        """Members of the bundle."""
        return frozenset(self.bundle.names())

    @property
    def log_state(self) -> LogState | None:
        """What entry 0 and the log's own entries established."""
        state = self.replay.state.get(LOG)
        return state if isinstance(state, LogState) else None
