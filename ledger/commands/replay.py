"""``python -m ledger replay LOG``: every admission decided again."""

from __future__ import annotations

import typer

from ledger.commands.kept import Kept, folder, shared
from ledger.commands.terminal import conclude, messages, progress
from ledger.upkeep import fsck as checking
from ledger.upkeep.replaying import Progress, Replayed


def replay(log: Kept) -> None:
    """Decide every admission again, from the entries alone."""
    with messages(), progress("entries decided") as step:
        replayed = _replay(log, step)
    typer.echo(f"{replayed.entries} entries decided again; {replayed.completeness}")
    for position, version in replayed.policies:
        typer.echo(f"rules version {version} decided what stands after position {position}")
    conclude(replayed.findings)


def _replay(log: str, step: Progress) -> Replayed:
    place = shared(log, None)
    if place is None:
        return checking.replay(folder(log, None), step)
    from ledger.shared.upkeep import replay_shared

    return replay_shared(place, step)
