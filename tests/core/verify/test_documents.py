"""Step 12 of certificates as PDF: signed by PAdES, logged, and saying what the log says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from credentials.certificate import render_certificate
from credentials.pades import Attachment, sign_pdf
from tallystick import canonical
from tallystick.base64s import to_base64
from tallystick.commitments import Disclosure, disclose
from tallystick.digests import digest_pair
from tallystick.events.certificate import CertificateIssue
from tallystick.events.credential import CredentialIssue
from tallystick.identifiers import Letter
from tallystick.verify import Report
from tests.core.pdf import kit as pdf_kit
from tests.core.verify.kit import Scene
from tests.core.verify.test_credentials import LIES, certificate_of, refused
from tests.credentials.pades_kit import signer, stamper
from tests.credentials.test_documents import FACTS
from tests.world import World


def document_of(scene: Scene, certificate: str, opened: tuple[Disclosure, ...], **changes: Any) -> bytes:
    """An honest PDF, or one that says something else."""
    payload = {**certificate_of(scene, certificate), "v": 2, "disclosures": [one.text for one in opened], **changes}
    at = datetime.fromtimestamp(scene.world.clock, UTC)
    attached = Attachment(canonical.encode(payload), "proof")
    return sign_pdf(render_certificate(FACTS), attached, signer(at), stamper(at), at, "registration")


def certified(tmp_path: Path) -> tuple[Scene, str, tuple[Disclosure, ...]]:
    """A log with a certificate of its first object."""
    world = World("registry", "log.example/registry")
    scene = Scene(tmp_path / "scene", world)
    source, number = world.object(), world.identifier(Letter.CERTIFICATE)
    body = CertificateIssue(source.event.subject, "R-2026-1")
    said = world.say(world.registrar, "certificate.issue", number, body, private={"title": "The Jade Teapot"})
    scene.log.add(*world.parties(), source, said)
    return scene, number, world.disclosures[said.statement_id]


def certified_object(scene: Scene) -> str:
    found: str = scene.log.statements[scene.log.find("object.register")].event.subject
    return found


def with_logs(scene: Scene, members: dict[str, Any]) -> dict[str, Any]:
    """From version 2 on a trust file says which keys of a log were replaced."""
    return {**members, "logs": (replace(scene.first, replaced=()),)} if members else {}


def judged(scene: Scene, certificate: str, file: bytes, trust: dict[str, Any] | None = None) -> Report:
    body = CredentialIssue("pades", "certificate", "application/pdf", digest_pair(file), len(file))
    scene.log.add(scene.world.say(scene.world.service, "credential.issue", certificate, body))
    position = scene.log.find("credential.issue")
    scene.anchor()
    roots = {"pdf_roots": tuple(map(to_base64, pdf_kit.roots())), "v": 4}
    case = replace(scene.material(certified_object(scene)), credentials={position: ("one.pdf", file)})
    return scene.judge(case, scene.trust(**with_logs(scene, roots if trust is None else trust)))


def test_a_certificate_as_pdf(tmp_path: Path) -> None:
    scene, number, opened = certified(tmp_path)
    report = judged(scene, number, document_of(scene, number, opened))
    assert report.claim("credential").outcome == "proved", report.claim("credential").evidence
    (fact,) = report.facts["credentials"]
    assert (fact["subject"], fact["signer"]) == (number, "CN=Registrar registrar,O=Registrar")
    (said,) = fact["revocation"]
    assert (said["of"], said["form"], said["revoked"]) == (fact["signer"], "list", None)
    assert said["from"] <= fact["judged_at"] < said["until"]
    told = [line.values.get("detail", "") for line in report.claim("credential").evidence]
    assert [one for one in told if "does not name" in str(one)], "the clock of the signature is nobody's whom we know"


@pytest.mark.parametrize("lie", [*LIES, "another value", "a value twice", "a value of nothing"])
def test_a_pdf_that_says_more_than_the_log(lie: str, tmp_path: Path) -> None:
    scene, number, opened = certified(tmp_path)
    mine = {"another value": disclose("title", "Mine", b"s" * 16), "a value twice": opened[0]}
    mine["a value of nothing"] = disclose("holders", "Mine", b"s" * 16)
    if lie in LIES:
        honest = {**certificate_of(scene, number), "v": 2, "disclosures": [one.text for one in opened]}
        changed = LIES[lie](honest, scene.world)
        at = datetime.fromtimestamp(scene.world.clock, UTC)
        changed = {**changed, "v": 3} if lie == "a later version" else changed
        attached = Attachment(canonical.encode(changed), "proof")
        file = sign_pdf(render_certificate(FACTS), attached, signer(at), stamper(at), at, "registration")
    else:
        extra = (mine[lie],) if lie == "another value" else (*opened, mine[lie])
        file = document_of(scene, number, extra)
    assert refused(judged(scene, number, file)) == (12, "contradicted")


@pytest.mark.parametrize(
    "trust",
    [{}, {"v": 4, "pdf_roots": ("AAAA",)}, {"v": 4, "token_roots": tuple(map(to_base64, pdf_kit.roots()))}],
    ids=["no roots", "no certificate", "roots of tokens"],
)
def test_a_pdf_under_roots_that_are_not_for_documents(trust: dict[str, Any], tmp_path: Path) -> None:
    scene, number, opened = certified(tmp_path)
    assert refused(judged(scene, number, document_of(scene, number, opened), trust)) == (12, "contradicted")


def test_a_pdf_that_was_extended_after_it_was_logged(tmp_path: Path) -> None:
    """Whatever is appended, the log recorded other bytes."""
    scene, number, opened = certified(tmp_path)
    file = document_of(scene, number, opened)
    body = CredentialIssue("pades", "certificate", "application/pdf", digest_pair(file), len(file))
    scene.log.add(scene.world.say(scene.world.service, "credential.issue", number, body))
    position = scene.log.find("credential.issue")
    scene.anchor()
    longer = pdf_kit.update(file, {900: b"<</Type /VRI>>"})
    assert pdf_kit.judge(longer, datetime.fromtimestamp(scene.world.clock, UTC)).attachment
    roots = {"pdf_roots": tuple(map(to_base64, pdf_kit.roots())), "v": 4}
    case = replace(scene.material(certified_object(scene)), credentials={position: ("one.pdf", longer)})
    assert refused(scene.judge(case, scene.trust(**with_logs(scene, roots)))) == (12, "contradicted")
