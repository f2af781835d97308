"""``tallystick digest``: the digest record of a file or folder, and whether it is the one that a log holds. Offline."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tallystick import canonical
from tallystick.assets import Asset, Progress, describe
from tallystick.content import Content, check_content, read_content
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.objects import ObjectRegistration
from tallystick.printing import untried
from tallystick.schema import write
from tallystick.statement import MAX_ENTRY_BYTES, parse_statement

EXIT_DIFFERS, EXIT_MALFORMED = 1, 2
_STEP = 64 << 20
"""Bytes between two lines of progress: some tenths of a second."""


def add_parser(subparsers: Any) -> None:
    """Add ``digest`` to the program's subcommands; its namespace gets ``run``."""
    digest = subparsers.add_parser(
        "digest",
        help="the digest record of a file or folder, compared with what a log holds",
        description="Exit status: 0 told, or the same; 1 not the same; 2 malformed input or usage.",
    )
    digest.add_argument("path", type=Path, help="a file, or a folder with all that is in it")
    digest.add_argument(
        "--against",
        type=Path,
        metavar="FILE",
        help="compare with this: an entry that registers an object (entries/N.cose in a bundle), "
        "or a digest record as JSON",
    )
    digest.add_argument("--files", action="store_true", help="list every file as well")
    digest.add_argument("--json", action="store_true", help="for programs: the digest record, with --files the list")
    digest.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, print and compare; the exit status says whether it is the same."""
    try:
        expected = None if args.against is None else read_record(args.against)
        with _reading(args.path) as told:
            asset = describe(args.path, told)
    except (MalformedInput, OSError) as error:
        print(untried(error), file=sys.stderr)
        return EXIT_MALFORMED
    _print(asset, args)
    if expected is None:
        return 0
    try:
        check_content(expected, asset.content)
    except VerificationFailed as error:
        print(f"NOT THE SAME: {error}", file=sys.stderr)
        return EXIT_DIFFERS
    print(f"the same as in {args.against}", file=sys.stderr)
    return 0


def read_record(path: Path) -> Content:
    """The digest record in a file: of an entry, or as JSON. Raises ``MalformedInput``."""
    with path.open("rb") as file:
        data = file.read(MAX_ENTRY_BYTES + 1)
    if data[:1].isspace() or data[:1] == b"{":
        return read_content(canonical.decode_relaxed(data, MAX_ENTRY_BYTES))
    try:
        body = parse_statement(data).event.body
    except MalformedInput as error:
        raise MalformedInput(
            f"{path} is neither an entry of a log ({error}) nor a digest record as JSON; "
            "write one with `tallystick digest --json PATH > FILE`"
        ) from None
    if not isinstance(body, ObjectRegistration):
        raise MalformedInput(f"{path} is an entry of the log, but registers no object")
    return body.digest_record


@contextmanager
def _reading(path: Path) -> Iterator[Progress]:
    """Says on a terminal how much is read, on one line that is gone at the end; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda name, read: None
        return
    total = _size(path)
    done, shown, lock = 0, 0, threading.Lock()

    def told(name: str, read: int) -> None:
        nonlocal done, shown
        with lock:
            done += read
            if done - shown >= _STEP:
                shown = done
                print(f"\r\x1b[Kreading: {done >> 20} of {total >> 20} MiB", end="", file=sys.stderr, flush=True)

    try:
        yield told
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _size(path: Path) -> int:
    """Bytes that are going to be read."""
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())


def _print(asset: Asset, args: argparse.Namespace) -> None:
    if args.json:
        print(json.dumps(write(list(asset.entries) if args.files else asset.content), ensure_ascii=False))
        return
    for name, value in write(asset.content).items():
        print(f"{name:<7}{value}")
    if args.files:
        for entry in asset.entries:
            print(f"{entry.sha256}  {entry.size:>12}  {entry.path}")
