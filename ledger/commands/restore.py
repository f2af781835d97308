"""``python -m ledger restore LOG …``: a log brought back, never as a second history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.bucket.objects import Objects
from ledger.bucket.place import parse_place
from ledger.commands.kept import Checkpoints, Kept, folder, shared
from ledger.commands.terminal import messages, progress, read_keys
from ledger.copies.bucket_source import BucketSource
from ledger.copies.source import Source, open_source
from ledger.folder import Folder
from ledger.tilestore import CHECKPOINT
from ledger.upkeep.restore import restore as bring_back

Backup = Annotated[
    Path | None,
    typer.Option(help="A folder that `backup` made; nothing that stands already is replaced by it."),
]
From = Annotated[
    str | None,
    typer.Option("--from-tiles", help="URL, s3://… or folder of a mirror: gives entries that the database lacks."),
]
Lost = Annotated[
    bool,
    typer.Option(
        "--checkpoint-store-lost",
        help="There is no copy of the checkpoint store. You vouch that nothing was signed after what is given here.",
    ),
]
Tiles = Annotated[
    str | None,
    typer.Option(
        "--tiles",
        envvar="TALLYSTICK_TILES",
        help="The object store of the published tiles, as s3://…: read where --from-tiles is not given, and filled.",
    ),
]
Evidence = Annotated[
    Path, typer.Option(help="Where DIR/evidence is kept if a fork is met, when LOG is no folder.", metavar="DIR")
]


def restore(
    log: Kept,
    backup: Backup = None,
    from_tiles: From = None,
    key: Annotated[list[str] | None, typer.Option("--key", help="Verifier keys, or files of them.")] = None,
    checkpoints: Checkpoints = None,
    checkpoint_store_lost: Lost = False,
    tiles: Tiles = None,
    evidence: Evidence = Path(),
) -> None:
    """Bring a log back into LOG, from a backup, from tiles (also those published there), or from both.

    Status 1: entries that a signed checkpoint covers are still missing, and nothing can be
    written to the log until they are found; or what was given is damaged, or a fork.
    """
    with messages():
        place = shared(log, checkpoints, tiles)
    with messages(), progress("entries brought back") as step:
        objects = _objects(tiles)
        source = open_source(from_tiles) if from_tiles else _shown(objects)
        known = read_keys(key) if key else None
        if place is None:
            done = bring_back(folder(log, checkpoints), backup, source, known, checkpoint_store_lost, step)
        else:
            from ledger.shared.restoring import restore_shared

            done = restore_shared(place, backup, source, known, evidence, checkpoint_store_lost, step)
    typer.echo(f"the log has {done.entries} entries, {done.signed} of them signed; {done.brought} came from tiles")
    if done.given_up:
        typer.echo(
            f"{done.given_up} entries that were acknowledged after those were never published, and are lost: "
            "whoever said them must say them again"
        )
    if done.aside:
        typer.echo(
            f"tiles that no checkpoint covers, of entries that are not in the log any more, are in {done.aside} now: "
            "the bundles there hold what was said, without private values"
        )
    if done.missing_values:
        typer.echo(f"{done.missing_values} private values of those are in no tile: only a newer backup can hold them")
    # Of a shared log they are there already.
    if objects and done.signed and place is None:
        _fill(folder(log, checkpoints), objects)


def _objects(tiles: str | None) -> Objects | None:
    place = parse_place(tiles) if tiles else None
    if place is None:
        return None
    from ledger.bucket.s3 import S3Objects  # the library is loaded where there is a bucket

    return S3Objects(place)


def _shown(objects: Objects | None) -> Source | None:
    """The object store, if a log is shown there: an empty one gives nothing. Raises where it does not answer."""
    if objects is None or objects.get(CHECKPOINT) is None:
        return None
    return BucketSource(objects)


def _fill(where: Folder, objects: Objects) -> None:
    from ledger.upkeep.filling import fill

    with messages(), progress("tiles put") as step:
        count = fill(where, objects, step)
    typer.echo(
        f"{count} tiles are in {objects.name}; the checkpoint is shown when the log opens there. "
        f"Then run `fsck`, and {where.public} may go"
    )
