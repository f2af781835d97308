"""``log.rotate``: a role's key is replaced, by its holder and the registrar together, never by one of them alone.

The registrar signs the statement; the replaced key and the new one sign that they agree.
Where the registrar's own key is replaced the log's key signs too. So whoever stole one
key cannot rotate anything, and what a rotation says can be shown to any third party.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tallystick import canonical
from tallystick.admission.context import Context
from tallystick.admission.log_rules import ROLE_ALGORITHMS, require_origin
from tallystick.admission.refusal import Refused
from tallystick.admission.signer import check_window
from tallystick.admission.state import LOG, LogState, RetiredKey, kid_key
from tallystick.base64s import from_base64, to_base64
from tallystick.errors import VerificationFailed
from tallystick.events.log import KeyRotation, Role, RoleKey
from tallystick.keys import PublicKey, Signer
from tallystick.schema import write
from tallystick.times import format_time

ROTATION_DOMAIN = b"tallystick/rotation/v1\n"


def rotation_message(origin: str, role: Role, replaces: str, key: PublicKey) -> bytes:
    """What each of them signs: in this log, this role, the key ``replaces`` (hex kid) makes way for ``key``."""
    said = {"origin": origin, "role": role, "replaces": replaces, "key": write(key.to_text())}
    return ROTATION_DOMAIN + canonical.encode(said)


def prove_rotation(origin: str, role: Role, old: Signer, new: Signer, log: Signer) -> KeyRotation:
    """The body of a rotation, signed by all who must. ``log``: the log's key in force."""
    replaces = old.public.kid.hex()
    message = rotation_message(origin, role, replaces, new.public)
    cosigned = to_base64(log.sign(message)) if role == "registrar" else None
    proofs = to_base64(old.sign(message)), to_base64(new.sign(message))
    return KeyRotation(role, new.public.to_text(), replaces, *proofs, cosigned)


def rotate(context: Context) -> None:
    """``log.rotate``: from the next entry on the new key has the role; the old one is retired and never comes back."""
    body: KeyRotation = context.event.body
    context.require_registrar()
    require_origin(context)
    held = _held(context.log, body)
    check_window(bytes.fromhex(body.replaces), held.not_before, held.not_after, context.admitted_at)
    new = PublicKey.from_text(body.key)
    _check_new(context, body.role, new)
    _check_proofs(context.log, body, PublicKey.from_text(held.key), new)
    context.put(LOG, _rotated(context, held, body))


def _held(log: LogState, body: KeyRotation) -> RoleKey:
    held = next(key for key in log.keys if key.role == body.role)
    kid = PublicKey.from_text(held.key).kid.hex()
    if kid != body.replaces:
        raise Refused(
            "wrong-state",
            "body.replaces",
            f"the {body.role} key in force is {kid}, found {body.replaces}",
            "replace the key that is in force",
        )
    return held


def _check_new(context: Context, role: str, new: PublicKey) -> None:
    if new.alg not in ROLE_ALGORITHMS[role]:
        raise Refused(
            "bad-key",
            "body.key",
            f"the {role} key would be {new.alg}",
            f"use {' or '.join(ROLE_ALGORITHMS[role])}",
        )
    if any(PublicKey.from_text(key).kid == new.kid for key in context.log.ever_held()):
        raise Refused("already-used", "body.key", f"key {new.kid.hex()} is or was a key of this log", "make a new key")
    context.take(kid_key(new.kid.hex()), "body.key", f"key {new.kid.hex()}")


def _check_proofs(log: LogState, body: KeyRotation, old: PublicKey, new: PublicKey) -> None:
    message = rotation_message(log.origin, body.role, body.replaces, new)
    needed = {"old": (old, body.old), "new": (new, body.new)}
    if body.role == "registrar":
        cosigner = next(key for key in log.keys if key.role == "log")
        needed["log"] = (PublicKey.from_text(cosigner.key), body.log or "")
    elif body.log is not None:
        raise Refused(
            "bad-rotation",
            "body.log",
            "the log's key signs the registrar's rotation alone",
            "leave the field log out",
        )
    for name, (key, proof) in needed.items():
        try:
            key.verify(message, from_base64(proof))
        except VerificationFailed:
            raise Refused(
                "bad-rotation",
                f"body.{name}",
                f"the {name} key did not sign this rotation",
                "the replaced key and the new one sign; for the registrar's own key the log's key too",
            ) from None


def _rotated(context: Context, held: RoleKey, body: KeyRotation) -> LogState:
    log, now = context.log, format_time(context.admitted_at)
    retired = log.retired or ()
    since = max((one.until for one in retired if one.role == body.role), default=0)
    gone = RetiredKey(body.role, held.key, held.not_before, now, since, context.position)
    keys = tuple(RoleKey(body.role, body.key, now) if key.role == body.role else key for key in log.keys)
    return dataclasses.replace(log, keys=keys, retired=(*retired, gone))


RULES: dict[str, Callable[[Context], None]] = {"log.rotate": rotate}
