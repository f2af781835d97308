"""Making and custody where an auditor vouches for the whole history: what is proved, and what is not, by both alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.case import MapMaterial, OriginalMaterial, case_members
from tallystick.events.facts import Notary
from tallystick.map import NAMED, key_of
from tallystick.times import format_time
from tallystick.trust import TrustFile, encode_trust
from tests.core.verify.facts_kit import NOTARISED, OTHER, Facts
from tests.core.verify.kit import PICTURE
from tests.core.verify.test_histories_aside import stated
from tests.verifier_js.both import Second, Trial, compare
from tests.world import Someone

AT = "2026-02-02T00:00:00Z"
THIRD = "33" * 32


@dataclass
class Case:
    """A log in which something is said of an object; ``later`` comes after the root that the auditor vouches for."""

    facts: Facts
    kind: Any = "object"
    subject: str = ""
    later: Callable[[Facts], object] = lambda facts: None
    withheld: str | None = None
    """Type of the last such entry, which the exporter leaves out."""

    def members(self) -> tuple[dict[str, Any], TrustFile]:
        scene = self.facts.scene
        scene.anchor()
        told = stated(scene, self.subject or self.facts.subject)
        self.later(self.facts)
        found = told.map()
        wanted = [*told.wanted(), *((NAMED, one.event.subject) for one in scene.log.statements)]
        proofs = {one: found.prove(key_of(*one)) for one in wanted}
        audits = (told.audit(at=scene.world.clock),)
        made = told.material(map=MapMaterial({told.root_at: proofs}, audits), audits=audits)
        made = replace(made, kind=self.kind)
        if self.withheld is not None:
            last = [at for at, one in enumerate(scene.log.statements) if one.event.type == self.withheld][-1]
            made = told.without(made, last)
        if self.kind == "object":
            made = replace(
                made, originals=[OriginalMaterial(self.subject or self.facts.subject, {"made.bin": PICTURE})]
            )
        return dict(case_members(made)), told.trust().file

    def trial(self, folder: Path) -> Trial:
        members, trust = self.members()
        (folder / "case.zip").write_bytes(self.facts.scene.bundle(members))
        (folder / "trust.json").write_bytes(encode_trust(trust))
        return Trial("case", folder / "case.zip", folder / "trust.json", AT)


def told(second: Second, case: Case, claim: str, folder: Path) -> tuple[str, str]:
    """Outcome of the claim, and whether the history is whole; the first verifier says the same of every claim."""
    trial = case.trial(folder)
    (report,) = second.judge([trial])
    found = {one["id"]: one["outcome"] for one in report["claims"]}
    assert found[claim] == "contradicted" or report["verdict"] == "proved", report
    assert compare(second, [trial]) == 1
    return found[claim], found["completeness"]


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return Facts(tmp_path / "log")


# --- custody ----------------------------------------------------------------------


def custody(facts: Facts, *said: tuple[str, dict[str, Any]]) -> None:
    for event, fields in said:
        facts.add(facts.custody(event, **fields))


FAILED = {"outcome": "fai"}
LOST = {"after": OTHER, "outcome": "fai"}
FROM_OTHER = {"before": OTHER, "after": OTHER}
CHAINS: dict[str, tuple[str, tuple[tuple[str, dict[str, Any]], ...]]] = {
    "a fixity check that held": ("proved", (("ing", {}), ("fix", {}))),
    "a fixity check that failed on the same digests": ("contradicted", (("ing", {}), ("fix", FAILED))),
    "a failed check, then one that held": ("proved", (("fix", FAILED), ("fix", {}))),
    "a failed check, then a recovery": ("proved", (("fix", FAILED), ("rec", {}))),
    "a failed check, then a recovery that failed": ("contradicted", (("fix", FAILED), ("rec", FAILED))),
    "a failed check, then a replication": ("contradicted", (("fix", FAILED), ("rep", {}))),
    "a check that held, then a failed one": ("contradicted", (("fix", {}), ("fix", FAILED))),
    "damage, then a recovery": ("proved", (("fix", LOST), ("rec", {"before": OTHER}))),
    "damage, then a check of what is left": ("contradicted", (("fix", LOST), ("fix", FROM_OTHER))),
    "damage, then a check that changes the bytes back": ("contradicted", (("fix", LOST), ("fix", {"before": OTHER}))),
    "a failed migration that left the bytes": ("proved", (("mig", FAILED),)),
    "a failed recovery that left the bytes": ("proved", (("rec", FAILED),)),
    "a failed replication that left the bytes": ("proved", (("rep", FAILED),)),
    "a failed replication that changed them": ("contradicted", (("rep", LOST),)),
    "a migration, damage, a recovery of the new bytes": (
        "proved",
        (
            ("mig", {"after": OTHER}),
            ("fix", {"before": OTHER, "after": THIRD, "outcome": "fai"}),
            ("rec", {"before": THIRD, "after": OTHER}),
        ),
    ),
    "a migration, damage, a recovery of the old bytes": (
        "contradicted",
        (
            ("mig", {"after": OTHER}),
            ("fix", {"before": OTHER, "after": THIRD, "outcome": "fai"}),
            ("rec", {"before": THIRD}),
        ),
    ),
    "damage that a migration would make good": (
        "contradicted",
        (("fix", LOST), ("mig", {"before": OTHER, "after": THIRD}), ("fix", {"before": THIRD, "after": THIRD})),
    ),
    "damage, a migration of it, a recovery": (
        "proved",
        (("fix", LOST), ("mig", {"before": OTHER, "after": THIRD}), ("rec", {"before": THIRD})),
    ),
    "damage, a recovery of what a migration of it made": (
        "contradicted",
        (
            ("fix", LOST),
            ("mig", {"before": OTHER, "after": THIRD}),
            ("rec", {"before": THIRD, "after": THIRD}),
        ),
    ),
    "a migration, a failed check of the new bytes": (
        "contradicted",
        (("mig", {"after": OTHER}), ("fix", {**FROM_OTHER, "outcome": "fai"})),
    ),
    "a migration, a failed check and one that held": (
        "proved",
        (("mig", {"after": OTHER}), ("fix", {**FROM_OTHER, "outcome": "fai"}), ("fix", FROM_OTHER)),
    ),
    "a chain that ended": ("not_proved", (("ing", {}), ("dea", {}))),
    "an end that failed": ("proved", (("ing", {}), ("dea", FAILED))),
    "an end that failed, then a check": ("proved", (("dea", FAILED), ("fix", {}))),
    "damage and an end": ("contradicted", (("fix", FAILED), ("dea", {}))),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains(name: str, second: Second, facts: Facts, tmp_path: Path) -> None:
    outcome, said = CHAINS[name]
    custody(facts, *said)
    assert told(second, Case(facts), "custody", tmp_path) == (outcome, "proved")


@pytest.mark.parametrize(("seconds", "outcome"), [(-301, "contradicted"), (-300, "proved"), (0, "proved")])
def test_custody_runs_from_the_registration(
    seconds: int, outcome: str, second: Second, facts: Facts, tmp_path: Path
) -> None:
    facts.add(facts.custody("ing", at=format_time(facts.deposit + seconds)))
    assert told(second, Case(facts), "custody", tmp_path)[0] == outcome


def test_a_later_entry_is_not_before_the_slack_either(second: Second, facts: Facts, tmp_path: Path) -> None:
    facts.add(facts.custody("ing", at=format_time(facts.deposit - 200)))
    facts.add(facts.custody("fix", at=format_time(facts.deposit - 201)))
    assert told(second, Case(facts), "custody", tmp_path)[0] == "contradicted"


# --- to the end of the log --------------------------------------------------------


def damaged(facts: Facts) -> None:
    facts.add(facts.custody("fix", after=OTHER, outcome="fai"))


def corrected(facts: Facts) -> None:
    facts.add(facts.capture(ended=facts.time(70)))


def unrelated(facts: Facts) -> None:
    facts.add(facts.world.object(data=b"another"))


def said_before(facts: Facts) -> Facts:
    facts.add(facts.custody("ing"))
    facts.add(facts.capture())
    return facts


@pytest.mark.parametrize("claim", ["capture", "custody"])
def test_what_comes_after_the_root_must_be_there(claim: str, second: Second, facts: Facts, tmp_path: Path) -> None:
    assert told(second, Case(said_before(facts), later=unrelated), claim, tmp_path) == ("proved", "proved")


LATER = {"custody": (damaged, "custody.record"), "capture": (corrected, "capture.record")}


@pytest.mark.parametrize("claim", LATER)
def test_an_entry_after_the_root_that_is_left_out(claim: str, second: Second, facts: Facts, tmp_path: Path) -> None:
    later, withheld = LATER[claim]
    case = Case(said_before(facts), later=later, withheld=withheld)
    assert told(second, case, claim, tmp_path) == ("needs_external_fact", "proved")


@pytest.mark.parametrize("claim", LATER)
def test_an_unrelated_entry_that_is_left_out_could_be_anything(
    claim: str, second: Second, facts: Facts, tmp_path: Path
) -> None:
    case = Case(said_before(facts), later=unrelated, withheld="object.register")
    assert told(second, case, claim, tmp_path) == ("needs_external_fact", "proved")


# --- capture ----------------------------------------------------------------------


def captured_once(facts: Facts) -> None:
    facts.add(facts.capture())


def recorded(facts: Facts) -> None:
    facts.add(facts.capture(recorded=True))


def witnessed(facts: Facts) -> None:
    at = facts.add(facts.capture())
    facts.add(facts.attest(facts.archive, at, "witness"))


def witnessed_through_the_service(facts: Facts) -> None:
    at = facts.add(facts.capture())
    facts.add(facts.attest(facts.archive, at, "witness", recorded=True))


def notarised(
    named: str | None = "notary", by: str = "notary", role: Any = "notary", recorded: bool = False, **fields: Any
) -> Callable[[Facts], None]:
    def said(facts: Facts) -> None:
        party = None if named is None else getattr(facts, named).id
        at = facts.add(facts.capture(notary=Notary("示例公证处", "17", NOTARISED, facts.time(300), party)))
        who: Someone = facts.world.registrar if by == "registrar" else getattr(facts, by)
        facts.add(facts.attest(who, at, role, recorded=recorded, **{"statement": NOTARISED, **fields}))

    return said


CAPTURES: dict[str, tuple[str, Callable[[Facts], None]]] = {
    "by its own key": ("proved", captured_once),
    "through the service": ("needs_external_fact", recorded),
    "with a witness": ("proved", witnessed),
    "with a witness through the service": ("needs_external_fact", witnessed_through_the_service),
    "with the notary that it names": ("proved", notarised()),
    "with a notary that it does not name": ("needs_external_fact", notarised(named=None)),
    "with the notary through the service": ("needs_external_fact", notarised(recorded=True)),
    "with the notary as a witness": ("needs_external_fact", notarised(role="witness")),
    "with a notary who names no document": ("needs_external_fact", notarised(statement=None)),
    "with the registrar in the notary's place": ("needs_external_fact", notarised(named=None, by="registrar")),
    "with another notary than it names": ("contradicted", notarised(by="archive")),
}


@pytest.mark.parametrize("name", CAPTURES)
def test_captures(name: str, second: Second, facts: Facts, tmp_path: Path) -> None:
    outcome, said = CAPTURES[name]
    said(facts)
    assert told(second, Case(facts), "capture", tmp_path) == (outcome, "proved")


# --- several objects --------------------------------------------------------------


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("claim", ["capture", "custody"])
def test_of_each_object_something_is_said(claim: str, both: bool, second: Second, facts: Facts, tmp_path: Path) -> None:
    world = facts.world
    job, registered = world.job(facts.job.capability)
    outputs = [world.output(job, data=data) for data in (b"one", b"two")]
    facts.add(registered, *outputs, world.complete(job, [one.event.subject for one in outputs]))
    made_at = world.now()
    for made in outputs[: 1 + both]:
        facts.subject, facts.digest = made.event.subject, made.event.body.digest_record.sha256
        if claim == "custody":
            facts.add(facts.custody("ing", previous=None))
        else:
            facts.add(facts.capture(clocks=(), stored=None, started=made_at, ended=made_at, parameters=None))
    case = Case(facts, "job", job.id)
    expected = ("proved" if both else "needs_external_fact", "proved")
    assert told(second, case, claim, tmp_path) == expected
