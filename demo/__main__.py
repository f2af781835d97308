"""Run the whole main job: ``python -m demo [ASSET]``."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from demo import offline
from demo.chapters import anchoring, asset, auditing, capabilities, evidence, ledger, licensing, sealing, workflow
from demo.screen import Screen
from demo.service import Service
from demo.stage import ShownWrong, Stage
from tallystick.errors import TallystickError

MARK = "made-by-tallystick-demo"
LANTERN = Path(__file__).parents[1] / "fixtures" / "assets" / "lantern"


def main() -> int:
    """0 when everything was shown; 1 with a sentence otherwise."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("asset", nargs="?", type=Path, default=LANTERN, help="file or folder of your own")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="where to put what it makes (demo-out)")
    given = parser.parse_args()
    screen, began = Screen(), time.monotonic()
    try:
        stage = _set(screen, given.out, given.asset)
        try:
            _play(stage)
        finally:
            stage.close()
    except (TallystickError, ShownWrong, OSError) as error:
        screen.stopped(str(error))
        return 1
    except KeyboardInterrupt:
        screen.stopped("interrupted; run it again at any time, it begins anew")
        return 130
    screen.table(f"What was made in {given.out}/, and what it proved", stage.made)
    screen.tell(f"{time.monotonic() - began:.0f} s; open {stage.out / 'report.html'} to read the whole report")
    return 0


def _set(screen: Screen, out: Path, chosen: Path) -> Stage:
    """A fresh ``out``; one that this program did not make is left alone."""
    if not chosen.exists():
        raise ShownWrong(f"there is no {chosen}: name a file or folder, as in make demo ASSET=path")
    asset = chosen.resolve()
    if asset.is_relative_to(out.resolve()) or out.resolve().is_relative_to(asset):
        raise ShownWrong(f"{chosen} and {out}/ lie in one another, and {out}/ is made anew: name another asset")
    if out.exists():
        if not (out / MARK).exists():
            raise ShownWrong(f"{out}/ was not made by this demo: move it away, then try again")
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARK).touch()
    return Stage(out, screen, Service(out / "ledger", out / "service.log"), asset)


def _play(stage: Stage) -> None:
    ledger.begin(stage)
    asset.register(stage)
    capabilities.file(stage)
    workflow.record(stage)
    sealing.seal(stage)
    anchoring.anchor_twice(stage)
    anchoring.try_fork(stage)
    stranger = offline.prepare(stage.out / "verifier")
    licence = licensing.issue(stage)
    licence = licensing.check(stage, stranger, licence)
    auditing.audit(stage)
    case = evidence.export(stage, licence)
    evidence.verify(stage, stranger, case, licence)


if __name__ == "__main__":
    sys.exit(main())
