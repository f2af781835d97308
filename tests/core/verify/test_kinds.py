"""Cases of every kind from one longer story: a folder, jobs, a licence, a dispute; and logs whose operator cheats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tallystick.case import CaseMaterial, OriginalMaterial, case_members
from tallystick.content import FileEntry, entry_of, file_content, folder_content
from tallystick.events.dispute import DisputeOpening
from tallystick.events.licence import LicenceStatus
from tallystick.identifiers import Letter
from tallystick.schema import write
from tests.core.verify.kit import AT, Scene
from tests.core.verify.mutate import entry, without_entry
from tests.world import START, World

FILES = {"a/one.bin": b"one", "b.txt": b"two", "é.txt": b"three"}


@dataclass
class Story:
    """A scene in which everything happened, and the names of what it happened to."""

    scene: Scene
    folder: str
    made: str
    job: str
    licence: str
    dispute: str
    unanchored: str

    def case(self, kind: str) -> CaseMaterial:
        subject = {"object": self.made, "licence": self.licence, "job": self.job, "dispute": self.dispute}[kind]
        return self.scene.material(subject, kind)  # type: ignore[arg-type]

    def folder_case(self, files: dict[str, bytes], listed: dict[str, bytes] | None = None) -> CaseMaterial:
        entries = file_list(files if listed is None else listed)
        return self.scene.material(self.folder, originals=[OriginalMaterial(self.folder, files, entries)])


def file_list(files: dict[str, bytes]) -> tuple[FileEntry, ...]:
    ordered = sorted(files, key=lambda path: path.encode())
    return tuple(entry_of(path, file_content([files[path]])) for path in ordered)


def tell(folder: Path) -> Story:
    world = World("story", "log.example/story", rules=3)
    scene = Scene(folder, world)
    scene.log.add(*world.parties())
    capability, filed = world.capability()
    scene.log.add(*filed)
    source = world.object(content=write(folder_content(file_list(FILES))), kind="composite")
    world.clock += 60
    job, registered = world.job(capability, [source.event.subject])
    made = world.record(world.studio, "object.register", world.identifier(Letter.OBJECT), world.output(job).event.body)
    scene.log.add(source, registered, made, world.complete(job, [made.event.subject]))
    licence = world.licence(made.event.subject)
    world.clock += 60
    scene.log.add(licence)
    scene.anchor()
    world.clock += 60
    dispute = world.identifier(Letter.DISPUTE)
    opened = world.say(world.licensee, "dispute.open", dispute, DisputeOpening(made.event.subject, "ownership"))
    scene.log.add(opened)
    scene.anchor()
    status = LicenceStatus("revoke", "breach", world.now())
    revoked = world.licence(made.event.subject, index=1)
    late = world.say(world.studio, "licence.status", revoked.event.subject, status)
    scene.log.add(revoked, late)
    subjects = (source, made, registered, licence, opened, revoked)
    folder_id, made_id, job_id, licence_id, dispute_id, revoked_id = (one.event.subject for one in subjects)
    return Story(scene, folder_id, made_id, job_id, licence_id, dispute_id, revoked_id)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(tmp_path_factory.mktemp("story"))


@pytest.mark.parametrize("kind", ["object", "licence", "job", "dispute"])
def test_each_kind_is_proved_over_two_anchors(kind: str, story: Story) -> None:
    report = story.scene.judge(story.case(kind))
    assert (report.verdict, report.refused_at) == ("proved", None)
    assert report.claim("content").outcome == "needs_external_fact"
    assert len(report.facts["anchors"]) == 2


@pytest.mark.parametrize("kind", ["object", "licence", "job", "dispute"])
def test_the_dispute_is_the_first_thing_a_report_says(kind: str, story: Story) -> None:
    report = story.scene.judge(story.case(kind))
    first = report.facts["adverse"][0]
    assert (first["type"], first["subject"], first["about"]) == ("dispute.open", story.dispute, story.made)
    assert (first["standing"], first["detail"]) == ("open", "ownership")
    assert report.facts["adverse"][1]["type"] == "licence.status"


def test_who_signed_and_for_whom_the_service_recorded(story: Story) -> None:
    said = story.scene.judge(story.case("object")).facts["statements"]
    made = next(one for one in said if one["subject"] == story.made)
    studio = story.scene.world.studio.id
    assert (made["signed_by"], made["recorded_for"], made["role"]) == (story.scene.world.service.id, studio, "service")
    job = next(one for one in said if one["subject"] == story.job)
    assert (job["signed_by"], job["role"]) == (studio, "party")
    assert "recorded_for" not in job


def test_what_is_not_anchored_is_named(story: Story) -> None:
    report = story.scene.judge(story.scene.material(story.unanchored, "licence"))
    assert report.refused_at == 10
    (line,) = [line for line in report.claim("anchor").evidence if line.key == "anchor.uncovered"]
    log = story.scene.log
    assert line.values["positions"] == f"{log.find('licence.grant', 1)}, {log.find('licence.status')}"


def test_one_anchor_too_few(story: Story) -> None:
    """With the first anchor alone the object's entries are covered, the dispute's are not."""
    anchors, sizes = story.scene.anchors[:1], sorted(story.case("object").consistency)[:1]

    def cut(material: CaseMaterial) -> CaseMaterial:
        kept = {size: material.consistency[size] for size in sizes}
        return replace(material, anchors=anchors, consistency=kept)

    assert story.scene.judge(cut(story.case("object"))).verdict == "proved"
    assert story.scene.judge(cut(story.case("dispute"))).refused_at == 10


# --- folders ----------------------------------------------------------------------------------


def test_a_folder_is_proved_file_by_file(story: Story) -> None:
    report = story.scene.judge(story.folder_case(FILES))
    assert (report.verdict, report.claim("content").outcome) == ("proved", "proved")


def test_a_folder_needs_no_list_when_its_files_are_there(story: Story) -> None:
    original = OriginalMaterial(story.folder, FILES)
    assert story.scene.judge(story.scene.material(story.folder, originals=[original])).verdict == "proved"


@pytest.mark.parametrize(
    "files",
    [
        {**FILES, "b.txt": b"TWO"},
        {**FILES, "c.txt": b"more"},
        {name: data for name, data in FILES.items() if name != "b.txt"},
        {"a/one.bin": b"two", "b.txt": b"one", "é.txt": b"three"},
        {"a/1.bin": b"one", "b.txt": b"two", "é.txt": b"three"},
    ],
    ids=["changed", "added", "removed", "exchanged", "renamed"],
)
def test_a_folder_with_other_files_is_contradicted(files: dict[str, bytes], story: Story) -> None:
    for listed in (None, FILES):
        report = story.scene.judge(story.folder_case(files, listed))
        assert (report.refused_at, report.claim("content").outcome) == (8, "contradicted")


def test_a_false_list_beside_true_files(story: Story) -> None:
    assert story.scene.judge(story.folder_case(FILES, {**FILES, "b.txt": b"TWO"})).refused_at == 8


def test_a_false_list_without_files(story: Story) -> None:
    entries = file_list({**FILES, "b.txt": b"TWO"})
    material = story.scene.material(story.folder, originals=[OriginalMaterial(story.folder, {}, entries)])
    report = story.scene.judge(material)
    assert (report.refused_at, report.claim("content").outcome) == (8, "contradicted")


def test_originals_of_an_object_that_nobody_registered(story: Story) -> None:
    stranger = story.scene.world.identifier(Letter.OBJECT)
    original = OriginalMaterial(stranger, {"x": b"x"})
    assert story.scene.judge(story.scene.material(story.folder, originals=[original])).refused_at == 8


# --- an operator that cheats: every proof is real, the statement was never admissible -----------


def test_a_job_with_a_capability_that_was_not_approved(tmp_path: Path) -> None:
    world = World("cheat", "log.example/cheat")
    scene = Scene(tmp_path, world)
    scene.log.add(*world.parties())
    capability, filed = world.capability()
    scene.log.add(*filed[:-1])
    job, registered = world.job(capability)
    made = world.output(job)
    scene.log.add(registered, made, world.complete(job, [made.event.subject]))
    scene.anchor()
    report = scene.judge(scene.material(made.event.subject))
    assert (report.refused_at, report.claim("entitlement").outcome) == (6, "contradicted")
    assert report.claim("statement-signature").outcome == report.claim("inclusion").outcome == "proved"


def test_an_object_planted_for_a_party_by_the_registrars_key(tmp_path: Path) -> None:
    """The registrar's key signs as the studio: the key is known, and it is not the studio's."""
    world = World("cheat", "log.example/cheat")
    scene = Scene(tmp_path, world)
    scene.log.add(*world.parties())
    thief = replace(world.studio, signer=world.registrar.signer)
    planted = world.object(thief)
    scene.log.add(planted)
    scene.anchor()
    report = scene.judge(scene.material(planted.event.subject))
    assert (report.refused_at, report.claim("entitlement").outcome) == (6, "contradicted")


def test_a_generated_object_whose_job_never_listed_it(tmp_path: Path) -> None:
    world = World("incomplete", "log.example/incomplete")
    scene = Scene(tmp_path, world)
    scene.log.add(*world.parties())
    capability, filed = world.capability()
    job, registered = world.job(capability)
    made, beside = world.output(job), world.output(job)
    scene.log.add(*filed, registered, made, beside, world.complete(job, [made.event.subject]))
    scene.anchor()
    assert scene.judge(scene.material(made.event.subject)).verdict == "proved"
    assert scene.judge(scene.material(beside.event.subject)).refused_at == 9


def test_a_batch_dated_after_the_block_that_holds_it(tmp_path: Path) -> None:
    """The operator's own sources disagree by more than clocks may: time is contradicted, and nothing is proved."""
    world = World("clocks", "log.example/clocks")
    scene = Scene(tmp_path, world)
    world.clock += 7200
    late = world.object()
    scene.log.add(*world.parties(), late)
    world.clock -= 7200
    scene.anchor()
    report = scene.judge(scene.material(late.event.subject))
    assert (report.verdict, report.refused_at) == ("not_proved", 11)
    assert report.claim("time").outcome == "contradicted"


def test_entries_of_a_party_are_refused_once_its_key_entry_is_gone(story: Story) -> None:
    members = {name: data for name, data in case_members(story.case("object")).items() if isinstance(data, bytes)}
    at = story.scene.log.find("party.register", 3)
    assert entry(at) in members
    assert story.scene.verify(story.scene.bundle(without_entry(members, at))).refused_at == 3


def test_verification_as_of_an_earlier_time_sees_nothing_later(story: Story) -> None:
    bundle = story.scene.bundle(case_members(story.case("object")))
    assert story.scene.verify(bundle, at=START + 60).refused_at == 5
    assert story.scene.verify(bundle, at=AT).verdict == "proved"
