"""``python -m ledger backup LOG TARGET``: a verified copy of a log that may be in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.commands.kept import Checkpoints, Kept, folder, shared
from ledger.commands.terminal import conclude, messages, progress
from ledger.upkeep.backup import Written, back_up


def backup(
    log: Kept,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new folder, on another disk.")],
    checkpoints: Checkpoints = None,
) -> None:
    """Copy the entries of a log, with its private values, and verify the copy. The log may be in use.

    Neither keys nor the checkpoint store are in it: keep copies of the keys apart, and never
    take the checkpoint store back in time. Tiles are not in it either: entries give them.
    """
    with messages():
        written = _back_up(log, target, checkpoints)
    holding = written.holding
    typer.echo(
        f"{target} holds {holding.entries} entries of {holding.origin}, the checkpoint of {holding.signed}, and "
        f"{holding.private_values} private values; no keys. It was read back: the entries give the signed root"
    )
    if written.rotten:
        typer.echo("the backup is whole, and has private values that had rotted: an older one may have them", err=True)
        conclude(written.rotten)


def _back_up(log: str, target: Path, checkpoints: str | None) -> Written:
    place = shared(log, checkpoints)
    if place is None:
        with progress("pages copied") as step:
            return back_up(folder(log, checkpoints), target, step)
    from ledger.shared.upkeep import back_up_shared

    with progress("entries copied") as step:
        return back_up_shared(place, target, step)
