"""Step 13: what completes a history without being an entry of the case, and what must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tallystick.case import MapMaterial
from tallystick.digests import digest_pair
from tallystick.events.certificate import CertificateIssue, CertificateWithdrawal
from tallystick.events.credential import CredentialIssue
from tallystick.events.licence import LicenceStatus
from tallystick.events.log import MapRoot
from tallystick.identifiers import Letter
from tallystick.map import NAMED, OWN, key_of
from tallystick.trust import TrustedAuditor
from tests.core.verify.kit import Scene
from tests.core.verify.test_histories import AUDITOR, Told, keys, outcome, tell
from tests.world import World


def licensed(tmp_path: Path, *, filed: bool = False) -> Told:
    """A licence that was revoked, and a root over it; ``filed``: its file was logged before."""
    scene = Scene(tmp_path, World("aside", "log.example/aside", rules=3))
    world, log = scene.world, scene.log
    picture = world.object()
    log.add(world.register(world.studio, "studio"), world.register(world.licensee, "licensee"), picture)
    licence = world.licence(picture.event.subject, holder=world.licensee.id)
    log.add(licence)
    if filed:
        file = CredentialIssue("c2pa", "card", "image/png", digest_pair(b"card"), 4)
        log.add(world.say(world.service, "credential.issue", licence.event.subject, file))
    revoked = LicenceStatus("revoke", "breach", world.now())
    log.add(world.say(world.studio, "licence.status", licence.event.subject, revoked))
    scene.anchor()
    return stated(scene, licence.event.subject)


def stated(scene: Scene, subject: str) -> Told:
    """The map of all that stands there, and its root in the log."""
    told = Told(scene, subject, scene.log.size, scene.log.size)
    body = MapRoot(told.size, told.map().root().hex())
    scene.log.add(scene.world.say(scene.world.log, "log.map-root", scene.world.origin, body))
    return told


def test_a_file_of_a_licence_may_be_left_out_and_nothing_else(tmp_path: Path) -> None:
    told = licensed(tmp_path, filed=True)
    honest = told.scene.material(told.subject, "licence")
    filed, revoked = told.scene.log.find("credential.issue"), told.scene.log.find("licence.status")
    for left_out, expected in ((filed, "not_proved"), (revoked, "contradicted")):
        report = told.judge(told.without(honest, left_out), told.scene.trust(), told.entries)
        assert (outcome(report), "map.copy-has-more" in keys(report)) == (expected, True)
    both = told.without(told.without(honest, filed), revoked)
    assert outcome(told.judge(both, told.scene.trust(), told.entries)) == "contradicted"


def test_a_stand_in_at_the_place_of_a_revocation_is_seen_by_a_copy(tmp_path: Path) -> None:
    """By the exporter alone: the chain of the map, which would show it, is left out with the proofs."""
    told = licensed(tmp_path)
    at = told.scene.log.find("licence.status")
    body = CredentialIssue("c2pa", "card", "image/png", digest_pair(b"x"), 1)
    stand_in = told.scene.world.say(told.scene.world.someone("nobody"), "credential.issue", told.subject, body)
    honest = told.scene.material(told.subject, "licence")
    trust = told.scene.trust(required=("completeness",))
    assert told.judge(honest, trust, told.entries).verdict == "proved"
    cut = told.without(honest, at, map=MapMaterial({told.root_at: {}}, (), {at: stand_in.entry}))
    found = told.judge(cut, trust, told.entries)
    assert (found.verdict, found.claim("completeness").outcome) == ("not_proved", "contradicted")


def test_a_certificate_that_supersedes_cannot_stand_aside(tmp_path: Path) -> None:
    """Aside it would be counted and not told, and its own withdrawal not be asked for."""
    scene = Scene(tmp_path, World("superseded", "log.example/superseded"))
    world, log = scene.world, scene.log
    picture = world.object()
    log.add(world.register(world.studio, "studio"), picture)
    subject, first, second = picture.event.subject, *(world.identifier(Letter.CERTIFICATE) for _ in range(2))
    log.add(world.say(world.registrar, "certificate.issue", first, CertificateIssue(subject, "N1"), {"title": "a"}))
    newer = CertificateIssue(subject, "N2", first, "reissue")
    log.add(world.say(world.registrar, "certificate.issue", second, newer, {"title": "a"}))
    log.add(world.say(world.registrar, "certificate.withdraw", second, CertificateWithdrawal("error")))
    scene.anchor()
    told = stated(scene, subject)
    statements = log.statements
    at = next(index for index, one in enumerate(statements) if one.event.subject == second)
    end = log.find("certificate.withdraw")
    audits = (told.audit(),)
    assert told.judge(told.material(audits=audits)).claim("completeness").outcome == "proved"
    known = {one.event.subject for index, one in enumerate(statements) if index not in (at, end)} | {subject}
    whole = told.map()
    wanted = [*((OWN, one) for one in known), (NAMED, subject)]
    proofs = {one: whole.prove(key_of(*one)) for one in wanted}
    cut = told.without(told.without(told.material(audits=audits), at), end)
    cut = replace(cut, map=MapMaterial({told.root_at: proofs}, audits, {at: statements[at].entry}))
    assert told.judge(cut).claim("completeness").outcome == "contradicted"
    assert told.judge(cut, None, told.entries).claim("completeness").outcome == "contradicted"


def test_an_audit_from_before_the_root_was_stated_is_nobodys_word(tmp_path: Path) -> None:
    """A key that was lost later signs what it likes, and dates it before the loss."""
    told = tell(tmp_path)
    trust = told.trust(auditors=(TrustedAuditor(AUDITOR.verifier_key, "2001-01-01T00:00:00Z"),))
    found = told.judge(told.material(audits=(told.audit(at=0),)), trust)
    assert found.claim("completeness").outcome == "needs_external_fact"
