"""What every benchmark shares: how large, where, and the row that it gives."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import warm
from benchmarks.marks import MARKS, Mark


@dataclass(frozen=True)
class Row:
    """One figure. ``value`` None: not measured, and ``note`` says why. ``peers``: others' figures of the same run."""

    name: str
    value: float | None
    unit: str
    peers: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def mark(self) -> Mark | None:
        """What the figure is held against."""
        return MARKS.get(self.name)

    @property
    def met(self) -> bool | None:
        """Whether it is reached; ``None`` without a mark or a figure."""
        return None if self.mark is None or self.value is None else self.mark.met(self.value)


@dataclass(frozen=True)
class Scale:
    """How much each benchmark does. ``repeats``: the median of so many runs is the figure."""

    name: str
    leaves: int
    """Leaves in the comparison of the library with its peers, and in PostgreSQL."""
    grown: int
    """Leaves to which one log grows, plain and with unique hashes."""
    rebuilt: int
    """Leaves for merkletools, which builds its tree anew at each append."""
    batches: int
    """HTTP batches of 1,000 in each run."""
    per_batch: int
    seconds: float
    """For which single events are sent."""
    receipts: int
    megabytes: int
    """Bytes hashed."""
    anchors: int
    cards: int
    repeats: int
    each: float = 0.2
    """Seconds over which something short is repeated."""
    kinds: int = 3
    """Kinds of keys with which HTTP batches are signed."""
    indexed: int = 200_000
    """Entries, each of an object of its own, to which one log with an index grows."""


SCALES = {
    "tiny": Scale("tiny", 2_000, 4_000, 600, 2, 20, 0.3, 2, 2, 2, 2, 1, 0.005, 1, 4_000),
    "default": Scale("default", 200_000, 1_000_000, 20_000, 24, 1_000, 3, 40, 256, 60, 200, 3),
    "large": Scale("large", 1_000_000, 10_000_000, 20_000, 100, 1_000, 10, 200, 1024, 200, 400, 3, indexed=10_000_000),
}


@dataclass(frozen=True)
class Bench:
    """One run of all benchmarks. ``folder`` is on the disk that is measured and goes away at the end."""

    scale: Scale
    folder: Path
    series: dict[str, dict[str, list[tuple[float, float]]]] = field(default_factory=dict)
    """Plot -> line -> points."""

    def fresh(self, name: str) -> Path:
        """An empty folder."""
        made = self.folder / name
        number = 1
        while made.exists():
            number += 1
            made = self.folder / f"{name}-{number}"
        made.mkdir(parents=True)
        return made

    def warm(self) -> None:
        """Before what uses much new memory, as pages of files; not where it is only seen whether benchmarks run."""
        if self.scale.name != "tiny":
            warm()

    def each(self, work: Callable[[], object]) -> float:
        """Seconds for one call, over as many calls as take a fifth of a second (no time at all when tiny)."""
        count = 1
        while (took := _times(work, count)) < self.scale.each:
            count *= 2
        return took / count

    def median(self, once: Callable[[], float]) -> float:
        """The median of ``repeats`` runs."""
        return statistics.median(once() for _ in range(self.scale.repeats))


Benchmark = Callable[[Bench], Iterator[Row]]


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call, garbage of earlier ones collected."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _times(work: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        work()
    return time.perf_counter() - began
