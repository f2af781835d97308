"""What comes with the tokens: staples of version 2 of the licence, honest ones and others, by name.

Two of the keys that sign a checkpoint sign it differently each time. So staples are made once and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from tallystick.base64s import to_base64
from tallystick.events.licence import LicenceTransfer, StatusPointer
from tallystick.identifiers import Letter
from tallystick.licence.evidence import LicenceEvidence, SignedList, encode_evidence
from tallystick.licence.status_list import Status
from tests.core.licence.paper import DAY, URI, Paper
from tests.core.licence.purse import evidence
from tests.token_corpus.case import FRESH, CorpusWorld, Wallet, elsewhere, wallet
from tests.token_corpus.people import steady
from tests.world import Someone

MOVED_TO = 1
"""Status index after the transfer."""


@cache
def transferred() -> tuple[Paper, Someone]:
    """The same licence in the same log, and whom a court gave it to."""
    paper = Paper(world=CorpusWorld(name="token corpus"))
    world = paper.world
    heir = Someone(world.identifier(Letter.PARTY), steady("heir"))
    licensee = {"party": heir.id, "holder_kid": heir.signer.public.kid.hex()}
    body = LicenceTransfer(heir.id, "court-order", world.now(), StatusPointer(URI, MOVED_TO))
    subject = paper.licence.event.subject
    moved = world.say(world.registrar, "licence.transfer", subject, body, {"licensee": licensee})
    paper.append([world.register(heir, "licensee"), moved])
    paper.index = MOVED_TO
    return paper, heir


def suspended_in_the_log() -> LicenceEvidence:
    """The list says valid, the entries beside it say suspended: they are what counts."""
    paper = Paper(world=CorpusWorld(name="token corpus"))
    paper.change("suspend")
    return evidence(paper)


def _changed(make: Callable[[Paper], LicenceEvidence]) -> Callable[[], LicenceEvidence]:
    return lambda: make(wallet().paper)


STAPLES: dict[str, Callable[[], LicenceEvidence]] = {
    FRESH: lambda: evidence(wallet().paper),
    "after-a-transfer": lambda: evidence(transferred()[0]),
    "revoked": _changed(lambda p: evidence(p, Status.INVALID)),
    "suspended": _changed(lambda p: evidence(p, Status.SUSPENDED)),
    "expired": _changed(lambda p: evidence(p, Status.EXPIRED)),
    "suspended-in-the-log": suspended_in_the_log,
    "with-a-list-of-another-name": _changed(lambda p: evidence(p, listed={"uri": "https://log.example/status/2"})),
    "without-the-list": _changed(lambda p: evidence(p, lists=(SignedList(f"{URI}2", to_base64(b"")),))),
    "with-the-list-of-another-log": _changed(lambda p: evidence(p, lists=evidence(elsewhere().paper).lists)),
    "with-a-list-by-a-thief": _changed(lambda p: evidence(p, signer=steady("thief", "ed25519"))),
    "with-a-list-from-the-future": _changed(
        lambda p: evidence(p, listed={"issued_at": p.world.clock + 1, "expires_at": p.world.clock + DAY})
    ),
    "with-a-list-of-another-tree": _changed(lambda p: evidence(p, listed={"checkpoint": p.checkpoint(len(p.log) - 1)})),
    "with-a-list-too-short": _changed(lambda p: evidence(p, listed={"count": 3, "packed": b"\x11"})),
    "of-another-log": lambda: evidence(elsewhere().paper),
    "of-another-licence": _changed(lambda p: evidence(p, licence=elsewhere().paper.licence.event.subject)),
    "of-another-entry": _changed(lambda p: evidence(p, grant=p.grant - 1)),
    "without-the-key-set": _changed(lambda p: evidence(p, entries=evidence(p).entries[1:])),
    "without-the-batch-entry": _changed(lambda p: evidence(p, entries=evidence(p).entries[:-1])),
    "with-an-older-checkpoint": _changed(lambda p: evidence(p, checkpoint=p.note(len(p.log) - 1))),
    "with-another-logs-checkpoint": _changed(lambda p: evidence(p, checkpoint=elsewhere().paper.note())),
}


def made(name: str) -> bytes:
    """A staple, made now."""
    return encode_evidence(STAPLES[name]())


def heirs() -> Wallet:
    """The wallet of whom the licence went to."""
    paper, heir = transferred()
    found = Wallet(paper)
    found.paper.world.licensee = heir
    return found
