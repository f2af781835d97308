"""Makes the golden log of a format version, once, when the version is new: later programs must open and extend it.

    python -m tests.ledger.golden fixtures/golden/1/log

Signatures are randomised, so a second run gives other bytes: what is committed is kept, never made again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ledger.genesis import Founding
from ledger.log import Log
from tests.world import World

NAME, ORIGIN = "golden log", "log.example/golden-log"


def golden_world() -> World:
    """The world whose keys the golden log has."""
    return World(NAME, ORIGIN)


def make(out: Path) -> None:
    """The main job in batches of several sizes, published now and then, and an erased value."""
    world = golden_world()
    founding = Founding(world.origin, world.prefix, world.registrar.id, world.service.id, world.roles)
    with Log.create(out, founding, world.signers, lambda: world.clock, publish_every=None) as log:
        sizes = [log.publish_now().checkpoint.size]
        said = world.main_job()
        for count, statement in enumerate(said):
            world.clock += 60
            log.submit(statement, world.disclosures.get(statement.statement_id, ())).result()
            if count % 4 == 3:
                sizes.append(log.publish_now().checkpoint.size)
        with log.store.transaction() as working:
            working.erase(3, ["name"])
        signed = log.publish_now().checkpoint
    (out / "lock").unlink()
    expected = {"sizes": [*sizes, signed.size], "root": signed.root.hex()}
    (out / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
