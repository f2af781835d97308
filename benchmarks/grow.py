"""One log grows in a process of its own: `python -m benchmarks.grow FOLDER LEAVES plain|unique`; lines of JSON.

Each line: leaves so far, seconds spent appending so far, and the resident memory of this process just then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks import entries
from benchmarks.machine import resident

STEPS = 20
"""Lines for each power of ten, about."""


@dataclass(frozen=True)
class Step:
    """``size`` leaves after ``seconds``; ``resident`` bytes."""

    size: int
    seconds: float
    resident: int


def grow(folder: Path, leaves: int, unique: bool) -> list[Step]:
    """In another process, whose memory is then this log's alone: what makes the tables stays in this one."""
    from ledger.store.sqlite import create

    create(folder / "ledger.sqlite")
    (folder / "public").mkdir()
    kind = "unique" if unique else "plain"
    command = [sys.executable, "-m", "benchmarks.grow", str(folder), str(leaves), kind]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"growing a log failed: {done.stderr.strip()[-800:]}")
    return [Step(**json.loads(line)) for line in done.stdout.splitlines()]


def main(folder: Path, leaves: int, unique: bool) -> None:
    """Grow, and say how it goes."""
    # Here, so that who only wants ``resident`` need not import the ledger.
    from benchmarks.checking import now, tile_store
    from ledger.appender import Appender
    from ledger.store.sqlite import open_store

    step = max(entries.BATCH, leaves // STEPS // entries.BATCH * entries.BATCH)
    spent, size = 0.0, 0
    with (
        closing(open_store(folder / "ledger.sqlite")) as store,
        tile_store(folder) as tiles,
        Appender(store, tiles, now) as log,
    ):
        while size < leaves:
            batch = entries.batch(size, min(entries.BATCH, leaves - size))
            ids = entries.ids(batch) if unique else []
            began = time.perf_counter()
            log.append(batch, *([ids] if unique else []))
            if size + len(batch) == leaves:
                log.settle()
            spent += time.perf_counter() - began
            size += len(batch)
            if size % step == 0 or size in (100_000, 1_000_000) or size == leaves:
                print(json.dumps({"size": size, "seconds": spent, "resident": resident()}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "unique")
