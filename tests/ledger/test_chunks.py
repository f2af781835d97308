"""Rows of entries: whole bundles are whole rows, and those of older logs, which are not, say the same."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import pytest

from ledger.store import chunks
from tallystick.tiles import encode_bundle
from tests.ledger.rawlog import raw_entry

COUNT = 600
ENTRIES = [raw_entry(at) for at in range(COUNT)]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute("CREATE TABLE chunks (position INTEGER PRIMARY KEY, statement_ids BLOB, entries BLOB)")
        yield made


def write(connection: sqlite3.Connection, *ends: int) -> None:
    for first, end in pairwise([0, *ends]):
        chunks.write(connection, first, ENTRIES[first:end], [])


def write_as_before(connection: sqlite3.Connection, *ends: int) -> None:
    """Rows of 64 from where a batch began, wherever that was."""
    for first, end in pairwise([0, *ends]):
        for start in range(first, end, 64):
            last = min(start + 64, end)
            row = (last - 1, b"", encode_bundle(ENTRIES[start:last]))
            connection.execute("INSERT INTO chunks VALUES (?, ?, ?)", row)


def lasts(connection: sqlite3.Connection) -> list[int]:
    return [last for (last,) in connection.execute("SELECT position FROM chunks ORDER BY position")]


def test_no_row_crosses_the_end_of_a_bundle(connection: sqlite3.Connection) -> None:
    write(connection, 40, 41, 300)
    assert lasts(connection) == [39, 40, 63, 127, 191, 255, 299]


@pytest.mark.parametrize("more", [0, 1, 65])
def test_more_rows_than_a_statement_takes(connection: sqlite3.Connection, more: int) -> None:
    many = [b"%d" % at for at in range(chunks.MAX_ENTRIES * chunks._ROWS + more)]
    ids = [b"%032d" % at for at in range(len(many))]
    chunks.write(connection, 0, many, ids)
    assert chunks.read(connection, 0, len(many)) == many
    assert list(chunks.ids_from(connection, 0)) == list(enumerate(ids))


def test_a_row_closed_by_its_bytes_leaves_the_next_ones_where_they_end(connection: sqlite3.Connection) -> None:
    large = [b"x" * 1000] * 40
    chunks.write(connection, 0, [*large, *ENTRIES[40:200]], [])
    assert lasts(connection) == [32, 63, 127, 191, 199]
    assert chunks.read(connection, 30, 70) == [*large[30:], *ENTRIES[40:70]]


@pytest.mark.parametrize("old", [0, 40, 300, 511])
def test_an_older_log_goes_on_and_its_bundles_are_the_same(connection: sqlite3.Connection, old: int) -> None:
    if old:
        write_as_before(connection, *sorted({min(7, old), old}))
    chunks.write(connection, old, ENTRIES[old:], [])
    assert chunks.read(connection, 0, COUNT) == ENTRIES
    for first, end in ((0, 256), (256, 512), (512, 600), (0, 600), (7, 40), (39, 41), (300, 301)):
        told = encode_bundle(ENTRIES[first:end])
        assert chunks.holds(connection, first, end, told)
        assert not chunks.holds(connection, first, end, told[:-1] + bytes([told[-1] ^ 1]))


def test_a_row_that_says_another_position_holds_no_bundle(connection: sqlite3.Connection) -> None:
    write(connection, 600)
    told = encode_bundle(ENTRIES[:256])
    assert chunks.holds(connection, 0, 256, told)
    connection.execute("UPDATE chunks SET position = 250 WHERE position = 255")
    assert not chunks.holds(connection, 0, 256, told)


def test_bytes_that_are_no_text_are_compared_as_bytes(connection: sqlite3.Connection) -> None:
    noise = [random.Random(at).randbytes(at % 97) for at in range(200)]
    noise += [b"\0", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf" * 9, b"\0" * 300, *[b"\x80"] * 50]
    chunks.write(connection, 0, noise, [])
    told = encode_bundle(noise)
    assert connection.execute(chunks._HOLDS, (told, 0, 0, 255, 0, 255)).fetchone() == (1,)
    for at in range(0, len(told), 7):
        assert not chunks.holds(connection, 0, 256, told[:at] + bytes([told[at] ^ 0x80]) + told[at + 1 :])


def test_a_changed_length_makes_another_bundle(connection: sqlite3.Connection) -> None:
    write(connection, 600)
    connection.execute("UPDATE chunks SET entries = CAST(x'ffff' || substr(entries, 3) AS BLOB) WHERE position = 63")
    assert not chunks.holds(connection, 0, 256, encode_bundle(ENTRIES[:256]))
    assert chunks.holds(connection, 256, 512, encode_bundle(ENTRIES[256:512]))
