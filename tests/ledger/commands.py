"""The real commands, as processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.patience import PATIENCE, Lines, end

LEDGER = (sys.executable, "-m", "ledger")


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit status, output and messages of ``python -m ledger …``."""
    done = subprocess.run(
        [*LEDGER, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def serving(*arguments: object) -> Iterator[str]:
    """The URL that ``python -m ledger serve …`` says it listens on; it is ended by SIGTERM, and must end well."""
    command = [*LEDGER, "serve", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = Lines(process.stdout)
        try:
            yield lines.next().split()[-1]
        finally:
            process.terminate()
            code = end(process)
            lines.close()
        assert code == 0
