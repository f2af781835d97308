"""The web framework's own echo: `python -m benchmarks.peers.echo PORT`: an event is parsed by a model, and answered."""

# Without `from __future__ import annotations`: FastAPI must see the model, not its name.

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.http_load import Service
from tallystick.keys import LocalSigner


@contextmanager
def serving() -> Iterator[Service]:
    """A running echo, to be driven as if it were the service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.peers.echo", str(port)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        yield Service(port, process.pid, "", "", LocalSigner.generate("ed25519"), 0.0)
    finally:
        process.terminate()
        process.wait(30)


def main(port: int) -> None:
    """FastAPI on uvicorn, as the service runs, and nothing behind it."""
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Event(BaseModel):
        type: str
        event_id: str
        body: dict[str, Any]

    app = FastAPI()

    @app.post("/v1/events", status_code=201)
    async def echo(event: Event) -> Event:
        return event

    print("echo", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
