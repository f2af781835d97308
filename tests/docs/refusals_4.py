"""Small logs for what version 4 of the rules added, and what a replay must say of each entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tallystick.digests import digest_pair
from tallystick.events.facts import (
    CaptureAttestation,
    CaptureRecord,
    CustodyAcceptance,
    CustodyRecord,
    PlatformDocument,
    Title,
)
from tallystick.statement import Statement
from tallystick.times import format_time
from tests.docs.refusals import Marked, Play, log_of, policy
from tests.world import Someone, World


def logs_4() -> dict[str, dict[str, Any]]:
    """The same for what version 4 of the rules added."""
    made = {
        "from version 3 to version 4": list(_fourth()),
        "capture, custody and documents": list(_facts()),
    }
    return {name: log_of(entries) for name, entries in made.items()}


def _fourth() -> Iterator[Marked]:
    play = Play("vectors fourth", 3)
    world = play.world
    play.say("the key set", world.key_set())
    play.say("the policy, version 3", world.policy())
    play.close()
    play.say("version 4", policy(world, 4))
    play.say("version 3 after it", policy(world, 3))
    play.close(policy=3)
    yield from play.marked


def _capture(world: World, who: Someone, subject: str, **fields: Any) -> Statement:
    body = {"method": "camera", "started": world.now(), "ended": world.now(), "clocks": (), **fields}
    return world.say(
        who, "capture.record", subject, CaptureRecord(**body), {"device": {"model": "K-1", "serial": "17"}}
    )


def _custody(world: World, who: Someone, subject: str, event: Any, previous: int | None, **fields: Any) -> Statement:
    digest = {"before": "11" * 32, "after": "11" * 32}
    body = {"at": world.now(), "outcome": "suc", "agent": "a program", "previous": previous, **digest, **fields}
    return world.say(who, "custody.record", subject, CustodyRecord(event, **body))


def _accept(world: World, who: Someone, subject: str, record: int) -> Statement:
    return world.say(who, "custody.accept", subject, CustodyAcceptance(record, world.now(), "11" * 32, "suc"))


def _facts() -> Iterator[Marked]:
    play = Play("vectors facts", 4)
    world = play.world
    studio, rival, witness = world.studio, world.licensee, world.tester
    made = world.object()
    asset = made.event.subject
    play.say("the key set", world.key_set())
    play.say("the policy, version 4", world.policy())
    play.close()
    play.say("parties are registered", *world.parties())
    play.say("an object", made)
    play.say("a capture record by another than its holder", _capture(world, rival, asset))
    play.say("a capture to come", _capture(world, studio, asset, ended=format_time(world.clock + 301)))
    record = len(play.marked)
    play.say("a capture record", _capture(world, studio, asset))
    said = CaptureAttestation(record, "witness")
    play.say("the holder bears itself out", world.say(studio, "capture.attest", asset, said))
    play.say("a witness bears it out", world.say(witness, "capture.attest", asset, said))
    play.say("once more", world.say(witness, "capture.attest", asset, said))
    play.say("to an entry that is none", world.say(witness, "capture.attest", asset, CaptureAttestation(2, "witness")))
    play.close()
    play.say("custody by another", _custody(world, rival, asset, "ing", None))
    first = len(play.marked)
    play.say("ingestion", _custody(world, studio, asset, "ing", None))
    play.say("a transfer that leaves it out", _custody(world, studio, asset, "tra", None, receiver=rival.id))
    play.say("a transfer to nobody", _custody(world, studio, asset, "tra", first))
    over = len(play.marked)
    play.say("a transfer", _custody(world, studio, asset, "tra", first, receiver=rival.id))
    play.say("accepted by another", _accept(world, witness, asset, over))
    taken = len(play.marked)
    play.say("accepted", _accept(world, rival, asset, over))
    play.say("the old custodian", _custody(world, studio, asset, "fix", taken))
    play.say("the new one ends it", _custody(world, rival, asset, "dea", taken))
    play.say("and goes on", _custody(world, rival, asset, "fix", len(play.marked) - 1))
    play.close()
    title = Title("文件", "A document")
    document = PlatformDocument("system", title, "A certifier", world.now(), digest_pair(b"document"), 8)
    play.say("a document", world.say(world.registrar, "platform.file", world.origin, document))
    play.say("a document by a party", world.say(studio, "platform.file", world.origin, document))
    play.close()
    yield from play.marked
