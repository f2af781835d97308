"""A pytest plugin (`-p tests.verifier_js.capture`): every bundle that the first verifier judges in a test is kept, with
the trust file and the instant, so that the second one judges it too. `TALLYSTICK_CAPTURE` names the folder.

Nothing of how a verifier works is used but that it is given a stream, a trust file, an instant, convictions and a copy.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import tallystick.verify
from tallystick import canonical
from tallystick.schema import write

LONGEST = 16 << 20
"""Larger bundles are about memory, and have tests of their own."""


class Captured:
    """What was judged, each once, in `index.jsonl` beside the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: set[str] = set()
        self.test = ""

    def kept(self, data: bytes, ending: str) -> str:
        name = f"{hashlib.sha256(data).hexdigest()[:32]}.{ending}"
        path = self.folder / name
        if not path.exists():
            path.write_bytes(data)
        return name

    def take(self, bundle: bytes, trust: Any, at: int, convictions: Any, copied: bool) -> None:
        judged = {
            "bundle": self.kept(bundle, "zip"),
            "trust": self.kept(canonical.encode(write(trust.file)), "json"),
            "at": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "convictions": [self.kept(one, "conviction") for one in convictions if isinstance(one, bytes)],
            "copied": copied,
        }
        line = json.dumps(judged)
        if line not in self.seen:
            self.seen.add(line)
            with (self.folder / "index.jsonl").open("a") as index:
                index.write(json.dumps({**judged, "test": self.test}) + "\n")


captured = Captured(Path(os.environ["TALLYSTICK_CAPTURE"]))
genuine = tallystick.verify.verify_case


def verify_case(
    bundle: Any, trust: Any, at: int, convictions: Any = (), copy: Any = None, *rest: Any, **more: Any
) -> Any:
    """The genuine one, after what it was given is kept."""
    if isinstance(bundle, io.BytesIO) and len(bundle.getvalue()) <= LONGEST:
        captured.take(bundle.getvalue(), trust, at, convictions, copy is not None)
    return genuine(bundle, trust, at, convictions, copy, *rest, **more)


tallystick.verify.verify_case = verify_case


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    captured.test = item.nodeid
