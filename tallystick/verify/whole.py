"""What a case must show whole, and what it shows of it: the histories of all that it speaks of, by the map's keys."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from tallystick.lazy_dataclass import dataclass
from tallystick.map import NAMED, OWN, Relation, about
from tallystick.statement import Statement

if TYPE_CHECKING:
    from tallystick.verify.examination import Examination

Wanted: TypeAlias = tuple[Relation, str]
Shown: TypeAlias = dict[Wanted, list[tuple[int, bytes]]]

FILED_ASIDE = "credential.issue"
"""The one type that completes an own history from ``map/entries``: it decides nothing, and its file may be private."""
NAMED_ASIDE = frozenset({"object.register", "job.register", "job.complete", FILED_ASIDE})
"""What completes a named history from there: that a thing was used. A licence of it, a certificate or a dispute must be
an entry of the case, for it is told, and its own history with it."""


@dataclass
class Whole:
    """What is wanted whole, in the order in which it is told: the own history of every subject shown, the named one of
    the case's subjects.

    shown: what the bundle has of them. last: position of the last entry shown that is about the case's subjects.
    """

    wanted: dict[Wanted, None] = field(default_factory=dict)
    shown: Shown = field(default_factory=dict)
    last: int = -1


@dataclass(frozen=True)
class Root:
    """A root of the map that an admitted entry at ``position`` states."""

    position: int
    size: int
    root: bytes
    time: str
    admitted_at: int


def root_stated(ex: Examination, position: int) -> Root | None:
    """What stands at a position that the case names as that of a root."""
    admitted = ex.replay.admitted.get(position)
    event = admitted.placed.statement.event if admitted else None
    if admitted is None or event is None or event.type != "log.map-root":
        return None
    return Root(position, event.body.size, bytes.fromhex(event.body.root), event.time, admitted.admitted_at)


def whole_of(ex: Examination) -> Whole:
    """From the entries that are admitted, those of the case and those beside them."""
    found = Whole()
    admitted = [one.placed.statement.event for one in ex.replay.admitted.values()]
    own = dict.fromkeys([ex.case.index.log, *sorted(event.subject for event in admitted), *sorted(ex.focus.subjects)])
    found.wanted = dict.fromkeys(
        [*((OWN, text) for text in own), *((NAMED, text) for text in sorted(ex.focus.subjects))]
    )
    aside = ex.case.map.others if ex.case.map else {}
    entries = {placed.position: placed.statement for placed in ex.case.entries} | dict(aside)
    for position, statement in sorted(entries.items()):
        for one in _about(statement):
            if one in found.wanted and (position not in aside or may_stand_aside(one[0], statement.event.type)):
                found.shown.setdefault(one, []).append((position, statement.leaf))
    about_case = [found.shown.get(one, []) for one in found.wanted if one[1] in ex.focus.subjects]
    found.last = max((history[-1][0] for history in about_case if history), default=-1)
    return found


def may_stand_aside(relation: Relation, kind: str) -> bool:
    """Whether an entry of this type completes such a history without being an entry of the case."""
    return kind in NAMED_ASIDE if relation == NAMED else kind == FILED_ASIDE


def _about(statement: Statement) -> list[Wanted]:
    told = about(statement.parts.payload)
    return [*((OWN, text) for text in told.own), *((NAMED, text) for text in told.named)]
