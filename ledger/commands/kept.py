"""Where a log is kept that a command is about: a data folder, or databases that several processes share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.bucket.place import parse_place
from ledger.folder import Folder

if TYPE_CHECKING:
    from ledger.shared.place import Place

Kept = Annotated[
    str, typer.Argument(metavar="LOG", help="The data folder of the log, or postgresql://… of its database.")
]
Checkpoints = Annotated[
    str | None,
    typer.Option("--checkpoints", help="The checkpoint store, if it is kept elsewhere: a file, or postgresql://…"),
]


def folder(log: str, checkpoints: str | None) -> Folder:
    """A data folder."""
    return Folder(Path(log), Path(checkpoints) if checkpoints else None)


def shared(log: str, checkpoints: str | None, tiles: str | None = None) -> Place | None:
    """The databases of a shared log, if it is one. ``tiles``: the object store that it is published in."""
    if not log.startswith(("postgresql://", "postgres://")):
        return None
    from ledger.shared.place import Place  # the driver is loaded where there is a server

    return Place(log, "an operator's command", checkpoints, bucket=parse_place(tiles) if tiles else None)
