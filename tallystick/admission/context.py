"""What a rule sees: the statement, where and when it stands, who says it, and the state before it."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from tallystick.admission.refusal import Refused
from tallystick.admission.state import LOG, LogState, PartyState, State, StateReader, Taken
from tallystick.events import Event
from tallystick.identifiers import Identifier, prefix_of
from tallystick.statement import Statement
from tallystick.times import format_time

S = TypeVar("S")


class Actor(NamedTuple):
    """Who speaks. ``role``: the log's role key that signed, or ``None`` for a party's own key.

    ``party``: the party for whom the rules count it: the signer, or for whom the service recorded it;
    ``None`` for the log itself.
    """

    party: str | None
    role: str | None


class Context:
    """One decision. ``position`` is the leaf index; ``admitted_at`` Unix seconds of its batch.

    ``event``: the one that is being decided.
    """

    def __init__(
        self, statement: Statement, position: int, admitted_at: int, reader: StateReader, actor: Actor
    ) -> None:
        self.statement = statement
        self.event: Event = statement.event
        self.position = position
        self.admitted_at = admitted_at
        self.reader = reader
        self.actor = actor
        self.changes: dict[str, State] = {}
        self.usable: set[str] = set()
        """Objects that the acting party may use, as far as that was asked."""

    @property
    def now(self) -> str:
        """The admission time, as text."""
        return format_time(self.admitted_at)

    def get(self, key: str) -> State | None:
        """The state under ``key``, with what this statement changed already."""
        return (self.changes and self.changes.get(key)) or self.reader.get(key)

    @property
    def log(self) -> LogState:
        """The log's state; after entry 0 it exists."""
        state = (self.changes and self.changes.get(LOG)) or self.reader.get(LOG)
        return state if isinstance(state, LogState) else self.need(LOG, LogState, "subject", "log-not-begun")

    def find(self, key: str, cls: type[S]) -> S | None:
        """The state under ``key`` if it is of this kind."""
        state = self.get(key)
        return state if isinstance(state, cls) else None

    def need(self, key: str, cls: type[S], where: str, code: str = "unregistered") -> S:
        """As ``find``, but refuses: identity first, then admission."""
        state = self.get(key)
        if state is None or not isinstance(state, cls):
            kind = "subject" if cls is object else cls.__name__.removesuffix("State").lower()
            raise Refused(
                code,
                where,
                f"{key} is not a registered {kind} at position {self.position}",
                f"register the {kind} first, then submit this event again",
            )
        return state

    def put(self, key: str, state: State) -> None:
        """Change the state under ``key`` once this statement is admitted."""
        self.changes[key] = state

    def enter(self, state: State) -> None:
        """Register the event's subject; refuses an identifier that is in use or of another prefix."""
        subject = self.event.subject
        if self.reader.get(subject) is not None:
            raise Refused(
                "already-registered",
                "subject",
                f"{subject} is registered already",
                "identifiers are never reused: make a new one",
            )
        prefix = self.log.prefix
        if prefix_of(Identifier(subject)) != prefix:
            raise Refused(
                "foreign-prefix",
                "subject",
                f"{subject} does not have this log's prefix {prefix}",
                f"make an identifier that starts with {prefix}/",
            )
        self.changes[subject] = state

    def take(self, key: str, where: str, what: str) -> None:
        """Use something that may be used once."""
        if self.find(key, object) is not None:
            raise Refused("already-used", where, f"{what} is in use already", "take a new one")
        self.put(key, Taken(self.event.subject))

    def party(self) -> str:
        """The acting party; refuses the log and the bare service."""
        if self.actor.party is None:
            raise Refused(
                "no-party",
                "iss",
                "this event must be said by a party or recorded for one",
                "sign it with a registered party's key, or submit it with that party's token",
            )
        return self.actor.party

    def require_role(self, *roles: str) -> str:
        """The acting party, which must be the registrar's key or have one of ``roles`` as a party."""
        party = self.party()
        if self.actor.role == "registrar" and "registrar" in roles:
            return party
        state = self.need(party, PartyState, "iss")
        if not set(roles) & (set(state.roles) - {"registrar"}):
            raise Refused(
                "not-entitled",
                "iss",
                f"{party} has the roles {', '.join(state.roles)}; {self.event.type} takes {' or '.join(roles)}",
                "ask the registrar for the role",
            )
        return party

    def require_registrar(self) -> None:
        """The registrar's own key must have signed."""
        if self.actor.role != "registrar":
            raise Refused(
                "not-entitled",
                "iss",
                f"{self.event.type} is the registrar's to say",
                "have the registrar sign this event",
            )
