"""``python -m ledger fsck LOG``: everything recomputed from stored bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.commands.terminal import conclude, messages, progress
from ledger.folder import Folder
from ledger.upkeep import fsck as checking
from ledger.upkeep.replaying import Progress

Kept = Annotated[
    str, typer.Argument(metavar="LOG", help="The data folder of the log, or postgresql://… of its database.")
]
Signed = Annotated[str | None, typer.Option("--checkpoints", help="The checkpoint store, if it is kept elsewhere.")]


def fsck(log: Kept, checkpoints: Signed = None) -> None:
    """Recompute everything from stored bytes: entries, tiles, checkpoints, admissions, index, states."""
    with messages(), progress("entries checked") as step:
        report = _check(log, checkpoints, step)
    typer.echo(f"{report.entries} entries, {report.published} published; {report.completeness}")
    conclude(report.findings)


def _check(log: str, checkpoints: str | None, step: Progress) -> checking.Report:
    if log.startswith(("postgresql://", "postgres://")):
        from ledger.shared.log import Place, fsck_shared

        return fsck_shared(Place(log, "fsck", checkpoints), step)
    return checking.fsck(Folder(Path(log), Path(checkpoints) if checkpoints else None), step)
