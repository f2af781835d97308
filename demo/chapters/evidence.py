"""9 and 10. The case is exported, verified without network or server, and refused once it is changed, by whomever."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from api.founding import found_keyring
from api.settings import Settings
from demo import forgery
from demo.chapters.anchoring import anchor_now
from demo.chapters.licensing import Licence
from demo.offline import Offline
from demo.stage import ShownWrong, Stage, now
from tallystick.content import FolderContent
from tallystick.keys import Signer
from tallystick.report.words import OUTCOMES
from tallystick.schema import write

_PROVED, _CONTRADICTED = OUTCOMES["proved"]["en"], OUTCOMES["contradicted"]["en"]


def export(stage: Stage, licence: Licence) -> Path:
    """Anchor once more so that everything is covered, then write the bundle with the originals in it."""
    stage.screen.chapter(
        "9",
        "The case is exported",
        "Everything that bears on the prop goes into one file. It needs neither the service nor the chain any more.",
    )
    anchor_now(stage)
    case = stage.out / "case.zip"
    prop = stage.ids["prop"]
    files = {prop: write(list(stage.asset.entries))} if isinstance(stage.asset.content, FolderContent) else {}
    exported = stage.speakers["studio"].client.export(
        json.dumps({"kind": "object", "subject": prop}),
        json.dumps(files),
        {entry.path: path for entry, path in stage.asset.files},
        licence.originals,
        case,
    )
    stage.screen.good(
        f"{case}, {exported.size:,} bytes", f"whom to believe stands apart, in {stage.out / 'trust.json'}"
    )
    return case


def verify(stage: Stage, offline: Offline, case: Path, licence: Licence) -> None:
    """The verifier in a process of its own; then a stranger changes one bit, and the exporter dates back, and hides."""
    stage.screen.chapter(
        "10",
        "The case is verified offline",
        "A stranger checks the file with the verifier alone, and with a trust file that says whom to believe.",
    )
    stage.screen.tell(offline.how)
    stage.screen.tell(f"server packages that this process can import: {offline.server_modules() or 'none'}")
    report = stage.out / "report.html"
    code, text = _verify(stage, offline, case, "--html", str(report.resolve()))
    if code != 0:
        raise ShownWrong(f"the verifier did not call the case proved (exit {code}):\n{text}")
    _show(stage, text)
    stage.screen.good(f"proved (exit 0); the whole report: {report}")
    stage.record(
        "evidence bundle",
        case,
        "every required claim, offline, and that no event is withheld; time rests on the operator alone",
    )
    stage.record("report", report, "each claim with its evidence, for a judge")
    _change_bit(stage, offline, case)
    _change_entry(stage, offline, case)
    _leave_out(stage, offline, case, licence)


def _show(stage: Stage, text: str) -> None:
    """The first lines of the report; then the claims of its conclusions, one a line."""
    lead, _, rest = text.partition("\n\n")
    conclusions, _, _ = rest.partition("\n== ")
    for line in lead.splitlines():
        stage.screen.tell(f"│ {line}")
    for line in conclusions.splitlines():
        name, _, told = line.partition(" | ")
        outcome, _, _ = told.partition(" | ")
        if outcome == _PROVED:
            stage.screen.good(f"{name}: {outcome}")
        elif outcome in {words["en"] for words in OUTCOMES.values()}:
            stage.screen.unsure(f"{name}: {outcome}")


def _change_bit(stage: Stage, offline: Offline, case: Path) -> None:
    changed = stage.out / "case-bit-changed.zip"
    shutil.copyfile(case, changed)
    with changed.open("r+b") as file:
        middle = changed.stat().st_size // 2
        file.seek(middle)
        (byte,) = file.read(1)
        file.seek(middle)
        file.write(bytes([byte ^ 1]))
    _expect_refusal(stage, offline, changed, f"the case with one bit changed, at byte {middle:,}")


def _change_entry(stage: Stage, offline: Offline, case: Path) -> None:
    changed, prop = stage.out / "case-dated-back.zip", stage.ids["prop"]
    with tempfile.TemporaryDirectory(dir=stage.out) as work:
        entry = forgery.date_back(case, prop, _exporter(stage), Path(work), changed)
    _expect_refusal(
        stage, offline, changed, f"{entry} dated back by a year by the exporter itself, and the case signed again"
    )


def _leave_out(stage: Stage, offline: Offline, case: Path, licence: Licence) -> None:
    changed = stage.out / "case-left-out.zip"
    with tempfile.TemporaryDirectory(dir=stage.out) as work:
        forgery.leave_out(case, licence.revoked_at, _exporter(stage), Path(work), changed)
    _expect_refusal(
        stage, offline, changed, "the licence's revocation left out by the exporter itself, and the case signed again"
    )


def _exporter(stage: Stage) -> Signer:
    return found_keyring(Settings(data=stage.service.folder)).signers["exporter"]


def _expect_refusal(stage: Stage, offline: Offline, changed: Path, told: str) -> None:
    code, text = _verify(stage, offline, changed, "--json")
    found = json.loads(text)
    if code != 1 or found["verdict"] != "not_proved":
        raise ShownWrong(f"{told}: the verifier said {found['verdict']} (exit {code}), expected not_proved (exit 1)")
    stage.screen.refused(f"{told} (exit {code})", f"step {found['refused_at']}: {_reason(found)}")
    stage.record("changed case", changed, f"nothing: refused at step {found['refused_at']}")


def _reason(found: dict[str, Any]) -> str:
    """What the step that refused first found."""
    claim = next(
        claim for claim in found["claims"] if claim["outcome"] != "proved" and claim["step"] >= found["refused_at"]
    )
    sentence: str = claim["evidence"][0]
    return sentence


def _verify(stage: Stage, offline: Offline, case: Path, *more: str) -> tuple[int, str]:
    trust = str((stage.out / "trust.json").resolve())
    done = offline.run("verify", str(case.resolve()), "--trust", trust, "--at", now(), *more, cwd=stage.out)
    return done.returncode, done.stdout or done.stderr
