"""The keys of the log with their windows, for ever: those in force and those that were replaced."""

from __future__ import annotations

from ledger.log import Log
from tallystick.admission.state import LogState
from tallystick.keys import PublicKey
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Bound:
    """A position and an admission time."""

    position: int
    time: str


@dataclass(frozen=True)
class KeyWindow:
    """A key counts in its role for entries from ``first`` to ``last``, both included; ``None``: it is in force."""

    role: str
    key: PublicKey
    first: Bound
    last: Bound | None


class LogKeyService:
    """Reads the log's keys as of now."""

    def __init__(self, log: Log) -> None:
        self._log = log

    @property
    def origin(self) -> str:
        """The log."""
        return self._log.keys().origin

    def windows(self) -> list[KeyWindow]:
        """By role as entry 0 lists them, the newest first."""
        return windows(self._log.keys())


def windows(state: LogState) -> list[KeyWindow]:
    """By role as entry 0 lists them, newest first."""
    retired = list(reversed(state.retired or ()))
    found = []
    for held in state.keys:
        gone = [one for one in retired if one.role == held.role]
        since = gone[0].until + 1 if gone else 0
        found.append(KeyWindow(held.role, PublicKey.from_text(held.key), Bound(since, held.not_before), None))
        found += [
            KeyWindow(
                one.role,
                PublicKey.from_text(one.key),
                Bound(one.since + 1 if one.since else 0, one.not_before),
                Bound(one.until, one.not_after),
            )
            for one in gone
        ]
    return found
