"""The ``tallystick`` program: finds the command and loads nothing else.

Commands of the core are modules with ``add_parser(subparsers)``. Others join by
the entry-point group ``tallystick.commands``: a name, and a function that takes
the arguments after it and returns the exit status.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence

from tallystick import __version__

GROUP = "tallystick.commands"
NAMES = (
    "verify",
    "license",
    "digest",
    "verify-receipt",
    "verify-proof",
    "verify-certificate",
    "verify-anchor",
    "verify-fork",
    "verify-conviction",
    "accuse",
    "doctor",
)
BUILT_IN = {name: f"{GROUP}.{name.replace('-', '_')}" for name in NAMES}
"""Command -> module, imported only when it is the one that is asked for."""


COLLECT_AFTER = 500_000
"""New objects before cyclic garbage is looked for: one command makes little of it, and imports make many objects."""


def program() -> int:
    """``main`` for the shell: a process of its own, which ends with the command (decision 0042)."""
    gc.set_threshold(COLLECT_AFTER)
    silent = _open_what_is_closed()
    status = main()
    if silent:
        print("tallystick: standard output is closed, and nothing was told", file=sys.stderr)
        status = status or 1
    if sys.argv[1:] and sys.argv[1] in BUILT_IN:
        # All is written and closed. To take every module apart first takes a seventh of a verification; the operating
        # system does it at once. Commands of others may have left something to be done at the end.
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(status)
    return status


def _open_what_is_closed() -> bool:
    """Whether standard output is closed. What is closed leads nowhere then: ``print`` would take messages for a
    missing ``sys.stderr`` to standard output, and the next file opened would be given its number.
    """
    # As typeshed has them, both are always there; Python makes them None when the shell closed them (2>&-).
    given: list[object] = [sys.stdout, sys.stderr]
    for name, stream in zip(("stdout", "stderr"), given, strict=True):
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    return given[0] is None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status (2 for wrong usage)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a character shows its code instead of ending the program.
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read our output has read enough; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _run(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name not in BUILT_IN and name and not name.startswith("-"):
        for point in _joined():
            if point.name == name:
                return int(point.load()(arguments[1:]) or 0)
    modules = [BUILT_IN[name]] if name in BUILT_IN else list(BUILT_IN.values())
    parser = _parser(modules, known=name in BUILT_IN)
    if not arguments:
        parser.print_help(sys.stderr)
        parser.exit(2)
    args = parser.parse_args(arguments)
    return int(args.run(args))


def _parser(modules: Sequence[str], known: bool) -> argparse.ArgumentParser:
    others = "" if known else ", ".join(sorted(point.name for point in _joined()))
    parser = argparse.ArgumentParser(
        prog="tallystick",
        description="Provenance that a court believes.",
        epilog=f"Also installed: {others}" if others else None,
    )
    parser.add_argument("--version", action="version", version=f"tallystick {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in modules:
        importlib.import_module(module).add_parser(subparsers)
    return parser


def _joined() -> list[importlib.metadata.EntryPoint]:
    """Commands that other distributions and extras brought."""
    import importlib.metadata

    return list(importlib.metadata.entry_points(group=GROUP))


if __name__ == "__main__":
    sys.exit(program())
