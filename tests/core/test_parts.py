"""The map of parts of an original: one form, every piece once, and the tree that it gives."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tallystick import canonical
from tallystick.bundle import Slice, blocks_of
from tallystick.case import CaseMaterial, OriginalMaterial, read_case
from tallystick.case.model import FORMATS, INDEX, MAX_FILE_LIST_VALUES
from tallystick.case.parting import chunks_within, part_file, part_folder, slices
from tallystick.case.parts import (
    MAX_PARTS_VALUES,
    MAX_RUNS,
    PartsMap,
    Run,
    check_values,
    chunks_of,
    decode_parts,
    piece_name,
    run_bytes,
)
from tallystick.case.reader import _read_file_list
from tallystick.content import CHUNK_BYTES, MAX_FILES, FileEntry, file_content, folder_content
from tallystick.errors import MalformedInput
from tallystick.merkle import CompactRange, covering, leaf_hash, root_of
from tallystick.schema import write
from tallystick.verify.parts import Held, check_held
from tallystick.versions import UnknownVersion
from tests.core.test_case import FOLDER, FOLDER_SLUG, HONEST, LISTED, OBJECT, SLUG, Members, described, members

NODE = "ab" * 32
FILE = PartsMap(1, "file", 6, (Run(0, 4), Run(4, 1, (NODE,), reason="a third party's name"), Run(5, 1)))
A, B = LISTED
FOLDED = PartsMap(1, "folder", 3, (Run(0, 1, lines=(A,)), Run(1, 1, (NODE,)), Run(2, 1, lines=(B,))))
IN_PARTS = replace(
    HONEST,
    originals=[
        OriginalMaterial(OBJECT, {"chunks-0-3": b"four", "chunks-5-5": b"last"}, parts=FILE),
        OriginalMaterial(FOLDER, {"sub/é b.txt": b"b"}, parts=FOLDED),
    ],
)
MAPS = {OBJECT: f"data/parts/{SLUG}.json", FOLDER: f"data/parts/{FOLDER_SLUG}.json"}


def test_it_reads_what_it_writes_under_version_four() -> None:
    case = read_case(Members(members(IN_PARTS)))
    assert case.parts == {OBJECT: FILE, FOLDER: FOLDED}
    assert (case.index.v, case.index.format) == (4, "tallystick-evidence/4")
    assert {one.mode for one in case.index.originals} == {"parts"}
    assert dict(case.originals[OBJECT]) == {
        name: f"data/originals/{SLUG}/{name}" for name in ("chunks-0-3", "chunks-5-5")
    }


def test_a_case_that_needs_none_of_it_keeps_its_version() -> None:
    case = read_case(Members(members(HONEST)))
    assert (case.index.v, case.parts, case.index.adverse) == (1, {}, None)
    assert b"adverse" not in members(HONEST)[INDEX]


def test_adverse_entries_stand_first_in_the_index() -> None:
    data = members(replace(HONEST, adverse=(2, 1)))
    assert data[INDEX].startswith(b'{"adverse":[1,2],')
    assert read_case(Members(data)).index.adverse == (1, 2)


# --- the version -------------------------------------------------------------------------


def edited(material: CaseMaterial, name: str, change: Callable[[Any], Any]) -> Members:
    data = members(material)
    return Members(described({**data, name: canonical.encode(change(canonical.decode(data[name], 1 << 20)))}))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_parts_under_an_earlier_version(version: int) -> None:
    with pytest.raises(MalformedInput, match="version 4"):
        read_case(edited(IN_PARTS, INDEX, lambda index: index | {"v": version, "format": FORMATS[version]}))


def test_version_four_of_nothing() -> None:
    with pytest.raises(MalformedInput, match="version 4"):
        read_case(edited(HONEST, INDEX, lambda index: index | {"v": 4, "format": FORMATS[4]}))


def test_the_place_of_evidence_records_is_kept_for_a_later_version() -> None:
    """RFC 4998: named in the format, refused until a version knows it."""
    with pytest.raises(MalformedInput, match="evidence_records"):
        read_case(edited(IN_PARTS, INDEX, lambda index: index | {"evidence_records": [0]}))
    later = {"v": 9, "format": "tallystick-evidence/9", "evidence_records": [0]}
    with pytest.raises(UnknownVersion, match="install a newer one"):
        read_case(edited(IN_PARTS, INDEX, lambda index: index | later))
    with pytest.raises(MalformedInput, match="no place"):
        read_case(Members(described({**members(IN_PARTS), "data/evidence-records/0.der": b"0"})))


@pytest.mark.parametrize("adverse", [[2, 1], [1, 1], [], [77], [True]], ids=str)
def test_adverse_entries_of_another_form(adverse: list[int]) -> None:
    with pytest.raises(MalformedInput):
        read_case(edited(replace(HONEST, adverse=(1,)), INDEX, lambda index: index | {"adverse": adverse}))


# --- places ------------------------------------------------------------------------------


def test_a_map_without_the_mode_and_the_mode_without_a_map() -> None:
    data = members(IN_PARTS)
    gone = {name: value for name, value in data.items() if name != MAPS[OBJECT]}
    with pytest.raises(MalformedInput, match="no map says which"):
        read_case(Members(described(gone)))
    with pytest.raises(MalformedInput, match="no place"):
        read_case(Members(described({**members(), MAPS[OBJECT]: data[MAPS[OBJECT]]})))
    with pytest.raises(MalformedInput, match="no place"):
        read_case(Members(described({**data, f"data/contents/{FOLDER_SLUG}.json": canonical.encode(write(LISTED))})))


@pytest.mark.parametrize(
    ("of", "files"),
    [
        (OBJECT, {"chunks-0-3": b"x"}),
        (OBJECT, {"chunks-0-3": b"x", "chunks-5-5": b"x", "chunks-4-4": b"x"}),
        (OBJECT, {"chunks-0-2": b"x", "chunks-5-5": b"x"}),
        (OBJECT, {}),
        (FOLDER, {"c.txt": b"c"}),
        (FOLDER, {"chunks-0-0": b"c"}),
    ],
    ids=["one missing", "one withheld", "another range", "none", "not listed", "a chunk of a folder"],
)
def test_files_that_the_map_does_not_give(of: str, files: dict[str, bytes]) -> None:
    others = [one for one in IN_PARTS.originals if one.object != of]
    (own,) = (one for one in IN_PARTS.originals if one.object == of)
    with pytest.raises(MalformedInput, match="do not agree"):
        read_case(Members(members(replace(IN_PARTS, originals=[*others, replace(own, files=files)]))))


def test_a_folder_of_which_nothing_is_left_out_is_not_in_parts() -> None:
    whole = PartsMap(1, "folder", 2, (Run(0, 2, lines=LISTED),))
    some = OriginalMaterial(FOLDER, {A.path: b"a"}, parts=whole)
    assert read_case(Members(members(replace(IN_PARTS, originals=[some])))).parts == {FOLDER: whole}
    every = replace(some, files={A.path: b"a", B.path: b"b"})
    with pytest.raises(MalformedInput, match="it is included"):
        read_case(Members(members(replace(IN_PARTS, originals=[every]))))


# --- forms -------------------------------------------------------------------------------

LINE = write(FileEntry("z", "0" * 64, 1, "0" * 64))
SHORT, LONG = {"first": 0, "count": 3}, {"first": 0, "count": 5}
BROKEN: dict[str, tuple[PartsMap, Callable[[Any], Any]]] = {
    "a gap": (FILE, lambda m: m | {"runs": [SHORT, *m["runs"][1:]]}),
    "an overlap": (FILE, lambda m: m | {"runs": [LONG, *m["runs"][1:]]}),
    "out of order": (FILE, lambda m: m | {"runs": m["runs"][::-1]}),
    "fewer than counted": (FILE, lambda m: m | {"runs": m["runs"][:2]}),
    "more than counted": (FILE, lambda m: m | {"count": 5}),
    "no runs": (FILE, lambda m: m | {"runs": []}),
    "an empty run": (FILE, lambda m: m | {"runs": [{"first": 0, "count": 0}, *m["runs"]]}),
    "two neighbours here": (
        FILE,
        lambda m: m | {"runs": [{"first": 0, "count": 2}, {"first": 2, "count": 2}, *m["runs"][1:]]},
    ),
    "a reason for what is here": (FILE, lambda m: m | {"runs": [m["runs"][0] | {"reason": "x"}, *m["runs"][1:]]}),
    "an empty reason": (FILE, lambda m: m | {"runs": [m["runs"][0], m["runs"][1] | {"reason": ""}, m["runs"][2]]}),
    "a reason that is null": (FILE, lambda m: m | {"runs": [m["runs"][0] | {"reason": None}, *m["runs"][1:]]}),
    "too few subtrees": (FILE, lambda m: m | {"runs": [m["runs"][0], m["runs"][1] | {"nodes": []}, m["runs"][2]]}),
    "too many subtrees": (
        FILE,
        lambda m: m | {"runs": [m["runs"][0], m["runs"][1] | {"nodes": [NODE] * 2}, m["runs"][2]]},
    ),
    "a short hash": (FILE, lambda m: m | {"runs": [m["runs"][0], m["runs"][1] | {"nodes": ["ab"]}, m["runs"][2]]}),
    "lines of a file": (FILE, lambda m: m | {"runs": [m["runs"][0], m["runs"][1], m["runs"][2] | {"lines": [LINE]}]}),
    "a folder without lines": (FILE, lambda m: m | {"form": "folder"}),
    "a file with lines": (FOLDED, lambda m: m | {"form": "file"}),
    "lines of what is withheld": (
        FOLDED,
        lambda m: m | {"runs": [m["runs"][0], m["runs"][1] | {"lines": [LINE]}, m["runs"][2]]},
    ),
    "more lines than pieces": (
        FOLDED,
        lambda m: m | {"runs": [m["runs"][0] | {"lines": [*m["runs"][0]["lines"], LINE]}, *m["runs"][1:]]},
    ),
    "lines out of order": (
        FOLDED,
        lambda m: (
            m
            | {
                "runs": [
                    m["runs"][0] | {"lines": m["runs"][2]["lines"]},
                    m["runs"][1],
                    m["runs"][2] | {"lines": m["runs"][0]["lines"]},
                ]
            }
        ),
    ),
    "a third form": (FILE, lambda m: m | {"form": "tape"}),
    "another field": (FILE, lambda m: m | {"root": NODE}),
    "a file that is whole": (FILE, lambda m: m | {"count": 4, "runs": [{"first": 0, "count": 4}]}),
    "a file that is absent": (FILE, lambda m: m | {"count": 1, "runs": [{"first": 0, "count": 1, "nodes": [NODE]}]}),
    "a folder that is absent": (
        FOLDED,
        lambda m: m | {"count": 1, "runs": [{"first": 0, "count": 1, "nodes": [NODE]}]},
    ),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_map_of_another_form(name: str) -> None:
    parts, change = BROKEN[name]
    value = change(write(parts))
    assert value != write(parts)
    with pytest.raises(MalformedInput):
        decode_parts(canonical.encode(value))


def test_a_map_of_a_later_version_says_what_to_install() -> None:
    with pytest.raises(UnknownVersion, match="install a newer"):
        decode_parts(canonical.encode(write(FILE) | {"v": 9}))


def test_a_map_that_is_not_canonical() -> None:
    assert decode_parts(canonical.encode(write(FILE))) == FILE
    with pytest.raises(MalformedInput):
        decode_parts(canonical.encode(write(FILE)) + b"\n")


# --- the tree ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(1, 20))
def test_every_run_of_every_small_tree_is_replaced_by_its_subtrees(count: int) -> None:
    leaves = [leaf_hash(bytes([at])) for at in range(count)]
    for first in range(count):
        for length in range(1, count - first + 1):
            tree, at = CompactRange(), 0
            while at < count:
                if at != first:
                    tree.append(leaves[at])
                    at += 1
                    continue
                for level in covering(first, length):
                    tree.graft(level, root_of(leaves[at : at + (1 << level)]))
                    at += 1 << level
            assert (tree.size, tree.root()) == (count, root_of(leaves)), (first, length)


def test_a_subtree_begins_only_where_one_can() -> None:
    tree = CompactRange(1, [leaf_hash(b"x")])
    with pytest.raises(ValueError, match="no subtree of 2 leaves begins at leaf 1"):
        tree.graft(1, b"\0" * 32)


def test_a_run_needs_few_subtrees() -> None:
    assert max(len(covering(first, (1 << 33) - 2 * first)) for first in (1, 3, 5, 1 << 20, (1 << 31) - 1)) <= 66


def test_pieces_of_a_file_by_name_and_length() -> None:
    size = 5 * CHUNK_BYTES + 7
    assert (chunks_of(0), chunks_of(1), chunks_of(CHUNK_BYTES), chunks_of(size)) == (0, 1, 1, 6)
    assert [(piece_name(run), run_bytes(run, size)) for run in FILE.here] == [
        ("chunks-0-3", 4 * CHUNK_BYTES),
        ("chunks-5-5", 7),
    ]


def test_a_slice_of_a_file_is_read_by_the_block_and_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "film.bin"
    data = b"0123456789" * 300_000
    path.write_bytes(data)
    assert b"".join(blocks_of(Slice(path, 7, CHUNK_BYTES + 5))) == data[7 : CHUNK_BYTES + 12]
    assert b"".join(blocks_of(path)) == data
    assert list(blocks_of(Slice(path, 3, 0))) == []
    with pytest.raises(MalformedInput, match="ends 6 bytes before"):
        list(blocks_of(Slice(path, len(data) - 4, 10)))


# --- making one --------------------------------------------------------------------------

BYTES = b"".join(bytes([at]) * CHUNK_BYTES for at in range(5)) + b"end"


def test_a_map_of_a_file_gives_its_root_whatever_is_withheld(tmp_path: Path) -> None:
    path = tmp_path / "film.bin"
    path.write_bytes(BYTES)
    whole = file_content([BYTES])
    for here in ([0], [5], [0, 1, 3], [1, 2, 3, 4], [0, 5]):
        parts = part_file(blocks_of(path), here, "private")
        assert [run.first + at for run in parts.here for at in range(run.count)] == here
        assert {run.reason for run in parts.withheld} == {"private"}
        files = {
            name: Held(part.size, partial(blocks_of, part))
            for name, part in slices(parts, Slice(path, 0, len(BYTES))).items()
        }
        assert check_held(parts, files, whole) is None


def test_a_map_that_shows_all_or_nothing_is_none() -> None:
    for here in ([], [0, 1, 2, 3, 4, 5]):
        with pytest.raises(MalformedInput, match="something is here, and not everything"):
            part_file([BYTES], here)
    with pytest.raises(MalformedInput):
        part_file([], [0])


def test_a_map_of_a_folder_holds_no_name_that_is_withheld() -> None:
    parts = part_folder(LISTED, {B.path}, "private")
    assert parts.lines == (A,)
    assert B.path.encode() not in canonical.encode(write(parts))
    assert check_held(parts, {A.path: Held(1, lambda: [b"a"])}, folder_content(LISTED)) is None


@pytest.mark.parametrize(
    ("ranges", "touched", "inside"),
    [
        (["0-1"], {0}, set()),
        (["0-1048576"], {0}, {0}),
        (["1-1048577"], {0, 1}, set()),
        (["1048576-3145728"], {1, 2}, {1, 2}),
        (["5242880-5242883"], {5}, {5}),
        (["5242881-5242883"], {5}, set()),
        (["0-1", "4194304-5242883"], {0, 4, 5}, {4, 5}),
    ],
    ids=str,
)
def test_chunks_by_ranges_of_bytes(ranges: list[str], touched: set[int], inside: set[int]) -> None:
    """What is withheld is withheld with every chunk that it touches; what is shown is chunks that lie in it."""
    assert chunks_within(ranges, len(BYTES), whole=False) == touched
    assert chunks_within(ranges, len(BYTES), whole=True) == inside


@pytest.mark.parametrize("text", ["5", "7-7", "9-3", "0-5242884", "-1-4", "0x1-4", "01-4", "٣-9", ""])
def test_a_range_that_is_none(text: str) -> None:
    with pytest.raises(MalformedInput, match="no range of bytes"):
        chunks_within([text], len(BYTES), whole=False)


# --- what it takes to read one -------------------------------------------------------------------


def lines_map(count: int, path: str = "{:08d}") -> bytes:
    """A folder of which every line is here but one."""
    lines = [{"path": path.format(at), "sha256": "11" * 32, "size": at, "sm3": "22" * 32} for at in range(count)]
    withheld = {"count": 1, "first": count, "nodes": ["33" * 32]}
    runs = [{"count": count, "first": 0, "lines": lines}, withheld]
    return canonical.encode({"count": count + 1, "form": "folder", "runs": runs, "v": 1})


HOSTILE = {
    "lists": b'{"count":1,"form":"file","runs":[' + b"[]," * 4000 + b'[]],"v":1}',
    "objects": b"[" + b"{}," * 4000 + b"{}]",
    "numbers": b"[" + b"1000," * 8000 + b"0]",
    "texts": b"[" + b'"",' * 8000 + b'""]',
    "nested in a run": b'{"count":1,"form":"file","runs":[{"count":1,"first":0,"nodes":[' + b"0," * 8000 + b"0]}]}",
}


def peak(data: bytes) -> int:
    """Bytes that reading takes at most, refused or not."""
    tracemalloc.start()
    try:
        with contextlib.suppress(MalformedInput):
            decode_parts(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_take_many_times_its_length_is_not_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound as if a folder had 100 files at most and a map 10 runs: what may be read takes no less than before."""
    monkeypatch.setattr("tallystick.case.parts.MAX_PARTS_VALUES", 5 * 100 + 100 * 10)
    with pytest.raises(MalformedInput, match="more than 1500 values"):
        decode_parts(HOSTILE[name])
    assert peak(HOSTILE[name]) < len(HOSTILE[name]) + 10_000


def test_the_largest_map_of_lines_is_below_the_bound() -> None:
    one, more = (sum(lines_map(count).count(mark) for mark in (b",", b"[", b"{")) for count in (1, 101))
    assert (more - one) / 100 == 5
    assert MAX_PARTS_VALUES >= 5 * MAX_FILES + MAX_RUNS * (80 + 6)
    assert MAX_FILE_LIST_VALUES > 5 * MAX_FILES


def test_a_text_without_an_end_is_looked_at_once() -> None:
    with pytest.raises(MalformedInput):
        check_values(b"," * 60 + b'"' + b'\\"' * 400_000, 50)


def test_marks_within_texts_are_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    data = lines_map(20, '{:02d},,,,,[[[{{{{"')
    monkeypatch.setattr("tallystick.case.parts.MAX_PARTS_VALUES", 5 * 20 + 30)
    assert decode_parts(data).lines[3].path.startswith("03,,,,,[[[")


def test_a_file_list_has_the_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.case.reader.MAX_FILE_LIST_VALUES", 50)
    with pytest.raises(MalformedInput, match="more than 50 values"):
        _read_file_list(b"[" + b"0," * 60 + b"0]")
