"""The real commands, as processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LEDGER = (sys.executable, "-m", "ledger")


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit status, output and messages of ``python -m ledger …``."""
    done = subprocess.run([*LEDGER, *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@contextmanager
def serving(*arguments: object) -> Iterator[str]:
    """The URL that ``python -m ledger serve …`` says it listens on; it is ended by SIGTERM, and must end well."""
    command = [*LEDGER, "serve", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
        assert process.wait() == 0
