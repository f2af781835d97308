"""Changes of the authority, from the log's keys and the outbox: which contract followed, and which did not."""

from __future__ import annotations

from anchors.outbox_rows import Handover, Target, TargetSpec
from api.services.authorities import Followed, authority_changes
from api.services.log_keys import Bound, KeyWindow
from tallystick.evm.secp256k1 import address_of
from tests.world import key_from

KEYS = [key_from(f"authority {number}", "es256k").public for number in range(3)]
FIRST, SECOND, THIRD = (address_of(key.raw) for key in KEYS)
TIMES = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]


def windows(count: int) -> list[KeyWindow]:
    """Of so many authorities, newest first, among those of another role."""
    bounds = [Bound(0, TIMES[0]), Bound(11, TIMES[1]), Bound(21, TIMES[2])]
    ends = [Bound(10, TIMES[1]), Bound(20, TIMES[2])]
    held = [KeyWindow("authority", KEYS[at], bounds[at], ends[at] if at + 1 < count else None) for at in range(count)]
    other = key_from("log").public
    return [KeyWindow("log", other, bounds[0], None), *reversed(held), KeyWindow("status", other, bounds[0], None)]


def handover(name: str, old: bytes, new: bytes, done: int | None) -> tuple[Target, Handover]:
    spec = TargetSpec(name, 1, b"g" * 32, "log.example/x", FIRST, b"l" * 32, None, "chain", b"c" * 32)
    row = Handover(1, 1, 9, b"r" * 32, b"n", b"s", old, new, b"c", b"a", 100, done)
    return Target(1, spec, "named", b"a" * 20, 3, 1, 2, 3), row


def test_the_first_authority_is_no_change() -> None:
    assert authority_changes(windows(1), [handover("a", FIRST, SECOND, None)]) == []


def test_each_change_has_the_contracts_that_knew_the_log_then() -> None:
    shown = [
        handover("old", FIRST, SECOND, 150),
        handover("old", SECOND, THIRD, None),
        handover("new", SECOND, THIRD, 250),
    ]
    last, first = authority_changes(windows(3), shown)
    assert (first.position, first.time, first.predecessor, first.successor) == (10, TIMES[1], FIRST, SECOND)
    assert first.contracts == (Followed("old", 9, 100, 150),)
    assert (last.position, last.time, last.predecessor, last.successor) == (20, TIMES[2], SECOND, THIRD)
    assert last.contracts == (Followed("old", 9, 100, None), Followed("new", 9, 100, 250))


def test_a_handover_between_other_keys_belongs_to_no_change() -> None:
    (only,) = authority_changes(windows(2), [handover("a", FIRST, THIRD, 1), handover("b", SECOND, FIRST, 1)])
    assert only.contracts == ()
