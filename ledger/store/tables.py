"""The schema, declared. Migrations create it and a test holds both against each other.

Nothing on the way of an entry imports this module: the statements there are
driver SQL (an ORM object per row is fourteen times as slow).
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel


class EntryRow(SQLModel, table=True):
    """The log itself: the exact bytes of each entry. Everything but disclosures can be computed from it."""

    __tablename__ = "entries"

    position: int = Field(primary_key=True)
    entry: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class StatementRow(SQLModel, table=True):
    """One index line per entry; exact idempotency rests on its two unique keys."""

    __tablename__ = "statements"
    __table_args__ = (
        UniqueConstraint("statement_id", name="statements_statement_id"),
        UniqueConstraint("party", "event_id", name="statements_party_event_id"),
        Index("statements_type", "type", "position"),
    )

    position: int = Field(primary_key=True)
    statement_id: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
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
