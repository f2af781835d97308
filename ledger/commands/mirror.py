"""``python -m ledger mirror SOURCE DIR --key …``: a verified copy of another log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ledger.commands.terminal import WRONG, Keys, messages, progress, read_keys
from ledger.copies.mirror import Mirror
from ledger.copies.source import open_source
from ledger.errors import Unreachable

SourceName = Annotated[
    str, typer.Argument(metavar="SOURCE", help="URL of the log or of a mirror, s3://…, or a folder.")
]


def mirror(
    source: SourceName,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The copy's folder; made if it is missing.")],
    key: Keys,
    check: Annotated[bool, typer.Option("--check", help="Recompute all that the copy holds first.")] = False,
    every: Annotated[float, typer.Option(help="Follow, with so many seconds between two looks; 0: once.")] = 0.0,
) -> None:
    """Copy a log by its tiles and verify all of it. `DIR/public` can be served by `serve` or any web server.

    May be stopped and started at any time. Status 1: what the source serves is not what
    the log signed, it went backwards, or the log forked (see DIR/evidence).
    """
    with messages(), Mirror(folder, read_keys(key), open_source(source)) as copy:
        if check:
            typer.echo(f"the copy's {copy.check()} entries give the checkpoint that it shows")
        _look(copy)
        while every:
            time.sleep(every)
            try:
                _look(copy)
            except Unreachable as error:
                typer.echo(str(error), err=True)


def _look(copy: Mirror) -> None:
    with progress("entries copied") as counted:
        step = copy.step(counted)
    held = step.held.checkpoint
    typer.echo(f"{held.origin}: {held.size} entries, root {held.root.hex()}")
    if ended := copy.ended():
        goes_on = f"{ended.successor} goes on" if ended.successor else "no log goes on in its place"
        typer.echo(f"this log has ended ({ended.reason}): it will not grow any more; {goes_on}")
    if step.behind:
        typer.echo(
            f"the source went back to {step.offered.checkpoint.size} entries, of the same history; nothing was taken",
            err=True,
        )
        raise typer.Exit(WRONG)
