"""How an object came about: records that the log belies, witnesses who are none, and what of it is withheld."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tallystick.case import CaseMaterial
from tallystick.commitments import disclose
from tallystick.digests import digest_pair
from tallystick.events.facts import Notary
from tallystick.statement import Statement
from tests.core.verify.facts_kit import NOTARISED, OTHER, PRIVATE, Facts, without
from tests.core.verify.test_facts import DISAGREE, UNCONFIRMED
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Fault, Faults, Honest, change, made_so, members_of
from tests.evidence_corpus.whole import Audited, whole

NOBODY = "10.5555/P-ZZZZ-ZZZZ-ZZZZ-ZZZZ-F"
BELIED = {"capture": "contradicted", "completeness": "proved", "entitlement": "proved"}
ALONE = {"capture": "needs_external_fact", "completeness": "proved", "entitlement": "proved"}
REFUSED = {"entitlement": "contradicted", "completeness": "not_proved"}
UNKNOWN = {"entitlement": "not_proved", "completeness": "not_proved"}


def faults(worlds: Worlds) -> Faults:
    honest, facts, at = _notarised(worlds.folder / "notarised")
    worlds.honest[honest.name] = honest
    yield from _changed(honest, facts, at)
    yield from _belied(worlds.folder)
    yield from _unconfirmed(worlds.folder)
    for number, (name, said) in enumerate(PLANTED.items()):
        yield _planted(worlds.folder / f"capture-planted-{number}", name, said, REFUSED)
    for number, (name, said) in enumerate(UNREGISTERED.items()):
        yield _planted(worlds.folder / f"capture-unknown-{number}", name, said, UNKNOWN)
    yield _later_record(worlds.folder / "later")


def notary(facts: Facts) -> Notary:
    return Notary("示例公证处", "(2026)示证字第17号", NOTARISED, facts.time(300), facts.notary.id)


def _notarised(folder: Path) -> tuple[Honest, Facts, int]:
    """A record that a notary of the log and a witness bear out, its private values disclosed: the claim is proved."""
    facts = Facts(folder)
    at = facts.add(facts.capture(PRIVATE, notary=notary(facts)))
    facts.add(facts.attest(facts.notary, at, "notary", statement=NOTARISED))
    facts.add(facts.attest(facts.archive, at, "witness"))
    material = replace(whole(facts), disclosures={at: _disclosed(facts, at)})
    return Honest("capture-that-a-notary-bears-out", facts.scene, material, {}), facts, at


def _disclosed(facts: Facts, at: int) -> list[str]:
    return [one.text for one in facts.world.disclosures[facts.scene.log.statements[at].statement_id]]


# --- what an exporter withholds or makes up ---------------------------------------


def _changed(honest: Honest, facts: Facts, at: int) -> Faults:
    notarised, witnessed = at + 2, at + 4

    def gone(name: str, *positions: int) -> Fault:
        kept = {} if at in positions else dict(honest.material.disclosures or {})
        material = replace(without(honest.material, positions), disclosures=kept)
        return change(honest, name, members_of(material), 13)

    cut = {"completeness": "contradicted", "capture": "needs_external_fact"}
    yield replace(gone("capture-whose-witness-is-withheld", witnessed), claims=cut)
    yield replace(gone("capture-whose-notary-is-withheld", notarised), claims=cut)
    dropped = gone("capture-withheld-with-all-who-bear-it-out", at, notarised, witnessed)
    yield replace(dropped, claims={"completeness": "contradicted"})
    bare = replace(gone("capture-withheld-and-borne-out-all-the-same", at), step=6)
    yield replace(bare, claims={"entitlement": "not_proved"})

    true = _disclosed(facts, at)
    forged = {**PRIVATE["device"], "serial": "of another camera"}
    for name, shown in {
        "capture-with-another-device": [disclose("device", forged, b"\x01" * 16).text, *true[1:]],
        "capture-with-another-prompt": [true[0], disclose("prompt", ["a sunrise"], b"\x01" * 16).text, true[2]],
        "capture-with-a-place-that-nobody-committed-to": [*true, disclose("place", "Paris", b"\x01" * 16).text],
    }.items():
        made = change(honest, name, members_of(replace(honest.material, disclosures={at: shown})), 7)
        yield replace(made, claims={"disclosure": "contradicted", "capture": "proved", "completeness": "proved"})


# --- records that do not agree with the log, and witnesses who are none -----------


def _belied(folder: Path) -> Faults:
    for number, (name, (_, _, differently)) in enumerate(DISAGREE.items()):
        facts = Facts(folder / f"belied-{number}")
        facts.add(facts.capture(**differently(facts)))
        slug = _slug(name)
        slug = slug if slug.split("-")[0] in _PARTICIPLES else f"with-{slug}"
        yield made_so(f"capture-{slug}", facts.scene, whole(facts), 15, **BELIED)
    for name, (who, statement) in {
        "capture-that-another-notary-bears-out": ("archive", NOTARISED),
        "capture-that-the-notary-bears-out-by-another-document": ("notary", digest_pair(b"another")),
    }.items():
        facts = Facts(folder / name)
        at = facts.add(facts.capture(notary=notary(facts)))
        facts.add(facts.attest(getattr(facts, who), at, "notary", statement=statement))
        yield made_so(name, facts.scene, whole(facts), 15, **BELIED)


_PARTICIPLES = ("dated", "after", "kept", "notarised")


def _slug(name: str) -> str:
    return name.replace(" ", "-").replace("'", "").replace(",", "")


def _unconfirmed(folder: Path) -> Faults:
    """The whole log is shown, and still the claim is not *proved*: who bears the record out is not who should."""
    for number, (name, (named, said)) in enumerate(UNCONFIRMED.items()):
        facts = Facts(folder / f"unconfirmed-{number}")
        party = {"party": facts.notary.id, **named}["party"]
        party = facts.world.registrar.id if party == "registrar" else party
        at = facts.add(facts.capture(notary=replace(notary(facts), party=party)))
        said(facts, at)
        yield _on_the_word("capture-notarised-" + _slug(name), facts, whole(facts))
    for name, said_of in {
        "capture-that-the-service-recorded": lambda f: f.capture(recorded=True),
        "capture-whose-witness-the-service-recorded": lambda f: f.attest(
            f.archive, f.add(f.capture()), "witness", recorded=True
        ),
    }.items():
        facts = Facts(folder / name)
        facts.add(said_of(facts))
        yield _on_the_word(name, facts, whole(facts))
    facts = Facts(folder / "one-of-two", outputs=2)
    facts.add(facts.capture())
    job = Audited(facts.scene, facts.job.id, "job")
    yield _on_the_word("capture-of-one-of-two-objects-of-a-job", facts, job.material())


def _on_the_word(name: str, facts: Facts, material: CaseMaterial) -> Fault:
    return replace(made_so(name, facts.scene, material, None, **ALONE), verdict="proved")


def _later_record(folder: Path) -> Fault:
    """After the root that an auditor vouches for a second record says that other bytes were kept: it is left out."""
    facts = Facts(folder)
    facts.add(facts.capture())
    audited = Audited(facts.scene, facts.subject)
    second = facts.add(facts.capture(stored=replace(facts.capture().event.body.stored, digest=OTHER)))
    cut = without(audited.material(), [second])
    return _on_the_word("capture-whose-second-record-is-withheld-behind-the-audit", facts, cut)


# --- what its operator puts into the tree behind the rules ------------------------

Said = Callable[[Facts], Statement]


def _twice(facts: Facts) -> Statement:
    at = facts.add(facts.capture())
    facts.add(facts.attest(facts.archive, at, "witness"))
    return facts.attest(facts.archive, at, "witness")


def _of_another_object(facts: Facts) -> Statement:
    """Who bears out a record about another object says it about this one."""
    other = facts.world.object(data=b"another")
    facts.add(other)
    body = replace(
        facts.capture(clocks=(), model=None, parameters=None, environment=None, stored=None).event.body,
        method="authoring", started=facts.time(1190), ended=facts.time(1195),
    )  # fmt: skip
    at = facts.add(facts.world.say(facts.world.studio, "capture.record", other.event.subject, body))
    return facts.attest(facts.archive, at, "witness")


PLANTED: dict[str, Said] = {
    "capture-that-ends-in-the-future": lambda f: f.capture(ended=f.time(100_000)),
    "capture-that-ends-before-it-begins": lambda f: f.capture(started=f.time(60), ended=f.time(10)),
    "capture-by-the-log-itself": lambda f: f.world.say(
        f.world.log, "capture.record", f.subject, f.capture().event.body
    ),
    "capture-planted-for-its-holder-by-the-registrars-key": lambda f: f.world.say(
        replace(f.world.studio, signer=f.world.registrar.signer), "capture.record", f.subject, f.capture().event.body
    ),
    "capture-that-its-holder-bears-out": lambda f: f.attest(f.world.studio, f.add(f.capture()), "witness"),
    "capture-that-one-witness-bears-out-twice": _twice,
    "capture-that-is-borne-out-by-the-record-of-another-object": _of_another_object,
}

UNREGISTERED: dict[str, Said] = {
    "capture-with-a-notary-that-nobody-registered": lambda f: f.capture(notary=replace(notary(f), party=NOBODY)),
    "capture-with-a-related-object-that-nobody-registered": lambda f: f.capture(
        related=("10.5555/A-ZZZZ-ZZZZ-ZZZZ-ZZZZ-0",)
    ),
    "capture-that-is-no-record-and-borne-out": lambda f: f.attest(
        f.archive, f.scene.log.find("object.register"), "witness"
    ),
}


def _planted(folder: Path, name: str, said: Said, claims: dict[str, str]) -> Fault:
    facts = Facts(folder)
    facts.add(said(facts))
    return made_so(name, facts.scene, whole(facts), 6, **claims)
