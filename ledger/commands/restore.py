"""``python -m ledger restore DIR …``: a log brought back, never as a second history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.commands.terminal import Checkpoints, Data, messages, progress, read_keys
from ledger.copies.source import open_source
from ledger.folder import Folder
from ledger.upkeep.restore import restore as bring_back

Backup = Annotated[Path | None, typer.Option(help="A folder that `backup` made; not where a database stands already.")]
Tiles = Annotated[
    str | None, typer.Option("--from-tiles", help="URL or folder of a mirror: gives entries that the database lacks.")
]
Lost = Annotated[
    bool,
    typer.Option(
        "--checkpoint-store-lost",
        help="There is no copy of the checkpoint store. You vouch that nothing was signed after what is given here.",
    ),
]


def restore(
    folder: Data,
    backup: Backup = None,
    from_tiles: Tiles = None,
    key: Annotated[list[str] | None, typer.Option("--key", help="Verifier keys, or files of them.")] = None,
    checkpoints: Checkpoints = None,
    checkpoint_store_lost: Lost = False,
) -> None:
    """Bring a log back into DIR, from a backup, from tiles (also those in DIR/public), or from both.

    Status 1: entries that a signed checkpoint covers are still missing, and nothing can be
    written to the log until they are found; or what was given is damaged, or a fork.
    """
    with messages(), progress("entries brought back") as step:
        source = open_source(from_tiles) if from_tiles else None
        log = read_keys(key) if key else None
        done = bring_back(Folder(folder, checkpoints), backup, source, log, checkpoint_store_lost, step)
    typer.echo(f"the log has {done.entries} entries, {done.signed} of them signed; {done.brought} came from tiles")
    if done.given_up:
        typer.echo(
            f"{done.given_up} entries that were acknowledged after those were never published, and are lost: "
            "whoever said them must say them again"
        )
    if done.missing_values:
        typer.echo(f"{done.missing_values} private values of those are in no tile: only a newer backup can hold them")
