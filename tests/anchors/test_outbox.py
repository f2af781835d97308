"""The outbox: states move one way, nothing is anchored twice, other processes read while it is written."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anchors.errors import OutboxConflict
from anchors.outbox import Outbox
from anchors.outbox_rows import Mined, Target, TargetSpec
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
        (["sent", "mined"], "dropped"),
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
    stored: dict[str, Any] = {"nonce": 3, "max_fee": 10, "raw": b"raw", "tx_hash": b"\x01" * 32, "now": 41}
    attempt = outbox.add_attempt(target.id, anchor.id, **stored)
    assert outbox.attempts(target.id, anchor.id) == [attempt]
    assert outbox.attempts(target.id, None) == []
    outbox.attempt_sent(attempt.id, 42)
    outbox.attempt_sent(attempt.id, 43)
    assert outbox.attempts(target.id, anchor.id) == [replace(attempt, sent_at=42)]
    with pytest.raises(sqlite3.IntegrityError):
        outbox.add_attempt(target.id, anchor.id, **stored)


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
        later.execute("PRAGMA user_version=2")
    later.close()
    with pytest.raises(OutboxConflict, match="outbox format 2"):
        Outbox(tmp_path / "later.db")


def test_a_failed_write_leaves_nothing_and_the_next_one_works(outbox: Outbox, target: Target) -> None:
    anchor = outbox.prepare(target.id, published(5), "first", 40)
    with pytest.raises(OutboxConflict):
        outbox.mark_final(anchor.id, b"proof", 41)
    assert not outbox._sql.in_transaction
    assert outbox.mark_sent(anchor.id, 42).state == "sent"
