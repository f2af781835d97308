"""Rows that no entry asks for, and private values that open no commitment of theirs: in any store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from ledger import fast_json
from ledger.store import Reads
from ledger.upkeep.replaying import Finding, entries_of
from tallystick.commitments import open_commitments, parse_disclosure
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.references import references
from tallystick.statement import Statement, parse_statement


@dataclass
class Asked:
    """How much the entries ask for, as far as they were read."""

    entries: int = 0
    named: int = 0
    values: int = 0
    batches: int = 0


Beside: TypeAlias = Callable[[int, Statement], Iterator[Finding]]


def values(reads: Reads, asked: Asked, beside: Beside | None = None) -> Iterator[Finding]:
    """Private values that do not open their commitments; ``asked`` is counted on the way, and ``beside`` looks too."""
    for position, entry in entries_of(reads):
        asked.entries = position + 1
        try:
            statement = parse_statement(entry, fast_json.decode)
        except TallystickError:
            continue  # The replay says so.
        asked.named += len(references(statement))
        asked.batches += statement.event.type == "log.batch"
        if statement.event.commitments:
            held = reads.disclosures(position)
            asked.values += len(held)
            yield from _opened(position, statement.event.commitments, held)
        if beside:
            yield from beside(position, statement)


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
