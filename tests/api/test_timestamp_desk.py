"""Which tokens go into a case, and how little of the outbox is read for it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from anchors.timestamps import outbox
from anchors.timestamps.outbox import Stamp, Stamps
from api.services.timestamps import TimestampDesk
from tallystick.case.model import MAX_TIMESTAMPS
from tallystick.events.log import TimeMark

AUTHORITIES = ("first", "second", "third")


@pytest.fixture
def stamps(tmp_path: Path) -> Iterator[Stamps]:
    opened = Stamps(tmp_path / "anchors.db")
    yield opened
    opened.close()


def put(stamps: Stamps, authority: str, size: int, *, kind: str = "checkpoint", state: str = "final") -> None:
    """A stamp; of a final one the token is ``token(authority, number)``."""
    (number,) = stamps._sql.execute("SELECT coalesce(max(id), 0) + 1 FROM stamp").fetchone()
    proof = token(authority, number) if state == "final" else None
    stamps._sql.execute(
        "INSERT INTO stamp (authority, kind, message, size, root, note, reason, state, prepared_at, attempts, next_at,"
        " proof, gen_time, own, alarm) VALUES (?, ?, ?, ?, x'01', ?, 'age', ?, 1, 1, 1, ?, 1, 0, 0)",
        (authority, kind, b"%d" % number, size, b"note %d" % number, state, proof),
    )


def token(authority: str, number: int) -> bytes:
    return f"token {number} of {authority}".encode()


def mark(stamp: Stamp) -> TimeMark:
    assert stamp.proof is not None
    return TimeMark("rfc3161", hashlib.sha256(stamp.proof).hexdigest(), stamp.authority, stamp.size)


def by_hand(stamps: Stamps, last: int, size: int, named: list[TimeMark]) -> list[tuple[int, bytes]]:
    """As the rule says it, from all rows."""
    fit = [one for one in stamps.stamps() if one.kind == "checkpoint" and one.proof is not None and one.size <= size]
    chosen = {one.id: one for one in fit if mark(one) in named}
    for name in AUTHORITIES:
        own = sorted((one for one in fit if one.authority == name), key=lambda one: (one.size, one.id))
        if own:
            best = next((one for one in own if one.size > last), own[-1])
            chosen[best.id] = best
    return [(chosen[key].size, chosen[key].proof or b"") for key in sorted(chosen)]


def test_the_tokens_of_a_case_are_those_that_all_rows_would_give(stamps: Stamps) -> None:
    chance = random.Random(20261122)
    desk = TimestampDesk(stamps)
    assert desk.material(0, 100) == []
    for _ in range(120):
        kind = chance.choice(["checkpoint"] * 4 + ["block"])
        state = chance.choice(["final"] * 4 + ["sent", "dropped"])
        put(stamps, chance.choice(AUTHORITIES), chance.randrange(1, 60), kind=kind, state=state)
    final = [one for one in stamps.stamps() if one.proof is not None]
    for last, size in [(0, 60), (59, 60), (60, 60), (0, 0), *((n, chance.randrange(n, 61)) for n in range(60))]:
        named = [mark(one) for one in chance.sample(final, 5)]
        found = desk.material(last, size, named)
        assert [(one, material.token) for one, material in found] == by_hand(stamps, last, size, named)


def test_of_many_tokens_an_export_reads_few(stamps: Stamps, monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be one for each licence, of each authority."""
    with_transaction = stamps._sql.execute
    with_transaction("BEGIN")
    for size in range(1, 1501):
        for name in AUTHORITIES[:2]:
            put(stamps, name, size)
    with_transaction("COMMIT")
    read: list[int] = []
    made = outbox._stamp
    monkeypatch.setattr(outbox, "_stamp", lambda row: (read.append(row["id"]), made(row))[1])
    named = [mark(made(row)) for row in with_transaction("SELECT * FROM stamp WHERE size = 40")]
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    stamps._sql.set_progress_handler(count, 100)
    found = TimestampDesk(stamps).material(700, 1400, named)
    assert [size for size, _ in found] == [40, 40, 701, 701]
    assert len(read) <= 4
    assert steps[0] < 10, "hundreds of steps of the database for a few rows"


def test_tokens_that_cover_the_case_are_not_left_out_for_those_that_it_names(stamps: Stamps) -> None:
    """They are the youngest, and of what is too much the oldest named went in before them."""
    for size in range(1, MAX_TIMESTAMPS + 20):
        put(stamps, "first", size)
    named = [mark(one) for one in stamps.stamps()]
    sizes = [size for size, _ in TimestampDesk(stamps).material(0, 1000, named)]
    assert sizes == [1, *range(21, MAX_TIMESTAMPS + 20)]
    last = MAX_TIMESTAMPS + 18
    sizes = [size for size, _ in TimestampDesk(stamps).material(last, 1000, named)]
    assert sizes == list(range(20, MAX_TIMESTAMPS + 20))


def test_a_name_that_is_not_of_the_token_brings_none(stamps: Stamps) -> None:
    for size in (5, 6, 7):
        put(stamps, "first", size)
    five = mark(stamps.stamps()[0])
    others = (
        TimeMark("rfc3161", "0" * 64, "first", 5),
        TimeMark("cosignature", five.digest, "first", 5),
        TimeMark("rfc3161", five.digest, "second", 5),
    )
    desk = TimestampDesk(stamps)
    assert [size for size, _ in desk.material(6, 7, others)] == [7]
    assert [size for size, _ in desk.material(6, 7, [five])] == [5, 7]
    assert [size for size, _ in desk.material(3, 4, [five])] == []


def test_the_newest_token_is_none_of_the_future(stamps: Stamps) -> None:
    """Of each authority; where many come, one that has come already is there while the clock is behind."""
    for number, size in enumerate((5, 6, 7)):
        for name in AUTHORITIES[:2]:
            put(stamps, name, size)
        stamps._sql.execute(
            "UPDATE stamp SET gen_time = ? WHERE size = ?", ((100 + number) * 1_000_000 + 999_999, size)
        )
    put(stamps, "third", 9, state="sent")
    desk = TimestampDesk(stamps)
    found = {now: [(one.authority, one.size) for one in desk.newest(now)] for now in (99, 100, 101, 102, 1000, None)}
    both = {size: [("first", size), ("second", size)] for size in (5, 6, 7)}
    assert found == {99: [], 100: both[5], 101: both[6], 102: both[7], 1000: both[7], None: both[7]}
