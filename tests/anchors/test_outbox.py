"""The outbox: states move one way, nothing is anchored twice, other processes read while it is written."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anchors import outbox_schema
from anchors.errors import OutboxConflict
from anchors.outbox import Outbox
from anchors.outbox_rows import Mined, NewAttempt, Settled, Spent, Target, TargetSpec
from anchors.ports import PublishedCheckpoint
from tallystick.checkpoint import Checkpoint
from tallystick.events.log import AnchorTarget

SPEC = TargetSpec(
    name="embedded",
    chain_id=(1 << 52) - 1,
    genesis_hash=b"\x01" * 32,
    origin="log.example",
    authority=b"\x02" * 20,
    log_id=b"\x03" * 32,
    sealer=b"\x04" * 20,
    vouched_by="operator",
    code_hash=b"\x05" * 32,
)
CONTRACT = b"\x06" * 20
TAKEN = [
    "2d5d52a1ddf8f7ca",
    "64a1d072fd8beebb",
    "035cd02c81c02b08",
    "d38240b3e4dd58e9",
    "a67b24ea010b377f",
    "b6081d75573d8045",
]
"""Digests of the first tables and of each step since."""
ATTEMPT = NewAttempt(nonce=3, max_fee=10, max_tip=2, gas=100, sender=b"\x0b" * 20, raw=b"raw", tx_hash=b"\x01" * 32)
MINED = Mined(tx_hash=b"\x07" * 32, block_hash=b"\x08" * 32, block_number=3, block_time=99)


def published(size: int, root: bytes = b"\x09" * 32) -> PublishedCheckpoint:
    return PublishedCheckpoint(Checkpoint("log.example", size, root), b"note", b"\x0a" * 65)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "anchors.db")
    yield opened
    opened.close()


@pytest.fixture
def target(outbox: Outbox) -> Target:
    return outbox.put_target(SPEC, 10)


# --- targets -----------------------------------------------------------------------------


def test_a_target_goes_from_deploying_to_announced_to_named_once(outbox: Outbox, target: Target) -> None:
    assert (target.state, target.contract, target.deploying_at) == ("deploying", None, 10)
    announced = outbox.announce(target.id, CONTRACT, 20)
    assert (announced.state, announced.contract, announced.announced_at) == ("announced", CONTRACT, 20)
    assert outbox.announce(target.id, CONTRACT, 21) == announced
    named = outbox.mark_named(target.id, 5, 30)
    assert (named.state, named.log_position, named.named_at) == ("named", 5, 30)
    assert outbox.mark_named(target.id, 6, 31) == named
    assert outbox.announce(target.id, CONTRACT, 32) == named
    assert outbox.put_target(SPEC, 33) == named
    assert outbox.targets() == [named]


def test_a_target_does_not_change_its_chain_log_or_contract(outbox: Outbox, target: Target) -> None:
    for change in ({"genesis_hash": b"\x11" * 32}, {"chain_id": 7}, {"sealer": None}, {"origin": "other"}):
        with pytest.raises(OutboxConflict, match=next(iter(change))):
            outbox.put_target(replace(SPEC, **change), 11)  # type: ignore[arg-type]
    outbox.announce(target.id, CONTRACT, 20)
    with pytest.raises(OutboxConflict, match="has contract"):
        outbox.announce(target.id, b"\x12" * 20, 21)


def test_a_target_without_a_contract_is_not_named(outbox: Outbox, target: Target) -> None:
    with pytest.raises(OutboxConflict, match="no contract yet"):
        outbox.mark_named(target.id, 5, 30)
    with pytest.raises(ValueError, match="no contract yet"):
        _ = target.announcement


def test_the_announcement_is_the_body_of_the_log_event(outbox: Outbox, target: Target) -> None:
    assert outbox.announce(target.id, CONTRACT, 20).announcement == AnchorTarget(
        kind="evm",
        chain_id=(1 << 52) - 1,
        genesis="01" * 32,
        contract="06" * 20,
        code_hash="05" * 32,
        log_id="03" * 32,
        hash="keccak256",
        vouched_by="operator",
        sealer="04" * 20,
    )


# --- anchors -----------------------------------------------------------------------------


def test_an_anchor_passes_its_states_with_their_times(outbox: Outbox, target: Target) -> None:
    anchor = outbox.prepare(target.id, published(5), "first", 40)
    assert (anchor.state, anchor.prepared_at, anchor.note, anchor.signature) == ("prepared", 40, b"note", b"\x0a" * 65)
    assert outbox.open_anchor(target.id) == anchor
    assert outbox.mark_sent(anchor.id, 41).sent_at == 41
    assert outbox.mark_sent(anchor.id, 42).sent_at == 41
    mined = outbox.mark_mined(anchor.id, MINED, 43)
    assert (mined.state, mined.mined_at, mined.block_number, mined.block_time) == ("mined", 43, 3, 99)
    final = outbox.mark_final(anchor.id, b"proof", 44)
    assert (final.state, final.final_at, final.proof) == ("final", 44, b"proof")
    assert outbox.mark_final(anchor.id, b"other", 45) == final
    assert outbox.open_anchor(target.id) is None
    assert outbox.last_final(target.id) == outbox.anchor(anchor.id) == final


def test_there_is_one_anchor_for_a_target_size_and_root(outbox: Outbox, target: Target) -> None:
    first = outbox.prepare(target.id, published(5), "first", 40)
    assert outbox.prepare(target.id, published(5), "age", 50) == first
    fork = outbox.prepare(target.id, published(5, b"\x77" * 32), "age", 51)
    other = outbox.put_target(replace(SPEC, name="other"), 52)
    elsewhere = outbox.prepare(other.id, published(5), "first", 53)
    assert len({first.id, fork.id, elsewhere.id}) == 3
    assert [anchor.id for anchor in outbox.anchors(target.id)] == [first.id, fork.id]
    assert [anchor.id for anchor in outbox.anchors(state="prepared")] == [first.id, fork.id, elsewhere.id]


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ([], "final"),
        (["sent"], "final"),
        (["mined", "final"], "sent"),
        (["mined", "final"], "dropped"),
        (["mined", "final"], "mined"),
        (["dropped"], "sent"),
        (["dropped"], "mined"),
        (["dropped"], "final"),
    ],
)
def test_no_state_is_skipped_and_none_comes_back(outbox: Outbox, target: Target, path: list[str], step: str) -> None:
    anchor = outbox.prepare(target.id, published(5), "first", 40)
    moves: dict[str, Any] = {
        "sent": lambda: outbox.mark_sent(anchor.id, 50),
        "mined": lambda: outbox.mark_mined(anchor.id, MINED, 50),
        "final": lambda: outbox.mark_final(anchor.id, b"proof", 50),
        "dropped": lambda: outbox.mark_dropped(anchor.id, "why", 50),
    }
    for name in path:
        moves[name]()
    before = outbox.anchor(anchor.id)
    with pytest.raises(OutboxConflict, match=f"cannot become {step}"):
        moves[step]()
    assert outbox.anchor(anchor.id) == before


def test_a_reorganised_anchor_forgets_its_block_and_keeps_when_it_was_sent(outbox: Outbox, target: Target) -> None:
    anchor = outbox.prepare(target.id, published(5), "first", 40)
    outbox.mark_sent(anchor.id, 41)
    outbox.mark_mined(anchor.id, MINED, 42)
    back = outbox.mark_sent(anchor.id, 43)
    assert (back.state, back.sent_at, back.mined_at, back.tx_hash, back.block_hash) == ("sent", 41, None, None, None)


def test_an_unknown_anchor_or_target_is_refused(outbox: Outbox) -> None:
    with pytest.raises(OutboxConflict, match="no anchor 9"):
        outbox.mark_sent(9, 1)
    with pytest.raises(OutboxConflict, match="no such target"):
        outbox.announce(9, CONTRACT, 1)
    with pytest.raises(sqlite3.IntegrityError):
        outbox.prepare(9, published(5), "first", 1)


def test_a_transaction_is_stored_once_and_first_sent_once(outbox: Outbox, target: Target) -> None:
    anchor = outbox.prepare(target.id, published(5), "first", 40)
    attempt = outbox.add_attempt(target.id, anchor.id, ATTEMPT, 41)
    assert outbox.attempts(target.id, anchor.id) == [attempt]
    assert outbox.attempts(target.id, None) == []
    outbox.attempt_sent(attempt.id, 42)
    outbox.attempt_sent(attempt.id, 43)
    assert outbox.attempts(target.id, anchor.id) == [replace(attempt, sent_at=42)]
    with pytest.raises(sqlite3.IntegrityError):
        outbox.add_attempt(target.id, anchor.id, ATTEMPT, 44)


def test_a_lost_nonce_is_remembered_since_the_first_time_and_may_be_found_again(outbox: Outbox, target: Target) -> None:
    attempt = outbox.add_attempt(target.id, None, ATTEMPT, 41)
    for at in (50, 51):
        outbox.attempt_lost(attempt.id, at)
    assert outbox.attempts(target.id, None) == [replace(attempt, lost_at=50)]
    outbox.attempt_lost(attempt.id, None)
    assert outbox.attempts(target.id, None) == [attempt]


def test_what_was_spent_counts_failures_and_at_most_what_is_on_its_way(outbox: Outbox, target: Target) -> None:
    anchor = outbox.prepare(target.id, published(5), "first", 40)
    first, bumped, next_nonce, stolen = (
        outbox.add_attempt(target.id, anchor.id, replace(ATTEMPT, **change), at)  # type: ignore[arg-type]
        for change, at in (
            ({}, 41),
            ({"max_fee": 12, "tx_hash": b"\x02" * 32}, 42),
            ({"nonce": 4, "tx_hash": b"\x03" * 32}, 43),
            ({"nonce": 5, "tx_hash": b"\x04" * 32}, 44),
        )
    )
    outbox.attempt_lost(stolen.id, 45)
    # Two waiting nonces, of which the first was signed twice: only the second of those can cost anything.
    assert outbox.spent(target.id, 0) == [Spent(42, 1200, False), Spent(43, 1000, False)]
    assert outbox.cost(anchor.id) == 0
    outbox.settle(first.id, Settled(False, 70, 10**17), 50)
    outbox.settle(next_nonce.id, Settled(True, 80, 10**17), 60)
    assert outbox.spent(target.id, 0) == [Spent(50, 70 * 10**17, True), Spent(60, 80 * 10**17, True)]
    assert outbox.spent(target.id, 51) == [Spent(60, 80 * 10**17, True)]
    assert outbox.cost(anchor.id) == 150 * 10**17
    assert outbox.attempts(target.id, anchor.id)[0].succeeded is False
    assert bumped.settled_at is None


def test_what_hinders_a_target_is_said_since_when_and_taken_back(outbox: Outbox, target: Target) -> None:
    outbox.note_trouble(target.id, "does not answer", 50)
    outbox.note_trouble(target.id, "does not answer", 60)
    (found,) = outbox.targets()
    assert (found.trouble, found.trouble_at, found.stopped) == ("does not answer", 50, False)
    outbox.note_trouble(target.id, "was reset", 70, stopped=True)
    (found,) = outbox.targets()
    assert (found.trouble, found.trouble_at, found.stopped) == ("was reset", 70, True)
    outbox.note_trouble(target.id, None, 80)
    assert outbox.targets() == [target]


def test_the_draft_of_a_proof_goes_with_its_block(outbox: Outbox, target: Target) -> None:
    anchor = outbox.prepare(target.id, published(5), "first", 40)
    assert outbox.keep_draft(anchor.id, b"too early").draft is None
    outbox.mark_mined(anchor.id, MINED, 41)
    assert outbox.keep_draft(anchor.id, b"draft").draft == b"draft"
    assert outbox.mark_sent(anchor.id, 42).draft is None
    outbox.mark_mined(anchor.id, MINED, 43)
    outbox.keep_draft(anchor.id, b"draft")
    final = outbox.mark_final(anchor.id, b"draft", 44)
    assert (final.draft, final.proof) == (None, b"draft")


# --- requests ----------------------------------------------------------------------------


def test_a_request_is_pending_for_a_target_until_a_final_anchor_reaches_its_size(
    outbox: Outbox, target: Target
) -> None:
    licence, dispute = outbox.request("licence", 5, 30), outbox.request("dispute", 6, 31)
    assert outbox.pending(target.id) == [licence, dispute]
    anchor = outbox.prepare(target.id, published(5), "licence", 40)
    outbox.mark_mined(anchor.id, MINED, 41)
    assert outbox.pending(target.id) == [licence, dispute]
    outbox.mark_final(anchor.id, b"proof", 42)
    assert outbox.pending(target.id) == [dispute]
    other = outbox.put_target(replace(SPEC, name="other"), 52)
    assert outbox.pending(other.id) == [licence, dispute]


def test_a_request_for_nothing_is_refused(outbox: Outbox) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        outbox.request("licence", 0, 1)


# --- the file ----------------------------------------------------------------------------


def test_another_process_reads_and_asks_while_this_one_is_open(outbox: Outbox, target: Target, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from anchors.outbox import Outbox\n"
        "box = Outbox(Path(sys.argv[1])); box.request('licence', 7, 1); print(box.targets()[0].spec.name)\n"
        "print(sorted(name for name in sys.modules if name in ('web3', 'eth', 'eth_account')))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "anchors.db")], capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == ["embedded", "[]"]
    assert [request.size for request in outbox.pending(target.id)] == [7]


def test_anchors_without_number_are_not_all_read(outbox: Outbox, target: Target) -> None:
    """There may be one for each licence: who looks for some gets these."""
    for size in (5, 9, 12, 20):
        anchor = outbox.prepare(target.id, published(size), "licence", 40)
        if size != 12:  # on its way
            outbox.mark_sent(anchor.id, 41)
            outbox.mark_mined(anchor.id, replace(MINED, block_hash=bytes([size]) * 32), 42)
            outbox.mark_final(anchor.id, b"proof", 43)
    assert [[one.size for one in outbox.page(after, 3)] for after in (0, 3, 4)] == [[5, 9, 12], [20], []]
    for above, most, expected in ((4, 30, 5), (5, 30, 9), (9, 30, 20), (9, 19, 9), (25, 30, 20), (0, 4, None)):
        found = outbox.proved(target.id, above, most)
        assert (None if found is None else found.size) == expected, (above, most)
    assert [one.size for one in outbox.proved_at([9, 12], [bytes([20]) * 32, bytes(32)])] == [9, 20]
    assert outbox.proved_at([], []) == []


def test_everything_is_there_after_reopening(outbox: Outbox, target: Target, tmp_path: Path) -> None:
    anchor = outbox.prepare(target.id, published(5), "first", 40)
    outbox.close()
    again = Outbox(tmp_path / "anchors.db")
    assert (again.targets(), again.anchors()) == ([target], [anchor])
    assert again._sql.execute("PRAGMA synchronous").fetchone()[0] == 2
    again.close()


def test_a_file_of_another_program_or_format_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(OutboxConflict, match="another program"):
        Outbox(tmp_path / "other.db")
    Outbox(tmp_path / "later.db").close()
    with sqlite3.connect(tmp_path / "later.db") as later:
        later.execute("PRAGMA user_version=1000")
    later.close()
    with pytest.raises(OutboxConflict, match="outbox format 1000"):
        Outbox(tmp_path / "later.db")


def test_a_failed_write_leaves_nothing_and_the_next_one_works(outbox: Outbox, target: Target) -> None:
    anchor = outbox.prepare(target.id, published(5), "first", 40)
    with pytest.raises(OutboxConflict):
        outbox.mark_final(anchor.id, b"proof", 41)
    assert not outbox._sql.in_transaction
    assert outbox.mark_sent(anchor.id, 42).state == "sent"


def test_an_outbox_of_the_first_format_opens_with_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "anchors.db"
    with sqlite3.connect(path) as first:
        first.executescript(outbox_schema._TABLES)
        first.execute(f"PRAGMA application_id={outbox_schema.APPLICATION_ID}")
        first.execute("PRAGMA user_version=1")
        first.execute(
            "INSERT INTO target VALUES (1, 'embedded', 'announced', ?, ?, 'log.example', ?, ?, ?, 'operator', ?, ?,"
            " NULL, 10, 20, NULL)",
            (SPEC.chain_id, SPEC.genesis_hash, SPEC.authority, SPEC.log_id, SPEC.sealer, SPEC.code_hash, CONTRACT),
        )
        first.execute(
            "INSERT INTO anchor VALUES (1, 1, 5, ?, x'01', x'02', 'first', 'sent', 40, 41, NULL, NULL, NULL,"
            " NULL, NULL, NULL, NULL, NULL, NULL)",
            (b"\x09" * 32,),
        )
        first.execute("INSERT INTO attempt VALUES (1, 1, 1, 3, 10, ?, ?, 40, 41)", (b"raw", b"\x01" * 32))
    first.close()
    for _ in range(2):
        outbox = Outbox(path)
        target = outbox.put_target(SPEC, 99)
        assert (target.id, target.state, target.contract, target.trouble, target.stopped) == (
            1,
            "announced",
            CONTRACT,
            None,
            False,
        )
        (anchor,), (attempt,) = outbox.anchors(), outbox.attempts(1, 1)
        assert (anchor.state, anchor.size, anchor.draft) == ("sent", 5, None)
        assert (attempt.nonce, attempt.raw, attempt.sender, attempt.settled_at) == (3, b"raw", None, None)
        outbox.close()
    again = Outbox(path)
    assert again.mark_mined(1, MINED, 50).state == "mined"
    again.close()


def test_the_first_tables_and_the_steps_that_outboxes_have_taken_do_not_change() -> None:
    taken = (outbox_schema._TABLES, *outbox_schema.STEPS)
    found = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in taken]
    assert found[: len(TAKEN)] == TAKEN


def test_a_step_that_fails_leaves_the_older_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Outbox(tmp_path / "anchors.db").close()
    steps = (*outbox_schema.STEPS, "CREATE TABLE half (id INTEGER); CREATE TABLE half (id INTEGER);")
    monkeypatch.setattr(outbox_schema, "STEPS", steps)
    monkeypatch.setattr(outbox_schema, "FORMAT", 1 + len(steps))
    with pytest.raises(sqlite3.OperationalError, match="half already exists"):
        Outbox(tmp_path / "anchors.db")
    monkeypatch.undo()
    Outbox(tmp_path / "anchors.db").close()


def test_a_power_failure_takes_only_what_can_be_seen_again(tmp_path: Path) -> None:
    """Signed bytes before they are sent, and a proof, are on disk at once; what a chain shows again, with the next."""
    told: list[str] = []
    with closing(Outbox(tmp_path / "anchors.db")) as outbox:
        target = outbox.put_target(SPEC, 1).id
        outbox._sql.set_trace_callback(told.append)
        anchor = outbox.prepare(target, published(9), "age", 2).id
        attempt = outbox.add_attempt(target, anchor, ATTEMPT, 3).id
        outbox.attempt_sent(attempt, 4)
        outbox.mark_sent(anchor, 4)
        outbox.settle(attempt, Settled(True, 50, 1), 5)
        outbox.mark_mined(anchor, MINED, 5)
        outbox.keep_draft(anchor, b"draft")
        outbox.mark_final(anchor, b"proof", 6)
        outbox._sql.set_trace_callback(None)
    kinds = [statement for statement in told if statement.startswith(("PRAGMA", "COMMIT"))]
    noted, synced = ["PRAGMA synchronous=NORMAL", "COMMIT", "PRAGMA synchronous=FULL"], ["COMMIT"]
    assert kinds == [*noted, *synced, *noted, *noted, *noted, *noted, *synced, *synced]
