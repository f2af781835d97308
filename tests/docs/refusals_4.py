"""Small logs for what version 4 of the rules added, and what a replay must say of each entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tallystick.digests import digest_pair
from tallystick.events.dispute import DisputeOpening
from tallystick.events.facts import (
    CaptureAttestation,
    CaptureRecord,
    CustodyAcceptance,
    CustodyRecord,
    PlatformDocument,
    Title,
)
from tallystick.events.settlement import Period, SettlementAcceptance, SettlementRecord
from tallystick.identifiers import Letter
from tallystick.statement import Statement
from tallystick.times import format_time
from tests.docs.refusals import Marked, Play, log_of, policy
from tests.world import Someone, World


def logs_4() -> dict[str, dict[str, Any]]:
    """The same for what version 4 of the rules added."""
    made = {
        "from version 3 to version 4": list(_fourth()),
        "capture, custody and documents": list(_facts()),
        "settlements": list(_settlements()),
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


def _settle(world: World, who: Someone, subject: str, parties: tuple[str, ...], **fields: Any) -> Statement:
    private = {"amount": {"amount": "1200000", "currency": "EUR"}}
    return world.say(who, "settlement.record", subject, SettlementRecord(parties, **fields), private)


def _agree(world: World, who: Someone, subject: str, record: int) -> Statement:
    return world.say(who, "settlement.accept", subject, SettlementAcceptance(record))


def _settlements() -> Iterator[Marked]:
    play = Play("vectors settlements", 4)
    world = play.world
    studio, holder, witness = world.studio, world.licensee, world.tester
    made = world.object()
    granted = world.licence(made.event.subject, holder=holder.id)
    further = world.licence(made.event.subject, index=1)
    licence, both = granted.event.subject, tuple(sorted((studio.id, holder.id)))
    play.say("the key set", world.key_set())
    play.say("the policy, version 4", world.policy())
    play.close()
    play.say("parties are registered", *world.parties())
    play.say("an object and two licences", made, granted, further)
    play.say("by a stranger", _settle(world, witness, licence, both))
    play.say("between others", _settle(world, studio, licence, tuple(sorted((holder.id, witness.id)))))
    play.say("out of order", _settle(world, studio, licence, both[::-1]))
    play.say("its subject once more", _settle(world, studio, licence, both, also=(licence,)))
    also = (further.event.subject,)
    play.say("a further licence that is not the holder's", _settle(world, holder, licence, both, also=also))
    backwards = Period(world.now(), world.now())
    play.say("of no time", _settle(world, studio, licence, both, period=backwards))
    bare = world.say(studio, "settlement.record", licence, SettlementRecord(both))
    play.say("without an amount", bare)
    play.say("corrects nothing", _settle(world, studio, licence, both, supersedes=3))
    first = len(play.marked)
    play.say("recorded", _settle(world, studio, licence, both, also=also))
    play.close()
    play.say("accepted by its speaker", _agree(world, studio, licence, first))
    play.say("accepted by a stranger", _agree(world, witness, licence, first))
    play.say("accepted under another subject", _agree(world, holder, further.event.subject, first))
    play.say("an acceptance of no settlement", _agree(world, holder, licence, first - 1))
    play.say("accepted", _agree(world, holder, licence, first))
    play.say("accepted once more", _agree(world, holder, licence, first))
    second = len(play.marked)
    play.say("a correction", _settle(world, holder, licence, both, supersedes=first))
    third = len(play.marked)
    play.say("another one", _settle(world, studio, licence, both, supersedes=first))
    play.say("the first is accepted", _agree(world, studio, licence, second))
    play.say("the other comes too late", _agree(world, holder, licence, third))
    play.say("a correction of what was corrected", _settle(world, studio, licence, both, supersedes=first))
    play.close()
    dispute = world.identifier(Letter.DISPUTE)
    play.say("a dispute", world.say(witness, "dispute.open", dispute, DisputeOpening(licence, "other")))
    sides = tuple(sorted((witness.id, holder.id)))
    play.say("settled by its target's holder", _settle(world, holder, dispute, sides))
    play.say("and by its claimant", _agree(world, witness, dispute, len(play.marked) - 1))
    play.say("by nobody whom it concerns", _settle(world, world.provider, dispute, sides))
    play.close()
    yield from play.marked
