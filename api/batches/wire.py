"""What the service and the hands that prepare batches tell each other: orders there, submissions back.

An item that came to nothing travels as nothing, for the service makes it again itself and sees what was wrong.
"""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from typing import Any

import orjson

from ledger.submission import Submission
from tallystick import layout
from tallystick.admission.state import State
from tallystick.events.again import event_again
from tallystick.events.envelope import RecordedFor
from tallystick.keys import PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import statement_again

_FORMAT = 2
"""Of ``marshal``: without a table of what was seen before, which takes longer than to write it twice."""


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
    """What is sent of submissions: the entries, and what was worked out of them and cannot be had for less.

    What an event says stands in its entry and is read there. Two tables first: who signed, and with which keys that
    was verified.
    """
    speakers: dict[tuple[str, bytes], int] = {}
    keys: dict[PublicKey | None, int] = {}
    items = [_packed(one, speakers, keys) if isinstance(one, Submission) else None for one in made]
    known = [None if key is None else (key.alg, key.raw) for key in keys]
    return [marshal.dumps((list(speakers), known, items), _FORMAT)]


def _packed(
    one: Submission, speakers: dict[tuple[str, bytes], int], keys: dict[PublicKey | None, int]
) -> tuple[Any, ...]:
    statement, statement_id, party, references, disclosures, verified_with = one
    parts = statement.parts
    # Most name nothing but who speaks, for whom, and the subject: that is known where the event is read.
    usual = references == {parts.issuer, party, parts.subject}
    return (
        statement.entry,
        layout.payload_at(parts),
        len(parts.payload),
        statement_id,
        speakers.setdefault((parts.issuer, parts.kid), len(speakers)),
        None if usual else tuple(references),
        disclosures or None,
        keys.setdefault(verified_with, len(keys)),
    )


def unpack(packed: Sequence[bytes]) -> list[Submission | None]:
    """Inverse of ``pack``; ``None`` where something was wrong."""
    found: list[Submission | None] = []
    for some in packed:
        speakers, known, items = marshal.loads(some)
        keys = [None if key is None else PublicKey(*key) for key in known]
        found += [None if one is None else _unpacked(speakers, keys, *one) for one in items]
    return found


def _unpacked(
    speakers: Sequence[tuple[str, bytes]],
    keys: Sequence[PublicKey | None],
    entry: bytes,
    start: int,
    size: int,
    statement_id: bytes,
    speaker: int,
    references: tuple[str, ...] | None,
    disclosures: dict[str, str] | None,
    key: int,
) -> Submission:
    event = event_again(orjson.loads(entry[start : start + size]))
    issuer, kid = speakers[speaker]
    statement = statement_again(entry, issuer, kid, event, statement_id)
    party = event.recorded_for.party if event.recorded_for else issuer
    named = (issuer, party, event.subject) if references is None else references
    return Submission(statement, statement_id, party, frozenset(named), disclosures or {}, keys[key])
