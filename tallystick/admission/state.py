"""What the rules remember of the entries so far: one small record per subject, kept by the ledger or in memory."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

from tallystick.digests import DigestPair
from tallystick.errors import MalformedInput
from tallystick.events.licence import StatusPointer
from tallystick.events.log import AnchorTarget, Predecessor, Role, RoleKey
from tallystick.keys import KeyText, PublicKey
from tallystick.schema import read, record, write

LOG = "log"
"""Key of the log's own state."""
BATCH = "batch"
"""Key of the latest batch."""
MAP = "map"
"""Key of the latest map root."""


@record
class RetiredKey:
    """A key that a role had: for entries after ``since`` (0: from the key set on) up to ``until``, its rotation;
    by time from ``not_before`` to before ``not_after``, the admission time of that rotation.
    """

    role: Role
    key: KeyText
    not_before: str
    not_after: str
    since: int
    until: int


@record
class LogState:
    """The key set and the policy in force (``policy``: its position; ``None`` until entry 1).

    What version 1 did not know is ``None`` unless it is used, so that a state of version 1 is stored as it was.
    ``rules``: version of the rules in force, ``None`` for 1. ``frozen``: position of the entry that ended the log.
    ``keys``: those in force; ``retired``: those before, in the order in which they were replaced.
    """

    origin: str
    prefix: str
    registrar: str
    service: str
    keys: tuple[RoleKey, ...]
    targets: tuple[AnchorTarget, ...]
    policy: int | None = None
    rules: int | None = None
    frozen: int | None = None
    retired: tuple[RetiredKey, ...] | None = None
    predecessor: Predecessor | None = None

    @cached_property
    def by_kid(self) -> dict[bytes, tuple[RoleKey, PublicKey]]:
        """The keys in force by their thumbprints; of two roles with the same key, the first."""
        loaded = [(one, PublicKey.from_text(one.key)) for one in reversed(self.keys)]
        return {public.kid: (one, public) for one, public in loaded}

    @property
    def version(self) -> int:
        """Version of the rules in force."""
        return self.rules or 1

    def ever_held(self) -> tuple[KeyText, ...]:
        """Every key that the log has or had in any role."""
        return (*(one.key for one in self.keys), *(one.key for one in self.retired or ()))


@record
class BatchState:
    """The latest batch: the position of its closing entry, and its time."""

    position: int
    time: str


@record
class MapState:
    """The latest map root: the position of its entry, and how many entries it covers."""

    position: int
    size: int


@record
class HeldKey:
    """A party's key: valid from position ``added`` until ``revoked``, and within its window of admission times."""

    kid: str
    key: KeyText
    not_before: str
    added: int
    not_after: str | None = None
    revoked: int | None = None


@record
class PartyState:
    """A registered party."""

    kind: str
    roles: tuple[str, ...]
    keys: tuple[HeldKey, ...]


@record
class ObjectState:
    """A registered object."""

    holder: str
    kind: str
    origin: str
    position: int
    job: str | None = None


@record
class CapabilityState:
    """A filed capability version. ``model_signature``: its fingerprint (hex)."""

    provider: str
    version: str
    generative: bool
    model_signature: str
    status: Literal["filed", "approved", "suspended", "revoked"]
    passed: bool
    grade: str | None = None


@record
class JobState:
    """An admitted job, with what its outputs must repeat."""

    party: str
    capability: str
    version: str
    model_signature: str
    parameters: DigestPair
    environment: DigestPair
    status: Literal["running", "done", "failed"]


LicenceStatus: TypeAlias = Literal["valid", "suspended", "revoked", "expired"]


@record
class LicenceChange:
    """From ``effective`` on the licence is ``status``; recorded at ``position``."""

    status: LicenceStatus
    effective: str
    position: int


@record
class Consent:
    """The licensor's to a transfer to ``to``, recorded before ``until``."""

    to: str
    until: str | None = None


@record
class LicenceState:
    """A licence. What it is at an instant says ``tallystick.admission.standing``, which looks at its parents too.

    ``licensor``: who granted it. ``status``: its own when its latest entry was admitted. What versions 1 and 2
    did not know is ``None`` unless it is used. ``changes``: under version 3, by effective time, then position;
    ``before``: what it was when the first of them was recorded, unless valid. ``depth``: number of its ancestors.
    ``commenced``: when the condition of its start came about. ``page``: of its holder's ``Rights``, unless the first.
    """

    object: str
    licensor: str
    pointer: StatusPointer
    status: LicenceStatus
    holder: str | None = None
    parent: str | None = None
    depth: int | None = None
    sublicences: int | None = None
    transfer: str | None = None
    before: LicenceStatus | None = None
    changes: tuple[LicenceChange, ...] | None = None
    consent: Consent | None = None
    commenced: str | None = None
    page: int | None = None


@record
class CertificateState:
    """A registration certificate. superseded_by, grounds (rules 3): what ended it."""

    object: str
    number: str
    status: Literal["issued", "withdrawn"]
    superseded_by: str | None = None
    grounds: str | None = None


@record
class DisputeState:
    """A dispute."""

    target: str
    claimant: str
    status: Literal["open", "upheld", "rejected", "settled", "withdrawn"]


@record
class CaptureState:
    """A capture record: of which object, and by whom."""

    object: str
    party: str


@record
class CustodyState:
    """Who keeps an object's bytes. ``last``: position of the latest custody entry. ``receiver``: to whom that one
    hands over, until it is accepted or declined. ``ended``: position of the deaccession.
    """

    custodian: str
    last: int | None = None
    receiver: str | None = None
    ended: int | None = None


@record
class SettlementState:
    """A settlement of ``subject`` between ``parties``. ``agreed``: those who said so, the first of them recorded it.

    ``supersedes``: position of the one that it corrects; ``superseded``: of the one that all accepted in its place.
    """

    subject: str
    parties: tuple[str, ...]
    agreed: tuple[str, ...]
    supersedes: int | None = None
    superseded: int | None = None


@record
class Taken:
    """A key, number or index that may be used once, and by whom it was."""

    by: str


@record
class Committed:
    """An entry's private values: who said them of what, the names committed to, and those erased since."""

    party: str
    subject: str
    names: tuple[str, ...]
    erased: tuple[str, ...]


@record
class Rights:
    """Licences by which a party may use another's object: a page of them. ``last``: in the first, number of the last.

    By the page, so that the thousandth licence costs no more than the tenth. What was kept before is one long page.
    """

    licences: tuple[str, ...]
    last: int | None = None


State: TypeAlias = (
    LogState
    | BatchState
    | MapState
    | PartyState
    | ObjectState
    | CapabilityState
    | JobState
    | LicenceState
    | CertificateState
    | DisputeState
    | Taken
    | Rights
    | Committed
    | CaptureState
    | CustodyState
    | SettlementState
)

_KINDS: dict[str, type[Any]] = {
    "log": LogState,
    "batch": BatchState,
    "map": MapState,
    "party": PartyState,
    "object": ObjectState,
    "capability": CapabilityState,
    "job": JobState,
    "licence": LicenceState,
    "certificate": CertificateState,
    "dispute": DisputeState,
    "taken": Taken,
    "rights": Rights,
    "committed": Committed,
    "capture": CaptureState,
    "custody": CustodyState,
    "settlement": SettlementState,
}
_NAMES = {cls: name for name, cls in _KINDS.items()}


class StateReader(Protocol):
    """Gives the state of a subject as of just before the entry that is being decided."""

    def get(self, key: str) -> State | None:
        """The state under ``key``, or ``None``."""
        ...


class MemoryState:
    """A ``StateReader`` that also takes what ``decide`` changed."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}

    def get(self, key: str) -> State | None:
        """See ``StateReader.get``."""
        return self._states.get(key)

    def apply(self, changes: Iterable[tuple[str, State]]) -> None:
        """Remember changes."""
        self._states.update(changes)


def encode_state(state: State) -> dict[str, Any]:
    """JSON value of a state, tagged by ``kind`` and ``value``."""
    return {"kind": _NAMES[type(state)], "value": write(state)}


def decode_state(value: dict[str, Any]) -> State:
    """Inverse of ``encode_state``. Raises ``MalformedInput``."""
    cls = _KINDS.get(value.get("kind", ""))
    if cls is None:
        raise MalformedInput(f"unknown kind of state {value.get('kind')!r}")
    state: State = read(cls, value.get("value"))
    return state


def right_key(object_id: str, party: str, page: int = 0) -> str:
    """Where ``Rights`` of a party to an object stand."""
    return f"right:{object_id}:{party}" + (f":{page}" if page else "")


def kid_key(kid: str) -> str:
    """Where it stands that a key belongs to someone."""
    return f"kid:{kid}"


def status_key(pointer: StatusPointer) -> str:
    """Where it stands that a status index is in use."""
    return f"status:{pointer.list}#{pointer.index}"


def committed_key(position: int) -> str:
    """Where it stands which private values an entry has."""
    return f"committed:{position}"


def number_key(number: str) -> str:
    """Where it stands that a certificate number is in use."""
    return f"number:{number}"


def time_key(digest: str) -> str:
    """Where it stands that a token or block was named already."""
    return f"time:{digest}"


def capture_key(position: int) -> str:
    """Where it stands that an entry is a capture record."""
    return f"capture:{position}"


def attested_key(position: int, party: str) -> str:
    """Where it stands that a party bore a capture record out."""
    return f"attested:{position}:{party}"


def custody_key(object_id: str) -> str:
    """Where the custody of an object stands."""
    return f"custody:{object_id}"


def settlement_key(position: int) -> str:
    """Where it stands that an entry is a settlement, and who agreed to it."""
    return f"settlement:{position}"
