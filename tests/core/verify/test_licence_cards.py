"""What a card says of its licence, invented by whoever signs cards, in a bundle of a trusted exporter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tallystick.base64s import to_base64
from tallystick.c2pa.verdict import LICENCE
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.commitments import disclose
from tallystick.events.licence import LicenceTransfer, StatusPointer
from tallystick.licence.credential import encode_credential
from tallystick.merkle import prove_inclusion
from tallystick.note import parse_note
from tallystick.tree_head import sign_checkpoint
from tests.core.verify.kit import Scene
from tests.core.verify.test_credentials import Desk, credential_of, desk, issue, refused, sign
from tests.world import START, World

Said = dict[str, Any]


def shown(said: Said, **changes: Any) -> Said:
    """The same credential, whose one entry is another."""
    return {**said, "entries": [{**said["entries"][0], **changes}]}


def note_of(origin: str, said: Said) -> str:
    """The same size and root, under a name, signed by keys that are another log's."""
    body = parse_body(parse_note(said["checkpoint"].encode()).text)
    signers = World("another", origin).signers
    return sign_checkpoint(Checkpoint(origin, body.size, body.root), signers, START)


INVENTED: dict[str, Callable[[Said], Said]] = {
    "grant and entries at another index": lambda said: shown({**said, "grant": 100_000}, index=100_000),
    "no log": lambda said: shown(
        {**said, "grant": 100_000, "checkpoint": "no checkpoint of any log"}, index=100_000, entry="AAAA", proof=[]
    ),
    "no note": lambda said: {**said, "checkpoint": "no checkpoint of any log"},
    "a note that nobody signed": lambda said: {
        **said, "checkpoint": "".join(said["checkpoint"].splitlines(keepends=True)[:-1])
    },
    "a note of another log": lambda said: {**said, "checkpoint": note_of("log.example/another", said)},
    "a note of the log by keys of another": lambda said: {**said, "checkpoint": note_of("log.example/desk", said)},
    "an empty path": lambda said: shown(said, proof=[]),
    "a path that leads elsewhere": lambda said: shown(said, proof=said["entries"][0]["proof"][:-1]),
    "another status list": lambda said: {
        **said, "status": {"list": "https://elsewhere.example/never-revoked", "index": said["status"]["index"]}
    },
    "another place in its list": lambda said: {
        **said, "status": {**said["status"], "index": said["status"]["index"] + 1}
    },
    "a disclosure that is none": lambda said: {**said, "disclosures": {str(said["grant"]): ["WyJ4Il0"]}},
    "a disclosure that opens nothing": lambda said: {
        **said, "disclosures": {str(said["grant"]): [disclose("use", "everything", bytes(16)).text]}
    },
    "an entry that the bundle lacks and the tree too": lambda said: {
        **said, "entries": [*said["entries"], {**said["entries"][0], "index": 100_000}]
    },
}  # fmt: skip


@pytest.mark.parametrize("name", INVENTED)
def test_what_a_card_invents_is_refused(name: str, tmp_path: Path) -> None:
    made = desk(tmp_path, lambda honest: {LICENCE: INVENTED[name](dict(honest[LICENCE]))})
    assert refused(made.judge(made.case())) == (12, "contradicted")


def granted(folder: Path) -> tuple[Scene, str]:
    """A log with a licence; nobody has made a card of it yet."""
    folder.mkdir(exist_ok=True)
    world = World("desk", "log.example/desk", rules=3)
    scene = Scene(folder / "scene", world)
    source = world.object()
    licence = world.licence(source.event.subject)
    scene.log.add(*world.parties(), source, licence)
    return scene, licence.event.subject


def carded(folder: Path, scene: Scene, licence: str, said: Said) -> Desk:
    """The card that says so, logged and anchored."""
    card = sign(folder, {LICENCE: said}, scene.world.clock)
    position = issue(scene, licence, card)
    scene.anchor()
    return Desk(scene, licence, position, card)


def misdirected(folder: Path, lie: bool) -> Desk:
    """The card shows another entry that stands in the log, in the bundle and under the note, beside its grant or
    (``lie``) calls it its grant.
    """
    scene, licence = granted(folder)
    said: Said = encode_credential(credential_of(scene, licence, scene.log.find("licence.grant")))
    source = scene.log.find("object.register")
    path = [to_base64(node) for node in prove_inclusion(scene.log, source, scene.log.size)]
    entry = {"index": source, "entry": to_base64(scene.log.statements[source].entry), "proof": path}
    said = {**said, "entries": [entry, *said["entries"]]}
    return carded(folder, scene, licence, {**said, "grant": source} if lie else said)


@pytest.mark.parametrize("lie", [False, True], ids=["shown beside it", "in its place"])
def test_a_card_whose_grant_is_another_entry_of_the_log(lie: bool, tmp_path: Path) -> None:
    """It grants nothing."""
    made = misdirected(tmp_path, lie)
    assert refused(made.judge(made.case())) == ((12, "contradicted") if lie else (None, "proved"))


def transferred(folder: Path, before: bool, old: bool) -> Desk:
    """A licence that was transferred. Its card is as of ``before`` that or after it, and names the grant's status or
    (``old`` false) the transfer's.
    """
    scene, licence = granted(folder)
    world, grant = scene.world, scene.log.find("licence.grant")
    heir = world.someone("heir")
    body = LicenceTransfer(heir.id, "court-order", world.now(), StatusPointer("https://log.example/status/1", 77))
    licensee = {"party": heir.id, "holder_kid": heir.signer.public.kid.hex()}
    earlier = encode_credential(credential_of(scene, licence, grant))
    moved = world.say(world.registrar, "licence.transfer", licence, body, {"licensee": licensee})
    scene.log.add(world.register(heir, "licensee"), moved)
    said = earlier if before else encode_credential(credential_of(scene, licence, grant))
    if not old:
        said = {**said, "status": {"list": body.status.list, "index": body.status.index}}
    return carded(folder, scene, licence, said)


@pytest.mark.parametrize("before", [True, False], ids=["a card of before", "a card of after"])
@pytest.mark.parametrize("old", [True, False], ids=["the grant's status", "the transfer's status"])
def test_a_transfer_moves_the_status_for_cards_of_after_it(before: bool, old: bool, tmp_path: Path) -> None:
    made = transferred(tmp_path, before, old)
    report = made.judge(made.case())
    assert refused(report) == ((None, "proved") if before == old else (12, "contradicted"))
