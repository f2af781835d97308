"""Reports that said more than was checked. All bundles are signed by the real exporter; nothing in them is false."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tallystick.case import OriginalMaterial
from tallystick.events.certificate import CertificateIssue
from tallystick.events.dispute import DisputeOpening
from tallystick.identifiers import Letter
from tallystick.report.as_text import text_report
from tallystick.report.words import CLAIMS
from tests.core.verify.kit import PICTURE, Kit, Scene, build_kit
from tests.world import World


def test_the_bytes_of_another_object_do_not_stand_for_the_subject(kit: Kit) -> None:
    """The exporter includes its source, a true original, and leaves out the product that the case is about."""
    source = kit.log.statements[kit.log.find("object.register")].event.subject
    look_alike = [OriginalMaterial(source, {"made.bin": PICTURE})]
    report = kit.scene.judge(kit.scene.material(kit.made, originals=look_alike))
    content = report.claim("content")
    assert (report.verdict, report.refused_at) == ("not_proved", 8)
    assert (content.outcome, content.required) == ("needs_external_fact", True)


def test_a_job_may_show_any_of_its_objects(tmp_path: Path) -> None:
    kit = build_kit(tmp_path, rules=3)
    job = kit.log.statements[kit.log.find("job.register")].event.subject
    shown = [OriginalMaterial(kit.made, {"made.bin": kit.made_bytes})]
    assert kit.scene.judge(kit.scene.material(job, "job", originals=shown)).verdict == "proved"
    stranger = kit.log.statements[kit.log.find("object.register")].event.subject
    only = [OriginalMaterial(stranger, {"x": PICTURE})]
    assert kit.scene.judge(kit.scene.material(job, "job", originals=only)).refused_at == 8


def test_nobody_is_said_to_have_said_what_is_not_proved(kit: Kit, other: Kit) -> None:
    """A whole history of another log, under the real exporter: its statements are not "who said what"."""
    report = kit.verify(kit.bundle(other.members()))
    assert report.claim("entitlement").outcome == "not_proved"
    for language, nothing in (("en", "nothing that was proved"), ("zh", "无已证明的陈述")):
        text = text_report(report, language)  # type: ignore[arg-type]
        assert nothing in text
        assert other.world.studio.id not in text


def test_the_heading_of_a_replay_says_on_which_entries() -> None:
    """An exporter that leaves out a suspension shows a history in which it did not happen."""
    assert CLAIMS["entitlement"] == {
        "en": "Signers entitled, on the entries shown",
        "zh": "依所示条目，签名者有权陈述",
    }


def test_a_suspension_that_is_left_out_is_left_to_completeness(tmp_path: Path) -> None:
    """The operator took the job although the capability was suspended; the exporter hides the suspension."""
    world = World("cheat", "log.example/cheat")
    scene = Scene(tmp_path, world)
    capability, filed = world.capability()
    suspended = world.decide_capability(capability.id, "suspend")
    job, registered = world.job(capability)
    made = world.output(job)
    scene.log.add(*world.parties(), *filed)
    scene.log.add(suspended)
    scene.log.add(registered, made, world.complete(job, [made.event.subject]))
    scene.anchor()
    whole = scene.judge(scene.material(made.event.subject))
    assert (whole.refused_at, whole.claim("entitlement").outcome) == (6, "contradicted")
    hidden = {scene.log.find("capability.suspend"), scene.log.find("capability.suspend") + 1}
    material = scene.material(made.event.subject)

    def kept(mapping: Any) -> dict[int, Any]:
        return {at: value for at, value in mapping.items() if at not in hidden}

    cherry = scene.material(made.event.subject, entries=kept(material.entries), inclusion=kept(material.inclusion))
    report = scene.judge(cherry)
    assert report.verdict == "proved"
    assert report.claim("completeness").outcome == "needs_external_fact"
    assert scene.judge(cherry, scene.trust(required=("completeness",))).verdict == "not_proved"


def test_a_dispute_about_a_certificate_is_about_its_object(tmp_path: Path) -> None:
    world = World("paper", "log.example/paper", rules=3)
    scene = Scene(tmp_path, world)
    source, number = world.object(), world.identifier(Letter.CERTIFICATE)
    certificate = world.say(world.registrar, "certificate.issue", number, CertificateIssue(source.event.subject, "R-1"))
    dispute = world.say(
        world.licensee, "dispute.open", world.identifier(Letter.DISPUTE), DisputeOpening(number, "content")
    )
    scene.log.add(*world.parties(), source, certificate, dispute)
    scene.anchor()
    report = scene.judge(scene.material(dispute.event.subject, "dispute"))
    line, _ = report.claim("traceability").evidence
    assert (line.key, line.values["objects"]) == ("traceability.good", 1)


def test_a_dispute_about_a_party_traces_nothing_and_says_so(tmp_path: Path) -> None:
    world = World("people", "log.example/people", rules=3)
    scene = Scene(tmp_path, world)
    opening = DisputeOpening(world.studio.id, "other")
    dispute = world.say(world.licensee, "dispute.open", world.identifier(Letter.DISPUTE), opening)
    scene.log.add(*world.parties(), dispute)
    scene.anchor()
    report = scene.judge(scene.material(dispute.event.subject, "dispute"))
    assert [line.key for line in report.claim("traceability").evidence] == [
        "traceability.none",
        "traceability.dispute-no-root",
    ]
