"""The tail of a case: the entries from the newest audited root of the map to the end of the tree.

An auditor's word reaches to the root that it is about. What somebody said of an object's making and keeping is *proved*
only where nothing later can say otherwise: so a case shows the few entries that came after, one by one, whosever they
are. They are public already, in the log's tiles, and hold digests and commitments: none of their values is opened here.

They are left out, and an external fact is wanted, where they would harm: where they speak against what the case does
not speak of (a report would list a stranger's dispute on its first page), or bring files that are not the asker's to
show; and where they are about the case itself, to which the auditor's word does not reach yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from api.services.gathering import Gathered, add_files
from ledger.store import Reads
from tallystick.events.adverse import spoken_against
from tallystick.map import about
from tallystick.replay import Placed, replay
from tallystick.statement import Statement

_FILED = "credential.issue"
"""Its file would have to be shown as well."""


def add_tail(reads: Reads, found: Gathered, start: int, size: int, limit: int) -> Gathered:
    """``found`` with every entry from ``start`` to ``size`` and what these rest on. Raises ``TooLarge``."""
    records = (reads.record(position) for position in range(start, size))
    return add_files(reads, found, (one for one in records if one is not None), size, limit)


def tail_serves(case: Gathered, whole: Gathered, aside: Iterable[Statement], start: int, size: int) -> bool:
    """Whether ``whole``, the case with its tail and what that rests on, may and can be shown instead of ``case``.

    ``aside``: what stands beside the entries from ``start`` on. The rules admit all of it again: a reader replays it.
    """
    added = {at: one for at, one in whole.entries.items() if at not in case.entries}
    against = {None, *(one.event.subject for one in case.entries.values())}
    behind = [*(one for at, one in whole.entries.items() if at >= start), *aside]
    return (
        all(position in whole.entries for position in range(start, size))
        and not any(one.event.type == _FILED for one in added.values())
        and all(spoken_against(one.event) in against for one in added.values())
        and not any(_is_about(one, case.focus) for one in behind)
        and not replay([Placed(at, one) for at, one in whole.entries.items()]).refused
    )


def _is_about(statement: Statement, subjects: Collection[str]) -> bool:
    told = about(statement.parts.payload)
    return any(text in subjects for text in (*told.own, *told.named))
