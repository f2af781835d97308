"""Who signed: the key must be known at this position, be inside its validity, and belong to the issuer it claims."""

from __future__ import annotations

from tallystick.admission.context import Actor
from tallystick.admission.refusal import Refused
from tallystick.admission.state import LOG, HeldKey, LogState, PartyState, StateReader
from tallystick.errors import VerificationFailed
from tallystick.events.log import RoleKey
from tallystick.keys import PublicKey
from tallystick.statement import Statement
from tallystick.times import format_time

SPEAKING_ROLES = ("log", "registrar", "service")


def resolve_signer(
    statement: Statement, admitted_at: int, reader: StateReader, position: int
) -> tuple[Actor, PublicKey]:
    """The actor and the key that must verify the statement. Raises ``Refused``."""
    log = reader.get(LOG)
    if not isinstance(log, LogState):
        raise Refused(
            "log-not-begun", "kid", f"no key set stands before position {position}", "entry 0 must be the key set"
        )
    found = log.by_kid.get(statement.kid)
    if found is not None:
        role_key, public = found
        check_window(statement.kid, role_key.not_before, role_key.not_after, admitted_at)
        return _role_actor(statement, log, role_key), public
    _check_retired(log, statement.kid.hex())
    return _party_actor(statement, admitted_at, reader)


def _check_retired(log: LogState, kid: str) -> None:
    for gone in log.retired or ():
        if PublicKey.from_text(gone.key).kid.hex() == kid:
            raise Refused(
                "key-retired",
                "kid",
                f"the {gone.role} key {kid} was replaced at position {gone.until}, {gone.not_after}",
                f"sign with the {gone.role} key in force",
            )


def check_signature(statement: Statement, key: PublicKey) -> None:
    """Raise ``Refused`` unless ``key`` made the signature."""
    try:
        statement.verify(key)
    except VerificationFailed as error:
        raise Refused("bad-signature", "signature", str(error), "sign the exact bytes that are submitted") from None


def _role_actor(statement: Statement, log: LogState, role_key: RoleKey) -> Actor:
    role = role_key.role
    if role not in SPEAKING_ROLES:
        raise Refused(
            "not-entitled",
            "kid",
            f"the log's {role} key does not sign statements",
            "sign with the key of the log, the registrar, the service or a party",
        )
    speaker = log.service if role == "service" else log.registrar if role == "registrar" else log.origin
    if statement.issuer != speaker:
        raise Refused(
            "wrong-issuer",
            "iss",
            f"the {role} key speaks as {speaker}, the statement says {statement.issuer}",
            f"set iss to {speaker}",
        )
    recorded = statement.event.recorded_for
    if recorded is not None and role != "service":
        raise Refused(
            "wrong-issuer",
            "recorded_for",
            f"the {role} key records for nobody",
            "leave recorded_for out, or have the service sign",
        )
    if role == "registrar":
        return Actor(log.registrar, role)
    return Actor(recorded.party if recorded else None, role)


def _party_actor(statement: Statement, admitted_at: int, reader: StateReader) -> tuple[Actor, PublicKey]:
    party = reader.get(statement.issuer)
    if not isinstance(party, PartyState):
        raise Refused(
            "unknown-signer",
            "iss",
            f"{statement.issuer} is not a registered party",
            "have the registrar register the party and its key first",
        )
    if statement.event.recorded_for is not None:
        raise Refused(
            "wrong-issuer", "recorded_for", "a party's own key records for nobody else", "leave recorded_for out"
        )
    held = _held(party, statement)
    check_window(statement.kid, held.not_before, held.not_after, admitted_at)
    return Actor(statement.issuer, None), PublicKey.from_text(held.key)


def _held(party: PartyState, statement: Statement) -> HeldKey:
    for held in party.keys:
        if held.kid == statement.kid.hex():
            if held.revoked is not None:
                raise Refused(
                    "key-revoked",
                    "kid",
                    f"key {held.kid} was revoked at position {held.revoked}",
                    "sign with a key in force",
                )
            return held
    raise Refused(
        "unknown-signer",
        "kid",
        f"{statement.issuer} has no key {statement.kid.hex()}",
        "have the registrar add the key first",
    )


def check_window(kid: bytes, not_before: str, not_after: str | None, admitted_at: int) -> None:
    """Raise ``Refused`` unless a key of this window (times as text) is in force at ``admitted_at`` (Unix seconds)."""
    at = format_time(admitted_at)
    # The one text form of an instant orders as time does.
    if at < not_before or (not_after is not None and at >= not_after):
        raise Refused(
            "key-not-in-force",
            "kid",
            f"key {kid.hex()} is valid from {not_before} until {not_after or 'revoked'}; "
            f"the statement was admitted at {at}",
            "sign with a key in force",
        )
