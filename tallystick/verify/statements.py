"""Steps 3 and 6: every entry is signed by a key that the log knows, and its signer was entitled at its position."""

from __future__ import annotations

from tallystick.admission import Refused
from tallystick.errors import VerificationFailed
from tallystick.events.log import KeyRotation, KeySet
from tallystick.events.party import PartyKey, PartyRegistration
from tallystick.keys import KeyText, PublicKey
from tallystick.replay import Admitted, Placed
from tallystick.times import format_time
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text

# What replay refuses for want of an entry; all other refusals say that the statement itself is at fault.
_LACKING = frozenset({"unregistered", "no-batch", "log-not-begun", "no-policy", "unknown-signer"})


def check_signatures(ex: Examination) -> Finding:
    """Step 3: the signature over each entry's exact bytes, by the key that an entry of the bundle declares."""
    keys = _declared(ex.case.entries)
    tally = Tally()
    for placed in ex.case.entries:
        key = keys.get(placed.statement.kid)
        if key is None:
            tally.lacks("signature.no-key", position=placed.position, kid=placed.statement.kid.hex())
            continue
        try:
            placed.statement.verify(key)
        except VerificationFailed as error:
            tally.contradicts("signature.bad", position=placed.position, detail=str(error))
        else:
            ex.verified[placed.position] = key
    if tally.holds:
        tally.shows("signature.good", count=len(ex.verified), keys=len(set(ex.verified.values())))
    return tally.finding()


def _declared(entries: tuple[Placed, ...]) -> dict[bytes, PublicKey]:
    """Keys by thumbprint, as entry 0, rotations and the registrar's entries about parties declare them."""
    found: list[KeyText] = []
    for placed in entries:
        body = placed.statement.event.body
        if (isinstance(body, KeySet) and placed.position == 0) or isinstance(body, PartyRegistration):
            found += [key.key for key in body.keys]
        elif isinstance(body, PartyKey) and body.add is not None:
            found.append(body.add.key)
        elif isinstance(body, KeyRotation):
            found.append(body.key)
    return {key.kid: key for key in map(PublicKey.from_text, found)}


def check_entitlement(ex: Examination) -> Finding:
    """Step 6: the admission rules, applied again to the entries shown, admit each of them, and before ``at``."""
    tally = Tally()
    if 0 not in ex.entries:
        tally.lacks("entitlement.no-genesis")
    for position, error in sorted(ex.replay.refused.items()):
        hint = error.hint if isinstance(error, Refused) else ""
        lacking = isinstance(error, Refused) and error.code in _LACKING
        note = tally.lacks if lacking else tally.contradicts
        note("entitlement.refused", position=position, detail=str(error), hint=hint)
    for position, admitted in sorted(ex.replay.admitted.items()):
        if admitted.admitted_at > ex.at:
            tally.lacks("entitlement.later", position=position, time=time_text(admitted.admitted_at))
    if tally.holds:
        tally.shows("entitlement.good", count=len(ex.replay.admitted))
        ex.facts["statements"] = [_spoken(admitted) for _, admitted in sorted(ex.replay.admitted.items())]
    return tally.finding()


def _spoken(admitted: Admitted) -> dict[str, object]:
    """Who said what: ``signed_by`` a key of its own, or recorded by the service for a party."""
    statement = admitted.placed.statement
    event = statement.event
    found: dict[str, object] = {
        "position": admitted.placed.position,
        "type": event.type,
        "subject": event.subject,
        "signed_by": statement.issuer,
        "role": admitted.admission.actor.role or "party",
        "key": statement.kid.hex(),
        "claimed_at": event.time,
        "admitted_at": format_time(admitted.admitted_at),
    }
    if event.recorded_for is not None:
        found["recorded_for"] = event.recorded_for.party
    return found
