"""The schema, declared. Migrations create it and a test holds both against each other.

Nothing on the way of an entry imports this module: the statements there are
driver SQL (an ORM object per row is fourteen times as slow).
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary
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
    """One index line per entry."""

    __tablename__ = "statements"

    position: int = Field(primary_key=True)
    party: str
    event_id: str
    type: str
    subject: str


class EventKeyRow(SQLModel, table=True):
    """Where an event may stand that a party said under an id, see ``ledger.store.event_ids``."""

    __tablename__ = "event_keys"
    __table_args__ = ({"sqlite_with_rowid": False},)

    key: int = Field(primary_key=True)
    position: int = Field(primary_key=True)


class KindRow(SQLModel, table=True):
    """Entries of one type that follow one another."""

    __tablename__ = "kinds"
    __table_args__ = ({"sqlite_with_rowid": False},)

    type: str = Field(primary_key=True)
    last: int = Field(primary_key=True)
    first: int


class NameRow(SQLModel, table=True):
    """A name, and what admission remembers under it: canonical JSON of ``tallystick.admission.encode_state``, if any.

    See ``ledger.store.names``.
    """

    __tablename__ = "names"

    number: int = Field(primary_key=True)
    name: str
    state: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))


class NameKeyRow(SQLModel, table=True):
    """Which name it may be."""

    __tablename__ = "name_keys"
    __table_args__ = ({"sqlite_with_rowid": False},)

    key: int = Field(primary_key=True)
    number: int = Field(primary_key=True)


class MentionRow(SQLModel, table=True):
    """Entries that follow one another and mention a name, which stands here by its number."""

    __tablename__ = "mentions"
    __table_args__ = ({"sqlite_with_rowid": False},)

    name: int = Field(primary_key=True)
    last: int = Field(primary_key=True)
    first: int


class BatchRow(SQLModel, table=True):
    """One batch; times never fall, so that a range of times is a range of positions."""

    __tablename__ = "batches"
    __table_args__ = (Index("batches_admitted_at", "admitted_at"),)

    position: int = Field(primary_key=True)
    first: int
    admitted_at: int
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class DisclosureRow(SQLModel, table=True):
    """The vault: values and salts behind commitments. Outside the log, and erasable."""

    __tablename__ = "disclosures"
    __table_args__ = ({"sqlite_with_rowid": False},)

    position: int = Field(primary_key=True)
    name: str = Field(primary_key=True)
    disclosure: str
