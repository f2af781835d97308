"""The histories of a case by the map: every entry that they have, and the proofs that they have no other.

Own histories of all that the case speaks of, and what names its subjects. Entries that decide nothing here, an object's
use in other works above all, stand beside the case's own: nothing has to be decided again for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from api.services.errors import TooLarge
from api.services.gathering import Gathered, add_files, records_of
from ledger.map.roots import MapView
from ledger.store import Reads, Record
from tallystick.case import MapMaterial
from tallystick.events.kinds import SUBJECTS
from tallystick.map import NAMED, OWN, MapProof, Relation, about, prove_answer
from tallystick.map.about import BOOKKEEPING
from tallystick.statement import Statement, parse_statement
from tallystick.verify.histories import may_stand_aside

MOST_NAMED = 2000
"""Entries that name a subject, which are brought; of one that is named more often this is not shown."""
_LOG_TYPES = tuple(kind for kind, letters in SUBJECTS.items() if not letters and kind not in BOOKKEEPING)

Wanted = tuple[Relation, str]


@dataclass
class _Search:
    """What is found so far; ``aside``: entries beside those of the case."""

    reads: Reads
    view: MapView
    origin: str
    size: int
    limit: int
    found: Gathered
    aside: dict[int, Statement] = field(default_factory=dict)

    def wanted(self, focus: Iterable[str]) -> list[Wanted]:
        subjects = {self.origin, *focus, *(one.event.subject for one in self.found.entries.values())}
        return [*((OWN, one) for one in sorted(subjects)), *((NAMED, one) for one in sorted(focus))]

    def complete(self, one: Wanted) -> bool:
        """Bring what the map counts and is not here; whether all of it is."""
        leaf = prove_answer(self.view.root, *one, self.view.prove(*one))
        count = leaf.count if leaf else 0
        if self._held(one) >= count:
            return True
        if one[0] == NAMED and count > MOST_NAMED:
            return False
        new = []
        for record, statement in self._about(one):
            if record.position in self.found.entries or record.position in self.aside:
                continue
            if may_stand_aside(one[0], record.type):
                self.aside[record.position] = statement
            else:
                new.append(record)
        self.found = add_files(self.reads, self.found, new, self.size, self.limit)
        return self._held(one) >= count

    def _held(self, one: Wanted) -> int:
        entries = [*self.found.entries.items(), *self.aside.items()]
        return len({at for at, entry in entries if at < self.view.size and _is_about(entry, one)})

    def _about(self, one: Wanted) -> Iterator[tuple[Record, Statement]]:
        if one[1] == self.origin:
            records = [record for kind in _LOG_TYPES for record in records_of(self.reads, type=kind)]
        else:
            records = list(records_of(self.reads, subject=one[1]))
        for record in records:
            statement = parse_statement(record.entry)
            if record.position < self.view.size and _is_about(statement, one):
                yield record, statement


def add_histories(
    reads: Reads, found: Gathered, focus: Iterable[str], views: Sequence[MapView], origin: str, size: int, limit: int
) -> tuple[Gathered, MapMaterial | None]:
    """``found`` with the entries of its histories up to the newest view, and the proofs under each view.

    ``focus``: the subjects of the case, as a verifier finds them. Without a view, and where it would be too large, the
    case stays as it is.
    """
    if not views:
        return found, None
    newest = max(views, key=lambda view: view.size)
    search = _Search(reads, newest, origin, size, limit, found)
    focus = frozenset(focus)
    try:
        whole = _gather(search, focus)
        stated = [record for view in views if (record := reads.record(view.position)) is not None]
        gathered = add_files(reads, search.found, stated, size, limit)
    except TooLarge:
        return found, None
    if len(gathered.entries) + len(search.aside) > limit:
        return found, None
    aside = {at: one.entry for at, one in search.aside.items() if at not in gathered.entries}
    proofs = {view.position: _proofs(view, whole) for view in views}
    audits = tuple(dict.fromkeys(note for view in views for note in view.audits))
    return gathered, MapMaterial(proofs, audits, aside)


def _gather(search: _Search, focus: frozenset[str]) -> list[Wanted]:
    """Until nothing is added: what is brought speaks of further subjects. What could be made whole."""
    done: dict[Wanted, bool] = {}
    while waiting := [one for one in search.wanted(focus) if one not in done]:
        for one in waiting:
            done[one] = search.complete(one)
    return [one for one, whole in done.items() if whole]


def _proofs(view: MapView, wanted: Sequence[Wanted]) -> dict[Wanted, MapProof]:
    return {one: view.prove(*one) for one in wanted}


def _is_about(statement: Statement, one: Wanted) -> bool:
    told = about(statement.parts.payload)
    return one[1] in (told.own if one[0] == OWN else told.named)
