"""Every figure of one run: `make bench`, `make bench ARGS=--large`, `make bench ARGS="--only library,web"`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks import (
    anchoring,
    cards,
    growth,
    hashing,
    library,
    mapping,
    plots,
    postgres,
    proofs,
    report,
    starting,
    verifying,
    web,
)
from benchmarks.harness import SCALES, Bench, Benchmark, Row
from benchmarks.machine import machine, spread, versions

ROOT = Path(__file__).parents[1]
OUT = ROOT / "bench-out"
WIDTH = 160
"""Of the table where there is no terminal."""

WRITING = {"library", "growth", "postgres", "web"}
"""Which use new memory, as pages of files."""
BENCHMARKS: dict[str, Benchmark] = {
    "library": library.benchmark,
    "growth": growth.benchmark,
    "postgres": postgres.benchmark,
    "proofs": proofs.benchmark,
    "mapping": mapping.benchmark,
    "web": web.benchmark,
    "starting": starting.benchmark,
    "verifying": verifying.benchmark,
    "hashing": hashing.benchmark,
    "anchoring": anchoring.benchmark,
    "cards": cards.benchmark,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, also when a mark is missed; 1 when a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--large", action="store_true", help="logs of 10 million leaves: most of an hour")
    parser.add_argument("--tiny", action="store_true", help="only to see that everything runs")
    parser.add_argument("--only", default=",".join(BENCHMARKS), help=f"some of {', '.join(BENCHMARKS)}")
    parser.add_argument("--out", type=Path, default=OUT, help="where results.json and the plots go")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/benchmarks.md too")
    given = parser.parse_args(arguments)
    chosen = given.only.split(",")
    if unknown := set(chosen) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    scale = SCALES["large" if given.large else "tiny" if given.tiny else "default"]
    given.out.mkdir(parents=True, exist_ok=True)
    spread(given.out)
    # Beside the results, not in the system's temporary folder: that is often memory, where a sync costs nothing.
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=given.out))
    try:
        return _run(Bench(scale, folder), chosen, given.out, given.docs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(bench: Bench, chosen: Sequence[str], out: Path, docs: bool) -> int:
    console, errors = Console(width=None if sys.stdout.isatty() else WIDTH), Console(stderr=True)
    where, used = machine(bench.fresh("files")), versions()
    rows: list[Row] = []
    failed: list[str] = []
    for name in chosen:
        if name in WRITING:
            bench.warm()
        began = time.monotonic()
        try:
            with errors.status(f"{name} ..."):
                rows += BENCHMARKS[name](bench)
        # The others are worth having; the failure is told and makes the run fail.
        except Exception as error:
            errors.print(f"[red]{name} failed:[/] {error!r}")
            failed.append(name)
        errors.print(f"[dim]{name}: {time.monotonic() - began:.0f} s[/]")
    rows = report.completed(rows)
    report.write(rows, where, used, out)
    if docs:
        report.put_into(ROOT / "docs" / "benchmarks.md", report.as_markdown(rows, where, used))
    drawn = plots.draw(rows, bench.series, out)
    report.show(rows, where, used, console)
    console.print(f"[dim]{out / 'results.json'}, {', '.join(path.name for path in drawn)}[/]")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
