"""Resolve requirements*.in into the lock files: hashes for every platform, no index address (`make lock`).

The runtime lock takes its versions from the development lock, so that one environment serves both.
`python tools/lock.py --upgrade` takes newer versions; without it the pinned ones stay where they still fit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

UV = "uv==0.13.8"


def compile_lock(uv: Path, name: str, *more: str) -> None:
    command = [str(uv), "pip", "compile", "--quiet", "--python-version", "3.11", "--universal", "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"]
    subprocess.run([*command, *more, f"{name}.in", "-o", f"{name}.lock"], check=True)
    print(f"{name}.lock: {Path(f'{name}.lock').read_text().count('==')} packages")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV], check=True)
        uv = Path(folder, "bin", "uv")
        compile_lock(uv, "requirements-dev", *sys.argv[1:])
        compile_lock(uv, "requirements", "-c", "requirements-dev.lock", *sys.argv[1:])
        # Apart from everything else, and installed apart: see tools/outsiders.py.
        compile_lock(uv, "requirements-node", "--no-deps", *sys.argv[1:])
        compile_lock(uv, "requirements-merkletools", "--no-deps", *sys.argv[1:])


if __name__ == "__main__":
    main()
