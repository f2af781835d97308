"""How long until the service answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Bench, Row, seconds
from benchmarks.marks import MS

FRAMEWORK = "import fastapi, sqlmodel, uvicorn"
ROOT = Path(__file__).parents[1]


def benchmark(bench: Bench) -> Iterator[Row]:
    """The service is started again on a folder that it made before, its byte code on disk as after any start."""
    folder, environment = bench.fresh("service"), _with_byte_code(bench.fresh("byte-code"))
    _start(bench.fresh("before"), environment)
    first = _start(folder, environment)
    again = bench.median(lambda: _start(folder, environment))
    framework = [sys.executable, "-c", FRAMEWORK]
    imports = bench.median(lambda: seconds(lambda: subprocess.run(framework, env=environment, check=True)))
    yield Row("service start to first answer", again * 1e3, MS, {"importing its framework": imports * 1e3})
    yield Row("service start, the very first with keys and log made", first * 1e3, MS)


def _with_byte_code(folder: Path) -> dict[str, str]:
    """Python keeps byte code unless it is told not to, as developers' machines do: then each start compiles anew."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(folder)}


def _start(folder: Path, environment: dict[str, str]) -> float:
    """Seconds from the start of the process until its status is answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**environment, "TALLYSTICK_DATA": str(folder), "TALLYSTICK_PORT": str(port)}
    command = [sys.executable, "-m", "api", "serve"]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        while b"listens on" not in (line := process.stdout.readline()):
            if not line:
                assert process.stderr is not None
                raise RuntimeError(f"the service did not start: {process.stderr.read()[-400:].decode()}")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/status") as answer:
            answer.read()
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.communicate(timeout=30)
