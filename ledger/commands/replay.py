"""``python -m ledger replay DIR``: every admission decided again."""

from __future__ import annotations

import typer

from ledger.commands.terminal import Data, conclude, messages, progress
from ledger.folder import Folder
from ledger.upkeep import fsck as checking


def replay(folder: Data) -> None:
    """Decide every admission again, from the entries alone."""
    with messages(), progress("entries decided") as step:
        replayed = checking.replay(Folder(folder), step)
    typer.echo(f"{replayed.entries} entries decided again; {replayed.completeness}")
    for position, version in replayed.policies:
        typer.echo(f"rules version {version} decided what stands after position {position}")
    conclude(replayed.findings)
