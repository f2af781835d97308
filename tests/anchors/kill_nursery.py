"""Loads the worker once, then forks a child for each folder named on standard input: the child anchors until killed.

Run as ``python -m tests.anchors.kill_nursery``. For each input line it prints the
child's pid, and ``dead`` when the child is gone. The child appends a line to
``acknowledged`` in the folder after each anchor that it has seen final.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from anchors.scheduler import Policy
from tests.anchors.support import Bench, MemoryLog


def anchor_for_ever(folder: Path) -> None:
    """Anchor growing sizes; each restart goes on where the folder stands."""
    log = MemoryLog()
    bench = Bench.start(folder, log, policy=Policy(entries=1, seconds=1))
    log.grow(max((anchor.size for anchor in bench.outbox.anchors()), default=1))
    with (folder / "acknowledged").open("a", encoding="ascii") as acknowledged:
        while True:
            outcome = bench.worker.run_once()
            if outcome.progress == "idle":
                log.grow(3)
                continue
            anchor = outcome.anchor
            if anchor is None or anchor.block_hash is None:
                raise RuntimeError(f"an anchor did not become final: {outcome}")
            acknowledged.write(f"{anchor.size} {anchor.block_number} {anchor.block_hash.hex()}\n")
            acknowledged.flush()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            anchor_for_ever(Path(line.strip()))
        print(child, flush=True)
        os.waitpid(child, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    main()
