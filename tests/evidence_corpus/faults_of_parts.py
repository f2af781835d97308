"""Originals in parts: pieces of other files, at other places, and maps that say what is not so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tallystick.case import CaseMaterial, OriginalMaterial
from tallystick.case.parts import PartsMap, Run, piece_name
from tallystick.content import CHUNK_BYTES, folder_content
from tallystick.schema import write
from tests.core.verify.kit import Scene
from tests.core.verify.mutate import Members, described, edit_json, flipped
from tests.core.verify.test_parts import FILES, LISTED, file_map, folder_map, slug
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Faults, Honest, change, members_of
from tests.world import World

END = b"the end of the film"
FILM = bytes(CHUNK_BYTES) + END
LAST = Run(1, 1)
SHOWN = ("a.txt", "e.txt")


@dataclass(frozen=True)
class Shelf:
    """A film of two chunks of which the short one is shown, and a folder without one of its files."""

    scene: Scene
    film: Honest
    folder: Honest


def shelf(folder: Path) -> Shelf:
    world = World("parts", "log.example/parts")
    scene = Scene(folder, world)
    film, props = world.object(data=FILM), world.object(content=write(folder_content(LISTED)), kind="composite")
    scene.log.add(*world.parties(), film, props)
    scene.anchor()
    return Shelf(
        scene,
        Honest("film-in-parts", scene, _film(scene, film.event.subject, END), {}),
        Honest("folder-in-parts", scene, _folder(scene, props.event.subject), {}),
    )


def _film(scene: Scene, of: str, end: bytes, parts: PartsMap | None = None, name: str = "") -> CaseMaterial:
    told = parts or file_map(FILM, [(1, 1)], "a third party's face")
    return scene.material(of, originals=[OriginalMaterial(of, {name or piece_name(LAST): end}, parts=told)])


def _folder(scene: Scene, of: str, changes: dict[str, bytes] | None = None) -> CaseMaterial:
    files = {path: FILES[path] for path in SHOWN} | (changes or {})
    return scene.material(of, originals=[OriginalMaterial(of, files, parts=folder_map(LISTED, 2))])


def faults(worlds: Worlds) -> Faults:
    found = shelf(worlds.folder / "parts")
    worlds.honest.update({one.name: one for one in (found.film, found.folder)})
    yield from _films(found)
    yield from _folders(found)


def _films(found: Shelf) -> Faults:
    honest, scene = found.film, found.scene
    of = honest.material.subject
    for name, end in {
        "of-another-file": b"THE END OF THE FILM",
        "with-a-bit-changed": flipped(END, 3),
        "with-bytes-behind-it": END + b".",
        "cut-short": END[:-1],
    }.items():
        yield change(honest, f"part-{name}", members_of(_film(scene, of, end)), 8)
    one = file_map(END + bytes(CHUNK_BYTES), [(0, 1)])
    yield change(
        honest, "part-at-the-place-of-another", members_of(_film(scene, of, bytes(CHUNK_BYTES), one, "chunks-0-0")), 8
    )

    def other_node(parts: Any) -> None:
        parts["runs"][0]["nodes"] = ["11" * 32]

    def more(parts: Any) -> None:
        parts["count"] = 3
        parts["runs"].append({"first": 2, "count": 1, "nodes": ["11" * 32]})

    def gap(parts: Any) -> None:
        parts["runs"][1]["first"] = 2

    def here_without_bytes(parts: Any) -> None:
        parts["runs"][0] = {"first": 0, "count": 1}

    yield change(honest, "map-of-parts-with-another-subtree", _map(honest, other_node), 8)
    yield change(honest, "map-of-parts-of-more-chunks", _map(honest, more), 8)
    yield change(honest, "map-of-parts-with-a-gap", _map(honest, gap), 1, "malformed")
    yield change(honest, "map-of-parts-that-promises-a-chunk", _map(honest, here_without_bytes), 1, "malformed")


def _folders(found: Shelf) -> Faults:
    honest, scene = found.folder, found.scene
    of = honest.material.subject
    yield change(honest, "folder-in-parts-with-a-file-changed", members_of(_folder(scene, of, {"a.txt": b"A"})), 8)

    def size(parts: Any) -> None:
        parts["runs"][0]["lines"][0]["size"] += 1

    def renamed(parts: Any) -> None:
        parts["runs"][0]["lines"][1]["path"] = "b2.txt"

    def other_node(parts: Any) -> None:
        parts["runs"][1]["nodes"] = ["22" * 32]

    yield change(honest, "folder-in-parts-with-another-size-in-a-line", _map(honest, size), 8)
    yield change(honest, "folder-in-parts-with-a-line-renamed", _map(honest, renamed), 8)
    yield change(honest, "folder-in-parts-with-another-line-withheld", _map(honest, other_node), 8)
    stranger = replace(honest.material, originals=[replace(honest.material.originals[0], files={"z.txt": b"z"})])
    yield change(honest, "folder-in-parts-with-a-file-that-no-line-names", members_of(stranger), 1, "malformed")


def _map(honest: Honest, edit: Callable[[Any], None]) -> Members:
    return described(edit_json(honest.members(), f"data/parts/{slug(honest.material.subject)}.json", edit))
