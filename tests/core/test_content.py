"""Digest records: chunk trees and folder trees by hand, and the paths that no folder may hold."""

from __future__ import annotations

import hashlib
import io
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick import canonical
from tallystick.content import (
    CHUNK_BYTES,
    FileContent,
    FileEntry,
    FolderContent,
    check_content,
    check_file_list,
    check_path,
    entry_of,
    file_content,
    folder_content,
    read_blocks,
    read_content,
)
from tallystick.digests import digest_pair
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.schema import FieldError, write
from tallystick.versions import UnknownVersion

MIB = 1 << 20


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def test_an_empty_file_has_no_chunk() -> None:
    empty = hashlib.sha256(b"").hexdigest()
    assert file_content([]) == file_content([b"", b""])
    assert file_content([]) == FileContent(1, "file", empty, digest_pair(b"").sm3, 0, empty)


def test_the_chunk_tree_by_hand() -> None:
    data = b"".join(bytes([number]) * MIB for number in range(3)) + b"rest"
    first, second, third, rest = (
        leaf(data[:MIB]),
        leaf(data[MIB : 2 * MIB]),
        leaf(data[2 * MIB : 3 * MIB]),
        leaf(b"rest"),
    )
    expected = {
        1: leaf(b"\0"),
        MIB - 1: leaf(data[: MIB - 1]),
        MIB: first,
        MIB + 1: node(first, leaf(b"\1")),
        2 * MIB: node(first, second),
        3 * MIB: node(node(first, second), third),
        3 * MIB + 4: node(node(first, second), node(third, rest)),
    }
    for size, root in expected.items():
        found = file_content([data[:size]])
        assert (found.size, found.chunks) == (size, root.hex())
        assert (found.sha256, found.sm3) == (digest_pair(data[:size]).sha256, digest_pair(data[:size]).sm3)


@given(st.lists(st.integers(0, MIB + 2), max_size=5))
def test_the_sizes_of_the_blocks_do_not_matter(cuts: list[int]) -> None:
    data = bytes(range(256)) * 4100 + b"end"
    edges = sorted({0, len(data), *cuts})
    blocks = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert file_content(blocks) == WHOLE


WHOLE = file_content(read_blocks(io.BytesIO(bytes(range(256)) * 4100 + b"end")))


def entry(path: str, data: bytes = b"x") -> FileEntry:
    return entry_of(path, file_content([data]))


def test_the_folder_tree_by_hand() -> None:
    files = [entry("a", b"1"), entry("b/c", b"22"), entry("b/d", b"")]
    lines = [canonical.encode({"path": e.path, "sha256": e.sha256, "size": e.size, "sm3": e.sm3}) for e in files]
    root = node(node(leaf(lines[0]), leaf(lines[1])), leaf(lines[2])).hex()
    assert folder_content(files) == FolderContent(1, "folder", root, 3, 3)
    assert lines[1].startswith(b'{"path":"b/c","sha256":"')


def test_order_is_by_utf_8_bytes() -> None:
    """Not by locale, case or UTF-16 unit: U+FF5E stands before U+1F600, and 'B' before 'a', and 'a-' before 'a/'."""
    ordered = ["B", "a", "a-", "a/b", "a0", "é", "～", "😀"]
    check_file_list([entry(path) for path in ordered])
    for at in range(len(ordered) - 1):
        swapped = [*ordered[:at], ordered[at + 1], ordered[at], *ordered[at + 2 :]]
        with pytest.raises(MalformedInput, match="not sorted by UTF-8 path"):
            folder_content([entry(path) for path in swapped])


def test_repeated_paths_are_refused() -> None:
    for paths in (["a", "a"], ["a", "b", "b"]):
        with pytest.raises(MalformedInput, match="repeats"):
            folder_content([entry(path) for path in paths])
    # The same name decomposed would be the same file on some machines: it is no path at all.
    with pytest.raises(MalformedInput, match="NFC"):
        folder_content([entry("e\u0301"), entry("é")])


def test_an_empty_folder_is_refused() -> None:
    with pytest.raises(MalformedInput, match="1 to 1000000 files, found 0"):
        folder_content([])


BAD_PATHS = [
    "", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/../b", "a/.", "a/..", "a\\b", "\\\\host\\a", "C:\\a",
    "a\0", "a\nb", "a\x7f", "\t", "a\x9bb", "a\u202efdp.exe", "a\u2029", "e\u0301", "a\ud800", "\udc80",
    "a" * 4097, "é" * 2049, "ﬁ/\u0041\u030a",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_unsafe_paths_are_refused(path: str) -> None:
    with pytest.raises(MalformedInput):
        check_path(path)
    with pytest.raises(MalformedInput):
        folder_content([FileEntry(path, "0" * 64, 1, "0" * 64)])


@pytest.mark.parametrize(
    "path", ["a", "...", "..a", "a..", ".hidden", "a b", "道具/灯笼.glb", "é", "a" * 4096, "C:", "~"]
)
def test_other_paths_are_fine(path: str) -> None:
    check_path(path)
    assert folder_content([FileEntry(path, "0" * 64, 1, "0" * 64)]).count == 1


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_malformed(path: str) -> None:
    try:
        check_path(path)
    except MalformedInput:
        return
    assert path.encode()
    assert not {"", ".", ".."} & set(path.split("/"))


FILE = write(file_content([b"x"]))
FOLDER = write(folder_content([entry("a")]))


def test_records_read_back() -> None:
    assert read_content(FILE) == file_content([b"x"])
    assert read_content(FOLDER) == folder_content([entry("a")])


@pytest.mark.parametrize(
    ("record", "change", "field"),
    [
        (FILE, {"form": "folder"}, "content.sha256"),
        (FILE, {"form": "link"}, "content.form"),
        (FILE, {"v": "2"}, "content.v"),
        (FILE, {"v": True}, "content.v"),
        (FILE, {"size": -1}, "content.size"),
        (FILE, {"size": 1 << 53}, "content.size"),
        (FILE, {"size": "1"}, "content.size"),
        (FILE, {"sha256": "0" * 63}, "content.sha256"),
        (FILE, {"chunks": None}, "content.chunks"),
        (FILE, {"md5": "0"}, "content.md5"),
        (FOLDER, {"count": 0}, "content.count"),
        (FOLDER, {"count": 1_000_001}, "content.count"),
        (FOLDER, {"list": []}, "content.list"),
    ],
)
def test_records_are_strict(record: dict[str, Any], change: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        read_content({**record, **change})
    assert caught.value.field == field


@pytest.mark.parametrize("record", [FILE, FOLDER, {"v": 2, "form": "stream"}])
def test_a_later_record_is_not_malformed(record: dict[str, Any]) -> None:
    with pytest.raises(UnknownVersion, match=r"digest record version 2; .* install a newer one"):
        read_content({**record, "v": 2})


@pytest.mark.parametrize("value", [None, [], "file", 1, {}, {"form": None}, {"form": ["file"]}])
def test_what_is_no_record_is_refused(value: Any) -> None:
    with pytest.raises(FieldError, match="expected file or folder"):
        read_content(value)


def test_every_field_is_compared() -> None:
    for record in (FILE, FOLDER):
        expected = read_content(record)
        check_content(expected, expected)
        for name in set(record) - {"v", "form"}:
            wrong = record[name] + 1 if isinstance(record[name], int) else "0" * 64
            with pytest.raises(VerificationFailed, match=f"content {name}: the log says"):
                check_content(expected, read_content({**record, name: wrong}))
    with pytest.raises(VerificationFailed):
        check_content(read_content(FILE), read_content(FOLDER))


def test_a_chunk_is_a_mebibyte() -> None:
    assert CHUNK_BYTES == MIB
