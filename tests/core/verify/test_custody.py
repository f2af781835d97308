"""Step 16: who kept the bytes, and every chain that does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.case import CaseMaterial, MapMaterial
from tallystick.map.audit import MapAudit, sign_audit
from tallystick.merkle import prove_consistency, root_of
from tallystick.report.as_text import text_report
from tallystick.statement import Statement
from tallystick.times import format_time
from tallystick.trust import Trust, TrustedAuditor
from tallystick.verify import Report
from tests.core.verify.facts_kit import OTHER, Facts, keys, without
from tests.core.verify.test_histories import AUDITOR, KEY
from tests.core.verify.test_kind_demands import Play


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return Facts(tmp_path)


# --- custody ----------------------------------------------------------------------


def test_a_chain_from_deposit_to_export(facts: Facts) -> None:
    facts.add(facts.custody("ing"))
    facts.add(facts.custody("fix"))
    over = facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.accept(facts.archive))
    facts.add(facts.custody("rep", facts.archive))
    report = facts.judge()
    assert (report.verdict, report.claim("custody").outcome) == ("proved", "proved")
    lines = report.facts["custody"]
    assert [one["event"] for one in lines] == ["ing", "fix", "tra", "tra", "rep", "dis"]
    assert all(one["continuous"] and one["signed"] for one in lines)
    assert {(one["before"], one["after"]) for one in lines} == {(facts.digest, facts.digest)}
    assert (lines[2]["position"], lines[2]["receiver"]) == (over, facts.archive.id)
    assert (lines[-1]["position"], lines[-1]["at"], lines[-1]["agent"]) == (
        None, report.facts["exported_at"], "the service",
    )  # fmt: skip
    assert "took it with the same digest" in text_report(report, "en")
    assert "首尾相接" in text_report(report, "zh")


def test_what_the_entries_shown_say_is_not_proved_while_one_may_be_withheld(facts: Facts) -> None:
    """The last word of the chain, that the bytes are damaged, is left out by the exporter."""
    facts.add(facts.custody("ing"))
    damaged = facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    assert facts.judge().claim("custody").outcome == "contradicted"
    log = facts.scene.log
    kept = [at for at in range(log.size + 2) if at != damaged]
    honest = facts.scene.material(facts.subject)
    cut = {
        name: {at: one for at, one in getattr(honest, name).items() if at in kept} for name in ("entries", "inclusion")
    }
    report = facts.scene.judge(replace(honest, **cut))
    assert (report.claim("custody").outcome, report.verdict) == ("needs_external_fact", "proved")
    assert keys(report, "custody")[-1] == "rests-on-whole"
    report = facts.scene.judge(replace(honest, **cut), facts.scene.trust(required=("custody",)))
    assert (report.verdict, report.refused_at) == ("not_proved", 16)


def test_a_capture_record_is_not_proved_while_another_may_be_withheld(facts: Facts) -> None:
    facts.add(facts.capture())
    assert facts.judge().claim("capture").outcome == "proved"
    report = facts.scene.judge(facts.scene.material(facts.subject))
    assert (report.claim("capture").outcome, keys(report, "capture")[-1]) == ("needs_external_fact", "rests-on-whole")


class Audited:
    """Custody, the root of the map that an auditor of the trust file vouches for, and what the log took since."""

    def __init__(self, facts: Facts) -> None:
        self.scene = scene = facts.scene
        self.subject = facts.subject
        facts.add(facts.custody("ing"))
        self.play = Play(scene, {"object": facts.subject}, [], {})
        self.play.state()
        (self.root,) = self.play.roots
        self.at = facts.world.clock + 60
        facts.world.clock += 600

    def material(self) -> CaseMaterial:
        log = self.scene.log
        self.scene.anchor()
        tree = root_of(log.leaves(self.root))
        said = MapAudit(self.scene.world.origin, self.root, tree, self.play.maps[self.root].root())
        audit = sign_audit(said, AUDITOR.name, KEY, self.at).encode()
        found = self.scene.material(self.subject, map=MapMaterial({self.root: self.play.proofs(self.root)}, (audit,)))
        joined = {(self.root, log.size): prove_consistency(log, self.root, log.size)}
        return replace(found, consistency={**found.consistency, **joined})

    def trust(self) -> Trust:
        logs = tuple(replace(one, replaced=()) for one in self.scene.trust_file().logs)
        auditors = (TrustedAuditor(AUDITOR.verifier_key),)
        return self.scene.trust(v=4, logs=logs, auditors=auditors, required=("custody", "completeness"))

    def judge(self, material: CaseMaterial) -> Report:
        return self.scene.judge(material, self.trust(), self.scene.world.clock + 86_400)


def test_an_auditor_who_replayed_less_than_the_log_shown_does_not_say_what_came_then(facts: Facts) -> None:
    """The damage was told after the root that is audited: the bundle leaves it out, and shows the log to its end."""
    told = Audited(facts)
    damaged = facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    whole = told.material()
    assert told.judge(whole).claim("custody").outcome == "contradicted"
    report = told.judge(without(whole, [damaged]))
    assert report.claim("completeness").outcome == "proved"
    assert (report.claim("custody").outcome, keys(report, "custody")[-1]) == ("needs_external_fact", "rests-on-whole")
    assert (report.verdict, report.refused_at) == ("not_proved", 16)


@pytest.mark.parametrize("kind", ["capture", "custody"])
@pytest.mark.parametrize("gone", ["nothing", "a stranger's object", "the last batch", "all of it"])
def test_what_the_audit_does_not_reach_must_be_shown_to_the_last_entry(gone: str, kind: str, facts: Facts) -> None:
    if kind == "capture":
        facts.add(facts.capture())
    told = Audited(facts)
    stranger, last = (facts.add(facts.world.object(data=data)) for data in (b"a stranger's", b"another's"))
    whole, end = told.material(), facts.scene.log.size
    hidden = {
        "nothing": range(0),
        "a stranger's object": range(stranger, stranger + 1),
        "the last batch": range(last, end),
        "all of it": range(stranger, end),
    }[gone]
    report = told.judge(without(whole, hidden))
    assert report.claim("completeness").outcome == "proved"
    assert report.claim(kind).outcome == ("needs_external_fact" if hidden else "proved")
    assert (keys(report, kind)[-1] == "rests-on-whole") is bool(hidden)


def test_who_has_every_entry_needs_to_be_shown_none_of_strangers(facts: Facts) -> None:
    facts.add(facts.custody("ing"))
    stranger = facts.add(facts.world.object(data=b"a stranger's"))
    report = facts.judge(hidden=[stranger])
    assert (report.claim("custody").outcome, report.facts["replayed"]) == ("proved", facts.scene.log.size)


def test_a_migration_names_both_digests_and_is_told(facts: Facts) -> None:
    facts.add(facts.custody("mig", after=OTHER))
    facts.add(facts.custody("fix", before=OTHER, after=OTHER))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    assert "custody.migrated" in keys(report, "custody")
    assert report.facts["custody"][-1]["after"] == OTHER


def test_damage_that_was_told_and_mended(facts: Facts) -> None:
    facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    facts.add(facts.custody("rec", before=OTHER))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    assert [one["continuous"] for one in report.facts["custody"]] == [False, True, True]


@pytest.mark.parametrize("after", ["the same", "other"])
def test_a_check_that_failed_breaks_the_chain_whatever_its_digests(after: str, facts: Facts) -> None:
    facts.add(facts.custody("ing"))
    at = facts.add(facts.custody("fix", after=OTHER if after == "other" else facts.digest, outcome="fai"))
    report = facts.judge()
    assert (report.verdict, report.claim("custody").outcome) == ("not_proved", "contradicted")
    (line,) = [line for line in report.claim("custody").evidence if line.key == "custody.broken"]
    assert line.values["position"] == at
    assert [one["continuous"] for one in report.facts["custody"]] == [True, False, False]


@pytest.mark.parametrize("event", ["fix", "rec"])
def test_a_check_that_failed_is_mended_by_one_that_did_not(event: str, facts: Facts) -> None:
    failed = facts.add(facts.custody("fix", outcome="fai"))
    at = facts.add(facts.custody(event))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    (line,) = [line for line in report.claim("custody").evidence if line.key == "custody.mended"]
    assert (line.values["entry"], line.values["position"]) == (failed, at)
    assert [one["continuous"] for one in report.facts["custody"]] == [False, True, True]


@pytest.mark.parametrize(("event", "outcome"), [("rep", "suc"), ("rec", "fai"), ("fix", "fai"), ("ing", "suc")])
def test_nothing_else_mends_it(event: str, outcome: str, facts: Facts) -> None:
    facts.add(facts.custody("fix", outcome="fai"))
    facts.add(facts.custody(event, outcome=outcome))
    report = facts.judge()
    assert (report.claim("custody").outcome, "custody.broken" in keys(report, "custody")) == ("contradicted", True)


def test_what_is_made_of_damaged_bytes_is_not_good(facts: Facts) -> None:
    """A migration in between does not launder the damage."""
    made = "33" * 32
    facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    facts.add(facts.custody("mig", before=OTHER, after=made))
    facts.add(facts.custody("fix", before=made, after=made))
    facts.add(facts.custody("rec", before=OTHER, after=made))
    report = facts.judge()
    assert (report.claim("custody").outcome, "custody.broken" in keys(report, "custody")) == ("contradicted", True)
    assert not any(one["continuous"] for one in report.facts["custody"])


@pytest.mark.parametrize("event", ["mig", "rec", "rep"])
def test_what_failed_and_left_the_bytes_as_they_were_breaks_nothing(event: str, facts: Facts) -> None:
    at = facts.add(facts.custody(event, outcome="fai"))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    (line,) = [line for line in report.claim("custody").evidence if line.key == "custody.failed"]
    assert line.values["position"] == at


def test_bytes_that_were_given_up_are_kept_by_nobody(facts: Facts) -> None:
    facts.add(facts.custody("ing"))
    at = facts.add(facts.custody("dea"))
    report = facts.judge()
    assert (report.verdict, report.claim("custody").outcome) == ("proved", "not_proved")
    (line,) = [line for line in report.claim("custody").evidence if line.key == "custody.ended"]
    assert line.values["position"] == at
    assert [one["continuous"] for one in report.facts["custody"]] == [True, True, False]
    assert "custody.good" not in keys(report, "custody")


def test_giving_up_that_failed_ends_nothing(facts: Facts) -> None:
    facts.add(facts.custody("dea", outcome="fai"))
    facts.add(facts.custody("fix"))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    assert report.facts["custody"][-1]["continuous"] is True


@pytest.mark.parametrize(("before", "outcome"), [(300, "proved"), (301, "contradicted")])
def test_custody_does_not_begin_before_the_registration(before: int, outcome: str, facts: Facts) -> None:
    facts.add(facts.custody("ing", at=format_time(facts.deposit - before)))
    report = facts.judge()
    assert report.claim("custody").outcome == outcome
    assert ("custody.backwards" in keys(report, "custody")) is (before > 300)
    assert report.facts["custody"][0]["continuous"] is (before <= 300)


def test_years_before_the_registration_one_after_the_other(facts: Facts) -> None:
    facts.add(facts.custody("ing", at="1999-01-01T00:00:00Z"))
    facts.add(facts.custody("fix", at="1999-01-02T00:00:00Z"))
    report = facts.judge()
    assert (report.verdict, report.refused_at) == ("not_proved", 16)
    assert keys(report, "custody").count("custody.backwards") == 2


@pytest.mark.parametrize("kind", ["capture", "custody"])
def test_of_each_object_of_the_case_something_is_said_or_it_needs_a_fact(kind: str, tmp_path: Path) -> None:
    """A job made two films; of one alone it is said who kept it, and how it was made."""
    facts = Facts(tmp_path, outputs=2)
    facts.add(facts.custody("ing") if kind == "custody" else facts.capture())
    play = Play(facts.scene, {"job": facts.job.id}, [], {})
    play.state()
    (root,) = play.roots
    report = facts.judge(map=MapMaterial({root: play.proofs(root)}), subject=facts.job.id, kind="job")
    assert report.claim("completeness").outcome == "proved"
    assert report.claim(kind).outcome == "needs_external_fact"
    (line,) = [line for line in report.claim(kind).evidence if line.key == f"{kind}.none-of"]
    assert [line.values["object"]] == [one.event.subject for one in facts.more]


def test_a_transfer_that_was_declined_stays(facts: Facts) -> None:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.accept(facts.archive, digest=OTHER, outcome="fai"))
    facts.add(facts.custody("fix"))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    assert "custody.declined" in keys(report, "custody")


def test_what_the_service_recorded_for_a_custodian_needs_an_external_fact(facts: Facts) -> None:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    at = facts.add(facts.accept(facts.archive, recorded=True))
    report = facts.judge()
    assert (report.verdict, report.claim("custody").outcome) == ("proved", "needs_external_fact")
    (line,) = [line for line in report.claim("custody").evidence if line.key == "custody.by-service"]
    assert line.values["positions"] == str(at)


def test_a_transfer_that_nobody_accepted_is_a_gap(facts: Facts) -> None:
    at = facts.add(facts.custody("tra", receiver=facts.archive.id))
    report = facts.judge()
    assert (report.verdict, report.claim("custody").outcome) == ("proved", "not_proved")
    (line,) = [line for line in report.claim("custody").evidence if line.key == "custody.open"]
    assert (line.values["position"], line.values["taker"]) == (at, facts.archive.id)
    assert report.facts["custody"][-1]["continuous"] is False


def test_a_transfer_that_was_given_up_is_told(facts: Facts) -> None:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.custody("fix"))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    assert "custody.kept" in keys(report, "custody")


def swapped_on_the_way(facts: Facts) -> None:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.accept(facts.archive, digest=OTHER))


def changed_between(facts: Facts) -> None:
    facts.add(facts.custody("ing"))
    facts.add(facts.custody("fix", before=OTHER, after=OTHER))


def dated_back(facts: Facts) -> None:
    facts.add(facts.custody("ing"))
    facts.add(facts.custody("fix", at=facts.time(0)))


def recovered_as_something_else(facts: Facts) -> None:
    facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    facts.add(facts.custody("rec", before=OTHER, after="33" * 32))


BROKEN: dict[str, tuple[str, Callable[[Facts], object]]] = {
    "other bytes than registered from the start": (
        "digest",
        lambda f: f.add(f.custody("ing", before=OTHER, after=OTHER)),
    ),
    "a change that is no migration": ("changed", lambda f: f.add(f.custody("rep", after=OTHER))),
    "a failed migration that changed the bytes": (
        "broken",
        lambda f: f.add(f.custody("mig", after=OTHER, outcome="fai")),
    ),
    "swapped on the way": ("digest", swapped_on_the_way),
    "changed between two entries": ("digest", changed_between),
    "dated back": ("backwards", dated_back),
    "damaged and never mended": ("broken", lambda f: f.add(f.custody("fix", after=OTHER, outcome="fai"))),
    "recovered as something else": ("changed", recovered_as_something_else),
}


@pytest.mark.parametrize("name", BROKEN)
def test_custody_that_does_not_hold(name: str, facts: Facts) -> None:
    fault, said = BROKEN[name]
    said(facts)
    report = facts.judge()
    assert (report.verdict, report.refused_at) == ("not_proved", 16)
    assert report.claim("custody").outcome == "contradicted"
    assert f"custody.{fault}" in keys(report, "custody")
    assert report.facts["custody"][-1]["continuous"] is False


def chained(facts: Facts) -> None:
    for _ in range(3):
        facts.add(facts.custody("fix"))


PLANTED: dict[str, Callable[[Facts], Statement]] = {
    "capture by another than the holder": lambda f: f.world.say(
        f.archive, "capture.record", f.subject, f.capture().event.body
    ),
    "custody by another than the custodian": lambda f: f.custody("fix", f.archive),
    "custody that follows another object's": lambda f: f.custody("fix", previous=f.scene.log.size - 2),
    "acceptance without a transfer": lambda f: f.accept(f.archive),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_the_rules_refuse_stands_in_no_chain(name: str, facts: Facts) -> None:
    """The operator puts it into the tree behind the rules: they refuse it, and it proves nothing."""
    other = facts.world.object(data=b"another")
    facts.add(other)
    facts.add(facts.custody("fix", subject=other.event.subject, previous=None))
    at = facts.add(PLANTED[name](facts))
    report = facts.judge()
    assert (report.verdict, report.refused_at) == ("not_proved", 6)
    assert at not in [one["position"] for one in (*report.facts.get("custody", ()), *report.facts.get("capture", ()))]


@pytest.mark.parametrize("gone", [0, 1])
def test_a_chain_with_a_hole(gone: int, facts: Facts) -> None:
    """The exporter leaves one entry out and signs the bundle anew: what follows it does not hang on anything."""
    chained(facts)
    facts.scene.anchor()
    whole = facts.scene.material(facts.subject)
    hole = [at for at, one in enumerate(facts.scene.log.statements) if one.event.type == "custody.record"][gone]
    kept = {at: entry for at, entry in whole.entries.items() if at != hole}
    report = facts.scene.judge(replace(whole, entries=kept, inclusion={at: whole.inclusion[at] for at in kept}))
    assert (report.verdict, report.refused_at) == ("not_proved", 6)
    assert report.claim("entitlement").outcome == "not_proved"
    assert report.claims[-1].outcome == "not_proved" or report.claims[-1].id != "custody"


def test_the_custody_of_another_object_is_not_this_ones(facts: Facts) -> None:
    other = facts.world.object(data=b"another")
    facts.add(other)
    facts.add(facts.custody("fix", subject=other.event.subject, before=OTHER, after=OTHER))
    report = facts.judge({"required": ("custody",)})
    assert (report.verdict, report.claim("custody").outcome) == ("not_proved", "not_proved")
    assert keys(report, "custody") == ["custody.none"]
