"""``python -m ledger fsck DIR`` and ``python -m ledger replay DIR``: exit 0 all well, 1 something is wrong, 2 usage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ledger.errors import LedgerError
from ledger.folder import Folder
from ledger.fsck import fsck as check
from ledger.fsck import replay as decide_again
from ledger.replaying import Finding

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Checks of a log, read-only; it may be in use.")
Data = Annotated[Path, typer.Argument(metavar="DIR", help="The data folder of the log.")]
Checkpoints = Annotated[Path | None, typer.Option(help="The checkpoint store, if it is kept elsewhere.")]
SHOWN = 20


@app.command()
def fsck(folder: Data, checkpoints: Checkpoints = None) -> None:
    """Recompute everything from stored bytes: entries, tiles, checkpoints, admissions, index, states."""
    with _errors(), _progress("entries checked") as step:
        report = check(Folder(folder, checkpoints), step)
    typer.echo(f"{report.entries} entries, {report.published} published; {report.completeness}")
    _conclude(report.findings)


@app.command()
def replay(folder: Data) -> None:
    """Decide every admission again, from the entries alone."""
    with _errors(), _progress("entries decided") as step:
        replayed = decide_again(Folder(folder), step)
    typer.echo(f"{replayed.entries} entries decided again; {replayed.completeness}")
    _conclude(replayed.findings)


def _conclude(findings: tuple[Finding, ...] | list[Finding]) -> None:
    if not findings:
        typer.echo("nothing is wrong")
        return
    placed = [finding.position for finding in findings if finding.position >= 0]
    first = f", the first at position {min(placed)}" if placed else ""
    typer.echo(f"{len(findings)} findings{first}", err=True)
    for finding in findings[:SHOWN]:
        typer.echo(str(finding), err=True)
    raise typer.Exit(1)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except LedgerError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.completed:.0f} " + what), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done: bar.advance(task, done)


if __name__ == "__main__":
    app()
