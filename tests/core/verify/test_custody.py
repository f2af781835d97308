"""Step 16: who kept the bytes, and every chain that does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.report.as_text import text_report
from tallystick.statement import Statement
from tests.core.verify.facts_kit import OTHER, Facts, keys


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
