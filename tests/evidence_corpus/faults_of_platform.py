"""Documents of the platform: those that nobody declared, that are not the declared ones, or declared out of turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tallystick.digests import DigestPair, digest_pair
from tallystick.statement import Statement
from tests.core.verify.facts_kit import DOCUMENT, Facts, without
from tests.core.verify.mutate import flipped
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Fault, Faults, Honest, change, made_so, members_of
from tests.evidence_corpus.whole import whole

SECOND = b"report on the security of the platform by an assessor"
BOUGHT = b"bought yesterday"
AGAINST = {"platform": "contradicted", "completeness": "proved"}
REFUSED = {"entitlement": "contradicted", "completeness": "not_proved"}


def faults(worlds: Worlds) -> Faults:
    honest = _filed(worlds.folder / "filed")
    worlds.honest[honest.name] = honest
    yield from _brought(honest)
    yield from _undeclared(honest)
    for number, (name, pair, size) in enumerate(
        (
            ("platform-document-declared-with-another-sm3", _mixed(), len(DOCUMENT)),
            ("platform-document-declared-with-another-size", digest_pair(DOCUMENT), len(DOCUMENT) + 1),
        )
    ):
        yield _declared(worlds.folder / f"declared-{number}", name, pair, size)
    for number, (name, said) in enumerate(PLANTED.items()):
        facts = Facts(worlds.folder / f"filed-{number}")
        facts.add(said(facts))
        yield made_so(name, facts.scene, whole(facts), 6, **REFUSED)


def _of(*documents: bytes) -> dict[str, bytes]:
    return {digest_pair(one).sha256: one for one in documents}


def _filed(folder: Path) -> Honest:
    """Two documents, declared in time and in the bundle; a third is declared alone."""
    facts = Facts(folder)
    facts.add(facts.document("system"), facts.document("process", SECOND), facts.document("independence", b"a third"))
    later = facts.world.object(data=b"registered afterwards")
    facts.add(later)
    facts.subject = later.event.subject
    material = replace(whole(facts), platform=_of(DOCUMENT, SECOND))
    return Honest("object-with-documents-of-the-platform", facts.scene, material, {})


def _brought(honest: Honest) -> Faults:
    for name, documents in {
        "platform-document-that-nobody-declared": _of(DOCUMENT, SECOND, BOUGHT),
        "platform-document-renewed-since": {**_of(SECOND), digest_pair(DOCUMENT).sha256: DOCUMENT + b" (renewed)"},
        "platform-document-with-a-bit-changed": {**_of(DOCUMENT), digest_pair(SECOND).sha256: flipped(SECOND, 7)},
        "platform-documents-exchanged": {digest_pair(DOCUMENT).sha256: SECOND, digest_pair(SECOND).sha256: DOCUMENT},
        "platform-document-that-is-empty": {**_of(SECOND), digest_pair(DOCUMENT).sha256: b""},
    }.items():
        made = change(honest, name, members_of(replace(honest.material, platform=documents)), 17)
        yield replace(made, claims=AGAINST)


def _undeclared(honest: Honest) -> Faults:
    """The declaration is withheld, the document shown: with the map the history of the log misses it too."""
    at = honest.scene.log.find("platform.file")
    cut = without(honest.material, [at])
    made = change(honest, "platform-document-whose-declaration-the-map-misses", members_of(cut), 13)
    yield replace(made, claims={"platform": "contradicted", "completeness": "contradicted"})
    bare = replace(cut, map=None, consistency={})  # the one anchor is of the whole tree; no audit is left
    made = change(honest, "platform-document-whose-declaration-is-withheld", members_of(bare), 17)
    yield replace(made, claims={"platform": "contradicted", "completeness": "needs_external_fact"})


def _mixed() -> DigestPair:
    return replace(digest_pair(DOCUMENT), sm3=digest_pair(SECOND).sm3)


def _declared(folder: Path, name: str, pair: DigestPair, size: int) -> Fault:
    facts = Facts(folder)
    facts.add(facts.document(document=pair, size=size))
    material = replace(whole(facts), platform=_of(DOCUMENT))
    return made_so(name, facts.scene, material, 17, **AGAINST)


PLANTED: dict[str, Callable[[Facts], Statement]] = {
    "platform-document-declared-by-a-party": lambda f: f.world.say(
        f.world.studio, "platform.file", f.world.origin, f.document().event.body
    ),
    "platform-document-declared-by-the-log": lambda f: f.world.say(
        f.world.log, "platform.file", f.world.origin, f.document().event.body
    ),
    "platform-document-declared-by-the-service": lambda f: f.world.say(
        f.world.service, "platform.file", f.world.origin, f.document().event.body
    ),
    "platform-document-of-another-log": lambda f: f.world.say(
        f.world.registrar, "platform.file", "log.example/else", f.document().event.body
    ),
    "platform-document-that-ends-before-it-begins": lambda f: f.document(valid_until="2025-01-01T00:00:00Z"),
}
