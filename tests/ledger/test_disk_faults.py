"""Each operation on files of a real process fails once: before it is done, though it is done, half done, or for want of
room, which lasts. The process goes on by itself; nothing that it said is untrue.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ledger.power.recording import build, compiler
from tests.ledger.power.workload import ACKNOWLEDGED
from tests.ledger.test_power_loss import check
from tests.patience import Lines, end

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the recorder with")
SAMPLES = 10
"""Operations that fail unless all do."""
BEYOND = 100_000

# What fails: errno, when, and whether all that need space fail from then on.
FAULTS = {
    "an error before it is done": (errno.EIO, "b", 0),
    "an error though it is done": (errno.EIO, "d", 0),
    "a torn write": (errno.EIO, "t", 0),
    "a full disk": (errno.ENOSPC, "b", 1),
    "a disk that is full in the middle of a write": (errno.ENOSPC, "t", 1),
}


class Nursery:
    """Starts children that fail, on copies of the template."""

    def __init__(self, process: subprocess.Popen[str], root: Path, template: Path) -> None:
        self._process = process
        self._lines = Lines(process.stdout)
        self._root = root
        self._template = template

    def run(self, number: int, fault: tuple[int, str, int]) -> tuple[Path, list[str], int]:
        """The folder afterwards, what the child said, and how often something failed."""
        folder = self._root / "disk" / str(number)
        shutil.copytree(self._template, folder / "log")
        assert self._process.stdin is not None
        print(folder, number, *fault, file=self._process.stdin, flush=True)
        status = int(self._lines.next())
        assert status >= 100, f"the child ended with {status}: 3 means that it never recovered"
        said = self._root / f"{number}.{ACKNOWLEDGED}"
        lines = said.read_text().splitlines()
        said.unlink()
        return folder, lines, status - 100


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("recorder"))


@contextmanager
def nursery(library: Path, root: Path, template: Path) -> Iterator[Nursery]:
    environment = {**os.environ, "LD_PRELOAD": str(library), "RECORD_ROOT": str(root / "disk")}
    command = [sys.executable, "-m", "tests.ledger.power.stubborn"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        yield Nursery(process, root, template)
        assert process.stdin is not None
        process.stdin.close()
        end(process)


def try_all(made: Nursery, fault: tuple[int, str, int], numbers: Iterator[int]) -> list[int]:
    """How often something failed, for each operation."""
    failures = []
    for number in numbers:
        folder, said, failed = made.run(number, fault)
        # Three batches of one to three statements; what failed was said again, and got no second place.
        assert len({line.split()[2] for line in said if line.startswith("position")}) == 6
        try:
            check(folder / "log", said, set())
        except BaseException as error:
            error.add_note(f"{fault} at operation {number}")
            raise
        shutil.rmtree(folder)
        failures.append(failed)
    return failures


def count(made: Nursery) -> int:
    """Operations of a run in which nothing fails, found by halving: the last one that can fail."""
    low, high = 0, 1024
    while low < high:
        middle = (low + high) // 2
        folder, _, failed = made.run(middle, (errno.EIO, "b", 0))
        shutil.rmtree(folder)
        low, high = (middle + 1, high) if failed else (low, middle)
    return low


@pytest.mark.parametrize("name", FAULTS)
def test_a_disk_that_fails(library: Path, template: Path, tmp_path: Path, name: str) -> None:
    with nursery(library, tmp_path, template) as made:
        assert try_all(made, FAULTS[name], iter([BEYOND])) == [0]
        numbers = random.Random(name).sample(range(count(made)), SAMPLES)
        failures = try_all(made, FAULTS[name], iter(numbers))
    # Not every failed operation fails what it is part of (a lock's file, a cleanup), but most do.
    assert sum(map(bool, failures)) > SAMPLES // 2


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", FAULTS)
def test_a_disk_that_fails_at_every_operation(library: Path, template: Path, tmp_path: Path, name: str) -> None:
    with nursery(library, tmp_path, template) as made:
        failures = try_all(made, FAULTS[name], iter(range(count(made))))
    assert sum(map(bool, failures)) > len(failures) // 2
