"""``python -m ledger fsck LOG``: everything recomputed from stored bytes."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.bucket.place import parse_place
from ledger.commands.kept import Checkpoints, Kept, folder, shared
from ledger.commands.terminal import conclude, messages, progress
from ledger.upkeep import fsck as checking
from ledger.upkeep.replaying import Progress

Tiles = Annotated[
    str | None,
    typer.Option("--tiles", envvar="TALLYSTICK_TILES", help="The object store of the published tiles, as s3://…"),
]


def fsck(log: Kept, checkpoints: Checkpoints = None, tiles: Tiles = None) -> None:
    """Recompute everything from stored bytes: entries, tiles, checkpoints, admissions, index, states."""
    with messages(), progress("entries checked") as step:
        report = _check(log, checkpoints, tiles, step)
    values = report.values or "not all private values were counted"
    typer.echo(f"{report.entries} entries, {report.published} published; {report.completeness}; {values}")
    conclude(report.findings)


def _check(log: str, checkpoints: str | None, tiles: str | None, step: Progress) -> checking.Report:
    place = shared(log, checkpoints, tiles)
    if place is None:
        return checking.fsck(folder(log, checkpoints), step, parse_place(tiles) if tiles else None)
    from ledger.shared.upkeep import fsck_shared

    return fsck_shared(place, step)
