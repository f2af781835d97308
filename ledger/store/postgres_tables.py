"""The PostgreSQL schema, declared. Migrations create it and a test holds both against each other.

Three groups: what the sequencer writes and its transactions read; what is published,
which is all that readers of the tree need; what processes tell one another. Statements on
the way of an entry are driver SQL and import nothing from here.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Declared(SQLModel, registry=registry()):
    """Base of these tables: their names are those of SQLite's, their metadata is apart."""


def _position(name: str = "position", key: bool = True) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str, key: bool = False) -> Column[str]:
    # Compared byte by byte: the order is the same on every host.
    return Column(name, Text(collation="C"), primary_key=key, nullable=False)


def _bytes(name: str, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable)


def _only_row(name: str) -> tuple[Column[int], CheckConstraint]:
    return Column("id", SmallInteger, primary_key=True, autoincrement=False), CheckConstraint("id = 1", name=name)


# --- the log -----------------------------------------------------------------------


class EntryRow(Declared, table=True):
    """The log itself: the exact bytes of each entry. Everything but disclosures can be computed from it.

    Exact idempotency rests on the unique statement id; opaque entries have none.
    """

    __tablename__ = "entries"
    __table_args__ = (Unique("statement_id", name="entries_statement_id"),)

    position: int = Field(sa_column=_position())
    entry: bytes = Field(sa_column=_bytes("entry"))
    statement_id: bytes | None = Field(sa_column=_bytes("statement_id", nullable=True))


class StatementRow(Declared, table=True):
    """One index line per statement; a party's event id stands once."""

    __tablename__ = "statements"
    __table_args__ = (
        Unique("party", "event_id", name="statements_party_event_id"),
        Index("statements_type", "type", "position"),
    )

    position: int = Field(sa_column=_position())
    party: str = Field(sa_column=_text("party"))
    event_id: str = Field(sa_column=_text("event_id"))
    type: str = Field(sa_column=_text("type"))
    subject: str = Field(sa_column=_text("subject"))


class ReferenceRow(Declared, table=True):
    """Which entries name an identifier."""

    __tablename__ = "subject_references"

    position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    subject: str = Field(sa_column=_text("subject", key=True))
    __table_args__ = (Index("subject_references_subject", "subject", "position"),)


class BatchRow(Declared, table=True):
    """One batch; times never fall, so that a range of times is a range of positions."""

    __tablename__ = "batches"
    __table_args__ = (Index("batches_admitted_at", "admitted_at"),)

    position: int = Field(sa_column=_position())
    first: int = Field(sa_column=_position("first", key=False))
    admitted_at: int = Field(sa_column=_position("admitted_at", key=False))
    digest: bytes = Field(sa_column=_bytes("digest"))


class StateRow(Declared, table=True):
    """What admission remembers: canonical JSON of ``tallystick.admission.encode_state`` by key."""

    __tablename__ = "states"

    key: str = Field(sa_column=_text("key", key=True))
    state: bytes = Field(sa_column=_bytes("state"))


class DisclosureRow(Declared, table=True):
    """The vault: values and salts behind commitments. Outside the log, and erasable."""

    __tablename__ = "disclosures"

    position: int = Field(sa_column=_position())
    name: str = Field(sa_column=_text("name", key=True))
    disclosure: str = Field(sa_column=_text("disclosure"))


_SCRUBBING_ID, _SCRUBBING_ONLY = _only_row("scrubbing_only_row")


class ScrubbingRow(Declared, table=True):
    """How many erasures there were, and how many of those are out of the tables' files."""

    __tablename__ = "scrubbing"
    __table_args__ = (_SCRUBBING_ONLY,)

    id: int = Field(sa_column=_SCRUBBING_ID)
    erased: int = Field(sa_column=_position("erased", key=False))
    gone: int = Field(sa_column=_position("gone", key=False))


# --- who may write -------------------------------------------------------------------


_FENCE_ID, _FENCE_ONLY = _only_row("fence_only_row")
_LEASE_ID, _LEASE_ONLY = _only_row("lease_only_row")
_SHOWN_ID, _SHOWN_ONLY = _only_row("published_checkpoint_only_row")
_ALIGNED_ID, _ALIGNED_ONLY = _only_row("aligned_checkpoint_only_row")


class FenceRow(Declared, table=True):
    """The epoch whose sequencer may append. Locked by each of its transactions, raised by a takeover."""

    __tablename__ = "fence"
    __table_args__ = (_FENCE_ONLY,)

    id: int = Field(sa_column=_FENCE_ID)
    epoch: int = Field(sa_column=_position("epoch", key=False))


class LeaseRow(Declared, table=True):
    """Who sequences, and until when by this database's clock unless it says so again."""

    __tablename__ = "lease"
    __table_args__ = (_LEASE_ONLY,)

    id: int = Field(sa_column=_LEASE_ID)
    epoch: int = Field(sa_column=_position("epoch", key=False))
    holder: str = Field(sa_column=_text("holder"))
    expires: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


# --- what is published -----------------------------------------------------------------


class TileRow(Declared, table=True):
    """Tiles, and entry bundles as level -1: all that proofs are made of."""

    __tablename__ = "published_tiles"

    level: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    index: int = Field(sa_column=Column("index", BigInteger, primary_key=True, autoincrement=False))
    width: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    data: bytes = Field(sa_column=_bytes("data"))


class ShownRow(Declared, table=True):
    """The checkpoint that readers see, and the epoch that showed it."""

    __tablename__ = "published_checkpoint"
    __table_args__ = (_SHOWN_ONLY,)

    id: int = Field(sa_column=_SHOWN_ID)
    epoch: int = Field(sa_column=_position("epoch", key=False))
    note: bytes = Field(sa_column=_bytes("note"))


class AlignedRow(Declared, table=True):
    """The newest aligned checkpoint, which anchors want, and the epoch that signed it."""

    __tablename__ = "aligned_checkpoint"
    __table_args__ = (_ALIGNED_ONLY,)

    id: int = Field(sa_column=_ALIGNED_ID)
    epoch: int = Field(sa_column=_position("epoch", key=False))
    note: bytes = Field(sa_column=_bytes("note"))


# --- what processes tell one another ----------------------------------------------------


class SubmissionRow(Declared, table=True):
    """Work that a process left for the sequencer, until it has taken the answer away."""

    __tablename__ = "submissions"
    __table_args__ = (Index("submissions_waiting", "turn", postgresql_where=text("answer IS NULL")),)

    sender: str = Field(sa_column=_text("sender", key=True))
    number: int = Field(sa_column=_position("number"))
    turn: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="nextval('submission_turns')"))
    work: bytes = Field(sa_column=_bytes("work"))
    answer: bytes | None = Field(sa_column=_bytes("answer", nullable=True))
    left_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default="now()"))
