"""``python -m ledger fsck DIR``: everything recomputed from stored bytes."""

from __future__ import annotations

import typer

from ledger import fsck as checking
from ledger.commands.terminal import Checkpoints, Data, conclude, messages, progress
from ledger.folder import Folder


def fsck(folder: Data, checkpoints: Checkpoints = None) -> None:
    """Recompute everything from stored bytes: entries, tiles, checkpoints, admissions, index, states."""
    with messages(), progress("entries checked") as step:
        report = checking.fsck(Folder(folder, checkpoints), step)
    typer.echo(f"{report.entries} entries, {report.published} published; {report.completeness}")
    conclude(report.findings)
