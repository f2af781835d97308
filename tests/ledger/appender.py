"""A process that appends until it is killed. Run by test_kill.py: ``python -m tests.ledger.appender DIR [TILES]``.

Each line on standard input starts one life, in a child of this process so that Python
starts once. A life opens the log, appends objects one at a time and in batches, and
prints every acknowledged position before it goes on; the publisher runs all the while.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ledger.bucket.place import BucketPlace, parse_place
from ledger.log import Log
from ledger.submission import Receipt, prepare
from tests.world import START, World


def live(path: Path, bucket: BucketPlace | None, life: int) -> None:
    """Append for ever."""
    world = World()
    world._made = (life + 1) * 1_000_000
    with Log.open(path, world.signers, lambda: START, bucket=bucket, publish_every=0.0) as log:
        while True:
            said = [world.object() for _ in range(1 + world._made % 4)]
            outcomes = log.submit_many([prepare(one) for one in said]).result()
            for one, outcome in zip(said, outcomes, strict=True):
                if not isinstance(outcome, Receipt):
                    raise outcome
                os.write(1, f"{outcome.position} {one.statement_id.hex()}\n".encode())


def main(path: Path, bucket: BucketPlace | None = None) -> None:
    """One life for each line."""
    for life, _ in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            live(path, bucket, life)
        os.write(1, f"child {child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"ended {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(parse_place, sys.argv[2:]))
