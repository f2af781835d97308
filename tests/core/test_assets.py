"""Files and folders on disk become digest records."""

from __future__ import annotations

import hashlib
import os
import threading
import unicodedata
from pathlib import Path

import pytest

from tallystick import assets
from tallystick.assets import describe
from tallystick.content import FileContent, FolderContent, file_content, folder_content
from tallystick.errors import MalformedInput


def test_a_file_is_described_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x" * 3_000_000)
    seen: list[tuple[str, int]] = []
    asset = describe(tmp_path / "a.bin", lambda name, read: seen.append((name, read)))
    assert asset.content == file_content([b"x" * 3_000_000])
    assert isinstance(asset.content, FileContent)
    assert sum(read for _, read in seen) == 3_000_000
    assert [entry.path for entry in asset.entries] == ["a.bin"]


def test_a_folder_is_the_tree_of_its_sorted_files(tmp_path: Path) -> None:
    for name in ("b/z.txt", "a.txt", "b.txt", "B.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "empty").mkdir()
    asset = describe(tmp_path)
    assert [entry.path for entry in asset.entries] == ["B.txt", "a.txt", "b.txt", "b/z.txt"]
    assert isinstance(asset.content, FolderContent)
    assert asset.content == folder_content(asset.entries)
    assert (asset.content.count, asset.content.size) == (4, sum(map(len, ("b/z.txt", "a.txt", "b.txt", "B.txt"))))


def test_names_are_listed_in_nfc(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "é.txt")).write_bytes(b"1")
    assert describe(tmp_path).entries[0].path == "é.txt"


def test_two_names_that_are_one_in_nfc_are_refused(tmp_path: Path) -> None:
    (tmp_path / "é.txt").write_bytes(b"1")
    (tmp_path / unicodedata.normalize("NFD", "é.txt")).write_bytes(b"2")
    with pytest.raises(MalformedInput, match="repeats"):
        describe(tmp_path)


@pytest.mark.parametrize("kind", ["missing", "empty", "link", "inner link", "pipe"])
def test_what_has_no_digest_record_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "real").write_bytes(b"1")
    folder = tmp_path / "folder"
    folder.mkdir()
    target = {"missing": tmp_path / "none", "link": tmp_path / "link"}.get(kind, folder)
    if kind == "link":
        target.symlink_to(tmp_path / "real")
    elif kind == "inner link":
        (folder / "link").symlink_to(tmp_path / "real")
    elif kind == "pipe":
        os.mkfifo(folder / "pipe")
    with pytest.raises(MalformedInput):
        describe(target)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)

    def grow(name: str, read: int) -> None:
        with path.open("ab") as file:
            file.write(b"y")

    with pytest.raises(MalformedInput, match="changed while it was read"):
        describe(path, grow)


def test_files_are_read_at_once_and_listed_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_cores", lambda: 2)
    monkeypatch.setattr(assets, "_AT_ONCE", 4)
    names = [f"{number}.bin" for number in range(6)]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    met = threading.Barrier(2, timeout=60)
    asset = describe(tmp_path, lambda name, read: (met.wait(), None)[1])
    assert [entry.path for entry in asset.entries] == names
    assert [entry.sha256 for entry in asset.entries] == [hashlib.sha256(name.encode()).hexdigest() for name in names]
    assert [path.name for _, path in asset.files] == names


def test_of_several_faults_the_first_in_order_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_cores", lambda: 1)
    read: list[str] = []
    for number in range(8):
        (tmp_path / f"{number}.bin").write_bytes(b"1")

    def progress(name: str, _: int) -> None:
        read.append(name)
        if name in ("2.bin", "5.bin"):
            raise MalformedInput(f"{name} is at fault")

    with pytest.raises(MalformedInput, match=r"2\.bin is at fault"):
        describe(tmp_path, progress)
    assert read[:3] == ["0.bin", "1.bin", "2.bin"]
