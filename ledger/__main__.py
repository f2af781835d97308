"""``python -m ledger <command>``: see ``ledger.commands``."""

from __future__ import annotations

import typer

from ledger.commands.backup import backup
from ledger.commands.fsck import fsck
from ledger.commands.mirror import mirror
from ledger.commands.monitor import monitor
from ledger.commands.replay import replay
from ledger.commands.restore import restore
from ledger.commands.serve import serve
from ledger.commands.witness import app as witness

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Keeping a log: checks, copies, watching.")
for command in (fsck, replay, backup, restore, mirror, monitor, serve):
    app.command()(command)
app.add_typer(witness, name="witness")

if __name__ == "__main__":
    app()
