"""The histories of a case by the map: every entry that they have, and the proofs that they have no other.

Own histories of all that the case speaks of, and what names its subjects. Entries that decide nothing here, an object's
use in other works above all, stand beside the case's own: nothing has to be decided again for them. Behind the newest
audited root come the entries of the tail (``api.services.tail``), where they are few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import field

from api.services.errors import TooLarge
from api.services.gathering import Gathered, add_files, records_of
from api.services.tail import add_tail, tail_serves
from ledger.map.roots import MapView
from ledger.store import Reads, Record
from tallystick.case import MapMaterial
from tallystick.events.kinds import SUBJECTS
from tallystick.lazy_dataclass import dataclass
from tallystick.map import NAMED, OWN, MapProof, Relation, about, prove_answer
from tallystick.map.about import BOOKKEEPING
from tallystick.statement import Statement, parse_statement
from tallystick.verify.whole import may_stand_aside

MOST_NAMED = 2000
"""Entries that name a subject, which are brought; of one that is named more often this is not shown."""
_LOG_TYPES = tuple(kind for kind, letters in SUBJECTS.items() if not letters and kind not in BOOKKEEPING)

Wanted = tuple[Relation, str]


@dataclass
class _Search:
    """What is found so far; ``named``: whether named histories are wanted. ``aside``: entries beside those of the case.
    Every entry is looked at once.
    """

    reads: Reads
    view: MapView
    origin: str
    size: int
    limit: int
    found: Gathered
    named: bool = True
    aside: dict[int, Statement] = field(default_factory=dict)
    _held: defaultdict[Wanted, set[int]] = field(default_factory=lambda: defaultdict(set))
    _seen: set[tuple[int, bool]] = field(default_factory=set)

    def wanted(self, focus: Iterable[str]) -> list[Wanted]:
        subjects = {self.origin, *focus, *(one.event.subject for one in self.found.entries.values())}
        named = sorted(focus) if self.named else ()
        return [*((OWN, one) for one in sorted(subjects)), *((NAMED, one) for one in named)]

    def complete(self, wanted: Sequence[Wanted]) -> dict[Wanted, bool]:
        """Bring what the map counts and is not here; whether all of each is."""
        self._look()
        counts = {one: self._count(one) for one in wanted}
        new: dict[int, Record] = {}
        for one, count in counts.items():
            if len(self._held[one]) < count and not (one[0] == NAMED and count > MOST_NAMED):
                new |= {record.position: record for record in self._missing(one)}
        if new:
            self.found = add_files(self.reads, self.found, new.values(), self.size, self.limit)
        self._look()
        return {one: len(self._held[one]) >= count for one, count in counts.items()}

    def _count(self, one: Wanted) -> int:
        leaf = prove_answer(self.view.root, *one, self.view.prove(*one))
        return leaf.count if leaf else 0

    def _look(self) -> None:
        """What came since, by what it is about: of the case everything, aside what may stand there."""
        for of_case, entries in ((True, self.found.entries), (False, self.aside)):
            for at, entry in entries.items():
                if (at, of_case) in self._seen or at >= self.view.size:
                    continue
                self._seen.add((at, of_case))
                for one in _about(entry):
                    if of_case or may_stand_aside(one[0], entry.event.type):
                        self._held[one].add(at)

    def _missing(self, one: Wanted) -> Iterator[Record]:
        """Entries of a history that are not here yet; those that may stand aside are put there."""
        for record in self._records(one[1]):
            if record.position >= self.view.size or record.position in self.found.entries:
                continue
            statement = self.aside.get(record.position) or parse_statement(record.entry)
            if one not in _about(statement):
                continue
            if may_stand_aside(one[0], record.type):
                self.aside[record.position] = statement
            else:
                yield record

    def _records(self, text: str) -> Iterable[Record]:
        if text == self.origin:
            return (record for kind in _LOG_TYPES for record in records_of(self.reads, type=kind))
        return records_of(self.reads, subject=text)


@dataclass(frozen=True)
class Histories:
    """What a bundle shows.

    found: all its entries; case: those without the tail, of which alone private values may be opened. material:
    ``None`` without a view, and where it would be too large. to_the_end: whether what an auditor signed reaches, with
    the tail, to the end of the tree.
    """

    found: Gathered
    case: Gathered
    material: MapMaterial | None = None
    to_the_end: bool = False


def add_histories(
    reads: Reads,
    found: Gathered,
    focus: Iterable[str],
    views: Sequence[MapView],
    origin: str,
    size: int,
    limit: int,
    most_behind: int = 0,
) -> Histories:
    """``found`` with the entries of its histories up to the newest view, and the proofs under each view.

    ``focus``: the subjects of the case, as a verifier finds them. ``most_behind``: entries that the tail may have.
    Whoever is registered may name them: where there is no room for what does, own histories are shown alone.
    """
    if not views:
        return Histories(found, found)
    view, focus = max(views, key=lambda view: view.size), frozenset(focus)
    for named in (True, False):
        search, done = _Search(reads, view, origin, size, limit, found, named), dict[Wanted, bool]()
        with suppress(TooLarge):
            _gather(search, focus, done)
            stated = [record for view in views if (record := reads.record(view.position)) is not None]
            search.found = case = add_files(reads, search.found, stated, size, limit)
            if len(case.entries) + len(search.aside) <= limit:
                break
    else:
        return Histories(found, found)
    aside = dict(search.aside)
    whole = [one for one, is_whole in done.items() if is_whole]
    start = max((view.size for view in views if view.audits), default=None)
    if start is not None and size - start <= most_behind and _bring_tail(search, focus, done, start):
        shown = [one for one, is_whole in done.items() if is_whole]
        return Histories(search.found, case, _material(views, shown, search.found, search.aside), to_the_end=True)
    return Histories(case, case, _material(views, whole, case, aside))


def _gather(search: _Search, focus: frozenset[str], done: dict[Wanted, bool]) -> None:
    """Until nothing is added: what is brought speaks of further subjects. ``done``: what could be made whole."""
    while waiting := [one for one in search.wanted(focus) if one not in done]:
        done |= search.complete(waiting)


def _bring_tail(search: _Search, focus: frozenset[str], done: dict[Wanted, bool], start: int) -> bool:
    """Add the tail, with the histories of all that it speaks of; whether it may stand in the bundle."""
    case = Gathered(search.found.entries, focus)
    try:
        search.found = add_tail(search.reads, search.found, start, search.size, search.limit)
        _gather(search, focus, done)
    except TooLarge:
        return False
    behind = [one for at, one in search.aside.items() if at >= start]
    fits = len(search.found.entries) + len(search.aside) <= search.limit
    return fits and tail_serves(case, search.found, behind, start, search.size)


def _material(
    views: Sequence[MapView], whole: Sequence[Wanted], found: Gathered, aside: dict[int, Statement]
) -> MapMaterial:
    beside = {at: one.entry for at, one in aside.items() if at not in found.entries}
    proofs = {view.position: _proofs(view, whole) for view in views}
    return MapMaterial(proofs, tuple(dict.fromkeys(note for view in views for note in view.audits)), beside)


def _proofs(view: MapView, wanted: Sequence[Wanted]) -> dict[Wanted, MapProof]:
    return {one: view.prove(*one) for one in wanted}


def _about(statement: Statement) -> frozenset[Wanted]:
    told = about(statement.parts.payload)
    return frozenset([*((OWN, text) for text in told.own), *((NAMED, text) for text in told.named)])
