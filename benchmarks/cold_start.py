"""How long the verifier takes from nothing: ``python benchmarks/cold_start.py [BUNDLE TRUST]``; printed, not asserted.

Each run is a process of its own, as a court clerk starts it; the first one after a
boot also waits for the disk, which is not measured here.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

KEPT = Path(__file__).parents[1] / "fixtures" / "golden" / "1" / "evidence"
RUNS = 10
COMMANDS = {"--version": ["--version"], "verify --help": ["verify", "--help"]}


def seconds(arguments: list[str]) -> float:
    """The median of some runs."""
    found = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "tallystick", *arguments], check=True, capture_output=True)
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def main() -> None:
    given = sys.argv[1:3] or [str(KEPT / "case.zip"), str(KEPT / "trust.json")]
    bundle, trust = map(Path, given)
    verify = ["verify", str(bundle), "--trust", str(trust), "--at", "2099-01-01T00:00:00Z"]
    for name, arguments in {**COMMANDS, f"verify {bundle.name} ({bundle.stat().st_size:,} bytes)": verify}.items():
        print(f"{seconds(arguments) * 1000:7.0f} ms  tallystick {name}")


if __name__ == "__main__":
    main()
