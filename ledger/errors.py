"""What can go wrong with a log that is kept here. Each message says what was expected, what was found, what to do."""

from __future__ import annotations

from tallystick.errors import TallystickError


class LedgerError(TallystickError):
    """Base of the errors of keeping a log."""


class NoLog(LedgerError):
    """There is no log where one was to be opened."""


class LogExists(LedgerError):
    """There is a log where one was to be begun."""


class LogBusy(LedgerError):
    """Another process writes this log."""


class WrongLog(LedgerError):
    """The keys that were given are not the keys of the log that was found."""


class UnknownSchema(LedgerError):
    """The database was written by another version of this program."""


class LogClosed(LedgerError):
    """The log was closed; nothing was recorded."""


class LogHalted(LedgerError):
    """A witness showed, under this log's own signature, what the log contradicts; or the database is an old copy of
    what this process wrote, or contradicts what it was shown. Nothing is recorded."""


class Conflict(LedgerError):
    """The party has used this event id for another event. ``position``: where that one stands."""

    def __init__(self, party: str, event_id: str, position: int) -> None:
        super().__init__(
            f"{party} said another event under the id {event_id!r}, at position {position}; "
            "repeat that event exactly, or choose a new event id"
        )
        self.party = party
        self.event_id = event_id
        self.position = position


class OutcomeUnknown(LedgerError):
    """The store failed while it recorded; submit the same statement again: if it was recorded, its position comes."""


class Corrupt(LedgerError):
    """Stored bytes are not what they were. ``position``: of the first entry that is affected, where known."""

    def __init__(self, problem: str, position: int | None = None) -> None:
        super().__init__(problem)
        self.position = position


class MapUnreachable(LedgerError):
    """The file of the map cannot be read or written just now: locked, or the disk is full. Nothing was removed."""


class HistoryLost(LedgerError):
    """The database lacks entries that a signed checkpoint covers: an old backup was restored."""


class Forked(LedgerError):
    """Signing would make a second history. ``notes``: the checkpoints that disagree."""

    def __init__(self, problem: str, notes: tuple[str, ...]) -> None:
        super().__init__(problem)
        self.notes = notes


class Fenced(LedgerError):
    """Another publisher has taken over since: this one may not sign any more."""


class Unreachable(LedgerError):
    """Another log, or its copy, does not answer; nothing was learnt, try again later."""


class BadSource(LedgerError):
    """Another log, or its copy, serves bytes that its own signed checkpoint does not cover; they were not kept."""


class ForkSeen(Forked):
    """Two signed checkpoints of one log exclude each other.

    ``notes``: the two, the smaller tree first. ``proof``: from ``smaller_root``, which
    the larger tree gives its beginning of the smaller size, to the larger root.
    """

    def __init__(self, problem: str, notes: tuple[str, ...], smaller_root: bytes, proof: tuple[bytes, ...]) -> None:
        super().__init__(problem, notes)
        self.smaller_root = smaller_root
        self.proof = proof


class DatabaseUnreachable(LedgerError):
    """The database server does not answer. What was being written may be written or not."""


class ObjectsUnreachable(LedgerError):
    """The object store does not answer, or refuses what it was asked. What was being written may be written or not."""
