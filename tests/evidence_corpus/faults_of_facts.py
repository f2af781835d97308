"""Custody that does not hold, and what the rules refuse of making and custody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.core.verify.facts_kit import OTHER, Facts
from tests.core.verify.test_custody import BROKEN, PLANTED
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Fault, Faults, Honest, made_so, members_of


def faults(worlds: Worlds) -> Faults:
    honest = _whole(worlds.folder / "facts")
    worlds.honest[honest.name] = honest
    for number, (name, (_, said)) in enumerate(BROKEN.items()):
        facts = Facts(worlds.folder / f"broken-{number}")
        said(facts)
        facts.scene.anchor()
        slug = "custody-" + name.replace(" ", "-")
        yield made_so(slug, facts.scene, facts.scene.material(facts.subject), 16, custody="contradicted")
    for number, (name, said_of) in enumerate(PLANTED.items()):
        facts = Facts(worlds.folder / f"planted-{number}")
        other = facts.world.object(data=b"another")
        facts.add(other)
        facts.add(facts.custody("fix", subject=other.event.subject, previous=None))
        facts.add(said_of(facts))
        facts.scene.anchor()
        yield made_so(name.replace(" ", "-"), facts.scene, facts.scene.material(facts.subject), 6)
    yield _hidden(worlds.folder / "hidden")


def _whole(folder: Path) -> Honest:
    """A capture record, custody that was handed over, and a document of the platform."""
    facts = Facts(folder)
    facts.add(facts.document())
    facts.add(facts.capture())
    facts.add(facts.custody("ing"))
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.accept(facts.archive))
    facts.scene.anchor()
    return Honest("object-with-making-custody-and-platform", facts.scene, facts.scene.material(facts.subject), {})


def _hidden(folder: Path) -> Fault:
    """The last word, that the bytes are damaged, is left out: nothing shown says so, and nothing is proved."""
    facts = Facts(folder)
    facts.add(facts.custody("ing"))
    damaged = facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    facts.scene.anchor()
    whole = facts.scene.material(facts.subject)
    kept = {at: entry for at, entry in whole.entries.items() if at != damaged}
    cut = replace(whole, entries=kept, inclusion={at: whole.inclusion[at] for at in kept})
    found = Fault("custody-whose-end-is-withheld", members_of(cut), facts.scene, None, "proved")
    return replace(found, claims={"custody": "needs_external_fact"})
