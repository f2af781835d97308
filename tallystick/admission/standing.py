"""What a licence is at an instant: its changes by effective time, and those of all licences above it.

A sublicence lives no longer than its parents: whichever of them is not valid decides.
Used by the rules at admission and, on states that a verifier replayed, by the offline check.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Protocol

from tallystick.admission.state import LicenceChange, LicenceState, LicenceStatus, State
from tallystick.lazy_dataclass import dataclass

ENDED = ("revoked", "expired")
"""Of these there is no way back, but to withdraw the change before it takes effect."""
_GRAVEST = ("revoked", "expired", "suspended")


class Licences(Protocol):
    """Gives states by key: a ``StateReader``."""

    def get(self, key: str) -> State | None:
        """The state under ``key``, or ``None``."""
        ...


@dataclass(frozen=True)
class Standing:
    """What a licence is at an instant.

    ``licence``: the one whose own status decides, itself or an ancestor; ``change``:
    the change that made it so, where one of version 3 did. ``until``: the next
    instant at which anything known so far changes it or an ancestor, if any.
    """

    status: LicenceStatus
    licence: str
    change: LicenceChange | None
    until: str | None


def standing_at(licences: Licences, licence: str, at: str) -> Standing:
    """What ``licence`` is at ``at`` (YYYY-MM-DDTHH:MM:SSZ), by these states; one that is missing counts as revoked."""
    found: list[tuple[LicenceStatus, str, LicenceChange | None]] = []
    pending: list[str] = []
    for name, state in lineage(licences, licence):
        if state is None:
            found.append(("revoked", name, None))
            break
        status, change = _own(state, at)
        found.append((status, name, change))
        pending += [change.effective for change in state.changes or () if change.effective > at]
    until = min(pending, default=None)
    for gravest in _GRAVEST:
        # From the root down: where several are revoked, the highest is what matters.
        for status, name, change in reversed(found):
            if status == gravest:
                return Standing(status, name, change, until)
    return Standing("valid", licence, found[0][2], until)


def own_status(state: LicenceState, at: str) -> LicenceStatus:
    """What the licence itself is at ``at``, whatever its parents are."""
    return _own(state, at)[0]


def _own(state: LicenceState, at: str) -> tuple[LicenceStatus, LicenceChange | None]:
    if state.changes is None:
        return state.status, None
    status: LicenceStatus = state.before or "valid"
    deciding: LicenceChange | None = None
    for change in state.changes:
        if status in ENDED or change.effective > at:
            break
        status, deciding = change.status, change
    return status, deciding


def lineage(licences: Licences, licence: str) -> Iterator[tuple[str, LicenceState | None]]:
    """The licence and its ancestors, from itself up; ``None`` where one is not known, and then no further.

    It ends: a parent is registered before its sublicence, by the rules.
    """
    name: str | None = licence
    while name is not None:
        state = licences.get(name)
        found = state if isinstance(state, LicenceState) else None
        yield name, found
        name = found.parent if found is not None else None


def licensor_of(licences: Licences, state: LicenceState) -> str | None:
    """Who stands above the licence now: who granted it; of a sublicence, who holds its parent."""
    if state.parent is None:
        return state.licensor
    parent = licences.get(state.parent)
    return parent.holder if isinstance(parent, LicenceState) else None


def concerned(licences: Licences, state: LicenceState) -> tuple[str | None, ...]:
    """Whose affair the licence is now: who stands above it, and who holds it, if that is said openly."""
    return licensor_of(licences, state) or state.licensor, state.holder


def changed(state: LicenceState, change: LicenceChange, now: str) -> LicenceState:
    """The licence with one more change. One that ends it makes moot what would come after."""
    before = state.before if state.changes is not None or state.status == "valid" else state.status
    kept = [one for one in state.changes or () if not (change.status in ENDED and one.effective >= change.effective)]
    ordered = tuple(sorted((*kept, change), key=lambda one: (one.effective, one.position)))
    return settled(dataclasses.replace(state, before=before, changes=ordered), now)


def settled(state: LicenceState, now: str) -> LicenceState:
    """The licence, with ``status`` as it is now."""
    return dataclasses.replace(state, status=own_status(state, now))


def may_become_valid(state: LicenceState, now: str) -> bool:
    """Whether the licence itself is valid now, or will be by what is recorded already."""
    instants = [now, *(change.effective for change in state.changes or () if change.effective > now)]
    return any(own_status(state, at) == "valid" for at in instants)
