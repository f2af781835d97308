"""Memory does not grow with what is verified: a large original, beside a bundle or in it, is read by the block."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tallystick import canonical
from tallystick.assets import describe
from tallystick.bundle import write_bundle
from tallystick.case import OriginalMaterial, case_members
from tallystick.schema import write
from tallystick.times import format_time
from tests.architecture.tree import ROOT
from tests.core.verify.kit import AT, Scene
from tests.world import World

SMALL, LARGE = 1 << 20, 200 << 20
ALLOWED = 24 << 10
"""KiB that the large one may take more than the small one: blocks in flight, and what an allocator keeps of them."""

# The peak of the one child, in KiB (getrusage(2); bytes on macOS, which is not asked).
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(json.dumps([done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.stdout, done.stderr]))
"""


@dataclass(frozen=True)
class Ran:
    """What the command said, and its peak in KiB."""

    code: int
    peak: int
    said: str
    errors: str


def run(*arguments: str) -> Ran:
    command = [sys.executable, "-c", MEASURE, sys.executable, "-m", "tallystick", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Ran(*json.loads(done.stdout))


def sparse(path: Path, size: int) -> Path:
    """As long as said, with an end that is not zero; it takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size - 3)
        file.write(b"end")
    return path


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """For each size a folder: the original, its digest record, a bundle with it inside, the trust file."""
    found = {}
    for size in (SMALL, LARGE):
        folder = found[size] = tmp_path_factory.mktemp(f"of-{size}")
        original = sparse(folder / "film.mov", size)
        record = write(describe(original).content)
        (folder / "record.json").write_bytes(canonical.encode(record))
        world = World(f"large {size}", "log.example/large")
        scene = Scene(folder, world)
        scene.log.add(world.register(world.studio, "studio"))
        film = world.object(content=record)
        scene.log.add(film)
        scene.anchor()
        material = scene.material(film.event.subject)
        material = replace(material, originals=[OriginalMaterial(film.event.subject, {"film.mov": original})])
        with (folder / "case.zip").open("wb") as file:
            write_bundle(file, case_members(material), world.roles["exporter"], {})
        (folder / "trust.json").write_bytes(canonical.encode(write(scene.trust_file())))
    return found


def verify(folder: Path) -> Ran:
    at = format_time(AT)
    return run("verify", str(folder / "case.zip"), "--trust", str(folder / "trust.json"), "--at", at, "--json")


def test_an_original_beside_the_bundle(bundles: dict[int, Path]) -> None:
    ran = {
        size: run("digest", str(folder / "film.mov"), "--against", str(folder / "record.json"))
        for size, folder in bundles.items()
    }
    assert [(one.code, one.errors.startswith("the same as in")) for one in ran.values()] == [(0, True)] * 2
    assert ran[LARGE].peak - ran[SMALL].peak < ALLOWED


def test_an_original_in_the_bundle(bundles: dict[int, Path]) -> None:
    ran = {size: verify(folder) for size, folder in bundles.items()}
    for one in ran.values():
        outcomes = {claim["id"]: claim["outcome"] for claim in json.loads(one.said)["claims"]}
        assert (one.code, outcomes["content"], outcomes["integrity"]) == (0, "proved", "proved")
    assert ran[LARGE].peak - ran[SMALL].peak < ALLOWED


def test_a_changed_end_is_found(bundles: dict[int, Path], tmp_path: Path) -> None:
    changed = sparse(tmp_path / "film.mov", LARGE)
    with changed.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    ran = run("digest", str(changed), "--against", str(bundles[LARGE] / "record.json"))
    assert (ran.code, ran.errors.startswith("NOT THE SAME")) == (1, True)
    assert ran.peak < run("digest", str(bundles[SMALL] / "film.mov")).peak + ALLOWED


def test_what_is_longer_than_a_bundle_may_be_is_refused_unread(bundles: dict[int, Path], tmp_path: Path) -> None:
    """Ten gigabytes that take no room; nothing of them is read but their end."""
    long = sparse(tmp_path / "case.zip", 10 << 30)
    trust = str(bundles[SMALL] / "trust.json")
    ran = run("verify", str(long), "--trust", trust, "--at", format_time(AT), "--json")
    assert (ran.code, json.loads(ran.said)["bundle_sha256"]) == (2, "-")
    assert ran.peak < verify(bundles[SMALL]).peak + ALLOWED
