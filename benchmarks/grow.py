"""One log grows in a process of its own: `python -m benchmarks.grow FOLDER LEAVES plain|unique|indexed`; lines of JSON.

Each line: leaves so far, seconds spent appending so far, the resident memory of this process just then, and its peak.
``indexed``: each entry registers an object, and is looked for and indexed as the sequencer does it; no tiles.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import entries
from benchmarks.machine import peak, resident

Ready = Callable[[list[bytes]], tuple[list[bytes], ...]]
"""What is made of a batch before the clock runs."""
Append = Callable[..., object]

STEPS = 20
"""Lines for each power of ten, about."""
PARTY, TYPE = "did:web:studio.example", "object.register"


@dataclass(frozen=True)
class Step:
    """``size`` leaves after ``seconds``; ``resident`` bytes, and the most that there were until then."""

    size: int
    seconds: float
    resident: int
    peak: int = 0


def grow(folder: Path, leaves: int, kind: str) -> list[Step]:
    """In another process, whose memory is then this log's alone: what makes the tables stays in this one."""
    from ledger.store.sqlite import create

    create(folder / "ledger.sqlite")
    (folder / "public").mkdir()
    command = [sys.executable, "-m", "benchmarks.grow", str(folder), str(leaves), kind]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"growing a log failed: {done.stderr.strip()[-800:]}")
    return [Step(**json.loads(line)) for line in done.stdout.splitlines()]


def main(folder: Path, leaves: int, kind: str) -> None:
    """Grow, and say how it goes."""
    step = max(entries.BATCH, leaves // STEPS // entries.BATCH * entries.BATCH)
    spent, size = 0.0, 0
    with _indexed(folder) if kind == "indexed" else _appending(folder, kind == "unique") as (ready, append, settle):
        while size < leaves:
            batch = entries.batch(size, min(entries.BATCH, leaves - size))
            given = ready(batch)
            began = time.perf_counter()
            append(*given)
            if size + len(batch) == leaves:
                settle()
            spent += time.perf_counter() - began
            size += len(batch)
            if size % step == 0 or size in (100_000, 1_000_000) or size == leaves:
                said = {"size": size, "seconds": spent, "resident": resident(), "peak": peak()}
                print(json.dumps(said), flush=True)


@contextmanager
def _appending(folder: Path, unique: bool) -> Iterator[tuple[Ready, Append, Callable[[], object]]]:
    # Here, so that who only wants ``resident`` need not import the ledger.
    from benchmarks.checking import now, tile_store
    from ledger.appender import Appender
    from ledger.store.sqlite import open_store

    with (
        closing(open_store(folder / "ledger.sqlite")) as store,
        tile_store(folder) as tiles,
        Appender(store, tiles, now) as log,
    ):
        yield lambda batch: (batch, entries.ids(batch)) if unique else (batch,), log.append, log.settle


@contextmanager
def _indexed(folder: Path) -> Iterator[tuple[Ready, Append, Callable[[], object]]]:
    from benchmarks.checking import now
    from ledger.store import BatchLine, Line, leaves_digest
    from ledger.store.sqlite import open_store
    from tallystick.admission.state import ObjectState
    from tallystick.merkle import leaf_hashes

    def lines(first: int, count: int) -> list[Line]:
        named = [(at, f"10.5555/M-{at:016X}") for at in range(first, first + count)]
        return [Line(at, PARTY, f"event-{at}", TYPE, name, frozenset({name, PARTY})) for at, name in named]

    with closing(open_store(folder / "ledger.sqlite")) as store:

        def append(batch: list[bytes]) -> None:
            ids, digest = entries.ids(batch), leaves_digest(leaf_hashes(batch))
            with store.transaction() as working:
                first = working.size()
                told = lines(first, len(batch))
                names = [line.subject for line in told]
                events = [(line.party, line.event_id) for line in told]
                found = working.positions_of(ids), working.positions_of_events(events), working.get_many(names)
                assert not any(found), "an entry stands already"
                working.append(batch, ids)
                states = {line.subject: ObjectState(PARTY, "music", "human", line.position) for line in told}
                working.index(told, BatchLine(told[-1].position, first, now(), digest), states)

        yield lambda batch: (batch,), append, lambda: None


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
