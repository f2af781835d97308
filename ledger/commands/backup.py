"""``python -m ledger backup DIR TARGET``: a verified copy of a log that may be in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.commands.terminal import Checkpoints, Data, messages, progress
from ledger.folder import Folder
from ledger.upkeep.backup import back_up


def backup(
    folder: Data,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new folder, on another disk.")],
    checkpoints: Checkpoints = None,
) -> None:
    """Copy the database of a log, with its private values, and verify the copy. The log may be in use.

    Neither keys nor the checkpoint store are in it: keep copies of the keys apart, and never
    take the checkpoint store back in time. Tiles are not in it either: entries give them.
    """
    with messages(), progress("pages copied") as step:
        holding = back_up(Folder(folder, checkpoints), target, step)
    typer.echo(
        f"{target} holds {holding.entries} entries of {holding.origin}, the checkpoint of {holding.signed}, and "
        f"{holding.private_values} private values; no keys. It was read back: the entries give the signed root"
    )
