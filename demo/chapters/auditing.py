"""8. An auditor, who is not the operator, replays the log and signs that nothing was left out of the map."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from demo.stage import ShownWrong, Stage
from ledger.copies.auditing import open_hand
from tallystick.client.http import ServiceProblem

NAME = "auditor.example"
PATIENCE = 60.0
"""Seconds until a root covers what was logged."""


def audit(stage: Stage) -> None:
    """Make the auditor known to the operator; have it replay every entry; name it in the trust file."""
    stage.screen.chapter(
        "8",
        "An auditor replays the log",
        "The log's map leads from each identifier to all events on it; that none is left out is the operator's word, "
        "until somebody else recomputes the map from every entry and signs its root. Here the demo plays that part as "
        "well: it is worth something where somebody else does.",
    )
    folder = stage.out / "auditor"
    key = open_hand(folder, NAME, None).auditor.verifier_key
    known = stage.out / "auditors"
    known.write_text(f"{key}\n", encoding="utf-8")
    stage.screen.tell("The operator puts the auditor's key into its settings, and starts the service again.")
    stage.service.stop()
    with stage.screen.busy("starting the service again"):
        stage.service.start(TALLYSTICK_AUDITORS=str(known), TALLYSTICK_MAP_SECONDS="1")
    size = _stated(stage)
    told = _replay(stage, folder)
    stage.screen.good(
        f"{told['size']} entries copied, verified and decided again; no alarm",
        f"the root of the map over {size} of them is signed by {NAME}",
    )
    _trust(stage, key)
    stage.screen.good(
        f"{stage.out / 'trust.json'} names the auditor, and demands its word: that is the reader's choice"
    )
    stage.record("audit", folder / "audit", f"nothing on any identifier is withheld, up to entry {size}")


def _stated(stage: Stage) -> int:
    """Wait until the log states a root over all that was logged so far; publish the entry; the size."""
    size = int(stage.registrar.publish()["size"])

    def stated() -> int | None:
        covered = _covered(stage)
        return covered if covered >= size else None

    never = f"no root of the map over {size} entries"
    covered = stage.awaited("waiting for the root of the map", stated, PATIENCE, never)
    stage.registrar.publish()
    return covered


def _covered(stage: Stage) -> int:
    try:
        found: dict[str, Any] = json.loads(stage.registrar.fetch(f"/v1/map/{quote(stage.ids['prop'])}"))
    except ServiceProblem as problem:
        if problem.code != "not-found":
            raise
        return 0
    return int(found["size"])


def _replay(stage: Stage, folder: Path) -> dict[str, Any]:
    """Run the monitor as a process of its own, over HTTP; what it said at the end."""
    keys = folder / "vkeys"
    keys.write_bytes(stage.registrar.fetch("/vkeys"))
    command = [sys.executable, "-m", "ledger", "monitor", stage.service.url, str(folder), "--key", str(keys), "--once"]
    command += ["--auditor", NAME, "--hand-over", stage.service.url]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")}
    with stage.screen.busy("the auditor replays every entry"):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or not any("audit" in one for one in said):
        raise ShownWrong(f"the auditor signed nothing (exit {done.returncode}):\n{done.stdout}{done.stderr}")
    watched: dict[str, Any] = next(one for one in said if "watched" in one)
    return watched


def _trust(stage: Stage, key: str) -> None:
    path = stage.out / "trust.json"
    trust = json.loads(path.read_bytes())
    path.write_text(
        json.dumps({**trust, "auditors": [{"key": key}], "required": ["completeness"]}, ensure_ascii=False, indent=1),
        encoding="utf-8",
    )
