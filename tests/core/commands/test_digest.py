"""`tallystick digest`: the record that stands in the log, from one's own copy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tallystick.__main__ import main
from tallystick.content import file_content
from tallystick.schema import write


def test_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.bin").write_bytes(b"a")
    assert main(["digest", str(tmp_path / "a.bin")]) == 0
    assert json.loads(capsys.readouterr().out) == write(file_content([b"a"]))


def test_a_folder_and_its_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "é.txt").write_bytes(b"a")
    (tmp_path / "b.txt").write_bytes(b"bb")
    assert main(["digest", str(tmp_path)]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["form"], value["count"], value["size"]) == ("folder", 2, 3)
    assert main(["digest", str(tmp_path), "--files"]) == 0
    assert [one["path"] for one in json.loads(capsys.readouterr().out)] == ["b.txt", "é.txt"]


def test_what_has_no_record_is_exit_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        assert main(["digest", str(path)]) == 2
        assert capsys.readouterr().err.startswith("malformed: ")
