"""The honest cases, one of each kind, and the little worlds that they are about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.base64s import to_base64
from tallystick.c2pa.verdict import CERTIFICATE
from tallystick.case import CaseMaterial, OriginalMaterial
from tallystick.events.certificate import CertificateIssue
from tallystick.identifiers import Letter
from tallystick.licence.clauses import AiUse
from tallystick.note import COSIGNATURE_ED25519, verifier_key
from tallystick.trust import TimeAuthority, TrustedAuditor, TrustFile, Witnesses
from tests.core.c2pa import kit as c2pa_kit
from tests.core.timestamp.forge import Holder
from tests.core.verify import test_histories, test_kinds, test_rotation, test_time, test_timestamps
from tests.core.verify.kit import Kit, Scene, build_kit
from tests.core.verify.test_credentials import Desk, certificate_of, desk, issue, sign
from tests.core.verify.test_licence_cards import misdirected, transferred
from tests.core.verify.test_revoked_signers import enclosing
from tests.core.verify.words_kit import TOWER_ROOT
from tests.evidence_corpus import documents
from tests.evidence_corpus.shelf import Honest
from tests.world import World, key_from

MACHINES = AiUse("prohibited", "permitted", "prohibited", "permitted")
WITNESSES = ("w1", "w2")


@dataclass(frozen=True)
class Worlds:
    """What the honest cases are made from, and the faults too."""

    folder: Path
    kit: Kit
    stranger: Kit
    story: test_kinds.Story
    desk: Desk
    registry: Desk
    told: test_histories.Told
    timed: test_time.Timed
    rotated: Kit
    document: documents.Document
    honest: dict[str, Honest]


def worlds(folder: Path) -> Worlds:
    kit = build_kit(folder / "kit")
    stranger = build_kit(folder / "stranger", "somebody else", "log.example/somebody-else")
    story = test_kinds.tell(folder / "story")
    card, registry = desk(folder / "desk"), registered(folder / "registry")
    told = test_histories.tell(folder / "told")
    timed = test_time.timed(folder / "timed")
    rotated = build_kit(folder / "rotated", "a log with new keys", "log.example/new-keys")
    test_rotation.rotate(rotated, "log", "log-pq", "registrar")
    rotated.scene.anchor()
    document = documents.recorded(folder / "document")
    cases = [
        Honest("object", kit.scene, kit.honest, {}),
        Honest("object-with-a-later-object", kit.scene, kit.scene.material(kit.made), {}),
        *(Honest(f"{kind}-of-a-story", story.scene, story.case(kind), {}) for kind in ("object", "job", "dispute")),
        Honest("licence-of-a-story", story.scene, story.case("licence"), {}),
        Honest("folder", story.scene, story.folder_case(test_kinds.FILES), {}),
        Honest("folder-without-its-list", story.scene, _unlisted(story), {}),
        Honest("licence-with-its-card", card.scene, card.case(), {}),
        Honest("object-with-its-certificate", registry.scene, _certified(registry), {}),
        *(Honest(name, made.scene, made.case(), {}) for name, made in _cards(folder).items()),
        Honest("pdf-certificate-of-few-words", document.scene, document.case(), {}),
        *(Honest(name, made.scene, made.case(), {}) for name, made in _documents(folder).items()),
        Honest("history-that-an-auditor-replayed", told.scene, told.material(audits=(told.audit(),)), {}),
        Honest("history-on-the-operators-word", told.scene, told.material(), {}),
        Honest("timestamp-of-an-authority", kit.scene, _stamped(kit, test_timestamps.TSA), {}),
        Honest("timestamp-of-the-operators-own-authority", kit.scene, _stamped(kit, test_timestamps.OWN), {}),
        Honest("time-by-a-witness", timed.scene, timed.case, {}),
        Honest("keys-that-were-replaced", rotated.scene, rotated.scene.material(rotated.made), {}),
    ]
    honest = {one.name: one for one in cases}
    return Worlds(folder, kit, stranger, story, card, registry, told, timed, rotated, document, honest)


def _cards(folder: Path) -> dict[str, Desk]:
    """Licence cards of which one might think ill, and should not."""
    return {
        "card-of-before-a-transfer": transferred(folder / "before", before=True, old=True),
        "card-of-after-a-transfer": transferred(folder / "after", before=False, old=False),
        "card-that-shows-another-entry-beside-its-grant": misdirected(folder / "beside", lie=False),
        "card-that-encloses-that-its-signer-was-not-revoked": desk(folder / "enclosing", finish=enclosing(None)),
        "card-that-tells-machines-what-they-may": desk(folder / "machines", training=MACHINES),
    }


def _documents(folder: Path) -> dict[str, documents.Document]:
    """Certificates as PDF whose security store was renewed before they were logged."""
    return {
        "pdf-certificate": documents.recorded(folder / "pdf", documents.of_a_registrar),
        "pdf-certificate-of-a-signer-revoked-since": documents.recorded(folder / "pdf-since", documents.revoked_since),
        "pdf-certificate-with-an-answer-about-its-signer": documents.recorded(
            folder / "pdf-answer",
            lambda draft: documents.stored(draft.signed(), "OCSPs", documents.answered(draft, None)),
        ),
    }


def _unlisted(story: test_kinds.Story) -> CaseMaterial:
    return story.scene.material(story.folder, originals=[OriginalMaterial(story.folder, test_kinds.FILES)])


def _stamped(kit: Kit, signer: Holder) -> CaseMaterial:
    return test_timestamps.of_sizes(kit, test_timestamps.stamp(kit.log.note(), signer))


def registered(folder: Path) -> Desk:
    """An object, the certificate of its registration, and the signed file of that."""
    folder.mkdir()
    world = World("registry", "log.example/registry")
    scene = Scene(folder / "scene", world)
    source, number = world.object(), world.identifier(Letter.CERTIFICATE)
    body = CertificateIssue(source.event.subject, "R-2026-1")
    scene.log.add(*world.parties(), source, world.say(world.registrar, "certificate.issue", number, body))
    file = sign(folder, {CERTIFICATE: certificate_of(scene, number)}, world.clock)
    position = issue(scene, number, file, "certificate")
    scene.anchor()
    return Desk(scene, source.event.subject, position, file)


def _certified(registry: Desk) -> CaseMaterial:
    files = {registry.position: ("certificate.png", registry.card)}
    return replace(registry.scene.material(registry.licence), credentials=files)


@cache
def other_purposes() -> dict[str, c2pa_kit.World]:
    """Whose root the trust file lists for something else than claims."""
    return {purpose: c2pa_kit.make_world() for purpose in ("identities", "timestamps")}


def _root(world: c2pa_kit.World) -> str:
    return to_base64(world.root.certificate.public_bytes(Encoding.DER))


def trust_of(scenes: list[Scene]) -> TrustFile:
    """One file for the whole corpus: its logs and their exporters, and every kind of root."""
    first = {scene.world.origin: scene for scene in scenes}
    one = scenes[0].trust_file()
    authorities = test_timestamps.trusting(
        ("the observatory", test_timestamps.ROOT, False), ("the operator's own", test_timestamps.OWN_ROOT, False)
    )
    others = other_purposes()
    keys = tuple(verifier_key(name, COSIGNATURE_ED25519, key_from(name).public.raw) for name in WITNESSES)
    return replace(
        one,
        v=4,
        logs=tuple(replace(scene.first, replaced=()) for scene in first.values()),
        exporters=tuple(scene.trust_file().exporters[0] for scene in first.values()),
        c2pa_roots=(_root(c2pa_kit.world()),),
        cawg_roots=(_root(others["identities"]),),
        tsa_roots=(
            *authorities["tsa_roots"],
            TimeAuthority("for time alone", _root(others["timestamps"]), False),
            TimeAuthority("the clock tower", to_base64(TOWER_ROOT.certificate.public_bytes(Encoding.DER)), False),
            documents.clock(),
        ),
        pdf_roots=documents.roots(),
        witnesses=Witnesses(keys, 0),
        independent_witnesses=("w1",),
        auditors=(TrustedAuditor(test_histories.AUDITOR.verifier_key),),
    )
