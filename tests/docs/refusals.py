"""Small logs in which rules refuse: one statement at least for each refusal code, and what a replay must say of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from tallystick.admission import Refused
from tallystick.admission.rotation import prove_rotation
from tallystick.events.erasure import Erasure
from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.events.log import Freeze, KeySet, Policy, Predecessor, RulesVersion, TimeMark
from tallystick.events.objects import Basis, ObjectRegistration
from tallystick.events.party import PartyKey, PartyRegistration, ValidKey
from tallystick.identifiers import Letter, new_identifier
from tallystick.replay import Placed, replay
from tallystick.statement import Statement, parse_statement
from tests.core.builders import TARGET
from tests.world import KEYS_FROM, Someone, World, key_from

Marked = tuple[str, Statement]
"""What happens there, in a few words, and the statement."""


def logs() -> dict[str, dict[str, Any]]:
    """Logs by name: entries in order, and for each position what it is and its outcome."""
    made = {
        "rules": list(_rules()),
        "a batch entry that is refused": list(_bad_batch()),
        "no policy": list(_nopolicy()),
        "no key set": list(_not_begun()),
        "a key set without proofs": list(_unproved()),
    }
    return {name: log_of(entries) for name, entries in made.items()}


def logs_2() -> dict[str, dict[str, Any]]:
    """The same for what version 2 of the rules added."""
    made = {
        "from version 1 to version 2": list(_upgrade()),
        "a log that ends": list(_freeze()),
        "private values are erased": list(_erasures()),
        "keys that are replaced": list(_rotations()),
        "proofs of time": list(_times()),
    }
    return {name: log_of(entries) for name, entries in made.items()}


def outcomes(entries: Sequence[bytes]) -> list[str]:
    """``admitted`` or the refusal code, by position."""
    found = replay([Placed(at, parse_statement(entry)) for at, entry in enumerate(entries)])
    said = []
    for at in range(len(entries)):
        error = found.refused.get(at)
        assert (at in found.admitted) != (error is not None)
        said.append(error.code if isinstance(error, Refused) else "admitted")
    return said


def log_of(marked: Sequence[Marked]) -> dict[str, Any]:
    entries = [statement.entry for _, statement in marked]
    said = outcomes(entries)
    return {
        "entries": [
            {"what": what, "entry": entry.hex(), "outcome": outcome}
            for (what, _), entry, outcome in zip(marked, entries, said, strict=True)
        ]
    }


class Play:
    """A world whose statements are marked and closed batch by batch."""

    def __init__(self, name: str, rules: RulesVersion = 1) -> None:
        self.world = World(name, "log.example/vectors", rules=rules)
        self.marked: list[Marked] = []
        self._open = 0

    def say(self, what: str, *statements: Statement) -> None:
        self.marked += [(what, one) for one in statements]

    def close(self, **more: Any) -> None:
        """The batch entry over what was said since the last."""
        last = len(self.marked) - 1
        self.say("closes the batch", self.world.batch(self._open, last, **more))
        self._open = last + 2


def _rules() -> Iterator[Marked]:
    play = Play("vectors")
    world = play.world
    play.say("the key set", world.key_set())
    play.say("the policy", world.policy())
    play.close()
    play.say("a party is registered", *world.parties())
    _parties(play)
    play.close()
    _speakers(play)
    play.close()
    _capabilities(play)
    play.close()
    _objects(play)
    play.close()
    play.say("no batch entry follows", world.object())
    yield from play.marked


def _register(world: World, who: Someone, roles: Any = ("studio",), key: ValidKey | None = None) -> Statement:
    return world.say(
        world.registrar,
        "party.register",
        who.id,
        PartyRegistration("organisation", roles, (key or who.valid_key(),)),
    )


def _parties(play: Play) -> None:
    world = play.world
    stranger = Someone(str(new_identifier(Letter.PARTY, bytes(10), "10.6666")), key_from("vectors/stranger"))
    play.say("a party with the role registrar", _register(world, world.outsider, ("registrar",)))
    authority = ValidKey(key_from("vectors/evm", "es256k").public.to_text(), KEYS_FROM)
    play.say("a party whose key cannot sign statements", _register(world, world.outsider, key=authority))
    play.say("a party with another's key", _register(world, world.outsider, key=world.studio.valid_key()))
    play.say("a party of another prefix", _register(world, stranger))
    again = Someone(world.studio.id, key_from("vectors/again"))
    play.say("a party that is registered already", _register(world, again))
    late = world.someone("late")
    play.say(
        "a party whose key is not in force yet",
        _register(world, late, key=ValidKey(late.signer.public.to_text(), "2027-01-01T00:00:00Z")),
    )
    play.say("speaks before its key is in force", world.object(late))
    kid = world.licensee.signer.public.kid.hex()
    play.say(
        "a key is revoked", world.say(world.registrar, "party.key", world.licensee.id, PartyKey("revoke", None, kid))
    )
    play.say("speaks with a revoked key", world.object(world.licensee))
    play.say(
        "revoke, with the field add",
        world.say(world.registrar, "party.key", world.studio.id, PartyKey("revoke", again.valid_key(), None)),
    )


def _speakers(play: Play) -> None:
    world = play.world
    good = world.object()
    play.say("an object is registered", good)
    play.say("the same statement again", good)
    play.say("a stranger speaks", world.object(world.outsider))
    as_registrar = Someone(world.registrar.id, world.roles["log"])
    play.say("a party is registered", world.register(world.outsider, "studio"))
    play.say(
        "the log's key speaks as the registrar",
        world.say(as_registrar, "log.policy", world.origin, Policy("tallystick-admission", 1)),
    )
    exporter = Someone(world.origin, world.roles["exporter"])
    play.say(
        "the exporter's key signs a statement",
        world.say(exporter, "log.policy", world.origin, Policy("tallystick-admission", 1)),
    )
    broken = bytearray(world.object().entry)
    broken[-1] ^= 1
    play.say("a signature that does not verify", parse_statement(bytes(broken)))
    body = ObjectRegistration("image", "authored", good.event.body.content, (Basis("declared", "own-work"),))
    play.say(
        "the service speaks for nobody",
        world.say(world.service, "object.register", world.identifier(Letter.OBJECT), body),
    )
    play.say(
        "a claimed time after admission",
        world.say(world.studio, "object.register", world.identifier(Letter.OBJECT), body, time="2026-02-01T00:05:01Z"),
    )
    play.say(
        "a claimed time within the tolerance",
        world.say(world.studio, "object.register", world.identifier(Letter.OBJECT), body, time="2026-02-01T00:05:00Z"),
    )
    play.say(
        "a policy for another origin",
        world.say(world.registrar, "log.policy", "log.example/other", Policy("tallystick-admission", 1)),
    )


def _capabilities(play: Play) -> None:
    world = play.world
    capability, filed = world.capability()
    play.say("a capability is filed, tested, graded, approved", *filed)
    play.say("approved again", world.decide_capability(capability.id, "approve", "requirements-met"))
    other, parts = world.capability("2.0")
    play.say("a capability is filed", parts[0])
    play.say("approved without test and grade", parts[3])
    play.say("a job with a capability that is not approved", world.job(other)[1])
    filing = parts[0].event.body
    play.say(
        "another capability under the same model signature",
        world.say(world.provider, "capability.file", world.identifier(Letter.CAPABILITY), filing),
    )
    play.say(
        "a capability filed by a studio",
        world.say(world.studio, "capability.file", world.identifier(Letter.CAPABILITY), filing),
    )
    play.say(
        "a job reads an object that is not registered", world.job(capability, [world.identifier(Letter.OBJECT)])[1]
    )
    job, registered = world.job(capability)
    output = world.output(job)
    play.say("a job", registered)
    play.say("its output", output)
    wrong = dataclasses.replace(job.generation(), version="1.1")
    play.say("an output with another version", world.output(job, generation=wrong))
    play.say("an output that says nothing of its job", world.output(job, generation=None))
    play.say(
        "done without outputs",
        world.say(
            world.studio, "job.complete", job.id, dataclasses.replace(world.complete(job, []).event.body, result="done")
        ),
    )
    play.say("the job is completed", world.complete(job, [output.event.subject]))
    play.say("an output after completion", world.output(job))


def _objects(play: Play) -> None:
    world = play.world
    mine = world.object()
    play.say("an object", mine)
    of_mine = (Basis("object", None, mine.event.subject),)
    play.say("another party makes something of it", world.object(world.provider, basis=of_mine))
    play.say("its holder does", world.object(basis=of_mine, origin="composed"))
    play.say("composed of nothing", world.object(origin="composed"))
    play.say("an identifier that is in use", world.object(subject=mine.event.subject))
    granted = world.licence(mine.event.subject, holder=world.provider.id)
    play.say("a licence is granted", granted)
    play.say("now the other party may", world.object(world.provider, basis=of_mine))
    play.say("a status index that is in use", world.licence(mine.event.subject))
    parent = LicenceGrant(mine.event.subject, (mine.event.subject,), StatusPointer("s", 1), None, granted.event.subject)
    play.say(
        "a sublicence",
        world.say(
            world.studio, "licence.grant", world.identifier(Letter.LICENCE), parent, world.terms(mine.event.subject)
        ),
    )


def _bad_batch() -> Iterator[Marked]:
    play = Play("vectors bad batch")
    play.say("the key set", play.world.key_set())
    play.say("the policy", play.world.policy())
    play.close(policy=0)
    yield from play.marked


def _nopolicy() -> Iterator[Marked]:
    play = Play("vectors no policy")
    play.say("the key set", play.world.key_set())
    play.say("a party is registered", play.world.register(play.world.studio, "studio"))
    play.close()
    yield from play.marked


def _not_begun() -> Iterator[Marked]:
    play = Play("vectors not begun")
    play.say("the policy stands first", play.world.policy())
    play.close(policy=0)
    yield from play.marked


def _unproved() -> Iterator[Marked]:
    play = Play("vectors unproved")
    world = play.world
    body: KeySet = world.key_set().event.body
    bare = dataclasses.replace(body, keys=tuple(dataclasses.replace(key, proof=None) for key in body.keys))
    play.say("the key set", world.say(world.registrar, "log.key-set", world.origin, bare))
    play.say("the policy", world.policy())
    play.close()
    yield from play.marked


def policy(world: World, version: RulesVersion) -> Statement:
    return world.say(world.registrar, "log.policy", world.origin, Policy("tallystick-admission", version))


def _end(world: World, successor: str | None = None) -> Statement:
    return world.say(world.registrar, "log.freeze", world.origin, Freeze("closure", successor))


def _upgrade() -> Iterator[Marked]:
    play = Play("vectors upgrade")
    world = play.world
    play.say("the key set", world.key_set())
    play.say("the policy, version 1", world.policy())
    play.close()
    play.say("a type that version 1 does not know", _end(world))
    play.say("version 1 again", policy(world, 1))
    play.say("version 2", policy(world, 2))
    play.say("version 1 after it", policy(world, 1))
    play.say("now the type is known, and the successor is this log itself", _end(world, world.origin))
    play.close(policy=5)
    yield from play.marked


def _erase(world: World, position: int, subject: str, *names: str, who: Someone | None = None) -> Statement:
    return world.say(who or world.studio, "disclosure.erase", subject, Erasure(position, names, "objection"))


def _erasures() -> Iterator[Marked]:
    play = Play("vectors erasures", 2)
    world = play.world
    play.say("the key set", world.key_set())
    play.say("the policy, version 2", world.policy())
    play.close()
    play.say("parties are registered, each with a private name", *world.parties())
    play.close()
    studio = world.studio.id
    play.say("names out of order", _erase(world, 3, studio, "name", "at"))
    play.say("an entry without private values", _erase(world, 7, studio, "name"))
    play.say("under another subject", _erase(world, 3, world.tester.id, "name"))
    play.say("by another party", _erase(world, 3, studio, "name", who=world.tester))
    play.say("by the log", _erase(world, 3, studio, "name", who=world.log))
    play.say("a name that was not committed to", _erase(world, 3, studio, "address"))
    play.say("by the party that the entry is about", _erase(world, 3, studio, "name"))
    play.say("once more", _erase(world, 3, studio, "name"))
    play.say("by the registrar, who said it", _erase(world, 4, world.provider.id, "name", who=world.registrar))
    play.close()
    play.say("the policy again", policy(world, 2))
    play.say("before it, and nothing is remembered: by a party", _erase(world, 7, studio, "name"))
    play.say("the same by the registrar", _erase(world, 7, studio, "name", who=world.registrar))
    play.close(policy=18)
    yield from play.marked


def _freeze() -> Iterator[Marked]:
    play = Play("vectors freeze", 2)
    world = play.world
    play.say("the key set", world.key_set())
    play.say("the policy, version 2", world.policy())
    before = Predecessor("log.example/before", 31, "66" * 32, "77" * 32)
    play.say("the log before it", world.say(world.registrar, "log.predecessor", world.origin, before))
    play.say("another", world.say(world.registrar, "log.predecessor", world.origin, before))
    play.close()
    play.say("parties are registered", *world.parties())
    play.say("the log ends", _end(world, "log.example/next"))
    play.close()
    play.say("an object", world.object())
    play.say("it ends again", _end(world))
    play.close()
    yield from play.marked


def _times() -> Iterator[Marked]:
    play = Play("vectors time", 2)
    world = play.world

    def mark(kind: Literal["rfc3161", "cosignature", "block"], digest: str, source: str, number: int) -> Statement:
        return world.say(world.log, "log.time", world.origin, TimeMark(kind, digest * 32, source, number))

    play.say("the key set", world.key_set())
    play.say("the policy, version 2", world.policy())
    play.close()
    play.say("a token over the tree of three entries", mark("rfc3161", "88", "an authority", 3))
    play.say("the same token", mark("rfc3161", "88", "another authority", 2))
    play.say("a token over a tree that is not there yet", mark("rfc3161", "99", "an authority", 6))
    play.say("a cosignature", mark("cosignature", "dd", "a witness", 4))
    play.say("a block", mark("block", "aa", "eip155:1337", 12))
    play.say("a block of what is no chain", mark("block", "bb", "eip155:01337", 12))
    body = TimeMark("rfc3161", "cc" * 32, "an authority", 3)
    play.say("the registrar says when", world.say(world.registrar, "log.time", world.origin, body))
    play.close()
    yield from play.marked


def _rotations() -> Iterator[Marked]:
    play = Play("vectors rotation", 2)
    world = play.world
    play.say("the key set", world.key_set())
    play.say("the policy, version 2", world.policy())
    play.close()
    roles, new = dict(world.roles), key_from("vectors/new log key")
    body = prove_rotation(world.origin, "log", roles["log"], new, roles["log"])
    forged = dataclasses.replace(body, old=body.new)
    play.say("the log's key is not asked", world.say(world.registrar, "log.rotate", world.origin, forged))
    play.say("the authority", world.rotate("authority"))
    play.say("to the key of another role", world.rotate("status", roles["exporter"]))
    play.say("the log's key is replaced", world.rotated(world.rotate("log", new)))
    play.close()
    world.log = Someone(world.origin, roles["log"])
    play.say("an anchor target by the retired key", world.say(world.log, "log.anchor-target", world.origin, TARGET))
    world.log = Someone(world.origin, new)
    play.say("the registrar's key is replaced", world.rotated(world.rotate("registrar")))
    play.say("the registrar speaks with the new one", *world.parties()[:1])
    play.close()
    yield from play.marked
