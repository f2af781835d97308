"""What the service and the hands that prepare batches tell each other: orders there, submissions back.

An item that came to nothing travels as nothing, for the service makes it again itself and sees what was wrong.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from ledger.submission import Submission
from tallystick.admission.state import State
from tallystick.events.envelope import RecordedFor
from tallystick.layout import Parts
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import Statement

_SOME = 64
"""Submissions pickled at a time: the table of what was seen before stays small, which takes half the time."""


@dataclass(frozen=True)
class Keys:
    """The first message: the private keys of the service's voices, as PKCS 8 without a passphrase."""

    private: tuple[bytes, ...]


@dataclass(frozen=True)
class DraftOrder:
    """Sign the drafts of ``body``. ``key``: which of ``Keys``; the rest as in ``Voice`` and ``Signing``."""

    body: bytes
    key: int
    issuer: str
    recorded_for: RecordedFor | None
    prefix: str
    origin: str
    now: str


@dataclass(frozen=True)
class StatementOrder:
    """Check the statements of ``body``. ``states``: the log's, and the party's if it has one; see ``Checking``."""

    body: bytes
    party: str
    at: int
    size: int
    states: tuple[tuple[str, State], ...]


@dataclass(frozen=True)
class SinglesOrder:
    """Sign the one draft of each body. ``voices``: as in ``DraftOrder`` key, issuer and ``recorded_for``.

    ``singles``: which of the voices, and the body.
    """

    voices: tuple[tuple[int, str, RecordedFor | None], ...]
    singles: tuple[tuple[int, bytes], ...]
    prefix: str
    origin: str
    now: str


Order = DraftOrder | StatementOrder | SinglesOrder


def pack(made: Sequence[Submission | Exception | None]) -> list[bytes]:
    """What is sent of submissions: as little as makes them again."""
    parts = [_packed(one) if isinstance(one, Submission) else None for one in made]
    return [pickle.dumps(parts[at : at + _SOME], pickle.HIGHEST_PROTOCOL) for at in range(0, len(parts), _SOME)]


def _packed(one: Submission) -> tuple[Any, ...]:
    said = one.statement
    known = (one.statement_id, one.party, one.references, one.disclosures, one.verified_with)
    return said.entry, tuple(said.parts), said.event, *known


def unpack(packed: Sequence[bytes]) -> list[Submission | None]:
    """Inverse of ``pack``; ``None`` where something was wrong."""
    return [None if one is None else _unpacked(*one) for some in packed for one in pickle.loads(some)]


def _unpacked(entry: bytes, parts: tuple[Any, ...], event: Any, statement_id: bytes, *known: Any) -> Submission:
    statement = Statement(entry, Parts(*parts), event)
    statement.__dict__["statement_id"] = statement_id
    return Submission(statement, statement_id, *known)
