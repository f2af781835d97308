"""``python -m ledger serve DIR``: a mirror, or the public part of a log, over HTTP."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from ledger.commands.terminal import messages, until_stopped
from ledger.copies.serve import make_server


def serve(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A mirror, a log's data folder, or a tree of tiles.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0: any that is free.")] = 8080,
) -> None:
    """Serve the checkpoint and tiles of a folder, and nothing else. Ends well on SIGINT and SIGTERM."""
    with messages(), until_stopped() as stopped:
        server = make_server(folder, host, port)
        worker = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        worker.start()
        typer.echo(f"serving {folder} on http://{host}:{server.server_address[1]}")
        stopped.wait()
        server.shutdown()
        server.server_close()
