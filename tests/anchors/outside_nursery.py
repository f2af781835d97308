"""Loads the worker once, then forks a child for each life that comes in as a line of JSON; some kill themselves.

Run as ``python -m tests.anchors.outside_nursery``. It prints ``killed`` or ``lived`` when the child is gone.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from anchors.deployment import Deployment
from anchors.errors import AnchorError
from anchors.keystore import ChainKey
from anchors.node import HttpNode
from anchors.outbox import Outbox
from anchors.packer import Packer
from tests.anchors.other_chain import Kill, Life, Outside
from tests.anchors.support import MemoryLog
from tests.anvil import KEYS
from tests.patience import PATIENCE

OWNERS: dict[str, type] = {"Outbox": Outbox, "HttpNode": HttpNode, "Packer": Packer, "Deployment": Deployment}


def arm(kill: Kill) -> None:
    """SIGKILL to this very process at the moment that ``kill`` names: nothing is flushed, closed or caught."""
    owner = OWNERS[kill.owner]
    honest = getattr(owner, kill.name)
    calls = 0

    def deadly(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        hit = kill.method is None or kill.method in arguments
        calls += hit
        if hit and calls == kill.nth and kill.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = honest(*arguments, **named)
        if hit and calls == kill.nth and kill.when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, kill.name, deadly)


def live(life: Life) -> None:
    log = MemoryLog()
    log.grow(life.size)
    contract = None if life.contract is None else bytes.fromhex(life.contract)
    outside = Outside.start(
        Path(life.folder),
        life.url,
        log=log,
        now=life.now,
        signer=ChainKey.from_secret(KEYS[life.key]),
        finality=life.finality,
        contract=contract,
    )
    if life.kill is not None:
        arm(Kill(**life.kill))  # type: ignore[arg-type]
    # The node answers before it has mined, on a busy machine long before: who is to be killed at what comes then waits
    # for it. The clock waits too: it is not to run away from a node that is slow.
    runs, last = itertools.count(1), time.monotonic() + PATIENCE
    while (run := next(runs)) <= life.runs or (life.kill is not None and time.monotonic() < last):
        try:
            if life.deploy:
                outside.worker.deploy()
        except AnchorError:
            time.sleep(0.002)
            continue
        outside.step()
        outside.clock.now += run <= 10 * life.runs
        time.sleep(0.002 if life.kill else 0)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                live(Life(**__import__("json").loads(line)))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else f"lived {os.WEXITSTATUS(status)}", flush=True)


if __name__ == "__main__":
    main()
