"""The operator's documents about its platform, as files that go into bundles."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from api.services.gathering import Gathered
from tallystick.case.model import MAX_PLATFORM

_log = logging.getLogger(__name__)


def platform_documents(folder: Path | None, found: Gathered) -> dict[str, Path]:
    """By SHA-256: of the documents that the case's entries declare, the latest that ``folder`` has under that name.

    A file that is not what its name says is left out, and the operator is told.
    """
    if folder is None:
        return {}
    declared = [entry.event.body.document.sha256 for _, entry in found.of_type("platform.file")]
    kept: dict[str, Path] = {}
    for sha256 in list(dict.fromkeys(reversed(declared)))[:MAX_PLATFORM]:
        path = folder / sha256
        if not path.is_file():
            continue
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                kept[sha256] = path
            else:
                _log.warning("%s is not the document that its name says: it is left out of bundles", path)
    return kept
