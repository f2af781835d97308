"""The keys of a log over time: which of them were in force at which size, from the entries that replaced them.

A rotation at position p is the last entry under the old key: a checkpoint of size n
bears the keys as the rotations at positions below n left them, one of size p or less
those before it, whenever it was signed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from tallystick.admission.log_rules import role_key
from tallystick.admission.state import LogState
from tallystick.errors import VerificationFailed
from tallystick.events.log import Role
from tallystick.keys import VALID_KEY, KeyText, PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import COUNT, TIME, record
from tallystick.tree_head import LogKeys

_FIELDS: dict[str, str] = {"log": "ed25519", "log-pq": "ml_dsa", "authority": "authority"}
"""Roles that sign checkpoints, and their fields of ``LogKeys``."""


@record
class Replacement:
    """From the entry after ``position`` on, admitted at ``since``, ``key`` has the role."""

    position: Annotated[int, COUNT]
    since: Annotated[str, TIME]
    role: Role
    key: Annotated[KeyText, VALID_KEY]


@dataclass(frozen=True)
class KeyHistory:
    """``first``: the keys of entry 0; ``replaced``: what came later, by position (a ``CheckpointKeys``)."""

    first: LogKeys
    replaced: tuple[Replacement, ...] = ()

    @property
    def origin(self) -> str:
        """The log."""
        return self.first.origin

    @property
    def current(self) -> LogKeys:
        """The keys in force after all that is known."""
        return self.at(self.replaced[-1].position + 1) if self.replaced else self.first

    def at(self, size: int) -> LogKeys:
        """The keys that must sign the checkpoint of ``size``."""
        changed: dict[str, Any] = {
            _FIELDS[one.role]: PublicKey.from_text(one.key)
            for one in self.replaced
            if one.position < size and one.role in _FIELDS
        }
        return replace(self.first, **changed) if changed else self.first

    def authorities(self, size: int) -> frozenset[bytes]:
        """Addresses of every authority that the log had up to ``size``, 20 bytes each."""
        sizes = (0, *(one.position + 1 for one in self.replaced if one.position < size))
        return frozenset(self.at(each).authority_address for each in sizes)

    def until(self, size: int) -> str | None:
        """When the first of the keys of ``size`` was replaced; ``None``: none of them was, as far as is known."""
        return min((one.since for one in self.replaced if one.position >= size and one.role in _FIELDS), default=None)

    def key_of(self, role: Role, size: int) -> PublicKey | None:
        """The key that ``role`` got by a rotation below ``size``; ``None``: it still has that of entry 0."""
        found = [one.key for one in self.replaced if one.role == role and one.position < size]
        return PublicKey.from_text(found[-1]) if found else None

    def extended(self, shown: KeyHistory) -> KeyHistory:
        """With the rotations that somebody shows, decided by the rules from entry 0 on.

        Raises ``VerificationFailed`` unless that entry 0 names the keys known here, and for a rotation that would be
        known here already if it were true.
        """
        if shown.replaced and shown.first != self.first:
            raise VerificationFailed("the rotations shown begin with other keys than those that are trusted")
        last = self.replaced[-1].position if self.replaced else -1
        added = tuple(one for one in shown.replaced if one not in self.replaced)
        for one in added:
            if one.position <= last:
                raise VerificationFailed(
                    f"a rotation of the {one.role} key is shown at position {one.position}; "
                    f"the trust file names all of them up to position {last}, and this is none"
                )
        return replace(self, replaced=(*self.replaced, *added))


def history_of(state: LogState) -> KeyHistory:
    """The history that the entries so far give."""
    held = {role: role_key(state.keys, role) for role in _FIELDS}
    first = held | {one.role: PublicKey.from_text(one.key) for one in reversed(state.retired or ()) if one.role in held}
    keys = LogKeys(state.origin, first["log"], first["log-pq"], first["authority"])
    return KeyHistory(keys, _replacements(state))


def _replacements(state: LogState) -> tuple[Replacement, ...]:
    retired = state.retired or ()
    followed = {(one.role, one.since): one.key for one in retired}
    present = {key.role: key.key for key in state.keys}
    return tuple(
        Replacement(gone.until, gone.not_after, gone.role, followed.get((gone.role, gone.until), present[gone.role]))
        for gone in retired
    )
