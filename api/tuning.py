"""How the interpreter is set for serving: for many short-lived objects, and for threads that wait for one another."""

from __future__ import annotations

import gc
import sys

YOUNG_OBJECTS = 50_000
"""A batch of a thousand events makes some; looking through 700 at a time finds nothing that is not freed anyway."""
SWITCH_SECONDS = 0.002
"""After a signature or a write to the disk a thread waits so long for its turn, at most, while another computes."""


def tune() -> None:
    """Once, when all is loaded that stays: the collector need not look through that again."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    sys.setswitchinterval(SWITCH_SECONDS)
