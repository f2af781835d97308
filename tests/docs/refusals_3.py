"""Small logs for what version 3 of the rules added, and what a replay must say of each entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tallystick.events.licence import LicenceGrant, LicenceStatus, LicenceTransfer, StatusPointer, TransferConsent
from tallystick.events.log import MapRoot
from tallystick.events.objects import Basis
from tallystick.identifiers import Letter
from tallystick.statement import Statement
from tallystick.times import format_time
from tests.docs.refusals import Marked, Play, log_of, policy
from tests.world import Someone, World


def logs_3() -> dict[str, dict[str, Any]]:
    """The same for what version 3 of the rules added."""
    made = {
        "from version 2 to version 3": list(_third()),
        "sublicences, transfers and effective times": list(_chains()),
        "roots of the map": list(_map_roots()),
    }
    return {name: log_of(entries) for name, entries in made.items()}


def _licence(world: World, who: Someone, index: int, **fields: Any) -> Statement:
    body = LicenceGrant(status=StatusPointer("s", index), **fields)
    subject = world.identifier(Letter.LICENCE)
    return world.say(who, "licence.grant", subject, body, world.terms(body.object))


def _change(
    world: World, who: Someone, licence: str, action: Any, effective: int, change: int | None = None
) -> Statement:
    body = LicenceStatus(action, "request", format_time(effective), change)
    return world.say(who, "licence.status", licence, body)


def _move(world: World, who: Someone, licence: str, to: Someone, index: int) -> Statement:
    body = LicenceTransfer(to.id, "agreement", world.now(), StatusPointer("s", index))
    private = {"licensee": {"party": to.id, "holder_kid": to.signer.public.kid.hex()}}
    return world.say(who, "licence.transfer", licence, body, private)


def _chains() -> Iterator[Marked]:
    play = Play("vectors chains", 3)
    world = play.world
    made = world.object()
    asset, studio, rival, friend = made.event.subject, world.studio, world.licensee, world.provider
    play.say("the key set", world.key_set())
    play.say("the policy, version 3", world.policy())
    play.close()
    play.say("parties are registered", *world.parties())
    play.say("an object", made)
    first = _licence(world, studio, 1, object=asset, title_chain=(asset,), holder=rival.id, sublicences=1)
    parent = first.event.subject
    play.say("a licence, of which sublicences one deep are admitted", first)
    chain = {"object": asset, "title_chain": (asset, parent), "holder": friend.id, "parent": parent}
    play.say("a sublicence by another than its holder", _licence(world, studio, 2, **chain))
    play.say("a sublicence as deep as its parent", _licence(world, rival, 2, sublicences=1, **chain))
    play.say("a sublicence freer than its parent", _licence(world, rival, 2, transfer="free", **chain))
    second = _licence(world, rival, 2, **chain)
    child = second.event.subject
    play.say("a sublicence", second)
    under = {**chain, "title_chain": (asset, child), "holder": studio.id, "parent": child}
    play.say("a sublicence of that", _licence(world, friend, 3, **under))
    play.close()
    day = 86_400
    play.say("the licence ends in ten days", _change(world, studio, parent, "revoke", world.clock + 10 * day))
    notice = len(play.marked) - 1
    play.say("it is used: the sublicensee builds on the object", _composed(world, friend, asset))
    play.say("the notice is withdrawn", _change(world, studio, parent, "withdraw", world.clock, notice))
    play.say("once more", _change(world, studio, parent, "withdraw", world.clock, notice))
    play.say("suspended from tomorrow on", _change(world, studio, parent, "suspend", world.clock + day))
    play.close()
    world.clock += day
    play.say("the sublicensee on that day", _composed(world, friend, asset))
    play.say("reinstated before it was suspended", _change(world, studio, parent, "reinstate", world.clock - 1))
    play.say("reinstated", _change(world, studio, parent, "reinstate", world.clock))
    play.say("a transfer without consent", _move(world, rival, parent, friend, 4))
    consent = TransferConsent(friend.id)
    play.say("consent by another", world.say(rival, "licence.consent", parent, consent))
    play.say("consent", world.say(studio, "licence.consent", parent, consent))
    play.say("the transfer", _move(world, rival, parent, friend, 4))
    play.say("the same once more", _move(world, rival, parent, world.tester, 5))
    play.say("the old holder ends the sublicence", _change(world, rival, child, "revoke", world.clock))
    play.say("the new one", _change(world, friend, child, "revoke", world.clock))
    play.close()
    yield from play.marked


def _composed(world: World, who: Someone, part: str) -> Statement:
    return world.object(who, origin="composed", basis=(Basis("object", None, part),))


def _third() -> Iterator[Marked]:
    play = Play("vectors third", 2)
    world = play.world
    play.say("the key set", world.key_set())
    play.say("the policy, version 2", world.policy())
    play.close()
    play.say("version 3", policy(world, 3))
    play.say("version 2 after it", policy(world, 2))
    play.close(policy=3)
    yield from play.marked


def _map_roots() -> Iterator[Marked]:
    play = Play("vectors map roots", 3)
    world = play.world

    def root(size: int, who: Someone = world.log) -> Statement:
        return world.say(who, "log.map-root", world.origin, MapRoot(size, "99" * 32))

    play.say("the key set", world.key_set())
    play.say("the policy, version 3", world.policy())
    play.close()
    play.say("of the first two entries, whatever their root is", root(2))
    play.say("the same size again", root(2))
    play.say("a size to come", root(6))
    play.say("of all that stand before it", root(6))
    play.say("a smaller size", root(3))
    play.say("the registrar states one", root(7, world.registrar))
    play.close()
    yield from play.marked
