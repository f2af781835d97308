"""The page of commands is executed as it stands, and each of its sections refuses what only it can refuse."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.docs.pages import page, section

KEPT = ROOT / "fixtures" / "golden" / "2" / "evidence"
TEXT = page("openssl.md")
SECTIONS = ("1. Files", "2. The exporter's signature", "3. The checkpoint's signature")
SECTIONS += ("4. Entries in the tree, originals in the entries", "5. The timestamps")


def script(heading: str) -> str:
    """The one block of a section."""
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section(TEXT, heading), re.M | re.S)
    return str(block)


def run(heading: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-eu", "-c", script(heading)], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("case.zip", "trust.json"):
        shutil.copyfile(KEPT / name, tmp_path / name)
    assert run(SECTIONS[0], tmp_path).returncode == 0
    return tmp_path


def test_the_kept_bundle_passes_all_of_it(folder: Path) -> None:
    said = [run(heading, folder) for heading in SECTIONS[1:]]
    assert [done.returncode for done in said] == [0] * 4, [done.stderr for done in said]
    exporter, checkpoints, entries, stamps = (done.stdout for done in said)
    assert exporter == "exporter: the service\nSignature Verified Successfully\n"
    assert checkpoints.count("Signature Verified Successfully\n") == 3
    assert "checkpoint of log.example/golden-timestamps size 14\n" in checkpoints
    assert len(re.findall(r"^\d+ 2026-\S+Z [a-z.-]+ ", entries, re.M)) == 14
    assert entries.endswith("picture.bin is the registered original\n")
    assert stamps == (
        "Verification: OK\nTime stamp: Feb  1 23:00:00 2026 GMT\n12\n"
        "Verification: OK\nTime stamp: Feb  1 23:59:00 2026 GMT\n14\n"
    )


def flip(path: Path, place: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def other_key(folder: Path) -> None:
    text = (folder / "trust.json").read_text(encoding="utf-8")
    (folder / "trust.json").write_text(text.replace("PyCZfZp/", "QyCZfZp/"), encoding="utf-8")


def other_text(note: Path) -> None:
    """The size in the note's text is another."""
    note.write_bytes(note.read_bytes().replace(b"\n14\n", b"\n15\n").replace(b"\n12\n", b"\n11\n"))


def other_root(folder: Path) -> None:
    """The other authority's root alone is trusted."""
    text = (folder / "trust.json").read_text(encoding="utf-8")
    (folder / "trust.json").write_text(re.sub(r"\"root\": ?\"MIIBi[^\"]*\"", '"root":"' + OTHER + '"', text), "utf-8")


OTHER = re.findall(r"\"root\": ?\"(MIIBo[^\"]*)\"", (KEPT / "trust.json").read_text(encoding="utf-8"))[0]


def wrong_path(folder: Path) -> None:
    path = folder / "case" / "data" / "log" / "proofs.json"
    text = path.read_text(encoding="utf-8")
    first = re.findall(r"\"3\":\[\"([^\"]{44})\"", text)[0]
    path.write_text(text.replace(first, base64.b64encode(bytes(32)).decode()), encoding="utf-8")


def wrong_consistency(folder: Path) -> None:
    path = folder / "case" / "data" / "log" / "proofs.json"
    text = path.read_text(encoding="utf-8")
    first = re.findall(r"\"path\":\[\"([^\"]{44})\"", text)[0]
    path.write_text(text.replace(first, base64.b64encode(bytes(32)).decode()), encoding="utf-8")


def picture(folder: Path) -> Path:
    (found,) = (folder / "case" / "data" / "originals").glob("*/picture.bin")
    return found


DATA = Path("case", "data")
ATTACKS: dict[str, tuple[int, Callable[[Path], object]]] = {
    "the tag manifest was changed": (1, lambda at: flip(at / "case" / "tagmanifest-sha256.txt", 0)),
    "the exporter's signature was changed": (1, lambda at: flip(at / "case" / "tagmanifest-sha256.txt.cose")),
    "another exporter is trusted": (1, other_key),
    "the size in the checkpoint was changed": (2, lambda at: other_text(at / DATA / "log" / "checkpoint")),
    "the size in a stamped checkpoint was changed": (2, lambda at: other_text(at / DATA / "timestamps/0/checkpoint")),
    "an entry was changed": (3, lambda at: flip(at / DATA / "entries" / "3.cose", 200)),
    "an entry stands elsewhere": (3, lambda at: (at / DATA / "entries/3.cose").rename(at / DATA / "entries/4.cose")),
    "an inclusion path was changed": (3, wrong_path),
    "a consistency path was changed": (3, wrong_consistency),
    "the original was changed": (3, lambda at: flip(picture(at))),
    "a token was changed": (4, lambda at: flip(at / DATA / "timestamps" / "0" / "token.tst")),
    "a token is over another checkpoint": (4, lambda at: other_text(at / DATA / "timestamps" / "0" / "checkpoint")),
    "the authority is not trusted": (4, other_root),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_section_refuses_what_is_its_own(folder: Path, attack: str) -> None:
    number, change = ATTACKS[attack]
    assert run(SECTIONS[number], folder).returncode == 0
    change(folder)
    assert run(SECTIONS[number], folder).returncode != 0


@pytest.mark.parametrize("name", ["data/entries/3.cose", "manifest-sha256.txt", "bag-info.txt"])
def test_a_changed_file_is_refused_by_the_manifests(folder: Path, name: str) -> None:
    listed = script(SECTIONS[0]).split("\n", 1)[1]
    flip(folder / "case" / name, 3)
    done = subprocess.run(["sh", "-eu", "-c", listed], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert name in done.stdout + done.stderr


def test_a_file_that_nothing_lists_is_refused(folder: Path) -> None:
    listed = script(SECTIONS[0]).split("\n", 1)[1]
    (folder / "case" / "data" / "more.txt").write_text("more", encoding="utf-8")
    done = subprocess.run(["sh", "-eu", "-c", listed], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode != 0, "differ" in done.stdout) == (True, True)


def test_it_says_that_it_is_no_verdict() -> None:
    assert "**it can refute a" in TEXT
    assert "verifier that says *proved*, not replace it.**" in TEXT
