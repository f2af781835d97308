"""What an enclosed report is about: all of the payload but the enclosed report itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tallystick.bundle.bag import encode_manifest

ENCLOSED = "data/report/"


def covered(sha256: Mapping[str, str]) -> str:
    """SHA-256, hex, over the payload manifest's lines of every member that is no enclosed report or form.

    sha256: of members by name, those of the payload among them. The members' names are in the index and the metadata,
    which are covered: so which reports are enclosed is, and what they say is not.
    """
    lines = {name: digest for name, digest in sha256.items() if name.startswith("data/")}
    return hashlib.sha256(
        encode_manifest({name: digest for name, digest in lines.items() if not name.startswith(ENCLOSED)})
    ).hexdigest()
