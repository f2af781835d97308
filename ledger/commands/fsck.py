"""``python -m ledger fsck LOG``: everything recomputed from stored bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.bucket.place import BucketPlace, parse_place
from ledger.commands.terminal import conclude, messages, progress
from ledger.folder import Folder
from ledger.upkeep import fsck as checking
from ledger.upkeep.replaying import Progress

Kept = Annotated[
    str, typer.Argument(metavar="LOG", help="The data folder of the log, or postgresql://… of its database.")
]
Signed = Annotated[str | None, typer.Option("--checkpoints", help="The checkpoint store, if it is kept elsewhere.")]

Tiles = Annotated[
    str | None,
    typer.Option("--tiles", envvar="TALLYSTICK_TILES", help="The object store of the published tiles, as s3://…"),
]


def fsck(log: Kept, checkpoints: Signed = None, tiles: Tiles = None) -> None:
    """Recompute everything from stored bytes: entries, tiles, checkpoints, admissions, index, states."""
    with messages(), progress("entries checked") as step:
        report = _check(log, checkpoints, parse_place(tiles) if tiles else None, step)
    typer.echo(f"{report.entries} entries, {report.published} published; {report.completeness}")
    conclude(report.findings)


def _check(log: str, checkpoints: str | None, bucket: BucketPlace | None, step: Progress) -> checking.Report:
    if log.startswith(("postgresql://", "postgres://")):
        from ledger.shared.log import fsck_shared
        from ledger.shared.place import Place

        return fsck_shared(Place(log, "fsck", checkpoints, bucket=bucket), step)
    return checking.fsck(Folder(Path(log), Path(checkpoints) if checkpoints else None), step, bucket)
