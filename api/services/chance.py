"""Random bytes for salts and identifiers, fetched from the system by the page: each byte is given out once."""

from __future__ import annotations

import os
import threading

PAGE = 8192


class _Pool(threading.local):
    """One of each thread, so that no two take the same bytes."""

    def __init__(self) -> None:
        self.page, self.used = b"", 0


_pool = _Pool()


def take(count: int) -> bytes:
    """``count`` bytes (at most ``PAGE``) that nobody else was or will be given."""
    start = _pool.used
    if start + count > len(_pool.page):
        _pool.page, start = os.urandom(PAGE), 0
    _pool.used = start + count
    return _pool.page[start : start + count]


def _forget() -> None:
    _pool.page, _pool.used = b"", 0


# A child of fork has the parent's page, and must not give out its bytes a second time.
os.register_at_fork(after_in_child=_forget)
