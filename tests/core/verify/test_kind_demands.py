"""What each kind of case must show, and every way in which its other side is withheld by an exporter whom one trusts.

Rules version 4: a log can always state a root of its map. Every bundle here is signed by the real exporter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tallystick.case import CaseMaterial, Kind, MapMaterial, case_members
from tallystick.case.model import INDEX
from tallystick.events.dispute import DisputeOpening, DisputeResolution
from tallystick.events.licence import LicenceStatus
from tallystick.events.log import MapRoot
from tallystick.identifiers import Letter
from tallystick.map import NAMED, OWN, MapProof, MemoryMap, Relation, key_of
from tallystick.report.as_text import text_report
from tallystick.report.conclusions import adverse_lines, alarms
from tallystick.report.lines import sentence
from tallystick.times import format_time, parse_time
from tallystick.verify import Report
from tests.core.verify.kit import Scene
from tests.core.verify.mutate import Members, described, edit_json, without_entry
from tests.world import World

Wanted = tuple[Relation, str]


@dataclass
class Play:
    """A scene in which a licence is revoked and disputed from two sides, and the root of its map."""

    scene: Scene
    names: dict[str, str]
    roots: list[int]
    maps: dict[int, MemoryMap]

    def case(self, kind: Kind, root: int = -1, **changes: object) -> CaseMaterial:
        at = self.roots[root]
        material = self.scene.material(self.names[kind], kind, map=MapMaterial({at: self.proofs(at)}))
        return replace(material, **changes)  # type: ignore[arg-type]

    def proofs(self, at: int) -> dict[Wanted, MapProof]:
        subjects = sorted({one.event.subject for one in self.scene.log.statements})
        asked = [(relation, one) for relation in (OWN, NAMED) for one in subjects]
        return {one: self.maps[at].prove(key_of(*one)) for one in asked}

    def judge(self, members: Members) -> Report:
        return self.scene.verify(self.scene.bundle(members))

    def state(self) -> None:
        """The log states the root of its map."""
        log, found = self.scene.log, MemoryMap()
        for one in log.statements:
            found.take(one.entry)
        self.roots.append(log.size)
        self.maps[log.size] = found
        log.add(
            self.scene.world.say(
                self.scene.world.log, "log.map-root", log.world.origin, MapRoot(log.size, found.root().hex())
            )
        )


def play(folder: Path, rules: int = 4, later: int = 0, **source_fields: Any) -> Play:
    """``later``: seconds after which the revocation counts. ``source_fields``: of the object that the job reads."""
    world = World("play", "log.example/play", rules=rules)  # type: ignore[arg-type]
    scene = Scene(folder, world)
    log = scene.log
    capability, filed = world.capability()
    log.add(*world.parties(), *filed)
    source = world.object(**source_fields)
    job, registered = world.job(capability, [source.event.subject])
    output = world.output(job)
    log.add(source, registered, output, world.complete(job, [output.event.subject]))
    made = output.event.subject
    granted = world.licence(made, index=1)
    licence = granted.event.subject
    log.add(granted)
    told = Play(scene, {"object": made, "licence": licence, "job": job.id}, [], {})
    told.state()
    effective = format_time(parse_time(world.now()) + later)
    log.add(world.say(world.studio, "licence.status", licence, LicenceStatus("revoke", "breach", effective)))
    one, two = (world.identifier(Letter.DISPUTE) for _ in range(2))
    log.add(world.say(world.licensee, "dispute.open", one, DisputeOpening(licence, "authority")))
    log.add(world.say(world.studio, "dispute.open", two, DisputeOpening(licence, "licence")))
    log.add(world.say(world.registrar, "dispute.resolve", one, DisputeResolution("rejected", "evidence")))
    told.names |= {"dispute": one, "other": two, "capability": capability.id, "source": source.event.subject}
    told.state()
    scene.anchor()
    return told


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Play:
    return play(tmp_path_factory.mktemp("play"))


def members_of(material: CaseMaterial) -> Members:
    return {name: data for name, data in case_members(material).items() if isinstance(data, bytes)}


def lines(report: Report, claim: str) -> set[str]:
    return {line.key for line in report.claim(claim).evidence}


# --- what is shown -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["object", "licence", "job", "dispute"])
def test_each_kind_with_its_histories_is_proved(kind: Kind, told: Play) -> None:
    report = told.judge(members_of(told.case(kind)))
    assert (report.verdict, report.claim("completeness").outcome) == ("proved", "needs_external_fact")


def test_a_licence_and_what_it_is(told: Play) -> None:
    facts = told.judge(members_of(told.case("licence"))).facts
    licence = told.names["licence"]
    assert facts["standing"]["status"] == "revoked"
    assert facts["standing"]["decided_by"] == licence
    assert [one["licence"] for one in facts["standing"]["chain"]] == [licence]
    assert facts["adverse"][0]["type"] == "licence.status"


STANDS = {
    "en": "by the entries shown {licence} is {status}, by {licence}",
    "zh": "依所出示的条目，{licence} 的状态为：{status}（以 {licence} 的条目为准）",
}
"""Among the first lines of a report on a licence."""


@pytest.mark.parametrize(
    ("later", "status", "words"), [(0, "revoked", "已撤销"), (86_400 * 365, "valid", "有效")], ids=["now", "ahead"]
)
def test_a_licence_that_ends_later_is_not_read_as_ended(tmp_path: Path, later: int, status: str, words: str) -> None:
    """A judge reads *revoked* in red on the first page, and has to be told since when, and what the licence is."""
    made = play(tmp_path, later=later)
    report, licence = made.judge(members_of(made.case("licence"))), made.names["licence"]
    assert report.facts["standing"]["status"] == status
    [line] = [one for one in adverse_lines(report) if one.values["type"] == "licence.status"]
    since = str(line.values["effective"])
    assert bool(since) is bool(later)
    assert sentence(line, "en").endswith(
        f": revoke, breach{f'; effective {since}' if later else ''}; by the entries shown it is {status}"
    )
    assert sentence(line, "zh").endswith(
        f"：撤销，违约{f'；自 {since} 起生效' if later else ''}；依所示条目现为{words}"
    )
    for language, told in (("en", status), ("zh", words)):
        whole = text_report(report, language)  # type: ignore[arg-type]
        first = whole[: whole.index("\n\n")]
        assert STANDS[language].format(licence=licence, status=told) in first
        assert since in whole[whole.index("\n\n") :], "in the table of adverse events too"
    assert "effective" not in report.facts["adverse"][0], "facts are those of the format"


def test_a_job_and_its_node_of_the_workflow(told: Play) -> None:
    graph = told.judge(members_of(told.case("job"))).facts["graph"]
    assert graph["inputs"] == [{"object": told.names["source"], "role": "source"}]
    assert graph["outputs"] == [told.names["object"]]
    used = graph["capability"]
    assert (used["capability"], used["status"], used["grade"]) == (told.names["capability"], "approved", "A")


def test_a_dispute_and_its_other_side(told: Play) -> None:
    found = told.judge(members_of(told.case("dispute"))).facts["disputes"]
    assert [(one["dispute"], one["status"]) for one in found] == [
        (told.names["dispute"], "rejected"),
        (told.names["other"], "open"),
    ]


# --- what is withheld ----------------------------------------------------------------------------


def cut(told: Play, kind: Kind, event: str, number: int = 0) -> Members:
    return without_entry(members_of(told.case(kind)), told.scene.log.find(event, number))


WITHHELD: dict[str, tuple[Kind, str, int, int]] = {
    "a licence without its revocation": ("licence", "licence.status", 0, 13),
    "a licence without a dispute about it": ("licence", "dispute.open", 1, 13),
    "a dispute without its other side": ("dispute", "dispute.open", 1, 13),
    "a dispute without the revocation of its target": ("dispute", "licence.status", 0, 13),
    "a dispute without its resolution": ("dispute", "dispute.resolve", 0, 13),
    "a job graph with an input left out": ("job", "object.register", 0, 6),
    "a job graph with an output left out": ("job", "object.register", 1, 6),
    "a job without the approval of its capability": ("job", "capability.approve", 0, 6),
    "a job without the grade of its capability": ("job", "capability.grade", 0, 6),
    "a licence without its grant": ("licence", "licence.grant", 0, 6),
    "a licence without its object": ("licence", "object.register", 1, 6),
}


@pytest.mark.parametrize("name", sorted(WITHHELD))
def test_what_is_withheld_is_refused_by_its_step(name: str, told: Play) -> None:
    kind, event, number, step = WITHHELD[name]
    report = told.judge(cut(told, kind, event, number))
    assert (report.verdict, report.refused_at) == ("not_proved", step)


@pytest.mark.parametrize("kind", ["licence", "job", "dispute"])
def test_without_the_map_nothing_of_a_standing_is_proved(kind: Kind, told: Play) -> None:
    """So the exporter who leaves out the revocation gains nothing by leaving out the map as well."""
    for material in (told.case(kind, map=None), told.case(kind, map=MapMaterial({told.roots[1]: {}}))):
        report = told.judge(members_of(material))
        assert (report.verdict, report.refused_at) == ("not_proved", 9)
        assert "traceability.no-history" in lines(report, "traceability")
        assert report.facts.keys() & {"standing", "graph", "disputes"} == set()


@pytest.mark.parametrize(
    ("kind", "name"), [("licence", "licence"), ("dispute", "licence"), ("dispute", "dispute"), ("job", "capability")]
)
def test_without_the_one_history_that_would_show_it(kind: Kind, name: str, told: Play) -> None:
    at = told.roots[1]
    left = {one: proof for one, proof in told.proofs(at).items() if one != (OWN, told.names[name])}
    report = told.judge(members_of(told.case(kind, map=MapMaterial({at: left}))))
    assert (report.verdict, report.refused_at) == ("not_proved", 9)


def test_a_root_from_before_what_is_shown_does_not_serve(told: Play) -> None:
    report = told.judge(members_of(told.case("licence", root=0)))
    assert (report.verdict, report.refused_at) == ("not_proved", 9)


def test_a_root_that_no_entry_states_does_not_serve(told: Play) -> None:
    position = told.scene.log.find("party.register")
    report = told.judge(members_of(told.case("licence", map=MapMaterial({position: told.proofs(told.roots[1])}))))
    assert (report.verdict, report.refused_at) == ("not_proved", 9)


def test_an_object_has_no_standing_and_is_proved_without(told: Play) -> None:
    report = told.judge(members_of(told.case("object", map=None)))
    assert (report.verdict, report.facts.keys() & {"standing", "graph", "disputes"}) == ("proved", set())


def test_an_older_log_is_judged_as_it_was(tmp_path: Path) -> None:
    older = play(tmp_path, 3)
    report = older.judge(members_of(older.case("licence", map=None)))
    assert (report.verdict, report.facts["standing"]["status"]) == ("proved", "revoked")


# --- up to where it is told ----------------------------------------------------------------------


def as_of(report: Report) -> list[dict[str, Any] | None]:
    facts = report.facts
    told = [facts[name] for name in ("standing", "graph") if name in facts]
    return [one["as_of"] for one in (*told, *facts.get("disputes", ()))]


def ends(report: Report) -> list[tuple[Any, Any]]:
    """Of the lines of step 9 that tell of the kind."""
    kinds = {f"traceability.{name}" for name in ("licence", "graph", "dispute")}
    return [
        (line.values.get("size"), line.values.get("time"))
        for line in report.claim("traceability").evidence
        if line.key.removesuffix("-no-root") in kinds
    ]


def warned(report: Report) -> list[str]:
    found = [list(alarms(report, language)) for language in ("en", "zh")]
    assert len(found[0]) == len(found[1])
    return [text for text in found[0] if "would not show" in text]


def shown_below(material: CaseMaterial, end: int) -> CaseMaterial:
    """What an exporter gives out who would rather not show what came later."""
    entries = {at: one for at, one in material.entries.items() if at < end}
    return replace(material, entries=entries, inclusion={at: material.inclusion[at] for at in entries})


@pytest.mark.parametrize(("kind", "count"), [("licence", 1), ("job", 1), ("dispute", 2)])
def test_a_standing_is_told_up_to_the_root_under_which_the_histories_are_shown(
    kind: Kind, count: int, told: Play
) -> None:
    report = told.judge(members_of(told.case(kind)))
    at = told.roots[1]
    time = told.scene.log.statements[at].event.time
    assert at < report.facts["checkpoint"]["size"]
    assert as_of(report) == [{"size": at, "time": time}] * count
    assert ends(report) == [(at, time)]


@pytest.mark.parametrize("kind", ["licence", "job"])
def test_an_older_root_beyond_which_the_revocation_is_withheld_is_told_as_such(kind: Kind, told: Play) -> None:
    """All that is shown is true, and whole under that root: the report must not say it of the whole tree."""
    at = told.roots[0]
    report = told.judge(members_of(shown_below(told.case(kind, root=0), at + 2)))
    time = told.scene.log.statements[at].event.time
    assert report.verdict == "proved"
    assert (as_of(report), ends(report)) == ([{"size": at, "time": time}], [(at, time)])
    hidden = report.facts["checkpoint"]["size"] - at - 2
    assert hidden > 0
    assert [f"up to {at} entries" in text and f" {hidden} are not shown" in text for text in warned(report)] == [True]
    if kind == "licence":
        assert report.facts["standing"]["status"] == "valid", "as it was then; it is revoked since"


def test_of_two_roots_the_one_that_reaches_farther_is_told(told: Play) -> None:
    proofs = {at: told.proofs(at) for at in told.roots}
    for order in (told.roots, told.roots[::-1]):
        report = told.judge(members_of(told.case("licence", map=MapMaterial({at: proofs[at] for at in order}))))
        assert [one["size"] for one in as_of(report) if one] == [told.roots[1]]


def test_nothing_is_warned_of_where_all_that_came_later_is_shown(told: Play) -> None:
    report = told.judge(members_of(told.case("licence")))
    later = {one["position"] for one in report.facts["statements"] if one["position"] >= told.roots[1]}
    assert later == set(range(told.roots[1], report.facts["checkpoint"]["size"]))
    assert warned(report) == []


def test_a_later_version_of_the_rules_that_is_withheld_leaves_no_root_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who withholds the entry that brings version 4 is not asked for a root; so nothing may be said of the tree."""
    older = play(tmp_path, 3)
    log, world = older.scene.log, older.scene.world
    world.rules = 4
    monkeypatch.setattr(world, "batch", partial(world.batch, policy=log.size))
    log.add(world.policy())
    older.scene.anchor()
    revoked = log.find("licence.status")
    assert older.judge(members_of(older.case("licence", map=None))).refused_at == 9, "shown whole, it needs a root"
    report = older.judge(members_of(shown_below(older.case("licence", map=None), revoked)))
    assert (report.verdict, report.facts["standing"]["status"]) == ("proved", "valid")
    assert (as_of(report), ends(report)) == ([None], [(None, None)])
    assert ["under no root of the log's map" in text for text in warned(report)] == [True]
    assert "no root of the log's map shows that none came later" in text_report(report, "en")
    assert "不能表明此后别无条目" in text_report(report, "zh")


# --- adverse entries named first -----------------------------------------------------------------


def adverse_of(told: Play) -> tuple[int, ...]:
    log = told.scene.log
    found = [log.find("licence.status"), log.find("dispute.open"), log.find("dispute.open", 1)]
    return tuple(sorted([*found, log.find("dispute.resolve")]))


@pytest.mark.parametrize("kind", ["object", "licence", "dispute"])
def test_the_index_may_name_the_adverse_entries(kind: Kind, told: Play) -> None:
    members = members_of(told.case(kind, adverse=adverse_of(told)))
    report = told.judge(members)
    assert report.verdict == "proved"
    assert tuple(one["position"] for one in report.facts["adverse"]) == adverse_of(told)
    assert members[INDEX].startswith(b'{"adverse":[')


@pytest.mark.parametrize("change", ["one hidden", "one invented", "another"])
def test_an_index_that_names_others_is_contradicted(change: str, told: Play) -> None:
    """Whoever reads the index alone must not be told less than the entries say."""
    honest, harmless = adverse_of(told), told.scene.log.find("licence.grant")
    named = {"one hidden": honest[1:], "one invented": (*honest, harmless), "another": (harmless, *honest[1:])}[change]
    report = told.judge(members_of(told.case("licence", adverse=named)))
    assert (report.verdict, report.refused_at) == ("not_proved", 13)
    assert "adverse.misnamed" in lines(report, "completeness")


def test_an_index_that_names_an_entry_that_the_rules_refuse(told: Play) -> None:
    """Step 6 says what is wrong; the index is not wrong for it."""
    members = without_entry(
        members_of(told.case("licence", adverse=adverse_of(told))), told.scene.log.find("licence.grant")
    )
    report = told.judge(members)
    assert report.refused_at == 6
    assert "adverse.misnamed" not in lines(report, "completeness")


# --- the kind ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["object", "job", "dispute"])
def test_another_kind_of_which_less_is_demanded(kind: str, told: Play) -> None:
    members = members_of(told.case("licence", map=None))
    changed = described(edit_json(members, INDEX, lambda index: index.update(kind=kind)))
    report = told.judge(changed)
    assert (report.verdict, report.refused_at) == ("malformed", 1)


def test_a_case_of_its_object_says_nothing_of_the_licence(told: Play) -> None:
    """The kind changed together with the subject: then it is another case, and its report names another subject."""
    members = members_of(told.case("licence", map=None))
    changed = described(
        edit_json(members, INDEX, lambda index: index.update(kind="object", subject=told.names["object"]))
    )
    report = told.judge(changed)
    assert (report.verdict, report.facts["subject"]) == ("proved", told.names["object"])
    assert "standing" not in report.facts
