"""Rules for the log's events about itself."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from tallystick import canonical
from tallystick.admission.context import Context
from tallystick.admission.refusal import Refused
from tallystick.admission.state import BATCH, LOG, MAP, BatchState, LogState, MapState, PartyState, time_key
from tallystick.base64s import from_base64, to_base64
from tallystick.errors import VerificationFailed
from tallystick.events.log import AnchorTarget, Batch, Freeze, KeySet, MapRoot, Policy, Predecessor, RoleKey, TimeMark
from tallystick.identifiers import Identifier, prefix_of
from tallystick.keys import PublicKey, Signer
from tallystick.schema import write
from tallystick.times import format_time

PROOF_DOMAIN = b"tallystick/key-set/v1\n"
_CHAIN = re.compile(r"eip155:(0|[1-9][0-9]{0,15})", re.ASCII)

# Which algorithms a role may use; each role has exactly one key in a key set.
ROLE_ALGORITHMS: dict[str, tuple[str, ...]] = {
    "log": ("ed25519",),
    "log-pq": ("ml-dsa-44",),
    "authority": ("es256k",),
    "registrar": ("ed25519", "es256"),
    "service": ("ed25519", "es256"),
    "exporter": ("ed25519", "es256"),
    "status": ("ed25519", "es256"),
}


def proof_message(keys: KeySet) -> bytes:
    """What each key of a set signs to show that its holder agreed: the set without proofs."""
    bare = dataclasses.replace(keys, keys=tuple(dataclasses.replace(key, proof=None) for key in keys.keys))
    return PROOF_DOMAIN + canonical.encode(write(bare))


def prove_key_set(keys: KeySet, signers: dict[str, Signer]) -> KeySet:
    """The set with the proof of each key, from the signers by role."""
    message = proof_message(keys)
    proved = tuple(dataclasses.replace(key, proof=to_base64(signers[key.role].sign(message))) for key in keys.keys)
    return dataclasses.replace(keys, keys=proved)


def role_key(keys: tuple[RoleKey, ...], role: str) -> PublicKey:
    """The key of a role; ``Refused`` when the set has none."""
    for key in keys:
        if key.role == role:
            return PublicKey.from_text(key.key)
    raise Refused("bad-key-set", "body.keys", f"the key set has no {role} key", "give each role one key")


def begin(context: Context) -> None:
    """``log.key-set`` at position 0."""
    body: KeySet = context.event.body
    if context.event.subject != body.origin or context.statement.issuer != body.registrar:
        raise Refused(
            "bad-key-set",
            "subject",
            "the key set's subject must be the origin and its issuer the registrar",
            "make the genesis entries with this program",
        )
    _check_names(body)
    if sorted(key.role for key in body.keys) != sorted(ROLE_ALGORITHMS):
        raise Refused(
            "bad-key-set",
            "body.keys",
            f"the roles are {', '.join(key.role for key in body.keys)}",
            f"give each of {', '.join(ROLE_ALGORITHMS)} one key",
        )
    if len({key.key.public for key in body.keys}) != len(body.keys):
        raise Refused("bad-key-set", "body.keys", "two roles share a key", "give each role a key of its own")
    message = proof_message(body)
    for key in body.keys:
        _check_role_key(key, message)
    context.put(LOG, LogState(body.origin, body.prefix, body.registrar, body.service, body.keys, ()))
    context.put(body.registrar, PartyState("organisation", ("registrar",), ()))
    if body.service != body.registrar:
        context.put(body.service, PartyState("service", ("platform",), ()))


def _check_names(body: KeySet) -> None:
    if body.origin.startswith(f"{body.prefix}/"):
        raise Refused(
            "bad-key-set",
            "body.origin",
            f"the origin {body.origin} reads as an identifier: the log's key would speak under a party's name",
            "name the log by a host name and path",
        )
    for field, party in (("registrar", body.registrar), ("service", body.service)):
        if prefix_of(Identifier(party)) != body.prefix:
            raise Refused(
                "foreign-prefix",
                f"body.{field}",
                f"{party} does not have the prefix {body.prefix} that the set gives the log",
                f"make an identifier that starts with {body.prefix}/",
            )


def _check_role_key(key: RoleKey, message: bytes) -> None:
    if key.key.alg not in ROLE_ALGORITHMS[key.role]:
        raise Refused(
            "bad-key-set",
            "body.keys",
            f"the {key.role} key is {key.key.alg}",
            f"use {' or '.join(ROLE_ALGORITHMS[key.role])}",
        )
    try:
        PublicKey.from_text(key.key).verify(message, from_base64(key.proof or ""))
    except VerificationFailed:
        raise Refused(
            "bad-key-set",
            "body.keys",
            f"the {key.role} key did not sign this key set",
            "every key proves that its holder agreed",
        ) from None


def policy(context: Context) -> None:
    """``log.policy``: the registrar states the rules in force from here."""
    body: Policy = context.event.body
    context.require_registrar()
    require_origin(context)
    if body.version < context.log.version:
        raise Refused(
            "policy-too-old",
            "body.version",
            f"version {context.log.version} of the rules is in force, found {body.version}",
            "rules only ever go forward: state this version or a later one",
        )
    rules = body.version if body.version > 1 else None
    context.put(LOG, dataclasses.replace(context.log, policy=context.position, rules=rules))


def freeze(context: Context) -> None:
    """``log.freeze``: the registrar ends the log."""
    body: Freeze = context.event.body
    context.require_registrar()
    require_origin(context)
    if body.successor == context.log.origin:
        raise Refused(
            "inconsistent",
            "body.successor",
            f"{body.successor} is this log itself",
            "name the log that goes on, or leave the field out",
        )
    context.put(LOG, dataclasses.replace(context.log, frozen=context.position))


def anchor_target(context: Context) -> None:
    """``log.anchor-target``: the log names a contract."""
    body: AnchorTarget = context.event.body
    _require_log(context)
    if body in context.log.targets:
        raise Refused("already-registered", "body", "this anchor target is named already", "nothing is left to do")
    context.put(LOG, dataclasses.replace(context.log, targets=(*context.log.targets, body)))


def batch(context: Context) -> None:
    """``log.batch``: closes the entries just before it, under the policy in force, at its own time.

    No position is closed twice and time never falls: else the log could give an entry
    the admission time at which its signer's key was in force.
    """
    body: Batch = context.event.body
    _require_log(context)
    time = context.event.time
    if time != format_time(context.admitted_at):
        raise Refused(
            "bad-batch",
            "time",
            f"the batch was admitted at {format_time(context.admitted_at)}, found {time}",
            "only the sequencer writes batch entries",
        )
    before = context.find(BATCH, BatchState)
    if before is not None and (body.first <= before.position or time < before.time):
        raise Refused(
            "bad-batch",
            "body.first" if body.first <= before.position else "time",
            f"the batch before it ends at position {before.position} and {before.time}, "
            f"found first position {body.first} and {time}",
            "only the sequencer writes batch entries",
        )
    if not body.first <= body.last == context.position - 1:
        raise Refused(
            "bad-batch",
            "body",
            f"a batch entry at {context.position} closes with {context.position - 1}, "
            f"found {body.first} to {body.last}",
            "only the sequencer writes batch entries",
        )
    if body.policy != context.log.policy:
        raise Refused(
            "bad-batch",
            "body.policy",
            f"the policy in force stands at {context.log.policy}, found {body.policy}",
            "only the sequencer writes batch entries",
        )
    context.put(BATCH, BatchState(context.position, time))


def _require_log(context: Context) -> None:
    if context.actor.role != "log":
        raise Refused(
            "not-entitled", "iss", f"{context.event.type} is the log's own to say", "nobody else may submit it"
        )
    require_origin(context)


def require_origin(context: Context) -> None:
    """The subject must be this log; ``Refused``."""
    if context.event.subject != context.log.origin:
        raise Refused(
            "wrong-subject",
            "subject",
            f"the subject is {context.event.subject}, expected the origin {context.log.origin}",
            "set the subject to the log's origin",
        )


def no_second_key_set(context: Context) -> None:
    """``log.key-set`` after entry 0."""
    raise Refused("already-registered", "type", "the key set stands at entry 0", "replace a key by log.rotate")


def predecessor(context: Context) -> None:
    """``log.predecessor``: the registrar says, as the log begins, which log it succeeds."""
    body: Predecessor = context.event.body
    context.require_registrar()
    require_origin(context)
    if context.position != 2:
        raise Refused(
            "wrong-state",
            "type",
            f"a log says at position 2 which one it succeeds, or never; this is position {context.position}",
            "begin the log with TALLYSTICK_PREDECESSOR",
        )
    if body.origin == context.log.origin:
        raise Refused(
            "inconsistent", "body.origin", f"{body.origin} is this log itself", "give the successor a name of its own"
        )
    context.put(LOG, dataclasses.replace(context.log, predecessor=body))


def time_mark(context: Context) -> None:
    """``log.time``: a token or cosignature over a tree that the log had, or a block; each stands once."""
    body: TimeMark = context.event.body
    _require_log(context)
    if body.kind != "block" and body.number > context.position:
        raise Refused(
            "inconsistent",
            "body.number",
            f"a {body.kind} over {body.number} entries cannot be known at position {context.position}",
            "name the size of the checkpoint that it is over",
        )
    if body.kind == "block" and not _CHAIN.fullmatch(body.source):
        raise Refused(
            "inconsistent",
            "body.source",
            f"{body.source!r} names no chain",
            "name it as eip155 and its chain id: eip155:1337",
        )
    context.take(time_key(body.digest), "body.digest", f"the {body.kind} {body.digest}")


def map_root(context: Context) -> None:
    """``log.map-root``: over entries that stand before it, and more of them each time.

    Whether the root is theirs is no rule: who replays the map can tell, whoever is shown a part of the log cannot.
    """
    body: MapRoot = context.event.body
    _require_log(context)
    before = context.find(MAP, MapState)
    if body.size > context.position or (before is not None and body.size <= before.size):
        covered = f"the map root before it covers {before.size}" if before else "no map root stands before it"
        raise Refused(
            "inconsistent",
            "body.size",
            f"a map root at position {context.position} covers {body.size} entries; {covered}",
            "cover entries that stand before it, and more than the one before",
        )
    context.put(MAP, MapState(context.position, body.size))


RULES: dict[str, Callable[[Context], None]] = {
    "log.key-set": no_second_key_set,
    "log.policy": policy,
    "log.anchor-target": anchor_target,
    "log.batch": batch,
    "log.freeze": freeze,
    "log.predecessor": predecessor,
    "log.time": time_mark,
    "log.map-root": map_root,
}
