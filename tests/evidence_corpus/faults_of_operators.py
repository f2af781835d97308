"""What whoever has the log's own keys can do: every proof is real, and the case must not be believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tallystick.admission.rotation import prove_rotation
from tallystick.c2pa.verdict import CERTIFICATE, LICENCE
from tallystick.checkpoint import Checkpoint
from tallystick.events.certificate import CertificateIssue
from tallystick.events.log import Freeze
from tallystick.identifiers import Letter
from tallystick.keys import LocalSigner
from tallystick.merkle import root_of
from tallystick.tree_head import sign_checkpoint
from tests.core.c2pa import kit as c2pa_kit
from tests.core.verify.kit import Kit, Scene, build_kit
from tests.core.verify.test_credentials import LIES, certificate_of, desk, issue, sign
from tests.core.verify.test_rotation import THIEF, rotate
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Fault, Faults, made_so
from tests.world import Someone, World, key_from


def faults(worlds: Worlds) -> Faults:
    for number, (name, make) in enumerate(sorted(_CHEATS.items())):
        folder = worlds.folder / f"cheat-{number}"
        folder.mkdir()
        yield make(name, folder)
    yield from _cards(worlds.folder)
    yield from _certificates(worlds.folder)


_CHEATS: dict[str, Callable[[str, Path], Fault]] = {}


def cheat(make: Callable[[str, Path], Fault]) -> Callable[[str, Path], Fault]:
    _CHEATS[make.__name__.replace("_", "-")] = make
    return make


def _scene(folder: Path) -> Scene:
    world = World("cheat", "log.example/cheat")
    scene = Scene(folder, world)
    scene.log.add(*world.parties())
    return scene


@cheat
def job_with_a_capability_that_was_not_approved(name: str, folder: Path) -> Fault:
    scene = _scene(folder)
    world = scene.world
    capability, filed = world.capability()
    job, registered = world.job(capability)
    made = world.output(job)
    scene.log.add(*filed[:-1])
    scene.log.add(registered, made, world.complete(job, [made.event.subject]))
    scene.anchor()
    return made_so(name, scene, scene.material(made.event.subject), 6)


@cheat
def object_planted_for_a_party_by_the_registrars_key(name: str, folder: Path) -> Fault:
    scene = _scene(folder)
    planted = scene.world.object(replace(scene.world.studio, signer=scene.world.registrar.signer))
    scene.log.add(planted)
    scene.anchor()
    return made_so(name, scene, scene.material(planted.event.subject), 6)


@cheat
def object_by_a_party_that_nobody_registered(name: str, folder: Path) -> Fault:
    scene = _scene(folder)
    planted = scene.world.object(scene.world.someone("a stranger"))
    scene.log.add(planted)
    scene.anchor()
    return made_so(name, scene, scene.material(planted.event.subject), 3)


@cheat
def generated_object_whose_job_never_listed_it(name: str, folder: Path) -> Fault:
    scene = _scene(folder)
    world = scene.world
    capability, filed = world.capability()
    job, registered = world.job(capability)
    made, beside = world.output(job), world.output(job)
    scene.log.add(*filed, registered, made, beside, world.complete(job, [made.event.subject]))
    scene.anchor()
    return made_so(name, scene, scene.material(beside.event.subject), 9)


@cheat
def batch_dated_after_the_block_that_holds_it(name: str, folder: Path) -> Fault:
    world = World("cheat", "log.example/cheat")
    scene = Scene(folder, world)
    world.clock += 7200
    late = world.object()
    scene.log.add(*world.parties(), late)
    world.clock -= 7200
    scene.anchor()
    return made_so(name, scene, scene.material(late.event.subject), 11)


@cheat
def object_registered_twice(name: str, folder: Path) -> Fault:
    scene = _scene(folder)
    world = scene.world
    first = world.object()
    again = world.say(world.provider, "object.register", first.event.subject, first.event.body)
    scene.log.add(first, again)
    scene.anchor()
    return made_so(name, scene, scene.material(first.event.subject), 6)


@cheat
def entry_after_the_end_of_the_log(name: str, folder: Path) -> Fault:
    kit = _kit(folder)
    world = kit.world
    kit.log.add(world.say(world.registrar, "log.freeze", world.origin, Freeze("closure")))
    kit.log.add(world.object())
    return made_so(name, kit.scene, kit.scene.material(kit.made), 6)


def _kit(folder: Path) -> Kit:
    return build_kit(folder, "cheat", "log.example/cheat")


@cheat
def rotation_by_the_registrars_key_alone(name: str, folder: Path) -> Fault:
    kit = _kit(folder)
    world = kit.world
    forged = prove_rotation(world.origin, "log", world.roles["log"], THIEF, world.roles["log"])
    kit.log.add(world.say(world.registrar, "log.rotate", world.origin, replace(forged, old=forged.new)))
    return _under_the_thiefs_key(name, kit)


@cheat
def rotation_by_the_logs_key_alone(name: str, folder: Path) -> Fault:
    kit = _kit(folder)
    world = kit.world
    body = prove_rotation(world.origin, "log", world.roles["log"], THIEF, world.roles["log"])
    kit.log.add(world.say(Someone(world.registrar.id, world.roles["log"]), "log.rotate", world.origin, body))
    return _under_the_thiefs_key(name, kit)


@cheat
def entry_0_of_a_thief(name: str, folder: Path) -> Fault:
    kit = _kit(folder)
    world, other = kit.world, key_from("and another")
    twin = replace(world)
    twin.roles = {**world.roles, "log": THIEF}
    twin.registrar, twin.service, twin.log = world.registrar, world.service, Someone(world.origin, THIEF)
    kit.log.statements[0] = twin.key_set()
    body = prove_rotation(world.origin, "log", THIEF, other, THIEF)
    kit.log.add(world.say(world.registrar, "log.rotate", world.origin, body))
    return replace(_under_the_thiefs_key(name, kit, other), step=3)


@cheat
def checkpoint_by_a_key_that_was_replaced(name: str, folder: Path) -> Fault:
    kit = _kit(folder)
    retired = kit.world.signers
    rotate(kit, "log")
    tree = Checkpoint(kit.world.origin, kit.log.size, root_of(kit.log.leaves()))
    note = sign_checkpoint(tree, retired, kit.world.clock).encode()
    return made_so(name, kit.scene, kit.scene.material(kit.made, checkpoint=note), 5)


@cheat
def what_a_retired_service_key_says_afterwards(name: str, folder: Path) -> Fault:
    kit = _kit(folder)
    world = kit.world
    retired = world.service
    rotate(kit, "service")
    world.service = retired
    event = world.object().event
    kit.log.add(world.record(world.studio, "object.register", event.subject, event.body))
    return made_so(name, kit.scene, kit.scene.material(kit.made), 6)


def _under_the_thiefs_key(name: str, kit: Kit, key: LocalSigner = THIEF) -> Fault:
    tree = Checkpoint(kit.world.origin, kit.log.size, root_of(kit.log.leaves()))
    note = sign_checkpoint(tree, replace(kit.world.signers, ed25519=key), kit.world.clock).encode()
    return made_so(name, kit.scene, kit.scene.material(kit.made, checkpoint=note), 5)


# --- files that the service signed and logged ---------------------------------------


def _cards(folder: Path) -> Faults:
    """The licence card says something that the log does not."""
    other = World("elsewhere").identifier(Letter.LICENCE)
    shelf = {
        "card-about-nothing": {"assertions": lambda honest: {}},
        "card-about-another-licence": {
            "assertions": lambda honest: {LICENCE: {**honest[LICENCE], "licence": other}},
        },
        "card-dated-after-it-was-logged": {"later": 3600},
        "card-by-a-signer-whom-nobody-trusts": {"signer": c2pa_kit.make_world().signer.claim_signer()},
    }
    for name, changes in shelf.items():
        made = desk(folder / name, **changes)  # type: ignore[arg-type]
        yield made_so(name, made.scene, made.case(), 12)


def _certificates(folder: Path) -> Faults:
    for number, (lie, told) in enumerate(LIES.items()):
        name = "certificate-file-with-" + lie.replace(" ", "-")
        world = World("registry", "log.example/registry")
        scene = Scene(folder / f"lie-{number}", world)
        source, certificate = world.object(), world.identifier(Letter.CERTIFICATE)
        body = CertificateIssue(source.event.subject, "R-2026-1")
        issued = world.say(world.registrar, "certificate.issue", certificate, body)
        scene.log.add(*world.parties(), source, issued)
        (folder / f"file-{number}").mkdir()
        file = sign(
            folder / f"file-{number}", {CERTIFICATE: told(certificate_of(scene, certificate), world)}, world.clock
        )
        position = issue(scene, certificate, file, "certificate")
        scene.anchor()
        case = replace(scene.material(source.event.subject), credentials={position: ("one.png", file)})
        yield made_so(name, scene, case, 12)
