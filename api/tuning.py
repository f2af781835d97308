"""How the process is set for serving: for many short-lived objects, and for threads that wait for one another."""

from __future__ import annotations

import ctypes
import gc
import sys

YOUNG_OBJECTS = 50_000
"""A batch of a thousand events makes some; looking through 700 at a time finds nothing that is not freed anyway."""
SWITCH_SECONDS = 0.0002
"""After a signature or a write to the disk a thread waits so long for its turn, while another computes.

A single event changes threads five times on its way, and is never long with any: it waits for others most of its time.
"""


# Of glibc's mallopt.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 32 << 20


def share_one_heap() -> None:
    """Before there are threads: each would get a heap of its own, which keeps what its largest batch took."""
    _set_malloc(_ARENA_MAX, 1)


def keep_what_is_freed() -> None:
    """For who makes the same large things again and again: else the system clears the same memory each time."""
    _set_malloc(_MMAP_THRESHOLD, _KEPT_BYTES)
    _set_malloc(_TRIM_THRESHOLD, _KEPT_BYTES)


def _set_malloc(option: int, value: int) -> None:
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(option, value)


def load_framework() -> None:
    """FastAPI, without what it looks for and nothing of ours uses, and with its models built when they are first used.

    Of 220 ms that loading it takes, 17 are the checks of mail addresses, if they happen to be installed, 13 pydantic's
    former version, and 22 models of the interface's document, which is rarely asked for.
    """
    for unused in ("email_validator", "pydantic.v1"):
        # So Python says that there is none, which FastAPI is prepared for.
        sys.modules.setdefault(unused, None)  # type: ignore[arg-type]
    from pydantic import BaseModel

    BaseModel.model_config["defer_build"] = True
    try:
        import fastapi  # noqa: F401
    finally:
        del BaseModel.model_config["defer_build"]


def tune() -> None:
    """Once, when all is loaded that stays: the collector need not look through that again."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    sys.setswitchinterval(SWITCH_SECONDS)
