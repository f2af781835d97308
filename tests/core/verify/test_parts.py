"""Step 8 of originals in parts: exactly these pieces are proved, never the whole; and every lie about a part.

Every bundle here is signed by the real exporter over a manifest of exactly its members: step 8 itself must refuse.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick import canonical
from tallystick.bundle import Slice, blocks_of, write_bundle
from tallystick.bundle.bag import TAG_MANIFEST
from tallystick.case import CaseMaterial, OriginalMaterial, case_members
from tallystick.case.model import INDEX
from tallystick.case.parting import part_file, slices
from tallystick.case.parts import PartsMap, Run, piece_name
from tallystick.content import CHUNK_BYTES, FileEntry, entry_of, file_content, folder_content
from tallystick.merkle import covering, leaf_hash, root_of
from tallystick.schema import write
from tallystick.verify import Report, verify_case
from tests.core.verify.kit import AT, Scene
from tests.core.verify.mutate import Members, described, edit_json, flipped, rezip, tags_of, without
from tests.world import World

FILM = b"".join(bytes([at]) * CHUNK_BYTES for at in range(8)) + b"the end of the film"
HERE = [(0, 4), (7, 1)]
FILES = {"a.txt": b"a", "b.txt": b"bb", "c/secret name.txt": b"ccc", "d.txt": b"dddd", "e.txt": b"eeeee"}
LISTED = tuple(entry_of(path, file_content([data])) for path, data in FILES.items())


def chunk(at: int, count: int = 1) -> bytes:
    return FILM[at * CHUNK_BYTES : (at + count) * CHUNK_BYTES]


def subtrees(leaves: list[bytes], first: int, count: int) -> tuple[str, ...]:
    """Roots of the subtrees that stand for a withheld run, from the leaves themselves."""
    found, at = [], first
    for level in covering(first, count):
        found.append(root_of(leaves[at : at + (1 << level)]).hex())
        at += 1 << level
    return tuple(found)


def file_map(data: bytes, here: list[tuple[int, int]], reason: str | None = None) -> PartsMap:
    leaves = [leaf_hash(data[at : at + CHUNK_BYTES]) for at in range(0, len(data), CHUNK_BYTES)]
    runs, at = [], 0
    for first, count in [*here, (len(leaves), 0)]:
        if first > at:
            runs.append(Run(at, first - at, subtrees(leaves, at, first - at), reason=reason))
        if count:
            runs.append(Run(first, count))
        at = first + count
    return PartsMap(1, "file", len(leaves), tuple(runs))


def folder_map(listed: tuple[FileEntry, ...], gone: int) -> PartsMap:
    leaves = [leaf_hash(canonical.encode(write(line))) for line in listed]
    left, right = listed[:gone], listed[gone + 1 :]
    runs = (
        Run(0, gone, lines=left),
        Run(gone, 1, subtrees(leaves, gone, 1), reason="a trade secret"),
        Run(gone + 1, len(right), lines=right),
    )
    return PartsMap(1, "folder", len(leaves), runs)


class Cinema:
    """A scene with a film of nine chunks, a folder of five files, and another film of as many chunks."""

    def __init__(self, folder: Path) -> None:
        world = World("cinema", "log.example/cinema")
        self.scene = Scene(folder, world)
        film, props = world.object(data=FILM), world.object(content=write(folder_content(LISTED)), kind="composite")
        self.scene.log.add(*world.parties(), film, props)
        self.film, self.folder = film.event.subject, props.event.subject
        self.scene.anchor()
        self.bare = self.scene.material(self.film)

    def case(self, of: str, parts: PartsMap, files: dict[str, bytes]) -> CaseMaterial:
        return replace(self.bare, subject=of, originals=[OriginalMaterial(of, files, parts=parts)])

    def film_case(self) -> CaseMaterial:
        parts = file_map(FILM, HERE, "a third party's face")
        return self.case(self.film, parts, {piece_name(Run(*run)): chunk(*run) for run in HERE})

    def folder_case(self) -> CaseMaterial:
        return self.case(self.folder, folder_map(LISTED, 2), {path: FILES[path] for path in ("a.txt", "e.txt")})

    def judge(self, members: Members) -> Report:
        return self.scene.verify(self.scene.bundle(members))


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Cinema:
    return Cinema(tmp_path_factory.mktemp("cinema"))


def members_of(material: CaseMaterial) -> Members:
    return {name: data for name, data in case_members(material).items() if isinstance(data, bytes)}


def slug(of: str) -> str:
    return of.partition("/")[2]


# --- what is proved ------------------------------------------------------------------------------


def test_exactly_these_chunks_are_proved_and_not_the_whole(cinema: Cinema) -> None:
    report = cinema.judge(members_of(cinema.film_case()))
    content = report.claim("content")
    assert (report.verdict, content.outcome, content.required) == ("proved", "needs_external_fact", False)
    told = {line.key: line.values for line in content.evidence}
    assert told["content.chunks"] == {
        "object": cinema.film, "count": 9, "pieces": "0–3, 7", "bytes": 5 * CHUNK_BYTES, "size": len(FILM),
    }  # fmt: skip
    assert [line.values["pieces"] for line in content.evidence if line.key == "content.withheld"] == ["4–6", "8"]
    (fact,) = report.facts["originals"]
    assert (fact["mode"], fact["parts"]["here"]) == ("parts", [[0, 3], [7, 7]])
    assert fact["parts"]["withheld"][0] == {"first": 4, "last": 6, "reason": "a third party's face"}


def test_the_lines_of_a_folder_are_proved_with_the_files_that_are_here(cinema: Cinema) -> None:
    bundle = members_of(cinema.folder_case())
    report = cinema.judge(bundle)
    assert (report.verdict, report.claim("content").outcome) == ("proved", "needs_external_fact")
    (fact,) = report.facts["originals"]
    assert fact["parts"] == {
        "count": 5, "here": [[0, 1], [3, 4]], "files": ["a.txt", "e.txt"],
        "withheld": [{"first": 2, "last": 2, "reason": "a trade secret"}],
    }  # fmt: skip
    assert b"secret name" not in b"".join(bundle.values())


def test_a_trust_file_that_demands_the_content_is_not_satisfied_by_parts(cinema: Cinema) -> None:
    bundle = cinema.scene.bundle(members_of(cinema.film_case()))
    report = cinema.scene.verify(bundle, cinema.scene.trust(required=("content",)))
    assert (report.verdict, report.refused_at) == ("not_proved", 8)


@pytest.mark.parametrize("here", [[(0, 1)], [(8, 1)], [(1, 7)], [(0, 8)], [(1, 1), (3, 1), (5, 1), (7, 1)]], ids=str)
def test_any_choice_of_chunks_is_proved(here: list[tuple[int, int]], cinema: Cinema) -> None:
    files = {piece_name(Run(*run)): chunk(*run) for run in here}
    report = cinema.judge(members_of(cinema.case(cinema.film, file_map(FILM, here), files)))
    assert (report.verdict, report.claim("content").outcome) == ("proved", "needs_external_fact")


# --- lies -------------------------------------------------------------------------------------------

Attack = Callable[[Cinema], Members]
ATTACKS: dict[str, Attack] = {}


def attack(change: Attack) -> Attack:
    ATTACKS[change.__name__.replace("_", "-")] = change
    return change


def edited(cinema: Cinema, material: CaseMaterial, change: Callable[[Any], None]) -> Members:
    return described(edit_json(members_of(material), f"data/parts/{slug(material.subject)}.json", change))


def film_with(cinema: Cinema, files: dict[str, bytes]) -> Members:
    first = {piece_name(Run(*run)): chunk(*run) for run in HERE}
    return members_of(cinema.case(cinema.film, file_map(FILM, HERE), {**first, **files}))


@attack
def a_part_of_another_file(cinema: Cinema) -> Members:
    return film_with(cinema, {"chunks-7-7": b"\x77" * CHUNK_BYTES})


@attack
def a_bit_of_a_part_changed(cinema: Cinema) -> Members:
    return film_with(cinema, {"chunks-0-3": flipped(chunk(0, 4), 3 * CHUNK_BYTES + 5)})


@attack
def two_chunks_of_a_run_exchanged(cinema: Cinema) -> Members:
    return film_with(cinema, {"chunks-0-3": chunk(1) + chunk(0) + chunk(2, 2)})


@attack
def a_chunk_at_the_place_of_another(cinema: Cinema) -> Members:
    return film_with(cinema, {"chunks-7-7": chunk(6)})


@attack
def a_part_with_bytes_behind_it(cinema: Cinema) -> Members:
    return film_with(cinema, {"chunks-7-7": chunk(7) + b"and more"})


@attack
def a_part_that_is_cut_short(cinema: Cinema) -> Members:
    return film_with(cinema, {"chunks-7-7": chunk(7)[:-1]})


@attack
def a_redaction_map_that_calls_a_chunk_by_another_number(cinema: Cinema) -> Members:
    """Chunks 0 to 3 and 7 are here; the map says that 7 is 6."""
    honest = file_map(FILM, HERE)
    leaves = [leaf_hash(chunk(at)) for at in range(9)]
    runs = (honest.runs[0], Run(4, 2, subtrees(leaves, 4, 2)), Run(6, 1), Run(7, 2, subtrees(leaves, 7, 2)))
    files = {"chunks-0-3": chunk(0, 4), "chunks-6-6": chunk(7)}
    return members_of(cinema.case(cinema.film, replace(honest, runs=runs), files))


@attack
def a_redaction_map_that_withholds_less_than_it_says(cinema: Cinema) -> Members:
    """What stands for the withheld chunks is a subtree of others."""

    def lie(parts: Any) -> None:
        parts["runs"][1]["nodes"] = parts["runs"][1]["nodes"][::-1]

    return edited(cinema, cinema.film_case(), lie)


@attack
def a_chunk_tree_of_fewer_chunks(cinema: Cinema) -> Members:
    """The last chunk never was, says the map."""
    short = FILM[: 8 * CHUNK_BYTES]
    files = {"chunks-0-3": chunk(0, 4), "chunks-7-7": chunk(7)}
    return members_of(cinema.case(cinema.film, file_map(short, HERE), files))


@attack
def a_chunk_tree_of_more_chunks(cinema: Cinema) -> Members:
    longer = FILM[: 8 * CHUNK_BYTES] + b"\x08" * CHUNK_BYTES + b"a scene that was never registered"
    files = {"chunks-0-3": chunk(0, 4), "chunks-9-9": longer[9 * CHUNK_BYTES :]}
    return members_of(cinema.case(cinema.film, file_map(longer, [(0, 4), (9, 1)]), files))


@attack
def a_chunk_tree_of_smaller_chunks(cinema: Cinema) -> Members:
    """As many leaves as the film has chunks, of half the size."""
    other = file_map(FILM, HERE)
    half = [leaf_hash(FILM[at * CHUNK_BYTES // 2 : (at + 1) * CHUNK_BYTES // 2]) for at in range(9)]
    runs = (other.runs[0], Run(4, 3, subtrees(half, 4, 3)), Run(7, 1), Run(8, 1, subtrees(half, 8, 1)))
    files = {"chunks-0-3": chunk(0, 2), "chunks-7-7": chunk(7)[: CHUNK_BYTES // 2]}
    return members_of(cinema.case(cinema.film, replace(other, runs=runs), files))


@attack
def an_inner_node_given_as_a_chunk(cinema: Cinema) -> Members:
    """The 64 bytes under a node, as if they were a chunk: leaves and nodes are hashed apart."""
    leaves = [leaf_hash(chunk(at)) for at in range(9)]
    honest = file_map(FILM, HERE)
    runs = (honest.runs[0], Run(4, 3, honest.runs[1].nodes), honest.runs[2], honest.runs[3])
    files = {"chunks-0-3": chunk(0, 4), "chunks-7-7": leaves[6] + leaves[7]}
    return members_of(cinema.case(cinema.film, replace(honest, runs=runs), files))


@attack
def parts_of_another_registered_object(cinema: Cinema) -> Members:
    honest = cinema.film_case().originals[0]
    material = replace(cinema.bare, originals=[replace(honest, object=cinema.folder)])
    return members_of(replace(material, subject=cinema.folder))


@attack
def the_whole_claimed_where_only_parts_are_here(cinema: Cinema) -> Members:
    """Mode included, and the run of chunks as the file."""
    members = members_of(replace(cinema.bare, originals=[OriginalMaterial(cinema.film, {"chunks-0-3": chunk(0, 4)})]))
    assert b'"mode":"included"' in members[INDEX]
    return members


@attack
def a_line_of_the_file_list_changed(cinema: Cinema) -> Members:
    def lie(parts: Any) -> None:
        parts["runs"][0]["lines"][1]["size"] = 3

    return edited(cinema, cinema.folder_case(), lie)


@attack
def two_lines_that_were_never_registered(cinema: Cinema) -> Members:
    def lie(parts: Any) -> None:
        parts["runs"][2]["lines"][0]["path"] = "c/zzz.txt"

    return edited(cinema, cinema.folder_case(), lie)


@attack
def a_file_of_the_folder_changed(cinema: Cinema) -> Members:
    material = cinema.folder_case()
    changed = replace(material.originals[0], files={"a.txt": b"A", "e.txt": FILES["e.txt"]})
    return members_of(replace(material, originals=[changed]))


@attack
def two_files_of_the_folder_exchanged(cinema: Cinema) -> Members:
    material = cinema.folder_case()
    changed = replace(material.originals[0], files={"a.txt": FILES["b.txt"], "b.txt": FILES["a.txt"]})
    return members_of(replace(material, originals=[changed]))


@attack
def a_folder_of_one_file_more(cinema: Cinema) -> Members:
    more = (*LISTED, FileEntry("f.txt", "0" * 64, 1, "0" * 64))
    return members_of(cinema.case(cinema.folder, folder_map(more, 2), {"a.txt": b"a"}))


@attack
def a_folder_as_a_file(cinema: Cinema) -> Members:
    parts = folder_map(LISTED, 2)
    runs = (Run(0, 2), parts.runs[1], Run(3, 2))
    files = {"chunks-0-1": b"x", "chunks-3-4": b"y"}
    withheld = replace(runs[1], reason=None)
    return members_of(cinema.case(cinema.folder, replace(parts, form="file", runs=(runs[0], withheld, runs[2])), files))


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_signed_again_step_eight_refuses_it(name: str, cinema: Cinema) -> None:
    report = cinema.judge(ATTACKS[name](cinema))
    assert (report.verdict, report.refused_at) == ("not_proved", 8)
    assert report.claim("content").outcome == "contradicted"


@pytest.mark.parametrize("name", ["a-bit-of-a-part-changed", "a-line-of-the-file-list-changed"])
def test_as_it_is_the_manifest_refuses_it(name: str, cinema: Cinema) -> None:
    honest = cinema.film_case() if "part" in name else cinema.folder_case()
    tags = tags_of(cinema.scene.bundle(members_of(honest)))
    assert TAG_MANIFEST in tags
    report = cinema.scene.verify(rezip(ATTACKS[name](cinema) | tags))
    assert (report.verdict, report.refused_at) == ("not_proved", 1)


def test_a_part_left_out_is_malformed(cinema: Cinema) -> None:
    members = members_of(cinema.film_case())
    gone = without(members, f"data/originals/{slug(cinema.film)}/chunks-7-7")
    assert cinema.judge(gone).verdict == "malformed"


def test_a_map_with_any_byte_changed_proves_nothing_of_it(cinema: Cinema) -> None:
    """Every seventh byte, signed again by the exporter; his own words, the reason, are his to change."""
    members, name = members_of(cinema.folder_case()), f"data/parts/{slug(cinema.folder)}.json"
    honest = members[name]
    start = honest.index(b"a trade secret")
    tried = [at for at in range(0, len(honest), 7) if not start <= at < start + len(b"a trade secret")]
    assert len(tried) > 100
    for at in tried:
        report = cinema.judge({**members, name: flipped(honest, at)})
        assert report.verdict in ("malformed", "not_proved"), at
        assert "parts" not in (report.facts.get("originals") or [{}])[0], at


# --- memory --------------------------------------------------------------------------------------


def test_a_large_film_in_parts_is_written_and_verified_by_the_block(tmp_path: Path) -> None:
    """64 MiB of which all but one chunk are shown: neither side ever holds more than a few of them."""
    path, size = tmp_path / "large.bin", 64 * CHUNK_BYTES + 9
    with path.open("wb") as out:
        for at in range(64):
            out.write(bytes([at]) * CHUNK_BYTES)
        out.write(b"the end.\n")
    world = World("large", "log.example/large")
    scene = Scene(tmp_path / "scene", world)
    film = world.object(content=write(file_content(blocks_of(path))))
    scene.log.add(*world.parties(), film)
    scene.anchor()
    whole = Slice(path, 0, size)
    parts = part_file(blocks_of(path), set(range(65)) - {30})
    originals = [OriginalMaterial(film.event.subject, dict(slices(parts, whole)), parts=parts)]
    material = scene.material(film.event.subject, originals=originals)
    tracemalloc.start()
    try:
        with (tmp_path / "case.zip").open("w+b") as file:
            write_bundle(file, case_members(material), world.roles["exporter"], {})
            report = verify_case(file, scene.trust(), AT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.verdict == "proved"
    assert report.facts["originals"][0]["parts"]["here"] == [[0, 29], [31, 64]]
    assert peak < 16 * CHUNK_BYTES
