"""The verifier, cold as a court clerk starts it and warm inside a program, beside sigstore's."""

from __future__ import annotations

import io
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.harness import Bench, Row
from benchmarks.marks import MS, RATIO
from tallystick.times import parse_time
from tallystick.trust import parse_trust
from tallystick.verify import verify_case
from tests.core.verify.kit import AT as KIT_AT
from tests.core.verify.kit import build_kit
from tools import kit, wheel

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "fixtures" / "golden" / "1" / "evidence"
DEMO = ROOT / "demo-out"
AT = "2099-01-01T00:00:00Z"


def benchmark(bench: Bench) -> Iterator[Row]:
    """The demo's bundle where `make demo` has left one, else the kept one; by the wheel, installed by pip."""
    folder = DEMO if (DEMO / "case.zip").is_file() and (DEMO / "trust.json").is_file() else KEPT
    which = f"{folder.relative_to(ROOT)}/case.zip"
    environment = bench.fresh("wheel")
    installed = str(_installed(environment))
    verify = [
        installed,
        "verify",
        str(folder / "case.zip"),
        "--trust",
        str(folder / "trust.json"),
        "--at",
        AT,
    ]
    runs: dict[str, Sequence[str]] = {
        "ours": verify,
        "sigstore": [sys.executable, "-m", "sigstore", "--version"],
        "help": [installed, "verify", "--help"],
    }
    found = _cold(runs, environment, max(3, 3 * bench.scale.repeats))
    peers = {"sigstore --version (its imports alone)": found["sigstore"], "Python alone": _python(bench)}
    yield Row("tallystick verify, cold", found["ours"], MS, peers, which)
    yield Row("tallystick verify / sigstore, both cold", found["ours"] / found["sigstore"], RATIO)
    yield Row("tallystick verify --help, cold", found["help"], MS)
    trust, at = parse_trust((folder / "trust.json").read_bytes()), parse_time(AT)

    def warm() -> None:
        with (folder / "case.zip").open("rb") as file:
            verify_case(file, trust, at)

    yield Row("verification in process", _one_anchor(bench) * 1e3, MS, note="one embedded-chain proof, no original")
    yield Row("verification in process, a whole bundle", bench.each(warm) * 1e3, MS, note=which)


def _installed(folder: Path) -> Path:
    """The command of an environment that holds the wheel and what it needs, as the offline kit gives them."""
    made = wheel.build(folder)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "verifier")], check=True, capture_output=True)
    python = folder / "verifier" / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--no-index", "--find-links"]
    subprocess.run([*pip, str(kit.here()), str(made)], check=True, capture_output=True)
    return python.with_name("tallystick")


def _one_anchor(bench: Bench) -> float:
    kit = build_kit(bench.fresh("kit"))
    bundle, trust = kit.bundle(), kit.trust()
    report = verify_case(io.BytesIO(bundle), trust, KIT_AT)
    if report.verdict != "proved":
        raise RuntimeError(f"the bundle is {report.verdict}")
    return bench.each(lambda: verify_case(io.BytesIO(bundle), trust, KIT_AT))


def _cold(commands: dict[str, Sequence[str]], elsewhere: Path, runs: int) -> dict[str, float]:
    """Milliseconds of each command, a process of its own each time, turn by turn.

    ``elsewhere``: not the checkout, whose sources a command begun there could find instead of what is installed.
    """
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            began = time.perf_counter()
            done = subprocess.run(command, cwd=elsewhere, capture_output=True, check=False)
            took[name].append((time.perf_counter() - began) * 1e3)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command[:4])}: {done.stderr.decode()[-400:]}")
    return {name: statistics.median(found) for name, found in took.items()}


def _python(bench: Bench) -> float:
    def once() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        return (time.perf_counter() - began) * 1e3

    return bench.median(once)
