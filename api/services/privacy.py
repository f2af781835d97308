"""Who may see the private values of an entry, and the files that show them."""

from __future__ import annotations

from api.accounts import Account
from api.services.voices import Voices
from tallystick.events.licence import LicenceGrant
from tallystick.events.settlement import SettlementRecord
from tallystick.statement import Statement


def may_read(voices: Voices, account: Account, statement: Statement) -> bool:
    """Who said it, a licence's named holder, whom a registration is about, the sides of a settlement, the registrar."""
    if "read-private" not in account.scopes:
        return False
    return account.party in _concerned(statement) or voices.is_registrar(account)


def speaker_of(statement: Statement) -> str:
    """Whose word it is: the party for whom the service recorded it, or who signed it."""
    recorded = statement.event.recorded_for
    return recorded.party if recorded else statement.issuer


def _concerned(statement: Statement) -> tuple[str | None, ...]:
    event = statement.event
    holder = event.body.holder if isinstance(event.body, LicenceGrant) else None
    registered = event.subject if event.type == "party.register" else None
    # Who is to accept a settlement must see what it accepts.
    sides = event.body.parties if isinstance(event.body, SettlementRecord) else ()
    return (speaker_of(statement), holder, registered, *sides)
