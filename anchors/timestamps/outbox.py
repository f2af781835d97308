"""Timestamps on their way: one row for each message and authority, in the outbox beside the anchors of chains.

States are those of an anchor without ``mined``: prepared, sent (asked at least once), final (a verified token is kept),
dropped. Asking twice does no harm, so a kill between answer and row only means another question.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Literal

from anchors.errors import OutboxConflict
from anchors.outbox_rows import Anchor
from anchors.outbox_schema import connect
from anchors.ports import PublishedCheckpoint
from anchors.scheduler import LastAnchor, Wanted
from anchors.transactions import writing
from tallystick.lazy_dataclass import dataclass
from tallystick.note import parse_note
from tallystick.timestamp import TimestampFact
from tallystick.trust_line import Anchored, TrustLine, trust_line

StampState = Literal["prepared", "sent", "final", "dropped"]
Kind = Literal["checkpoint", "block"]

_LAST = 1 << 40
"""A second that no authority tells."""
_TOKEN = "kind = 'checkpoint' AND proof IS NOT NULL"
# The authorities one after the other, and of each the one row: neither list is read through.
_ASKED = """
WITH RECURSIVE asked (name) AS (
    SELECT min(authority) FROM stamp
    UNION ALL SELECT (SELECT min(authority) FROM stamp WHERE authority > name) FROM asked WHERE name IS NOT NULL
)
"""
_NEWEST = f"""{_ASKED}
SELECT * FROM stamp WHERE id IN (
    SELECT (SELECT id FROM stamp WHERE {_TOKEN} AND authority = name AND gen_time < :before
        ORDER BY size DESC, id DESC LIMIT 1) FROM asked WHERE name IS NOT NULL
) ORDER BY authority
"""
_COVERING = f"""{_ASKED}
SELECT * FROM stamp WHERE id IN (
    SELECT coalesce(
        (SELECT id FROM stamp WHERE {_TOKEN} AND authority = name AND size > :last AND size <= :size
         ORDER BY size, id LIMIT 1),
        (SELECT id FROM stamp WHERE {_TOKEN} AND authority = name AND size <= :size ORDER BY size DESC, id DESC LIMIT 1)
    ) FROM asked WHERE name IS NOT NULL
) ORDER BY id
"""


@dataclass(frozen=True)
class Stamp:
    """One message on its way to one authority, or its token.

    kind: ``checkpoint``: over the text of ``note``; ``block``: over the hash of the block in which ``note`` was
    anchored. gen_time, accuracy: microseconds. own: the authority is an operator's (``LOCAL_POLICY``). alarm:
    somebody must look.
    """

    id: int
    authority: str
    kind: Kind
    message: bytes
    size: int
    root: bytes
    note: bytes
    anchor_id: int | None
    reason: str
    state: StampState
    prepared_at: int
    sent_at: int | None
    final_at: int | None
    dropped_at: int | None
    attempts: int
    next_at: int
    proof: bytes | None
    gen_time: int | None
    accuracy: int | None
    serial: str | None
    signer: str | None
    own: bool
    error: str | None
    alarm: bool

    def trust(self) -> TrustLine:
        """What it proves, and on whose word. That an authority is independent is for a reader's trust file to say."""
        after = None if self.gen_time is None else -(-(self.gen_time + (self.accuracy or 0)) // 1_000_000)
        return trust_line(
            Anchored(
                kind="rfc3161",
                size=self.size,
                root=self.root,
                state=self.state,
                time=after,
                name=self.authority,
                own=self.own,
            )
        )


class Stamps:
    """Open one for each thread or process. Raises ``OutboxConflict`` when the file is not an outbox."""

    def __init__(self, path: Path) -> None:
        self._sql = connect(path)

    def close(self) -> None:
        """Close the file."""
        self._sql.close()

    def prepare(self, authority: str, published: PublishedCheckpoint, reason: str, now: int) -> Stamp:
        """The stamp of this checkpoint: made when new, else the one that exists, as it is."""
        message = parse_note(published.note).text.encode()
        checkpoint = published.checkpoint
        return self._prepare(
            authority,
            {"kind": "checkpoint", "message": message, "size": checkpoint.size, "root": checkpoint.root},
            {"note": published.note, "anchor_id": None, "reason": reason},
            now,
        )

    def prepare_block(self, authority: str, anchor: Anchor, now: int) -> Stamp:
        """The stamp of the block of a final anchor."""
        if anchor.block_hash is None:
            raise OutboxConflict(f"anchor {anchor.id} is in no block")
        return self._prepare(
            authority,
            {"kind": "block", "message": anchor.block_hash, "size": anchor.size, "root": anchor.root},
            {"note": anchor.note, "anchor_id": anchor.id, "reason": "block"},
            now,
        )

    def _prepare(self, authority: str, what: dict[str, Any], more: dict[str, Any], now: int) -> Stamp:
        columns = {
            "authority": authority,
            **what,
            **more,
            "state": "prepared",
            "prepared_at": now,
            "attempts": 0,
            "next_at": now,
            "own": 0,
            "alarm": 0,
        }
        names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
        with writing(self._sql):
            self._sql.execute(
                f"INSERT INTO stamp ({names}) VALUES ({marks}) ON CONFLICT (authority, message) DO NOTHING",
                tuple(columns.values()),
            )
            row = self._one("SELECT * FROM stamp WHERE authority = ? AND message = ?", authority, what["message"])
        if row is None:
            raise RuntimeError("a stamp that was just stored is gone")
        return _stamp(row)

    def stamp(self, stamp_id: int) -> Stamp:
        """One stamp. Raises ``OutboxConflict`` when there is none with this number."""
        row = self._one("SELECT * FROM stamp WHERE id = ?", stamp_id)
        if row is None:
            raise OutboxConflict(f"there is no timestamp {stamp_id}")
        return _stamp(row)

    def stamps(self, authority: str | None = None, state: StampState | None = None) -> list[Stamp]:
        """Stamps by authority and age, in one state or in any."""
        rows = self._sql.execute(
            "SELECT * FROM stamp WHERE (?1 IS NULL OR authority = ?1) AND (?2 IS NULL OR state = ?2)"
            " ORDER BY authority, id",
            (authority, state),
        )
        return [_stamp(row) for row in rows]

    def page(self, after: int, limit: int) -> list[Stamp]:
        """Stamps in the order in which they were prepared, behind the one of this id."""
        rows = self._sql.execute("SELECT * FROM stamp WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        return [_stamp(row) for row in rows]

    def latest(self, limit: int) -> list[Stamp]:
        """Those that were prepared last, newest first."""
        rows = self._sql.execute("SELECT * FROM stamp ORDER BY id DESC LIMIT ?", (limit,))
        return [_stamp(row) for row in rows]

    def alarming(self) -> list[Stamp]:
        """Those of which an authority gave an answer that cannot be believed, by authority and age."""
        return [_stamp(row) for row in self._sql.execute("SELECT * FROM stamp WHERE alarm ORDER BY authority, id")]

    def over(self, block_hash: bytes) -> list[Stamp]:
        """Stamps over a block, by authority and age."""
        rows = self._sql.execute(
            "SELECT * FROM stamp WHERE kind = 'block' AND message = ? ORDER BY authority, id", (block_hash,)
        )
        return [_stamp(row) for row in rows]

    def newest(self, now: int = _LAST) -> list[Stamp]:
        """Of each authority the token over its largest checkpoint; none that is of a second after ``now``."""
        rows = self._sql.execute(_NEWEST, {"before": (now + 1) * 1_000_000})
        return [_stamp(row) for row in rows]

    def covering(self, last: int, size: int) -> list[Stamp]:
        """Of each authority the token over its first checkpoint of more than ``last`` entries, or over its largest.

        None is over more than ``size`` entries. By age.
        """
        rows = self._sql.execute(_COVERING, {"last": last, "size": size})
        return [_stamp(row) for row in rows]

    def over_size(self, authority: str, size: int) -> list[Stamp]:
        """Of an authority the tokens over checkpoints of so many entries, by age."""
        rows = self._sql.execute(
            f"SELECT * FROM stamp WHERE {_TOKEN} AND authority = ? AND size = ? ORDER BY id", (authority, size)
        )
        return [_stamp(row) for row in rows]

    def open(self, authority: str, kind: Kind) -> Stamp | None:
        """The stamp of this kind that still has a way to go, or None. There is at most one."""
        row = self._one(
            "SELECT * FROM stamp WHERE authority = ? AND kind = ? AND state IN ('prepared', 'sent') ORDER BY id",
            authority,
            kind,
        )
        return None if row is None else _stamp(row)

    def last(self, authority: str) -> LastAnchor | None:
        """The largest checkpoint that the authority stamped."""
        row = self._one(
            "SELECT size, prepared_at FROM stamp WHERE authority = ? AND kind = 'checkpoint' AND state = 'final'"
            " ORDER BY size DESC LIMIT 1",
            authority,
        )
        return None if row is None else LastAnchor(row["size"], row["prepared_at"])

    def wanted(self, beyond: int) -> list[Wanted]:
        """Requests for sizes beyond ``beyond``."""
        rows = self._sql.execute("SELECT size, reason FROM request WHERE size > ? ORDER BY id", (beyond,))
        return [Wanted(row["size"], row["reason"]) for row in rows]

    def unstamped_block(self, authority: str) -> Anchor | None:
        """The newest final anchor, of the targets in turn, whose block the authority has not been asked about."""
        row = self._one(
            "SELECT * FROM anchor WHERE id IN (SELECT max(id) FROM anchor WHERE state = 'final' GROUP BY target_id)"
            " AND block_hash NOT IN (SELECT message FROM stamp WHERE authority = ?) ORDER BY id LIMIT 1",
            authority,
        )
        return None if row is None else Anchor(**dict(row))

    def asked(self, stamp_id: int, now: int) -> Stamp:
        """A question is about to be sent."""
        with writing(self._sql):
            self._sql.execute(
                "UPDATE stamp SET state = 'sent', sent_at = coalesce(sent_at, ?), attempts = attempts + 1"
                " WHERE id = ? AND state IN ('prepared', 'sent')",
                (now, stamp_id),
            )
        return self.stamp(stamp_id)

    def done(self, stamp_id: int, token: bytes, fact: TimestampFact, now: int) -> Stamp:
        """Keep a verified token."""
        with writing(self._sql):
            self._sql.execute(
                "UPDATE stamp SET state = 'final', final_at = ?, proof = ?, gen_time = ?, accuracy = ?, serial = ?,"
                " signer = ?, own = ?, error = NULL, alarm = 0 WHERE id = ? AND state = 'sent'",
                (
                    now,
                    token,
                    fact.gen_time,
                    fact.accuracy,
                    f"{fact.serial:x}",
                    fact.signer,
                    int(fact.operator_only),
                    stamp_id,
                ),
            )
        return self.stamp(stamp_id)

    def failed(self, stamp_id: int, error: str, next_at: int, *, alarm: bool) -> Stamp:
        """Keep what hindered it, and when it is tried again."""
        with writing(self._sql):
            self._sql.execute(
                "UPDATE stamp SET error = ?, next_at = ?, alarm = ? WHERE id = ? AND state IN ('prepared', 'sent')",
                (error, next_at, int(alarm), stamp_id),
            )
        return self.stamp(stamp_id)

    def drop_others(self, authorities: list[str], now: int) -> int:
        """Give up what is on its way to authorities that are no longer asked; how many."""
        marks = ", ".join("?" for _ in authorities)
        with writing(self._sql):
            cursor = self._sql.execute(
                "UPDATE stamp SET state = 'dropped', dropped_at = ?, alarm = 0,"
                " error = 'the authority is no longer configured'"
                f" WHERE state IN ('prepared', 'sent') AND authority NOT IN ({marks})",
                (now, *authorities),
            )
        return cursor.rowcount

    def _one(self, query: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._sql.execute(query, values).fetchone()
        return row


def _stamp(row: sqlite3.Row) -> Stamp:
    columns = dict(row)
    return Stamp(**{**columns, "own": bool(columns["own"]), "alarm": bool(columns["alarm"])})
