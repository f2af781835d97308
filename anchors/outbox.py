"""The outbox: what is to be anchored, what was signed and sent, and what came of it.

One SQLite file, ``anchors.db``. The worker moves targets and anchors; any process
may read them, ask for an anchor, or mark a target as named. Every method is one
transaction, on disk when it returns. Nothing here talks to a chain, so the API
process uses it without loading web3.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from anchors.errors import OutboxConflict
from anchors.outbox_rows import (
    OPEN_STATES,
    Anchor,
    AnchorState,
    Attempt,
    Handover,
    HandoverKeys,
    Mined,
    NewAttempt,
    Request,
    Settled,
    Spent,
    Target,
    TargetSpec,
)
from anchors.outbox_schema import connect
from anchors.ports import PublishedCheckpoint
from anchors.transactions import noting, writing

_ALLOWED: dict[AnchorState, tuple[AnchorState, ...]] = {
    "prepared": ("sent", "mined", "dropped"),
    "sent": ("sent", "mined", "dropped"),
    "mined": ("sent", "final", "dropped"),
    "final": (),
    "dropped": (),
}
"""From which state an anchor may go to which. A reorganised block takes a mined anchor back to sent; one that
nobody can prove any more, since the node forgot the block's state, is dropped."""


class Outbox:
    """Open one for each process. Raises ``OutboxConflict`` when the file is not an outbox."""

    def __init__(self, path: Path) -> None:
        self._sql = connect(path)

    def close(self) -> None:
        """Close the file."""
        self._sql.close()

    # --- targets --------------------------------------------------------------------

    def put_target(self, spec: TargetSpec, now: int) -> Target:
        """The target of this name, made when there is none. Raises ``OutboxConflict`` when it is another one."""
        if self._one("SELECT 1 FROM target WHERE name = ?", spec.name) is None:
            with writing(self._sql):
                self._insert("target", {**asdict(spec), "state": "deploying", "deploying_at": now})
        target = _target(self._one("SELECT * FROM target WHERE name = ?", spec.name))
        if target.spec != spec:
            changed = [f.name for f in fields(spec) if getattr(spec, f.name) != getattr(target.spec, f.name)]
            raise OutboxConflict(
                f"target {spec.name!r} is known with another {', '.join(changed)}: a changed chain, contract or log "
                "is a new target and needs a new name"
            )
        return target

    def announce(self, target_id: int, contract: bytes, now: int) -> Target:
        """The contract is deployed: the target waits for the log to name it. Repeating it changes nothing."""
        with writing(self._sql):
            target = self._target(target_id)
            if target.state == "deploying":
                self._sql.execute(
                    "UPDATE target SET state = 'announced', contract = ?, announced_at = ? WHERE id = ?",
                    (contract, now, target_id),
                )
            elif target.contract != contract:
                raise OutboxConflict(f"target {target.spec.name!r} has contract {_hex(target.contract)} already")
            return self._target(target_id)

    def mark_named(self, target_id: int, log_position: int, now: int) -> Target:
        """The log names the target in the entry at ``log_position``. Repeating it changes nothing."""
        with writing(self._sql):
            target = self._target(target_id)
            if target.state == "deploying":
                raise OutboxConflict(f"target {target.spec.name!r} has no contract yet: nothing to name")
            if target.state == "announced":
                self._sql.execute(
                    "UPDATE target SET state = 'named', log_position = ?, named_at = ? WHERE id = ?",
                    (log_position, now, target_id),
                )
            return self._target(target_id)

    def note_trouble(self, target_id: int, trouble: str | None, now: int, *, stopped: bool = False) -> None:
        """Say what hinders anchoring at a target, or that nothing does. What is said already keeps its time."""
        held = self._target(target_id)
        if (held.trouble, held.stopped) == (trouble, stopped):
            return
        since = None if trouble is None else now
        with writing(self._sql):
            self._sql.execute(
                "UPDATE target SET trouble = ?, trouble_at = ?, stopped = ? WHERE id = ?",
                (trouble, since, int(stopped), target_id),
            )

    def note_wait(self, target_id: int, text: str | None, now: int) -> None:
        """Say what an anchor that is due waits for, or that none does. As long as one waits the time stays."""
        held = self._target(target_id)
        if held.waits != text:
            with writing(self._sql):
                self._sql.execute(
                    "UPDATE target SET waits = ?1, waits_at = iif(?1 IS NULL, NULL, coalesce(waits_at, ?2))"
                    " WHERE id = ?3",
                    (text, now, target_id),
                )

    def targets(self) -> list[Target]:
        """Every target, oldest first."""
        return [_target(row) for row in self._sql.execute("SELECT * FROM target ORDER BY id")]

    def _target(self, target_id: int) -> Target:
        return _target(self._one("SELECT * FROM target WHERE id = ?", target_id))

    # --- requests -------------------------------------------------------------------

    def request(self, reason: str, size: int, now: int) -> Request:
        """Ask that the log be anchored at ``size`` or beyond, soon: "licence", "dispute", "on demand", ..."""
        with writing(self._sql):
            request_id = self._insert("request", {"reason": reason, "size": size, "requested_at": now})
        return Request(request_id, reason, size, now)

    def pending(self, target_id: int) -> list[Request]:
        """Requests beyond the target's last final anchor, oldest first."""
        rows = self._sql.execute(
            "SELECT * FROM request WHERE size > (SELECT coalesce(max(size), 0) FROM anchor"
            " WHERE target_id = ? AND state = 'final') ORDER BY id",
            (target_id,),
        )
        return [Request(**dict(row)) for row in rows]

    # --- anchors ----------------------------------------------------------------------

    def prepare(self, target_id: int, published: PublishedCheckpoint, reason: str, now: int) -> Anchor:
        """The anchor of this checkpoint for this target: made when new, else the one that exists, as it is."""
        checkpoint = published.checkpoint
        with noting(self._sql):
            self._sql.execute(
                "INSERT INTO anchor (target_id, size, root, note, signature, reason, state, prepared_at)"
                " VALUES (?, ?, ?, ?, ?, ?, 'prepared', ?) ON CONFLICT (target_id, size, root) DO NOTHING",
                (
                    target_id,
                    checkpoint.size,
                    checkpoint.root,
                    published.note,
                    published.authority_signature,
                    reason,
                    now,
                ),
            )
            found = self.find(target_id, checkpoint.size, checkpoint.root)
        if found is None:
            raise RuntimeError("an anchor that was just stored is gone")
        return found

    def find(self, target_id: int, size: int, root: bytes) -> Anchor | None:
        """The one anchor of (size, root) for a target, or None."""
        row = self._one("SELECT * FROM anchor WHERE target_id = ? AND size = ? AND root = ?", target_id, size, root)
        return None if row is None else Anchor(**dict(row))

    def anchor(self, anchor_id: int) -> Anchor:
        """One anchor. Raises ``OutboxConflict`` when there is none with this number."""
        row = self._one("SELECT * FROM anchor WHERE id = ?", anchor_id)
        if row is None:
            raise OutboxConflict(f"there is no anchor {anchor_id}")
        return Anchor(**dict(row))

    def anchors(self, target_id: int | None = None, state: AnchorState | None = None) -> list[Anchor]:
        """Anchors by size, of one target or of all, in one state or in any."""
        rows = self._sql.execute(
            "SELECT * FROM anchor WHERE (?1 IS NULL OR target_id = ?1) AND (?2 IS NULL OR state = ?2)"
            " ORDER BY target_id, size, id",
            (target_id, state),
        )
        return [Anchor(**dict(row)) for row in rows]

    def page(self, after: int, limit: int) -> list[Anchor]:
        """Anchors in the order in which they were prepared, behind the one of this id."""
        rows = self._sql.execute("SELECT * FROM anchor WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [Anchor(**dict(row)) for row in rows]

    def proved(self, target_id: int, above: int, most: int) -> Anchor | None:
        """Of this target's anchors with a proof, of at most so many entries: the smallest that has more than ``above``,
        else the largest there is.
        """
        query = "SELECT * FROM anchor WHERE target_id = ? AND proof IS NOT NULL AND size <= ?"
        row = self._one(f"{query} AND size > ? ORDER BY size, id LIMIT 1", target_id, most, above)
        row = row or self._one(f"{query} ORDER BY size DESC, id DESC LIMIT 1", target_id, most)
        return None if row is None else Anchor(**dict(row))

    def proved_at(self, sizes: Collection[int], blocks: Collection[bytes]) -> list[Anchor]:
        """Anchors with a proof that have one of these sizes, or stand in one of these blocks."""
        places = ", ".join("?" for _ in sizes), ", ".join("?" for _ in blocks)
        rows = self._sql.execute(
            f"SELECT * FROM anchor WHERE proof IS NOT NULL AND (size IN ({places[0]}) OR block_hash IN ({places[1]}))"
            " ORDER BY target_id, size, id",
            (*sizes, *blocks),
        )
        return [Anchor(**dict(row)) for row in rows]

    def open_anchor(self, target_id: int) -> Anchor | None:
        """The anchor of this target that is on its way, or None. There is at most one."""
        marks = ", ".join("?" for _ in OPEN_STATES)
        row = self._one(
            f"SELECT * FROM anchor WHERE target_id = ? AND state IN ({marks}) ORDER BY id", target_id, *OPEN_STATES
        )
        return None if row is None else Anchor(**dict(row))

    def newest(self, target_id: int) -> Anchor | None:
        """The anchor of this target that was prepared last, or None."""
        row = self._one("SELECT * FROM anchor WHERE target_id = ? ORDER BY id DESC LIMIT 1", target_id)
        return None if row is None else Anchor(**dict(row))

    def covering(self, target_id: int, position: int, states: Sequence[AnchorState]) -> Anchor | None:
        """The smallest anchor of this target in one of these states whose tree holds the leaf, or None."""
        marks = ", ".join("?" for _ in states)
        query = f"SELECT * FROM anchor WHERE target_id = ? AND size > ? AND state IN ({marks}) ORDER BY size LIMIT 1"
        row = self._one(query, target_id, position, *states)
        return None if row is None else Anchor(**dict(row))

    def latest(self, limit: int) -> list[Anchor]:
        """The anchors that were prepared last, newest first."""
        rows = self._sql.execute("SELECT * FROM anchor ORDER BY id DESC LIMIT ?", (limit,))
        return [Anchor(**dict(row)) for row in rows]

    def last_final(self, target_id: int) -> Anchor | None:
        """The final anchor with the largest size, or None."""
        row = self._one(
            "SELECT * FROM anchor WHERE target_id = ? AND state = 'final' ORDER BY size DESC LIMIT 1", target_id
        )
        return None if row is None else Anchor(**dict(row))

    def mark_sent(self, anchor_id: int, now: int) -> Anchor:
        """A transaction for it is with the chain; also back from mined, when its block was reorganised away."""
        names = ("tx_hash", "block_hash", "block_number", "block_time", "mined_at", "draft")
        cleared = dict.fromkeys(names)
        with noting(self._sql):
            first = self.anchor(anchor_id).sent_at
            return self._move(anchor_id, "sent", sent_at=first if first is not None else now, error=None, **cleared)

    def mark_mined(self, anchor_id: int, mined: Mined, now: int) -> Anchor:
        """The contract took it, in this block."""
        with noting(self._sql):
            return self._move(anchor_id, "mined", mined_at=now, error=None, **asdict(mined))

    def keep_draft(self, anchor_id: int, draft: bytes) -> Anchor:
        """The packed proof of a mined anchor, which becomes its proof when the block is final."""
        with writing(self._sql):
            self._sql.execute("UPDATE anchor SET draft = ? WHERE id = ? AND state = 'mined'", (draft, anchor_id))
            return self.anchor(anchor_id)

    def mark_final(self, anchor_id: int, proof: bytes, now: int) -> Anchor:
        """Its block will not change any more; ``proof`` are the bytes of the packed ``AnchorProof``."""
        with writing(self._sql):
            return self._move(anchor_id, "final", final_at=now, proof=proof, draft=None, error=None)

    def mark_dropped(self, anchor_id: int, error: str, now: int) -> Anchor:
        """The contract refuses it; nobody will try it again."""
        with writing(self._sql):
            return self._move(anchor_id, "dropped", dropped_at=now, error=error)

    def note_error(self, anchor_id: int, error: str) -> None:
        """Keep what hindered an open anchor, for whoever looks; its state stays."""
        with writing(self._sql):
            self._sql.execute("UPDATE anchor SET error = ? WHERE id = ?", (error, anchor_id))

    def _move(self, anchor_id: int, state: AnchorState, **columns: Any) -> Anchor:
        """Change the state, if the outbox allows it. Moving to the state it is in already changes nothing."""
        found = self.anchor(anchor_id)
        if found.state == state and state != "sent":
            return found
        if state not in _ALLOWED[found.state]:
            raise OutboxConflict(f"anchor {anchor_id} is {found.state}: it cannot become {state}")
        names = ", ".join(f"{name} = ?" for name in columns)
        self._sql.execute(f"UPDATE anchor SET state = ?, {names} WHERE id = ?", (state, *columns.values(), anchor_id))
        return self.anchor(anchor_id)

    # --- handovers ----------------------------------------------------------------------

    def prepare_handover(self, target_id: int, last: PublishedCheckpoint, keys: HandoverKeys, now: int) -> Handover:
        """The contract is to follow the log to a new authority; made when new, else the one that exists, as it is.

        ``last``: the last checkpoint that the predecessor signed.
        """
        columns = {
            "target_id": target_id,
            "size": last.checkpoint.size,
            "root": last.checkpoint.root,
            "note": last.note,
            "signature": last.authority_signature,
            **asdict(keys),
            "prepared_at": now,
        }
        query = "SELECT * FROM handover WHERE target_id = ? AND successor = ?"
        with writing(self._sql):
            row = self._one(query, target_id, keys.successor)
            if row is None:
                self._insert("handover", columns)
                row = self._one(query, target_id, keys.successor)
        return Handover(**dict(row or {}))

    def handovers(self, target_id: int) -> list[Handover]:
        """Every handover of a target, oldest first; one after the other is done."""
        rows = self._sql.execute("SELECT * FROM handover WHERE target_id = ? ORDER BY id", (target_id,))
        return [Handover(**dict(row)) for row in rows]

    def handover_done(self, handover_id: int, now: int) -> None:
        """The contract has the new authority for good; the first time counts."""
        with writing(self._sql):
            self._sql.execute("UPDATE handover SET done_at = coalesce(done_at, ?) WHERE id = ?", (now, handover_id))

    # --- transactions -------------------------------------------------------------------

    def add_attempt(
        self, target_id: int, anchor_id: int | None, new: NewAttempt, now: int, *, handover_id: int | None = None
    ) -> Attempt:
        """Keep a signed transaction before it is sent. Without anchor and handover it deploys the target's contract."""
        columns = {
            "target_id": target_id, "anchor_id": anchor_id, "handover_id": handover_id, **asdict(new),
            "stored_at": now,
        }  # fmt: skip
        with writing(self._sql):
            attempt_id = self._insert("attempt", columns)
        return Attempt(id=attempt_id, sent_at=None, **columns)

    def attempts(self, target_id: int, anchor_id: int | None, handover_id: int | None = None) -> list[Attempt]:
        """Every transaction signed for an anchor or a handover (neither: for the deployment), oldest first."""
        rows = self._sql.execute(
            "SELECT * FROM attempt WHERE target_id = ? AND anchor_id IS ? AND handover_id IS ? ORDER BY id",
            (target_id, anchor_id, handover_id),
        )
        return [_attempt(row) for row in rows]

    def attempt_sent(self, attempt_id: int, now: int) -> None:
        """The chain took the transaction; the first time counts."""
        with noting(self._sql):
            self._sql.execute("UPDATE attempt SET sent_at = coalesce(sent_at, ?) WHERE id = ?", (now, attempt_id))

    def attempt_lost(self, attempt_id: int, now: int | None) -> None:
        """Its nonce is spent, and nothing of ours was seen to spend it; None: it is free again, or was ours after all.

        The first time counts.
        """
        with writing(self._sql):
            self._sql.execute(
                "UPDATE attempt SET lost_at = CASE WHEN ?1 IS NULL THEN NULL ELSE coalesce(lost_at, ?1) END"
                " WHERE id = ?2",
                (now, attempt_id),
            )

    def settle(self, attempt_id: int, settled: Settled, now: int) -> None:
        """Its receipt was seen. A reorganised block may have another one later, which then counts."""
        with noting(self._sql):
            self._sql.execute(
                "UPDATE attempt SET settled_at = ?, succeeded = ?, gas_used = ?, gas_price = ? WHERE id = ?",
                (now, int(settled.succeeded), settled.gas_used, settled.gas_price, attempt_id),
            )

    def spent(self, target_id: int, since: int) -> list[Spent]:
        """What anchoring there took, and at most takes while something is on its way, since then; oldest first.

        Failed transactions cost too. Of those on their way only the newest of each nonce can cost anything.
        """
        rows = self._sql.execute("SELECT * FROM attempt WHERE target_id = ? ORDER BY id", (target_id,))
        attempts = [_attempt(row) for row in rows]
        settled = [one for one in attempts if one.settled_at is not None]
        done = {(one.sender, one.nonce) for one in attempts if one.settled_at is not None or one.lost_at is not None}
        waiting = {(one.sender, one.nonce): one for one in attempts if (one.sender, one.nonce) not in done}
        found = [Spent(one.settled_at or 0, (one.gas_used or 0) * (one.gas_price or 0), True) for one in settled]
        found += [Spent(one.stored_at, (one.gas or 0) * one.max_fee, False) for one in waiting.values()]
        return sorted((one for one in found if one.at >= since), key=lambda one: one.at)

    def cost(self, anchor_id: int) -> int:
        """Wei that the receipts of an anchor's transactions tell of, failed ones too; 0 when another paid."""
        rows = self._sql.execute(
            "SELECT gas_used, gas_price FROM attempt WHERE anchor_id = ? AND settled_at IS NOT NULL", (anchor_id,)
        )
        return sum(int(used) * int(price) for used, price in rows)

    # --- SQL ----------------------------------------------------------------------------

    def _insert(self, table: str, columns: dict[str, Any]) -> int:
        names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
        cursor = self._sql.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))
        return int(cursor.lastrowid or 0)

    def _one(self, query: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._sql.execute(query, values).fetchone()
        return row


_SPEC_FIELDS = [field.name for field in fields(TargetSpec)]


def _target(row: sqlite3.Row | None) -> Target:
    if row is None:
        raise OutboxConflict("there is no such target")
    columns = dict(row)
    spec = TargetSpec(**{name: columns.pop(name) for name in _SPEC_FIELDS})
    columns["stopped"] = bool(columns["stopped"])
    return Target(spec=spec, **columns)


def _attempt(row: sqlite3.Row) -> Attempt:
    found = Attempt(**dict(row))
    return found if found.succeeded is None else replace(found, succeeded=bool(found.succeeded))


def _hex(value: bytes | None) -> str:
    return "none" if value is None else "0x" + value.hex()
