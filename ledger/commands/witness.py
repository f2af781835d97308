"""``python -m ledger witness …``: a witness of other people's logs (C2SP tlog-witness), to be run by somebody else."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ledger.commands.terminal import WRONG, messages
from ledger.copies.evidence import save
from ledger.log import system_clock
from ledger.witness.folder import WitnessFolder, add_log, create_witness, open_voice, open_witness
from ledger.witness.heads import Heads
from ledger.witness.server import WitnessServer
from tallystick.times import format_time

app = typer.Typer(add_completion=False, no_args_is_help=True, help="A witness of logs: cosigns what only ever grows.")

Data = Annotated[Path, typer.Argument(metavar="DIR", help="The data folder of the witness.")]
Passphrase = Annotated[str | None, typer.Option(envvar="WITNESS_PASSPHRASE", hidden=True)]


@app.command()
def init(
    folder: Data,
    name: Annotated[str, typer.Option(help="The witness's name, for good: a URL of yours without https://")],
    passphrase: Passphrase = None,
) -> None:
    """Begin a witness: make its keys and print them. The folder must not exist."""
    with messages():
        voice = create_witness(folder, name, passphrase)
    for key in voice.verifier_keys():
        typer.echo(key)


@app.command()
def keys(folder: Data, passphrase: Passphrase = None) -> None:
    """Print the verifier keys, for trust files and policies."""
    with messages():
        voice = open_voice(folder, passphrase)
    for key in voice.verifier_keys():
        typer.echo(key)


@app.command()
def add(
    folder: Data,
    vkeys: Annotated[typer.FileText, typer.Argument(help="Verifier keys of a log, as its /vkeys gives them; - reads.")],
) -> None:
    """Make a log known. Compare its keys by another channel first. A running witness must be started again."""
    with messages():
        added, left_out = add_log(folder, vkeys.read().split("\n"))
    for line in added:
        typer.echo(f"added {line}")
    for line in left_out:
        typer.echo(f"left out (known, or not for witnesses): {line[:100]}")


@app.command()
def serve(
    folder: Data,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65_535)] = 8100,
    passphrase: Passphrase = None,
) -> None:
    """Answer POST /add-checkpoint until told to stop. Put a reverse proxy with TLS in front."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    with messages(), open_witness(folder, passphrase, system_clock) as witness:
        try:
            server = WitnessServer((host, port), witness)
        except OSError as error:
            typer.echo(f"cannot listen on {host} port {port} ({error.strerror}): choose another with --port", err=True)
            raise typer.Exit(WRONG) from None
        for number in (signal.SIGINT, signal.SIGTERM):
            # Not from the thread that serves: it would wait for itself.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        shown = f"[{host}]" if ":" in host else host
        typer.echo(f"witness listens on http://{shown}:{server.server_address[1]}")
        sys.stdout.flush()
        server.serve_forever(poll_interval=0.1)
        server.server_close()


@app.command()
def status(
    folder: Data,
    evidence: Annotated[
        Path | None, typer.Option(help="Folder to keep each fork in, for `tallystick accuse`.", show_default=False)
    ] = None,
) -> None:
    """What was cosigned last, what smaller one was refused, and forks: exit status 1 if there is one."""
    with messages(), closing(Heads(WitnessFolder(folder).database)) as heads:
        for origin in heads.origins():
            head = heads.get(origin)
            assert head is not None
            typer.echo(f"{origin}: {head.size} leaves, root {head.root.hex()}, cosigned at {format_time(head.time)}")
        forks, smaller = heads.forks(), heads.smaller()
    for one in smaller:
        typer.echo(
            f"{one.origin}: at {format_time(one.time)} a checkpoint of {one.size} leaves, root {one.root.hex()}, was "
            "refused, for more had been cosigned: somebody repeated an old one, or the log went back or shows another "
            "history; a mirror or monitor of the log says which"
        )
    for fork in forks:
        typer.echo(
            f"FORK: {fork.origin} signed two trees of {fork.size} leaves; the second was offered at "
            f"{format_time(fork.time)}\n--- cosigned here\n{fork.held}--- offered\n{fork.offered}---",
            err=True,
        )
        if evidence is not None:
            notes = {"smaller": fork.held, "larger": fork.offered}
            kept = save(evidence, "fork", {name: note.encode() for name, note in notes.items()})
            typer.echo(f"kept in {kept}", err=True)
    if forks:
        raise typer.Exit(WRONG)
