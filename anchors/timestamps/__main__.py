"""``python -m anchors.timestamps``: a local timestamp authority. It proves nothing against whoever runs it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from anchors.timestamps.folder import create_folder, open_authority
from anchors.timestamps.server import AuthorityServer
from tallystick.errors import TallystickError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 1 after one sentence that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m anchors.timestamps", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    begin = commands.add_parser("begin", help="make an authority: root, signer, keys")
    begin.add_argument("folder", type=Path)
    begin.add_argument("--name", default="local timestamp authority")
    serve = commands.add_parser("serve", help="answer queries over HTTP")
    serve.add_argument("folder", type=Path)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=3161)
    given = parser.parse_args(arguments)
    passphrase = os.environ.get("AUTHORITY_PASSPHRASE")
    try:
        if given.command == "begin":
            create_folder(given.folder, given.name, passphrase, datetime.now(UTC))
            print(f"root certificate, for trust files (independent: false): {given.folder / 'root.pem'}")
        else:
            _serve(given.folder, given.host, given.port, passphrase)
    except (TallystickError, OSError) as error:
        print(f"timestamps: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(folder: Path, host: str, port: int, passphrase: str | None) -> None:
    with open_authority(folder, passphrase) as authority:
        server = AuthorityServer((host, port), authority, (folder / "root.pem").read_bytes())
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"timestamps (operator only) on http://{host}:{server.server_address[1]}", flush=True)
        # In short steps: a signal's handler runs between them, whatever the platform.
        while not stop.wait(1):
            pass
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
