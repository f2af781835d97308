"""How an object came about, who kept it, and what the operator declares about its platform: rules 4."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from tallystick.digests import DigestPair
from tallystick.identifiers import Letter
from tallystick.schema import COUNT, HEX32, TIME, between, identifier, items, record, text

_PARTY = identifier(Letter.PARTY)
_WEEK_MS = 604_800_000

Method: TypeAlias = Literal["camera", "scanner", "screen", "microphone", "instrument", "authoring", "generation"]
Custodial: TypeAlias = Literal["ing", "fix", "tra", "rep", "mig", "rec", "dea"]
"""Terms of http://id.loc.gov/vocabulary/preservation/eventType/ (PREMIS): ingestion, fixity check, transfer,
replication, migration, recovery, deaccession.
"""
Outcome: TypeAlias = Literal["suc", "fai"]
"""Terms of http://id.loc.gov/vocabulary/preservation/eventOutcome/: success, failure."""
Limb: TypeAlias = Literal["qualification", "independence", "system", "process"]
"""Of article 17 of the Online Litigation Rules, in its order."""


@record
class ClockCheck:
    """The capturing clock beside a ``source``: ahead of it by ``offset`` milliseconds, ``at`` an instant."""

    source: Annotated[str, text(120)]
    offset: Annotated[int, between(-_WEEK_MS, _WEEK_MS)]
    at: Annotated[str, TIME]


@record
class Model:
    """The capability version that is said to have made it; ``signature``: SHA-256 of the model signature's bytes."""

    capability: Annotated[str, identifier(Letter.CAPABILITY)]
    version: Annotated[str, text(80)]
    signature: Annotated[str, HEX32]


@record
class Stored:
    """The first bytes that were kept. ``digest``: of a file its SHA-256, of a folder the root of its file list."""

    medium: Annotated[str, text(120)]
    digest: Annotated[str, HEX32]
    at: Annotated[str, TIME]


@record
class Notary:
    """A notary's statement, as the holder names it. ``party``: the notary's identifier, if it is registered here."""

    name: Annotated[str, text(120)]
    registration: Annotated[str, text(120)]
    statement: DigestPair
    at: Annotated[str, TIME]
    party: Annotated[str, _PARTY] | None = None


@record
class CaptureRecord:
    """The holder says how the object came about. What names a person or a device is private (salted commitments):
    ``operator``, ``device``, ``place``, ``prompt``, ``edits``.
    """

    method: Method
    started: Annotated[str, TIME]
    ended: Annotated[str, TIME]
    clocks: Annotated[tuple[ClockCheck, ...], items(8)]
    tool: DigestPair | None = None
    environment: DigestPair | None = None
    model: Model | None = None
    parameters: DigestPair | None = None
    stored: Stored | None = None
    notary: Notary | None = None
    related: Annotated[tuple[Annotated[str, identifier(Letter.OBJECT)], ...], items(16, 1)] | None = None


@record
class CaptureAttestation:
    """Another party bears the capture record at position ``record`` out, as its notary or as a witness."""

    record: Annotated[int, COUNT]
    role: Literal["notary", "witness"]
    statement: DigestPair | None = None


@record
class CustodyRecord:
    """Its custodian says what happened to the bytes of an object.

    ``previous``: position of the latest custody entry about it; absent in the first. ``before``, ``after``: digests as
    in ``Stored``. ``receiver``: of a transfer, which is complete when the receiver accepts it.
    """

    event: Custodial
    at: Annotated[str, TIME]
    before: Annotated[str, HEX32]
    after: Annotated[str, HEX32]
    outcome: Outcome
    agent: Annotated[str, text(120)]
    previous: Annotated[int, COUNT] | None = None
    receiver: Annotated[str, _PARTY] | None = None


@record
class CustodyAcceptance:
    """The receiver of the transfer at position ``record`` says what arrived: ``suc`` takes over, ``fai`` declines."""

    record: Annotated[int, COUNT]
    at: Annotated[str, TIME]
    digest: Annotated[str, HEX32]
    outcome: Outcome


@record
class Title:
    """What a document is called, in both languages."""

    zh: Annotated[str, text(200)]
    en: Annotated[str, text(200)]


@record
class PlatformDocument:
    """The operator declares a document about its platform. That it says the truth, the log does not know.

    In force from ``valid_from`` on, until before ``valid_until``.
    """

    limb: Limb
    title: Title
    issuer: Annotated[str, text(200)]
    valid_from: Annotated[str, TIME]
    document: DigestPair
    size: Annotated[int, COUNT]
    valid_until: Annotated[str, TIME] | None = None
