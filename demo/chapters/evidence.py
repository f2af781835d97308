"""8 and 9. The case is exported, verified without network or server, and refused once one byte is changed."""

from __future__ import annotations

import json
from pathlib import Path

from demo.chapters.anchoring import anchor_now
from demo.chapters.licensing import Licence
from demo.offline import Offline
from demo.stage import ShownWrong, Stage, now
from tallystick.content import FolderContent
from tallystick.schema import write

REPORT_LINES = 24


def export(stage: Stage, licence: Licence) -> Path:
    """Anchor once more so that everything is covered, then write the bundle with the originals in it."""
    stage.chapter(8, "The case is exported")
    anchor_now(stage)
    case = stage.out / "case.zip"
    prop = stage.ids["prop"]
    files = {prop: write(list(stage.asset.entries))} if isinstance(stage.asset.content, FolderContent) else {}
    size = stage.speakers["studio"].client.export(
        json.dumps({"kind": "object", "subject": prop}),
        json.dumps(files),
        {entry.path: path for entry, path in stage.asset.files},
        licence.originals,
        case,
    )
    stage.good(f"{case}, {size:,} bytes; whom to believe stands apart, in {stage.out / 'trust.json'}")
    stage.record("evidence bundle", str(case), "see the report")
    return case


def verify(stage: Stage, offline: Offline, case: Path) -> None:
    """The verifier in a process of its own; then one byte is changed."""
    stage.chapter(9, "The case is verified offline")
    stage.tell(f"{offline.how}; server packages that this process can import: {offline.server_modules() or 'none'}")
    report = stage.out / "report.html"
    done = _verify(stage, offline, case, "--html", str(report.resolve()))
    if done[0] != 0:
        raise ShownWrong(f"the verifier did not call the case proved (exit {done[0]}):\n{done[1]}")
    for line in done[1].splitlines()[:REPORT_LINES]:
        stage.tell(f"│ {line}")
    stage.good(f"proved (exit 0); the whole report: {report}")
    stage.record("report", str(report), "every required claim proved; time rests on the operator alone")
    changed = stage.out / "case-changed.zip"
    data = bytearray(case.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    code, text = _verify(stage, offline, changed)
    if code == 0:
        raise ShownWrong("the verifier called a changed case proved")
    stage.refused(f"the case with one bit changed at byte {len(data) // 2} (exit {code})", _reason(text))


def _verify(stage: Stage, offline: Offline, case: Path, *more: str) -> tuple[int, str]:
    trust = str((stage.out / "trust.json").resolve())
    done = offline.run("verify", str(case.resolve()), "--trust", trust, "--at", now(), *more, cwd=stage.out)
    return done.returncode, done.stdout + done.stderr


def _reason(text: str) -> str:
    """The line that says why."""
    return next((line.strip() for line in text.splitlines() if "changed" in line or "CRC" in line), text[:300])
