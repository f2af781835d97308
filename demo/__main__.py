"""Run the whole main job: ``python -m demo [ASSET]``."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console

from demo import offline
from demo.chapters import anchoring, asset, capabilities, evidence, ledger, licensing, sealing, workflow
from demo.service import Service
from demo.stage import ShownWrong, Stage
from tallystick.errors import TallystickError

OUT = Path("demo-out")
MARK = "made-by-tallystick-demo"
LANTERN = Path(__file__).parents[1] / "fixtures" / "assets" / "lantern"


def main() -> int:
    """0 when everything was shown; 1 with a sentence otherwise."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("asset", nargs="?", type=Path, default=LANTERN, help="file or folder of your own")
    chosen: Path = parser.parse_args().asset
    console = Console(soft_wrap=True)
    began = time.monotonic()
    try:
        stage = _set(console, chosen)
        try:
            _play(stage)
        finally:
            stage.close()
    except (TallystickError, ShownWrong, OSError) as error:
        console.print(f"\n[bold red]the demo stopped:[/] {error}", highlight=False)
        return 1
    console.print()
    console.print(stage.summary())
    console.print(f"[dim]{time.monotonic() - began:.0f} s; everything stands in {OUT}/[/]")
    return 0


def _set(console: Console, chosen: Path) -> Stage:
    """A fresh ``demo-out``; one that this program did not make is left alone."""
    if not chosen.exists():
        raise ShownWrong(f"there is no {chosen}: name a file or folder, as in make demo ASSET=path")
    if OUT.exists():
        if not (OUT / MARK).exists():
            raise ShownWrong(f"{OUT}/ was not made by this demo: move it away, then try again")
        shutil.rmtree(OUT)
    OUT.mkdir()
    (OUT / MARK).touch()
    return Stage(OUT, console, Service(OUT / "ledger", OUT / "service.log"), chosen.resolve())


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
    licensing.check(stage, stranger, licence)
    case = evidence.export(stage, licence)
    evidence.verify(stage, stranger, case)


if __name__ == "__main__":
    sys.exit(main())
