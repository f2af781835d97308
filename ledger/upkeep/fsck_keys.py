"""The short keys by which the database finds names and events, held against what stands under them (ADR 72)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ledger.store.event_ids import event_key
from ledger.store.names import name_key
from ledger.store.sqlite import connect
from ledger.upkeep.replaying import Finding

_QUERIES = {
    "the index does not find the name {}": (
        "SELECT -1, n.name FROM names n WHERE NOT EXISTS"
        " (SELECT 1 FROM name_keys k WHERE k.key = name_key(n.name) AND k.number = n.number)"
    ),
    "the table name_keys has a row for no name, number {}": (
        "SELECT -1, k.number FROM name_keys k LEFT JOIN names n ON n.number = k.number"
        " WHERE n.number IS NULL OR name_key(n.name) <> k.key"
    ),
    "the name {} has two numbers": (
        "SELECT -1, a.name FROM name_keys k JOIN name_keys o ON o.key = k.key AND o.number > k.number"
        " JOIN names a ON a.number = k.number JOIN names b ON b.number = o.number WHERE a.name = b.name"
    ),
    "the name {} has a number, and nothing stands under it": (
        "SELECT -1, n.name FROM names n"
        " WHERE n.state IS NULL AND NOT EXISTS (SELECT 1 FROM mentions m WHERE m.name = n.number)"
    ),
    "the index does not find this entry by its event id {}": (
        "SELECT s.position, s.event_id FROM statements s WHERE NOT EXISTS"
        " (SELECT 1 FROM event_keys k WHERE k.key = event_key(s.party, s.event_id) AND k.position = s.position)"
    ),
    "the table event_keys has a row for no event, position {}": (
        "SELECT -1, k.position FROM event_keys k LEFT JOIN statements s ON s.position = k.position"
        " WHERE s.position IS NULL OR event_key(s.party, s.event_id) <> k.key"
    ),
    "the event id {} stands here for the second time": (
        "SELECT b.position, b.event_id FROM event_keys k JOIN event_keys o ON o.key = k.key AND o.position > k.position"
        " JOIN statements a ON a.position = k.position JOIN statements b ON b.position = o.position"
        " WHERE a.party = b.party AND a.event_id = b.event_id"
    ),
    "the index does not find this entry by its type {}": (
        "SELECT s.position, s.type FROM statements s WHERE NOT coalesce(s.position >= (SELECT k.first FROM kinds k"
        " WHERE k.type = s.type AND k.last >= s.position ORDER BY k.last LIMIT 1), 0)"
    ),
}


def keys(database: Path) -> Iterator[Finding]:
    """Each name, event and type is found, none twice, and nothing else is."""
    with closing(connect(database)) as connection:
        connection.create_function("name_key", 1, name_key)
        connection.create_function("event_key", 2, event_key)
        connection.execute("BEGIN")
        for problem, query in _QUERIES.items():
            for position, what in connection.execute(query):
                yield Finding(position, problem.format(what))
