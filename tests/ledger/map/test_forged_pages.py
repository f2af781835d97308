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
from ledger.map.pages import NONE, SEAL, SLOTS, WIDTH, Branches, DamagedPage, Leaves, Seals, decode
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
NUMBER = int("1" + HERE, 2)


def expect_refused(found: Leaves) -> None:
    with pytest.raises(DamagedPage):
        found.check(NUMBER, DEPTH)


def test_what_is_as_it_was_made() -> None:
    Leaves().check(NUMBER, DEPTH)
    for count in (1, 2, 3, 7, 40, 300):
        page(*(key(HERE + format(one * 7919 % 8192, "013b")) for one in range(count))).check(NUMBER, DEPTH)


@pytest.mark.parametrize("node", [1, 2, 3, 5, SLOTS - 1, SLOTS, 2 * SLOTS - 1])
def test_a_digest_that_is_not_of_what_is_below(node: int) -> None:
    found = page(*(key(HERE + format(one, f"0{WIDTH}b")) for one in range(SLOTS)))
    found.heap[node] = bytes([1]) * 32
    expect_refused(found)


@pytest.mark.parametrize("behind", ["0000000", "1111111", "0000001"], ids=["its slot", "another", "beside it"])
def test_leaves_of_another_page(behind: str) -> None:
    """A page of 001… where that of 101… was looked for: no node above tells them apart."""
    expect_refused(page(key("001" + behind)))


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
    expect_refused(forged)


def test_a_key_that_is_shown_for_leaves_of_another_side() -> None:
    """The leaf of 1… stands beside nothing, and below it one of 0…, which is not of its digest."""
    right, shown = page(key(HERE + "1")), page(key(HERE + "0"))
    forged = Leaves(shown.counts, [NONE, right.heap[1], right.heap[1], NONE, *shown.heap[4:]], shown._records)
    assert forged.heap[1] == right.heap[1]
    expect_refused(forged)


def test_leaves_that_stand_twice_or_out_of_order() -> None:
    """In one slot; keys that do not differ have no node between them."""
    found = page(key(HERE + "1" * 9), key(HERE + "1" * 8))
    low, high = found._records[:72], found._records[72:]
    for records in (high + low, low + low, high + high):
        expect_refused(Leaves(found.counts, found.heap, records))


def test_a_slot_without_its_leaf() -> None:
    found = page(key(HERE + "0"))
    expect_refused(Leaves(None, found.heap))
    expect_refused(Leaves(None, found.heap, found._records))
    with pytest.raises(DamagedPage):
        Leaves(None, found.heap).way(key(HERE), DEPTH, [])


def test_a_leaf_beside_its_slot() -> None:
    """Counts tell which leaves a slot has: one more that none of them counts is no leaf of the page."""
    found = page(key(HERE + "0"), key(HERE + "1"))
    expect_refused(Leaves([*found.counts[1:], found.counts[0]], found.heap, found._records))
    expect_refused(Leaves(found.counts, found.heap, found._records + found._records[-72:]))


# --- seals ---------------------------------------------------------------------------------------


def sealed() -> tuple[Seals, bytes]:
    seals = Seals()
    return seals, seals.seal(NUMBER, page(key(HERE + "0")).encode())


def test_a_seal_is_of_its_page_and_number_alone() -> None:
    seals, data = sealed()
    assert seals.holds(NUMBER, data)
    assert not seals.holds(NUMBER ^ 1, data)
    for at in (0, 1, 300, len(data) // 2, len(data) - SEAL - 1, len(data) - SEAL, len(data) - 20, len(data) - 1):
        assert not seals.holds(NUMBER, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    for cut in (b"", data[:5], data[:-1], data[1:], data[:-SEAL], data[-SEAL:]):
        assert not seals.holds(NUMBER, cut)
    other = seals.seal(NUMBER, page(key(HERE + "1")).encode())
    assert not seals.holds(NUMBER, data[:-SEAL] + other[-SEAL:])


def test_a_seal_of_another_process_is_none() -> None:
    """Its key is made anew with each map that is opened."""
    _, data = sealed()
    assert not Seals().holds(NUMBER, data)


def test_no_two_seals_have_one_nonce() -> None:
    seals, data = sealed()
    assert len({seals.seal(NUMBER, data)[-SEAL:][:12] for _ in range(300)}) == 300


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
