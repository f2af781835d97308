"""``tallystick digest``: the digest record of a file or folder, to compare a copy with an entry or a report."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tallystick.assets import describe
from tallystick.errors import MalformedInput
from tallystick.schema import write


def add_parser(subparsers: Any) -> None:
    """Add ``digest`` to the program's subcommands; its namespace gets ``run``."""
    digest = subparsers.add_parser(
        "digest",
        help="the digest record of a file or folder",
        description="Prints what an entry of the log holds in place of the bytes. Exit status: 0, or 2 malformed.",
    )
    digest.add_argument("path", type=Path, help="a file, or a folder of files")
    digest.add_argument("--files", action="store_true", help="the file list of a folder, one record for each file")
    digest.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read and print; nothing leaves this machine."""
    try:
        asset = describe(args.path)
    except (MalformedInput, OSError) as error:
        print(f"malformed: {error}", file=sys.stderr)
        return 2
    print(json.dumps(write(asset.entries if args.files else asset.content), ensure_ascii=False, indent=2))
    return 0
