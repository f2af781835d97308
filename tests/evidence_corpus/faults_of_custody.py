"""Custody in cases that are whole to the end of the log: what breaks it, what leaves it open, what rests on a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tallystick.case import CaseMaterial
from tallystick.statement import Statement
from tallystick.times import format_time
from tests.core.verify.facts_kit import OTHER, Facts, without
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Fault, Faults, Honest, change, made_so, members_of
from tests.evidence_corpus.whole import Audited, whole

NOBODY = "10.5555/P-ZZZZ-ZZZZ-ZZZZ-ZZZZ-F"
BROKEN = {"custody": "contradicted", "completeness": "proved", "entitlement": "proved"}
OPEN = {**BROKEN, "custody": "not_proved"}
ALONE = {**BROKEN, "custody": "needs_external_fact"}
REFUSED = {"entitlement": "contradicted", "completeness": "not_proved"}
UNKNOWN = {"entitlement": "not_proved", "completeness": "not_proved"}


def faults(worlds: Worlds) -> Faults:
    for honest in _held(worlds.folder):
        worlds.honest[honest.name] = honest
    yield from _withheld(worlds.honest["custody-handed-over"])
    for number, (name, said) in enumerate(BREAKS.items()):
        yield _said(worlds.folder / f"breaks-{number}", name, said, 16, BROKEN)
    for number, (name, said) in enumerate(ENDS.items()):
        yield _said(worlds.folder / f"ends-{number}", name, said, None, OPEN)
    for number, (name, said) in enumerate(WORDS.items()):
        yield _said(worlds.folder / f"words-{number}", name, said, None, ALONE)
    for number, (name, made) in enumerate(PLANTED.items()):
        yield _said(worlds.folder / f"out-of-turn-{number}", name, _adding(made), 6, REFUSED)
    for number, (name, made) in enumerate(UNREGISTERED.items()):
        yield _said(worlds.folder / f"unheard-of-{number}", name, _adding(made), 6, UNKNOWN)
    yield _of_one(worlds.folder / "kept-one")
    yield from _behind_the_audit(worlds.folder)


Said = Callable[[Facts], object]
Made = Callable[[Facts], Statement]


def _adding(made: Made) -> Said:
    return lambda facts: facts.add(made(facts))


def _said(folder: Path, name: str, said: Said, step: int | None, claims: dict[str, str]) -> Fault:
    facts = Facts(folder)
    said(facts)
    made = made_so(name, facts.scene, whole(facts), step, **claims)
    return made if step else replace(made, verdict="proved")


def _one_after_the_other(*events: Made) -> Said:
    def say(facts: Facts) -> None:
        for made in events:
            facts.add(made(facts))

    return say


# --- honest chains, and what is withheld of one -----------------------------------


def _held(folder: Path) -> list[Honest]:
    """Handed over; damaged, told and mended; migrated: each is proved."""
    made = []
    for name, said in {
        "custody-handed-over": _one_after_the_other(
            lambda f: f.custody("ing"),
            lambda f: f.custody("tra", receiver=f.archive.id),
            lambda f: f.accept(f.archive),
            lambda f: f.custody("fix", f.archive),
        ),
        "custody-with-damage-that-was-mended": _one_after_the_other(
            lambda f: f.custody("fix", after=OTHER, outcome="fai"), lambda f: f.custody("rec", before=OTHER)
        ),
        "custody-with-a-migration": _one_after_the_other(
            lambda f: f.custody("mig", after=OTHER), lambda f: f.custody("fix", before=OTHER, after=OTHER)
        ),
        "custody-with-a-transfer-that-was-declined": _one_after_the_other(
            lambda f: f.custody("tra", receiver=f.archive.id),
            lambda f: f.accept(f.archive, digest=OTHER, outcome="fai"),
            lambda f: f.custody("fix"),
        ),
    }.items():
        facts = Facts(folder / name)
        said(facts)
        made.append(Honest(name, facts.scene, whole(facts), {}))
    return made


def _withheld(honest: Honest) -> Faults:
    """Of ingestion, transfer, acceptance and check: one in the middle leaves a gap, the last leaves the map unmet."""
    log = honest.scene.log
    ingested, over = log.find("custody.record"), log.find("custody.record", 1)
    accepted, checked = log.find("custody.accept"), log.find("custody.record", 2)
    for name, gone in {
        "custody-whose-beginning-is-withheld": ingested,
        "custody-whose-transfer-is-withheld": over,
        "custody-whose-acceptance-is-withheld": accepted,
    }.items():
        made = change(honest, name, members_of(without(honest.material, [gone])), 6)
        yield replace(made, claims={"entitlement": "not_proved", "completeness": "contradicted"})
    made = change(honest, "custody-whose-end-the-map-misses", members_of(without(honest.material, [checked])), 13)
    yield replace(made, claims={"completeness": "contradicted", "custody": "needs_external_fact"})
    every = [ingested, over, accepted, checked]
    made = change(honest, "custody-withheld-as-a-whole", members_of(without(honest.material, every)), 13)
    yield replace(made, claims={"completeness": "contradicted"})


# --- chains that do not hold ------------------------------------------------------

BREAKS: dict[str, Said] = {
    "custody-with-a-check-that-failed-over-the-same-digests": _one_after_the_other(
        lambda f: f.custody("ing"), lambda f: f.custody("fix", outcome="fai")
    ),
    "custody-with-a-failed-check-that-a-copy-is-said-to-mend": _one_after_the_other(
        lambda f: f.custody("fix", outcome="fai"), lambda f: f.custody("rep")
    ),
    "custody-with-a-failed-check-and-a-failed-recovery": _one_after_the_other(
        lambda f: f.custody("fix", outcome="fai"), lambda f: f.custody("rec", outcome="fai")
    ),
    "custody-with-damage-that-a-migration-launders": _one_after_the_other(
        lambda f: f.custody("fix", after=OTHER, outcome="fai"),
        lambda f: f.custody("mig", before=OTHER, after="33" * 32),
        lambda f: f.custody("fix", before="33" * 32, after="33" * 32),
        lambda f: f.custody("rec", before=OTHER, after="33" * 32),
    ),
    "custody-that-goes-back-to-bytes-from-before-a-migration": _one_after_the_other(
        lambda f: f.custody("mig", after=OTHER),
        lambda f: f.custody("fix", before=OTHER, after="33" * 32, outcome="fai"),
        lambda f: f.custody("rec", before="33" * 32),
    ),
    "custody-that-began-before-the-registration": _one_after_the_other(
        lambda f: f.custody("ing", at=format_time(f.deposit - 301))
    ),
    "custody-of-years-before-the-registration": _one_after_the_other(
        lambda f: f.custody("ing", at="1999-01-01T00:00:00Z"), lambda f: f.custody("fix", at="1999-01-02T00:00:00Z")
    ),
}

ENDS: dict[str, Said] = {
    "custody-that-was-given-up": _one_after_the_other(lambda f: f.custody("ing"), lambda f: f.custody("dea")),
    "custody-with-a-transfer-that-nobody-accepted": _one_after_the_other(
        lambda f: f.custody("ing"), lambda f: f.custody("tra", receiver=f.archive.id)
    ),
}

WORDS: dict[str, Said] = {
    "custody-that-the-service-recorded": _one_after_the_other(lambda f: f.custody("ing", recorded=True)),
    "custody-whose-acceptance-the-service-recorded": _one_after_the_other(
        lambda f: f.custody("tra", receiver=f.archive.id), lambda f: f.accept(f.archive, recorded=True)
    ),
}


def _of_one(folder: Path) -> Fault:
    """A job made two films; of one alone it is said who kept it."""
    facts = Facts(folder, outputs=2)
    facts.add(facts.custody("ing"))
    material = Audited(facts.scene, facts.job.id, "job").material()
    made = made_so("custody-of-one-of-two-objects-of-a-job", facts.scene, material, None, **ALONE)
    return replace(made, verdict="proved")


def _behind_the_audit(folder: Path) -> Faults:
    """The auditor's root is honest, and what the log took after it is not all here."""
    for name, gone in {
        "custody-whose-damage-is-withheld-behind-the-audit": ("damage",),
        "custody-with-an-entry-of-others-withheld-behind-the-audit": ("other",),
        "custody-with-the-end-of-the-log-withheld-behind-the-audit": ("damage", "other", "last"),
    }.items():
        facts = Facts(folder / name)
        facts.add(facts.custody("ing"))
        audited = Audited(facts.scene, facts.subject)
        at: dict[str, int] = {}
        if "damage" in gone:
            at["damage"] = facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
        at["other"] = facts.add(facts.world.object(data=b"of others"))
        at["last"] = facts.scene.log.size - 1
        yield _cut(name, facts, audited.material(), [at[one] for one in gone])


def _cut(name: str, facts: Facts, material: CaseMaterial, gone: list[int]) -> Fault:
    made = made_so(name, facts.scene, without(material, gone), None, **ALONE)
    return replace(made, verdict="proved")


# --- what its operator puts into the tree behind the rules ------------------------


def _late(facts: Facts) -> Statement:
    """Accepted after the custodian had gone on with it."""
    over = facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.custody("fix"))
    body = facts.accept(facts.archive).event.body
    return facts.world.say(facts.archive, "custody.accept", facts.subject, replace(body, record=over))


def _after_the_end(facts: Facts) -> Statement:
    facts.add(facts.custody("dea"))
    return facts.custody("fix")


def _by_who_gave_it_away(facts: Facts) -> Statement:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.accept(facts.archive))
    return facts.custody("fix")


def _by_a_third(facts: Facts) -> Statement:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    return facts.accept(facts.notary)


def _forgetting(facts: Facts) -> Statement:
    """Names the first entry as the one before, as if the failed check had not been."""
    first = facts.add(facts.custody("ing"))
    facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    return facts.custody("fix", previous=first)


def _beginning_anew(facts: Facts) -> Statement:
    facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    return facts.custody("ing", previous=None)


PLANTED: dict[str, Made] = {
    "custody-that-forgets-a-failed-check": _forgetting,
    "custody-that-begins-anew-after-damage": _beginning_anew,
    "custody-after-it-was-given-up": _after_the_end,
    "custody-by-who-gave-it-away": _by_who_gave_it_away,
    "custody-accepted-by-a-third-party": _by_a_third,
    "custody-accepted-when-it-was-too-late": _late,
    "custody-transferred-to-nobody": lambda f: f.custody("tra"),
    "custody-transferred-to-oneself": lambda f: f.custody("tra", receiver=f.world.studio.id),
    "custody-of-a-check-with-a-receiver": lambda f: f.custody("fix", receiver=f.archive.id),
    "custody-dated-into-the-future": lambda f: f.custody("fix", at=f.time(100_000)),
    "custody-by-the-log-itself": lambda f: f.custody("ing", f.world.log),
}

UNREGISTERED: dict[str, Made] = {
    "custody-transferred-to-who-is-not-registered": lambda f: f.custody("tra", receiver=NOBODY),
    "custody-that-follows-an-entry-of-no-custody": lambda f: f.custody("fix", previous=f.scene.log.size - 2),
}
