"""What an exporter, or whoever has his key, can do to a case: every attack of the verifier's own tests, and others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tallystick.case import OriginalMaterial
from tallystick.case.model import INDEX
from tests.core.verify import attacks_on_facts
from tests.core.verify.attacks import ATTACKS
from tests.core.verify.mutate import Members, described, edit_json, flipped, without, without_entry
from tests.core.verify.test_kinds import FILES, file_list
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Fault, Faults, Honest, change, members_of

assert attacks_on_facts  # its attacks stand in the same table


def faults(worlds: Worlds) -> Faults:
    yield from _of_an_object(worlds)
    yield from _of_kinds(worlds)
    yield from _of_a_folder(worlds)
    yield from _of_signed_files(worlds)
    yield _of_a_stranger(worlds)


def _of_an_object(worlds: Worlds) -> Faults:
    honest = worlds.honest["object"]
    for name, attack in sorted(ATTACKS.items()):
        members = attack.change(worlds.kit, worlds.stranger, honest.members())
        yield change(honest, name, members, attack.step, attack.verdict)


def _of_a_stranger(worlds: Worlds) -> Fault:
    """Whole, and every signature right: of a log whose keys the reader does not trust."""
    kit = worlds.stranger
    return Fault("whole-case-of-a-log-that-nobody-trusts", members_of(kit.honest), kit.scene, 2)


def _of_kinds(worlds: Worlds) -> Faults:
    story = worlds.story
    for kind, types in {
        "licence": ("object.register", "job.register", "log.policy"),
        "job": ("job.register", "capability.approve", "object.register"),
        "dispute": ("dispute.open", "object.register"),
    }.items():
        honest = worlds.honest[f"{kind}-of-a-story"]
        for type_ in types:
            members = without_entry(honest.members(), story.scene.log.find(type_))
            step = 9 if type_ == "dispute.open" else 6
            yield change(honest, f"{kind}-without-its-{type_.replace('.', '-')}", members, step)
    honest = worlds.honest["licence-of-a-story"]
    unanchored = story.scene.material(story.unanchored, "licence")
    yield change(honest, "licence-that-no-anchor-covers", members_of(unanchored), 10)
    dispute = worlds.honest["dispute-of-a-story"]
    anchors, size = story.scene.anchors[:1], min(dispute.material.consistency)
    early = replace(dispute.material, anchors=anchors, consistency={size: dispute.material.consistency[size]})
    yield change(dispute, "dispute-after-the-last-anchor-shown", members_of(early), 10)


def _of_a_folder(worlds: Worlds) -> Faults:
    story, honest = worlds.story, worlds.honest["folder"]
    changed = {
        "file-changed": {**FILES, "b.txt": b"TWO"},
        "file-added": {**FILES, "c.txt": b"more"},
        "file-removed": {name: data for name, data in FILES.items() if name != "b.txt"},
        "files-exchanged": {"a/one.bin": b"two", "b.txt": b"one", "é.txt": b"three"},
        "file-renamed": {"a/1.bin": b"one", "b.txt": b"two", "é.txt": b"three"},
    }
    for name, files in changed.items():
        yield change(honest, f"folder-{name}", members_of(story.folder_case(files, FILES)), 8)
        yield change(honest, f"folder-{name}-and-listed", members_of(story.folder_case(files, files)), 8)
    false = story.folder_case(FILES, {**FILES, "b.txt": b"TWO"})
    yield change(honest, "folder-false-list-beside-true-files", members_of(false), 8)
    listed = OriginalMaterial(story.folder, {}, file_list({**FILES, "b.txt": b"TWO"}))
    alone = story.scene.material(story.folder, originals=[listed])
    yield change(honest, "folder-false-list-without-files", members_of(alone), 8)


def _of_signed_files(worlds: Worlds) -> Faults:
    honest = worlds.honest["licence-with-its-card"]
    name, card = "data/credentials/card.png", worlds.desk.card
    yield change(honest, "card-left-out", members_of(replace(honest.material, credentials={})), 12)
    for where, at in (("first", 0), ("middle", len(card) // 2), ("last", len(card) - 1)):
        yield change(honest, f"card-{where}-byte-changed", {**honest.members(), name: flipped(card, at)}, 12)
    yield change(honest, "card-cut", {**honest.members(), name: card[:-12]}, 12)
    yield change(honest, "card-with-bytes-behind", {**honest.members(), name: card + b"\n"}, 12)
    yield change(honest, "card-of-another-case", {**honest.members(), name: worlds.registry.card}, 12)
    yield change(honest, "card-promised-and-absent", without(honest.members(), name), 12)
    yield change(honest, "card-without-a-place", _unpromised(honest), 1, "malformed")
    certified = worlds.honest["object-with-its-certificate"]
    gone = replace(certified.material, credentials={})
    yield change(certified, "certificate-file-left-out", members_of(gone), 12)


def _unpromised(honest: Honest) -> Members:
    def forget(index: Any) -> None:
        index["credentials"] = []

    return described(edit_json(honest.members(), INDEX, forget))
