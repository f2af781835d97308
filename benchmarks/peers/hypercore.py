"""npm hypercore: an append-only log of the Node world. It does not sync at each append."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.outsiders import ROOT, node, npm_packages


@dataclass(frozen=True)
class Hypercore:
    """Seconds for all appends, and for one proof."""

    append: float
    proof: float


def run(folder: Path, total: int) -> Hypercore:
    """``total`` blocks of 300 bytes in batches of 1,000."""
    environment = {**os.environ, "NODE_PATH": str(npm_packages("peers") / "node_modules")}
    script = ROOT / "benchmarks" / "npm" / "hypercore_append.js"
    done = subprocess.run(
        [node(), script, folder / "hypercore", str(total)], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"hypercore: {done.stderr.strip()[-800:]}")
    told = json.loads(done.stdout)
    if told["length"] != total:
        raise RuntimeError(f"hypercore has {told['length']} blocks of {total}")
    return Hypercore(told["append"], told["proof"])
