"""What the commands share: progress for what takes longer than a second, findings, errors as messages, exit status."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ledger.errors import LedgerError
from ledger.replaying import Finding

WRONG = 1
NOT_TRIED = 2
SHOWN = 20
"""Findings printed at most."""

Data = Annotated[Path, typer.Argument(metavar="DIR", help="The data folder of the log.")]
Checkpoints = Annotated[Path | None, typer.Option(help="The checkpoint store, if it is kept elsewhere.")]


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
    """An error of the ledger is a message and status 2, never a traceback."""
    try:
        yield
    except LedgerError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(NOT_TRIED) from None


@contextmanager
def progress(what: str) -> Iterator[Callable[[int], None]]:
    """Counts on a terminal, silent elsewhere; call what this gives with how many more are done."""
    columns = (SpinnerColumn(), TextColumn("{task.completed:.0f} " + what), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done: bar.advance(task, done)
