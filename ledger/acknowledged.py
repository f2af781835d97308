"""How far a log has acknowledged entries, beside its database, which may forget them without knowing it.

SQLite drops what follows a damaged frame of its write-ahead log, and says nothing. What was
published is missed at once; this file tells of what was acknowledged in the moments before.
It is written after the commit and before the answers, and not synced: that would cost as
much as the commit. So it survives the process, and after a power cut it may say less than
there is, never more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ledger.batch import Scribe
from ledger.errors import HistoryLost
from ledger.submission import Outcome, Receipt, Submission

_TEXT = re.compile(rb"([0-9]{20})\n", re.ASCII)


def acknowledged(path: Path) -> int:
    """How many entries were acknowledged, as the file says; 0 where there is none, or none that can be read."""
    try:
        found = _TEXT.fullmatch(path.read_bytes())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def check_acknowledged(path: Path, size: int) -> None:
    """Raises ``HistoryLost`` when the database has fewer entries."""
    known = acknowledged(path)
    if size < known:
        raise HistoryLost(
            f"the database has {size} entries, {known} were acknowledged: {known - size} were lost before they were "
            "published, by a damaged write-ahead log or an old copy. Bring back the newest database; if there is none, "
            "`restore` gives them up, and whoever said them must say them again"
        )


class RememberingScribe(Scribe):
    """A scribe that notes in a file how far it has written, before anybody is answered."""

    def __init__(self, path: Path, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._path = path
        self._noted = 0

    def write(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """See ``Scribe``."""
        outcomes = super().write(submissions)
        self._note(max((one.batch + 1 for one in outcomes if isinstance(one, Receipt)), default=0))
        return outcomes

    def _note(self, size: int) -> None:
        if size <= self._noted:
            return
        # The entries are safe: a disk that does not take this too must not keep anybody from the answer.
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.pwrite(descriptor, b"%020d\n" % size, 0)
            finally:
                os.close(descriptor)
            self._noted = size
