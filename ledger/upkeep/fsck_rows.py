"""Rows that no entry asks for, and private values that open no commitment of theirs: in any store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import TypeAlias

from ledger import fast_json
from ledger.store import Reads
from ledger.upkeep.replaying import Finding, entries_of
from tallystick.commitments import open_commitments, parse_disclosure
from tallystick.errors import TallystickError
from tallystick.events.erasure import Erasure
from tallystick.lazy_dataclass import dataclass
from tallystick.references import references
from tallystick.statement import Statement, parse_statement


@dataclass(frozen=True)
class PrivateValues:
    """``kept`` of the values that the entries commit to; of ``erased`` the log says that they were erased."""

    committed: int
    kept: int
    erased: int

    def __str__(self) -> str:
        were = "was" if self.erased == 1 else "were"
        return f"{self.kept} of {self.committed} private values are kept, {self.erased} {were} erased"


@dataclass
class Asked:
    """How much the entries ask for, as far as they were read. ``whole``: they were, all of them."""

    entries: int = 0
    named: int = 0
    values: int = 0
    batches: int = 0
    committed: int = 0
    kept: int = 0
    erased: int = 0
    whole: bool = False

    @property
    def private(self) -> PrivateValues | None:
        """What of the private values is there, if all entries were read."""
        return PrivateValues(self.committed, self.kept, self.erased) if self.whole else None


Beside: TypeAlias = Callable[[int, Statement], Iterator[Finding]]


def values(reads: Reads, asked: Asked, beside: Beside | None = None) -> Iterator[Finding]:
    """Private values that do not open their commitments; ``asked`` is counted on the way, and ``beside`` looks too."""
    with closing(_Erased()) as erased:
        for position, entry in entries_of(reads):
            asked.entries = position + 1
            try:
                statement = parse_statement(entry, fast_json.decode)
            except TallystickError:
                continue  # The replay says so.
            event = statement.event
            asked.named += len(references(statement))
            asked.batches += event.type == "log.batch"
            if isinstance(event.body, Erasure):
                asked.erased += erased.count(reads, event.body)
            if event.commitments:
                held = reads.disclosures(position)
                asked.values += len(held)
                asked.committed += len(event.commitments)
                asked.kept += len(held.keys() & event.commitments.keys())
                yield from _opened(position, event.commitments, held)
            if beside:
                yield from beside(position, statement)
    asked.whole = True


class _Erased:
    """Which values the log says were erased, each once: under its first rules it may say so twice, or of none.

    They stand in a temporary file, not in memory: there may be as many as there are values.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("CREATE TABLE erased (position, name, PRIMARY KEY (position, name)) WITHOUT ROWID")

    def count(self, reads: Reads, erasure: Erasure) -> int:
        """How many more these are."""
        position = erasure.position
        try:
            committed = [parse_statement(one).event.commitments for one in reads.entries(position, position + 1)]
        except TallystickError:
            return 0
        named = [(position, name) for names in committed for name in set(erasure.names) & names.keys()]
        query = "INSERT OR IGNORE INTO erased VALUES (?, ?)"
        return sum(self._database.execute(query, one).rowcount for one in named)

    def close(self) -> None:
        self._database.close()


def miscounted(expected: Mapping[str, int], found: Callable[[str], int]) -> Iterator[Finding]:
    """Tables that have other numbers of rows than ``expected``."""
    for table, count in expected.items():
        if found(table) != count:
            yield Finding(-1, f"the table {table} has {found(table)} rows, the entries give {count}")


def _opened(position: int, commitments: dict, held: Mapping[str, str]) -> Iterator[Finding]:
    for name, disclosure in held.items():
        if problem := misfit(commitments, name, disclosure):
            yield Finding(position, f"the private value {name!r} in the table disclosures: {problem}")


def misfit(commitments: dict, name: str, disclosure: str) -> str:
    """Why a private value does not open the commitment under its name; empty where it does."""
    try:
        parsed = parse_disclosure(disclosure)
        open_commitments(commitments, [parsed])
    except TallystickError as error:
        return str(error)
    return "" if parsed.name == name else f"it discloses {parsed.name!r}"
