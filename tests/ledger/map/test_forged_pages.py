"""Pages that lead to their root and are none of that root's map: whoever may write into the folder could make them.

A node is hashed with its bit and what is below it, but not with the keys of which it tells apart no more: where one
side has no leaves, those of the other lead to the same root from wherever they stand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ledger.errors import Corrupt
from ledger.map.disk import DiskMap
from ledger.map.pages import NONE, SLOTS, WIDTH, Branches, DamagedPage, Leaves, decode
from tallystick.map import MemoryMap

DEPTH = 3


def key(bits: str) -> bytes:
    """That begins with these bits."""
    return (int(bits, 2) << 256 - len(bits)).to_bytes(32, "big")


def added(*keys: bytes) -> dict[bytes, list[bytes]]:
    return {one: [(7).to_bytes(8, "big") + bytes(32)] for one in keys}


def page(*keys: bytes, depth: int = DEPTH) -> Leaves:
    made = Leaves()
    made.change(sorted(keys), added(*keys), depth)
    return made


HERE = "101"
"""The bits of a page of depth 3."""


def test_an_inner_digest_that_is_not_of_what_is_below() -> None:
    found = page(key(HERE + "0"), key(HERE + "1"))
    heap = list(found.heap)
    heap[3] = bytes([1]) * 32
    found.heap = heap
    with pytest.raises(DamagedPage):
        found.change([key(HERE + "01")], added(key(HERE + "01")), DEPTH)


@pytest.mark.parametrize("behind", ["0000000", "1111111", "0000001"], ids=["its slot", "another", "beside it"])
def test_leaves_of_another_page(behind: str) -> None:
    """A page of 001… where that of 101… was looked for: no node above tells them apart."""
    found, new = page(key("001" + "0000000")), key(HERE + behind)
    with pytest.raises(DamagedPage):
        found.change([new], added(new), DEPTH)


@pytest.mark.parametrize("bit", range(WIDTH))
def test_leaves_on_the_wrong_side_of_nothing(bit: int) -> None:
    """At each height: the digests go to the other side, the leaves and their keys stay what they are."""
    bits = ["0"] * WIDTH
    found = page(key(HERE + "".join(bits)))
    heap, counts = [NONE] * 2 * SLOTS, [0] * SLOTS
    bits[bit] = "1"
    slot = int("".join(bits), 2)
    counts[slot], node = 1, SLOTS + slot
    while node:
        heap[node], node = found.heap[1], node >> 1
    forged = Leaves(counts, heap, found._records)
    assert forged.heap[1] == found.heap[1]
    for told in ("0" * WIDTH, "".join(bits), "1" * WIDTH):
        new = key(HERE + told + "1")
        with pytest.raises(DamagedPage):
            forged.change([new], added(new), DEPTH)


def test_a_key_that_is_shown_for_leaves_of_another_side() -> None:
    """The leaf of 1… stands beside nothing, and below it one of 0…, which is not of its digest."""
    right, shown = page(key(HERE + "1")), page(key(HERE + "0"))
    forged = Leaves(shown.counts, [NONE, right.heap[1], right.heap[1], NONE, *shown.heap[4:]], shown._records)
    assert forged.heap[1] == right.heap[1]
    new = key(HERE + "1" * WIDTH)
    with pytest.raises(DamagedPage):
        forged.change([new], added(new), DEPTH)


@pytest.mark.parametrize("behind", ["0" * WIDTH, "0" * WIDTH + "1", "01" * WIDTH])
def test_a_page_that_is_split_stands_where_it_belongs(behind: str) -> None:
    """All its leaves on one side, and the other would get new ones."""
    found = page(key("001" + behind))
    with pytest.raises(DamagedPage):
        found.split(int("1" + HERE, 2), DEPTH)


def test_a_page_that_is_split_leads_to_its_root() -> None:
    found = page(key(HERE + "0"), key(HERE + "1"))
    found.heap = [NONE, found.heap[1], bytes([1]) * 32, *found.heap[3:]]
    with pytest.raises(DamagedPage):
        found.split(int("1" + HERE, 2), DEPTH)


def test_a_slot_without_its_leaf() -> None:
    found = page(key(HERE + "0"))
    with pytest.raises(DamagedPage):
        Leaves(None, found.heap).change([key(HERE + "01")], added(key(HERE + "01")), DEPTH)
    with pytest.raises(DamagedPage):
        Leaves(None, found.heap).some(1, DEPTH)
    with pytest.raises(DamagedPage):
        Leaves(None, found.heap).way(key(HERE), DEPTH, [])


Rows = dict[int, bytes]


def swapped(rows: Rows) -> Rows:
    """What is below the uppermost page, on the other side: pages and their numbers."""
    top = decode(rows[1])
    assert isinstance(top, Branches)
    assert (top.heap[2] != NONE, top.heap[3]) == (True, NONE)
    heap, parted = [NONE] * 2 * SLOTS, [False] * SLOTS
    heap[1], parted[1] = top.heap[1], True
    for node in range(2, 2 * SLOTS):
        turned = node ^ 1 << node.bit_length() - 2
        heap[turned] = top.heap[node]
        if node < SLOTS:
            parted[turned] = top.parted[node]
    other = {number ^ 1 << number.bit_length() - 2: page for number, page in rows.items() if number > 1}
    return {1: Branches(parted, heap).encode(), **other}


def other_digest(rows: Rows) -> Rows:
    """A node above the pages is not that of what stands below it."""
    top = decode(rows[1])
    assert isinstance(top, Branches)
    top.heap[2] = bytes([1]) * 32
    return {**rows, 1: top.encode()}


def forged(path: Path, forge: Callable[[Rows], Rows]) -> tuple[DiskMap, MemoryMap]:
    """All keys begin with 0, so that the uppermost page has one side."""
    model = MemoryMap()
    with closing(DiskMap(path, 1)) as found:
        for number, one in enumerate(("0000", "0010", "0011")):
            found.add(key(one), number, bytes(32))
            model.add(key(one), number, bytes(32))
        found.size = 3
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        rows = forge(dict(other.execute("SELECT number, page FROM pages").fetchall()))
        other.execute("DELETE FROM pages")
        other.executemany("INSERT INTO pages VALUES (?, ?)", rows.items())
    return DiskMap(path, 1), model


@pytest.mark.parametrize("forge", [swapped, other_digest])
@pytest.mark.parametrize("bits", ["000", "0001", "1", "01"])
def test_pages_on_the_wrong_side_of_nothing(tmp_path: Path, forge: Callable[[Rows], Rows], bits: str) -> None:
    found, _ = forged(tmp_path / "map.sqlite", forge)
    with closing(found._connection):
        found.add(key(bits), 3, bytes(32))
        with pytest.raises(Corrupt):
            found.flush()
        assert found.damaged


@pytest.mark.parametrize("forge", [swapped, other_digest])
@pytest.mark.parametrize("bits", ["0000", "0001", "1", "01"])
def test_a_proof_from_forged_pages_is_right_or_none(tmp_path: Path, forge: Callable[[Rows], Rows], bits: str) -> None:
    found, model = forged(tmp_path / "map.sqlite", forge)
    with closing(found._connection):
        try:
            assert found.prove(key(bits)) == model.prove(key(bits))
        except Corrupt:
            assert found.damaged


def test_a_proof_that_does_not_lead_to_the_root_is_not_given(tmp_path: Path) -> None:
    found, _ = forged(tmp_path / "map.sqlite", lambda rows: {**rows, **beside(rows)})
    with closing(found._connection):
        with pytest.raises(Corrupt):
            found.prove(key("0000"))
        assert found.damaged


def beside(rows: Rows) -> Rows:
    """The uppermost page tells of another way to leaves that are there."""
    top = decode(rows[1])
    assert isinstance(top, Branches)
    node = 2
    while not (top.heap[2 * node] != NONE and top.heap[2 * node + 1] != NONE):
        node = 2 * node + (top.heap[2 * node] == NONE)
    top.heap[2 * node + 1] = bytes([1]) * 32
    return {1: top.encode()}
