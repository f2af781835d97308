"""``tallystick verify``: is what this bundle claims proved? Offline."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tallystick.commands.verify_fork import read_evidence
from tallystick.errors import MalformedInput
from tallystick.printing import json_text, message
from tallystick.times import format_time, parse_time
from tallystick.trust import MAX_TRUST_BYTES, Trust, parse_trust
from tallystick.verify import Report, verify_case
from tallystick.versions import UnknownVersion

EXITS = {"proved": 0, "not_proved": 1, "malformed": 2}


def add_parser(subparsers: Any) -> None:
    """Add ``verify`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify",
        help="verify an evidence bundle, offline",
        description="Exit status: 0 every required claim proved, 1 not proved, 2 malformed input or usage.",
    )
    verify.add_argument("bundle", type=Path, help="the evidence bundle, a zip file")
    verify.add_argument("--trust", type=Path, required=True, help="trust file: whom you believe; never from the bundle")
    verify.add_argument("--at", metavar="TIME", help="instant of verification, as 2026-01-31T12:00:00Z (default: now)")
    verify.add_argument("--json", action="store_true", help="the result for programs")
    verify.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the report")
    verify.add_argument("--html", type=Path, metavar="OUT", help="write the report as an HTML page too")
    verify.add_argument(
        "--convictions",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="fork evidence (see verify-fork): nothing rests on the word of a log that one of them convicts",
    )
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says the verdict."""
    if args.at is None:
        # The one place where verification meets the clock, and it says so.
        args.at = format_time(int(datetime.now(UTC).timestamp()))
        print(f"as of {args.at}, by the clock of this machine (--at gives another time)", file=sys.stderr)
    try:
        report = _verify(args)
        if args.html is not None:
            from tallystick.report.as_html import html_report

            args.html.write_text(html_report(report, args.lang), encoding="utf-8")
    except UnknownVersion as error:
        return _failed(args, "not_proved", error)
    except (MalformedInput, OSError) as error:
        return _failed(args, "malformed", error)
    _print(report, args)
    return EXITS[report.verdict]


def _verify(args: argparse.Namespace) -> Report:
    at = parse_time(args.at)
    trust = _trust(args.trust)
    accusations = [read_evidence(path) for path in args.convictions]
    with args.bundle.open("rb") as file:
        return verify_case(file, trust, at, accusations)


def _trust(path: Path) -> Trust:
    with path.open("rb") as file:
        data = file.read(MAX_TRUST_BYTES + 1)
    try:
        return parse_trust(data)
    except UnknownVersion:
        raise
    except MalformedInput as error:
        raise MalformedInput(f"trust file {path}: {error}") from None


def _print(report: Report, args: argparse.Namespace) -> None:
    # Imported here, so that a program that asks for one form does not wait for the other.
    if args.json:
        from tallystick.report.as_json import json_report

        sys.stdout.write(json_report(report))
    else:
        from tallystick.report.as_text import text_report

        sys.stdout.write(text_report(report, args.lang))


def _failed(args: argparse.Namespace, verdict: str, error: Exception) -> int:
    """Nothing was verified: the trust file, a path or the time is at fault."""
    if args.json:
        print(json_text({"verdict": verdict, "claims": [], "error": message(error)}, indent=None))
    else:
        print(f"{verdict.replace('_', ' ')}: {message(error)}", file=sys.stderr)
    return EXITS[verdict]
