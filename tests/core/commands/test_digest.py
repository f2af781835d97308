"""`tallystick digest`: what a court compares its file with, and every way in which it is another file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tallystick.__main__ import main
from tallystick.commands import digest
from tallystick.content import file_content, read_content
from tallystick.errors import MalformedInput
from tallystick.schema import write
from tests.world import World


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "prop"
    (made / "纹理").mkdir(parents=True)
    (made / "纹理" / "灯.png").write_bytes(b"texture")
    (made / "body.bin").write_bytes(b"body" * 600_000)
    return made


def test_the_record_of_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["digest", str(folder / "body.bin"), "--json"]) == 0
    assert read_content(json.loads(capsys.readouterr().out)) == file_content([b"body" * 600_000])


def test_the_record_of_a_folder_and_its_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["digest", str(folder), "--json"]) == 0
    record = read_content(json.loads(capsys.readouterr().out))
    assert main(["digest", str(folder), "--json", "--files"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["path"] for one in listed] == ["body.bin", "纹理/灯.png"]
    assert record.size == sum(one["size"] for one in listed)
    assert main(["digest", str(folder), "--files"]) == 0
    text = capsys.readouterr().out
    assert write(record)["root"] in text
    assert all(one["sha256"] in text and one["path"] in text for one in listed)


def test_a_file_is_compared_with_the_entry_that_registers_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, entry = tmp_path / "picture.png", tmp_path / "7.cose"
    data.write_bytes(b"the picture")
    entry.write_bytes(World().object(data=b"the picture").entry)
    assert main(["digest", str(data), "--against", str(entry)]) == 0
    assert "the same as in" in capsys.readouterr().err
    data.write_bytes(b"the pictura")
    assert main(["digest", str(data), "--against", str(entry)]) == 1
    assert "NOT THE SAME: content" in capsys.readouterr().err


def test_a_folder_is_compared_with_a_record(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["digest", str(folder), "--json"])
    record = tmp_path / "record.json"
    record.write_text(capsys.readouterr().out)
    assert main(["digest", str(folder), "--against", str(record)]) == 0
    assert main(["digest", str(folder / "body.bin"), "--against", str(record)]) == 1
    (folder / "body.bin").rename(folder / "Body.bin")
    assert main(["digest", str(folder), "--against", str(record)]) == 1


def test_what_is_no_record_or_no_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad"
    world = World()
    for data in (
        b"",
        b"{",
        b'{"form":"file"}',
        b"\xd2\x84",
        world.register(world.studio, "studio").entry,
        b"x" * 70_000,
    ):
        bad.write_bytes(data)
        assert main(["digest", str(folder), "--against", str(bad)]) == 2
        assert capsys.readouterr().err.startswith("malformed: ")
    assert main(["digest", str(tmp_path / "missing")]) == 2
    assert main(["digest", str(folder), "--against", str(tmp_path / "missing")]) == 2
    (folder / "link").symlink_to("body.bin")
    assert main(["digest", str(folder)]) == 2


def test_what_it_prints_for_people_is_no_record(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["digest", str(folder)])
    printed = tmp_path / "printed"
    printed.write_text(capsys.readouterr().out)
    assert main(["digest", str(folder), "--against", str(printed)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"malformed: {printed} is neither an entry of a log (")
    assert told.endswith("write one with `tallystick digest --json PATH > FILE`\n")


@pytest.mark.parametrize("what", ["prop", "prop/body.bin"])
def test_a_terminal_is_told_how_much_is_read(
    folder: Path, what: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, gone at the end; standard output is what it is without one."""
    monkeypatch.setattr(digest, "_STEP", 1 << 20)
    assert main(["digest", str(folder.parent / what)]) == 0
    record = capsys.readouterr()
    assert record.err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["digest", str(folder.parent / what)]) == 0
    shown = capsys.readouterr()
    lines = [f"\r\x1b[Kreading: {mib} of 2 MiB" for mib in (1, 2)]
    assert (shown.out, shown.err) == (record.out, "".join(lines) + "\r\x1b[K")


def test_a_line_of_progress_is_gone_when_reading_fails(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "_STEP", 1)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    (folder / "zz").write_bytes(b"1")
    monkeypatch.setattr("tallystick.assets.entry_of", _refuse)
    assert main(["digest", str(folder)]) == 2
    assert capsys.readouterr().err.endswith("\r\x1b[Kmalformed: as if it had changed\n")


def _refuse(*_: object) -> None:
    raise MalformedInput("as if it had changed")
