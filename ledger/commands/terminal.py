"""What the commands share: progress for what takes longer than a second, findings, errors as messages, exit status."""

from __future__ import annotations

import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ledger.copies.known import KnownLog, known_log
from ledger.errors import BadSource, Corrupt, Forked, HistoryLost
from ledger.upkeep.replaying import Finding
from tallystick.errors import MalformedInput, TallystickError
from tallystick.printing import message

WRONG = 1
NOT_TRIED = 2
_FOUND = (BadSource, Corrupt, Forked, HistoryLost)
SHOWN = 20
"""Findings printed at most."""


def conclude(findings: Sequence[Finding]) -> None:
    """Print what is wrong, the first bad position first, and end with status 1; or say that nothing is."""
    if not findings:
        typer.echo("nothing is wrong")
        return
    placed = [finding.position for finding in findings if finding.position >= 0]
    first = f", the first at position {min(placed)}" if placed else ""
    typer.echo(f"{len(findings)} findings{first}", err=True)
    for finding in findings[:SHOWN]:
        typer.echo(str(finding), err=True)
    raise typer.Exit(WRONG)


@contextmanager
def messages() -> Iterator[None]:
    """An error is a message and a status, never a traceback: 1 where something was found wrong, 2 for all others."""
    try:
        yield
    except (TallystickError, OSError, sqlite3.Error) as error:
        typer.echo(message(error), err=True)
        raise typer.Exit(WRONG if isinstance(error, _FOUND) else NOT_TRIED) from None
    except Exception as error:
        # The errors of PostgreSQL's driver, where a command has loaded it: rights, rows that do not fit.
        driver = sys.modules.get("psycopg")
        if driver is None or not isinstance(error, driver.Error):
            raise
        # The first line alone: the next ones quote the row, and private values with it.
        told = error.diag.message_primary or str(error)
        typer.echo(f"the database refuses it: {message(Exception(told))}", err=True)
        raise typer.Exit(NOT_TRIED) from None


@contextmanager
def progress(what: str) -> Iterator[Callable[[int], None]]:
    """Counts on a terminal, silent elsewhere; call what this gives with how many more are done."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:.0f} " + what), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done: bar.advance(task, done)


Keys = Annotated[
    list[str],
    typer.Option("--key", help="A verifier key of the log, or a file of them; one of each kind must have signed."),
]


def read_keys(given: Sequence[str]) -> KnownLog:
    """A log by its keys, as typed or in files. Raises ``MalformedInput``."""
    lines: list[str] = []
    files: list[str] = []
    for one in given:
        path = Path(one)
        if path.is_file():
            lines += path.read_text(encoding="utf-8", errors="replace").split("\n")
            files.append(one)
        elif "+" not in one:
            raise MalformedInput(f"there is no file {one}, and it is no verifier key (name+hash+base64)")
        else:
            lines.append(one)
    try:
        return known_log([line.strip() for line in lines if line.strip()])
    except MalformedInput as error:
        if not files:
            raise
        raise MalformedInput(f"{', '.join(files)}: {error}; expected what GET /vkeys of the log gives") from None


@contextmanager
def until_stopped() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, so that the work under way ends well."""
    stopped = threading.Event()
    previous = {one: signal.signal(one, lambda *_: stopped.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for one, handler in previous.items():
            signal.signal(one, handler)
