"""The schema, declared. Migrations create it and a test holds both against each other.

Nothing on the way of an entry imports this module: the statements there are
driver SQL (an ORM object per row is fourteen times as slow).
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel


class ChunkRow(SQLModel, table=True):
    """The log itself: the exact bytes of some entries, see ``ledger.store.chunks``.

    Everything but disclosures can be computed from it.
    """

    __tablename__ = "chunks"

    position: int = Field(primary_key=True)
    statement_ids: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    entries: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class RunRow(SQLModel, table=True):
    """A sorted run of the index of statement ids, see ``ledger.store.runs``."""

    __tablename__ = "runs"

    run: int = Field(primary_key=True)
    level: int
    stop: int
    merged: int


class BucketRow(SQLModel, table=True):
    """Some keys of a run, and where the statements stand."""

    __tablename__ = "buckets"

    slot: int = Field(primary_key=True)
    records: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class FilterRow(SQLModel, table=True):
    """A part of the filter of a run."""

    __tablename__ = "filters"

    slot: int = Field(primary_key=True)
    bits: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class StatementRow(SQLModel, table=True):
    """One index line per entry; an event id of a party stands once."""

    __tablename__ = "statements"
    __table_args__ = (
        UniqueConstraint("party", "event_id", name="statements_party_event_id"),
        Index("statements_type", "type", "position"),
    )

    position: int = Field(primary_key=True)
    party: str
    event_id: str
    type: str
    subject: str


class ReferenceRow(SQLModel, table=True):
    """Which entries name an identifier."""

    __tablename__ = "subject_references"
    __table_args__ = ({"sqlite_with_rowid": False},)

    subject: str = Field(primary_key=True)
    position: int = Field(primary_key=True)


class BatchRow(SQLModel, table=True):
    """One batch; times never fall, so that a range of times is a range of positions."""

    __tablename__ = "batches"
    __table_args__ = (Index("batches_admitted_at", "admitted_at"),)

    position: int = Field(primary_key=True)
    first: int
    admitted_at: int
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class StateRow(SQLModel, table=True):
    """What admission remembers: canonical JSON of ``tallystick.admission.encode_state`` by key."""

    __tablename__ = "states"
    __table_args__ = ({"sqlite_with_rowid": False},)

    key: str = Field(primary_key=True)
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class DisclosureRow(SQLModel, table=True):
    """The vault: values and salts behind commitments. Outside the log, and erasable."""

    __tablename__ = "disclosures"
    __table_args__ = ({"sqlite_with_rowid": False},)

    position: int = Field(primary_key=True)
    name: str = Field(primary_key=True)
    disclosure: str
