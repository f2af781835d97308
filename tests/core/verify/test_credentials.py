"""Signed files: a licence card that the log records, and every way in which it could be another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from credentials.ca import Identity
from credentials.sign import sign_asset
from credentials.signer import ClaimSigner
from tallystick.base64s import to_base64
from tallystick.c2pa.verdict import CERTIFICATE, LICENCE
from tallystick.case import CaseMaterial
from tallystick.digests import digest_pair
from tallystick.errors import MalformedInput
from tallystick.events.certificate import CertificateIssue
from tallystick.events.credential import CredentialIssue
from tallystick.identifiers import Letter
from tallystick.licence.clauses import AiUse
from tallystick.licence.credential import LicenceCredential, ShownEntry, encode_credential
from tallystick.merkle import prove_inclusion
from tallystick.trust import Trust
from tallystick.verify import Report
from tests.core.c2pa import kit as c2pa_kit
from tests.core.verify.kit import Scene
from tests.core.verify.mutate import flipped
from tests.world import World


@dataclass
class Desk:
    """A scene with a licence and its signed card, both logged and anchored."""

    scene: Scene
    licence: str
    position: int
    card: bytes

    def case(self, card: bytes | None = None, **changes: Any) -> CaseMaterial:
        files = {self.position: ("card.png", self.card if card is None else card)}
        return replace(self.scene.material(self.licence, "licence"), credentials=files, **changes)

    def trust(self, root: Identity | None = None, **changes: Any) -> Trust:
        certificate = (root or c2pa_kit.world().root).certificate
        return self.scene.trust(c2pa_roots=(to_base64(certificate.public_bytes(Encoding.DER)),), **changes)

    def judge(self, material: CaseMaterial, trust: Trust | None = None) -> Report:
        return self.scene.judge(material, trust or self.trust())


def sign(
    folder: Path,
    assertions: Mapping[str, Any],
    when: int,
    signer: ClaimSigner | None = None,
    training: AiUse | None = None,
) -> bytes:
    said = c2pa_kit.manifest(assertions=assertions, when=datetime.fromtimestamp(when, UTC), training=training)
    out = folder / "signed.png"
    sign_asset(signer or c2pa_kit.claim_signer(), c2pa_kit.plain("image/png"), out, said, "image/png")
    return out.read_bytes()


def credential_of(scene: Scene, licence: str, grant: int) -> LicenceCredential:
    """A licence credential that shows its grant and nothing else: what this step compares."""
    path = prove_inclusion(scene.log, grant, scene.log.size)
    shown = ShownEntry(grant, to_base64(scene.log.statements[grant].entry), tuple(map(to_base64, path)))
    status = scene.log.statements[grant].event.body.status
    return LicenceCredential(1, licence, grant, scene.log.note().decode(), (shown,), {}, status)


def certificate_of(scene: Scene, certificate: str) -> dict[str, Any]:
    """What an honest certificate file carries."""
    position = scene.log.find("certificate.issue")
    statement = scene.log.statements[position]
    return {
        "v": 1,
        "certificate": certificate,
        "object": statement.event.body.object,
        "number": statement.event.body.number,
        "log": scene.world.origin,
        "position": position,
        "entry": to_base64(statement.entry),
        "checkpoint": scene.log.note().decode(),
        "proof": [to_base64(node) for node in prove_inclusion(scene.log, position, scene.log.size)],
    }


def issue(scene: Scene, subject: str, file: bytes, purpose: str = "card") -> int:
    """Log the signed file; its position."""
    body = CredentialIssue("c2pa", purpose, "image/png", digest_pair(file), len(file))  # type: ignore[arg-type]
    scene.log.add(scene.world.say(scene.world.service, "credential.issue", subject, body))
    return scene.log.find("credential.issue", len(list(_issued(scene))) - 1)


def _issued(scene: Scene) -> list[Any]:
    return [one for one in scene.log.statements if one.event.type == "credential.issue"]


Make = Callable[..., Desk]
Assertions = Callable[[dict[str, Any]], dict[str, Any]]


def desk(
    folder: Path,
    assertions: Assertions = lambda honest: honest,
    signer: ClaimSigner | None = None,
    later: int = 0,
    finish: Callable[[bytes], bytes] = lambda card: card,
    training: AiUse | None = None,
) -> Desk:
    """A desk in a new folder; ``assertions`` makes other assertions of the honest ones, ``signer`` signs.

    finish: what becomes of the card before it is logged. training: what it tells machines.
    """
    folder.mkdir(exist_ok=True)
    world = World("desk", "log.example/desk", rules=3)
    scene = Scene(folder / "scene", world)
    source = world.object()
    licence = world.licence(source.event.subject)
    scene.log.add(*world.parties(), source, licence)
    subject = licence.event.subject
    honest = {LICENCE: encode_credential(credential_of(scene, subject, scene.log.find("licence.grant")))}
    card = finish(sign(folder, assertions(honest), world.clock + later, signer, training))
    position = issue(scene, subject, card)
    scene.anchor()
    return Desk(scene, subject, position, card)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``desk`` in the test's own folder."""
    return partial(desk, tmp_path)


def refused(report: Report) -> tuple[int | None, str]:
    return report.refused_at, report.claim("credential").outcome


def test_the_card_is_proved_and_required(make: Make) -> None:
    desk = make()
    report = desk.judge(desk.case())
    assert (report.verdict, report.refused_at) == ("proved", None)
    assert report.claim("credential").required
    (fact,) = report.facts["credentials"]
    assert (fact["subject"], fact["file"]) == (desk.licence, "data/credentials/card.png")


def test_a_card_that_is_left_out(make: Make) -> None:
    desk = make()
    assert refused(desk.judge(replace(desk.case(), credentials={}))) == (12, "not_proved")


def test_a_card_with_one_byte_changed(make: Make) -> None:
    desk = make()
    for at in (0, len(desk.card) // 2, len(desk.card) - 1):
        assert refused(desk.judge(desk.case(flipped(desk.card, at)))) == (12, "contradicted")


def test_another_card_of_the_same_licence(make: Make, tmp_path: Path) -> None:
    desk = make()
    again = sign(tmp_path, {}, desk.scene.world.clock)
    assert refused(desk.judge(desk.case(again))) == (12, "contradicted")


def test_a_signer_whom_the_trust_file_does_not_know(make: Make) -> None:
    desk = make()
    assert refused(desk.judge(desk.case(), desk.trust(c2pa_kit.make_world().root))) == (12, "contradicted")
    assert refused(desk.judge(desk.case(), desk.scene.trust())) == (12, "contradicted")


def test_a_root_in_the_trust_file_that_is_no_certificate(make: Make) -> None:
    desk = make()
    assert refused(desk.judge(desk.case(), desk.scene.trust(c2pa_roots=("AAAA",)))) == (12, "contradicted")


def test_a_card_about_nothing(make: Make) -> None:
    desk = make(lambda honest: {})
    assert refused(desk.judge(desk.case())) == (12, "contradicted")


def test_a_card_about_another_licence(make: Make) -> None:
    other = World("elsewhere").identifier(Letter.LICENCE)
    desk = make(lambda honest: {LICENCE: {**honest[LICENCE], "licence": other}})
    assert refused(desk.judge(desk.case())) == (12, "contradicted")


def test_a_card_that_shows_another_grant_than_the_log(make: Make) -> None:
    """The picture shows terms; the entry inside it is not the entry of the log."""

    def forge(honest: dict[str, Any]) -> dict[str, Any]:
        world = World("desk", "log.example/desk", rules=3)
        forged = world.licence(world.identifier(Letter.OBJECT))
        shown = {**honest[LICENCE]["entries"][0], "entry": to_base64(forged.entry)}
        return {LICENCE: {**honest[LICENCE], "entries": [shown]}}

    desk = make(forge)
    assert refused(desk.judge(desk.case())) == (12, "contradicted")


def test_a_card_dated_after_it_was_logged(make: Make) -> None:
    desk = make(later=3600)
    assert refused(desk.judge(desk.case())) == (12, "contradicted")


def test_a_certificate_of_registration(tmp_path: Path) -> None:
    world = World("registry", "log.example/registry")
    scene = Scene(tmp_path / "scene", world)
    source = world.object()
    number = world.identifier(Letter.CERTIFICATE)
    body = CertificateIssue(source.event.subject, "R-2026-1")
    scene.log.add(*world.parties(), source, world.say(world.registrar, "certificate.issue", number, body))
    payload = certificate_of(scene, number)
    honest = sign(tmp_path, {CERTIFICATE: payload}, world.clock)
    first = issue(scene, number, honest, "certificate")
    foreign = sign(
        tmp_path, {CERTIFICATE: {**payload, "certificate": world.identifier(Letter.CERTIFICATE)}}, world.clock
    )
    second = issue(scene, number, foreign, "certificate")
    scene.anchor()
    desk = Desk(scene, source.event.subject, first, honest)
    case = scene.material(source.event.subject)
    good = {first: ("one.png", honest)}
    assert desk.judge(replace(case, credentials=good)).claim("credential").outcome == "not_proved"
    both = {**good, second: ("two.png", foreign)}
    report = desk.judge(replace(case, credentials=both))
    assert refused(report) == (12, "contradicted")
    keys = [(line.key, line.values.get("position")) for line in report.claim("credential").evidence]
    assert ("credential.good", first) in keys
    assert ("credential.bad", second) in keys


def test_one_file_cannot_serve_two_entries(make: Make) -> None:
    desk = make()
    twice = {desk.position: ("card.png", desk.card), 0: ("card.png", desk.card)}
    with pytest.raises(MalformedInput):
        desk.scene.judge(replace(desk.case(), credentials=twice))


LIES: dict[str, Callable[[dict[str, Any], World], dict[str, Any]]] = {
    "another object": lambda good, world: {**good, "object": world.identifier(Letter.OBJECT)},
    "another number": lambda good, world: {**good, "number": "R-2026-2"},
    "another log": lambda good, world: {**good, "log": "log.example/another"},
    "another position": lambda good, world: {**good, "position": good["position"] - 1},
    "another entry": lambda good, world: {**good, "entry": to_base64(b"entry")},
    "a proof that leads elsewhere": lambda good, world: {**good, "proof": good["proof"][:-1]},
    "a checkpoint without a signature": lambda good, world: {
        **good,
        "checkpoint": "".join(good["checkpoint"].splitlines(keepends=True)[:-1]),
    },
    "a field that no certificate has": lambda good, world: {**good, "title": "mine"},
    "a field left out": lambda good, world: {name: value for name, value in good.items() if name != "number"},
    "a later version": lambda good, world: {**good, "v": 2},
    "nothing": lambda good, world: {},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_certificate_file_that_says_more_than_the_log(lie: str, tmp_path: Path) -> None:
    """Signed by the registrar's own claim signer and logged: refused all the same."""
    world = World("registry", "log.example/registry")
    scene = Scene(tmp_path / "scene", world)
    source = world.object()
    number = world.identifier(Letter.CERTIFICATE)
    body = CertificateIssue(source.event.subject, "R-2026-1")
    scene.log.add(*world.parties(), source, world.say(world.registrar, "certificate.issue", number, body))
    file = sign(tmp_path, {CERTIFICATE: LIES[lie](certificate_of(scene, number), world)}, world.clock)
    position = issue(scene, number, file, "certificate")
    scene.anchor()
    desk = Desk(scene, source.event.subject, position, file)
    case = replace(scene.material(source.event.subject), credentials={position: ("one.png", file)})
    assert desk.judge(case).claim("credential").outcome in ("contradicted", "not_proved")
