"""``tallystick verify``: is what this bundle claims proved? Offline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.commands.frame import add_output, add_time, add_trust, read_limited, time_of, trust_of
from tallystick.errors import MalformedInput
from tallystick.printing import json_text, message, printable, untried
from tallystick.times import format_time, parse_time
from tallystick.trust import Trust
from tallystick.versions import UnknownVersion

if TYPE_CHECKING:
    from tallystick.verify import Report
    from tallystick.verify.accusation import Accusation

EXITS = {"proved": 0, "not_proved": 1, "malformed": 2}


def add_parser(subparsers: Any) -> None:
    """Add ``verify`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify",
        help="verify an evidence bundle, offline",
        description="Exit status: 0 every required claim proved, 1 not proved, 2 malformed input or usage.",
    )
    verify.add_argument("bundle", type=Path, nargs="?", help="the evidence bundle, a zip file")
    add_trust(verify, "whom you believe; never from the bundle", required=False)
    add_time(verify)
    add_output(verify)
    verify.add_argument("--html", type=Path, metavar="OUT", help="write the report as an HTML page too")
    verify.add_argument(
        "--forms", type=Path, metavar="DIR", help="write forms for a court there too, filled in from facts, unsigned"
    )
    verify.add_argument(
        "--convictions",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="fork evidence (verify-fork), conviction proofs: nothing rests on the word of a log whose fork one shows",
    )
    verify.add_argument(
        "--replay",
        type=Path,
        metavar="DIR",
        help="a copy of the log (see ledger mirror): whether events were withheld is worked out from all its entries",
    )
    verify.add_argument(
        "--explain",
        type=int,
        metavar="STEP",
        help=(
            "say what a numbered step checks, on which bytes, by which rule and against which attack; verifies nothing"
        ),
    )
    verify.set_defaults(run=run, wrong=verify.error)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says the verdict."""
    if args.explain is not None:
        return _explain(args)
    if args.bundle is None or args.trust is None:
        args.wrong("a bundle and --trust are required (or --explain STEP alone)")
    try:
        at, trust = time_of(args), _trust(args)
        report = _verify(args, trust, at)
    except UnknownVersion as error:
        return _failed(args, "not_proved", error)
    except (MalformedInput, OSError) as error:
        return _failed(args, "malformed", error)
    _print(report, args)
    _tell_early(report, args.lang)
    _print_opinions(report, args, trust)
    try:
        _write_pages(report, args)
    except OSError as error:
        # The verdict is told by then: a folder that is not there must not cost it.
        print(untried(error, args.lang), file=sys.stderr)
        return EXITS["malformed"]
    return EXITS[report.verdict]


def _write_pages(report: Report, args: argparse.Namespace) -> None:
    if args.html is not None:
        from tallystick.report.as_html import html_report

        args.html.write_text(html_report(report, args.lang), encoding="utf-8")
    if args.forms is not None:
        _write_forms(report, args.forms)


def _write_forms(report: Report, folder: Path) -> None:
    from tallystick.report.as_html import html_page
    from tallystick.report.forms import forms

    folder.mkdir(parents=True, exist_ok=True)
    for name, form in forms(report).items():
        (folder / f"{name}.html").write_text(html_page(form), encoding="utf-8")


def _explain(args: argparse.Namespace) -> int:
    from tallystick.report.explanations import EXPLANATIONS, explain

    if args.explain not in EXPLANATIONS:
        args.wrong(f"there is no step {args.explain}: they are {min(EXPLANATIONS)} to {max(EXPLANATIONS)}")
    sys.stdout.write(explain(args.explain, args.lang))
    return 0


def _verify(args: argparse.Namespace, trust: Trust, at: int) -> Report:
    # Imported here, so that whoever only asks how it is used waits for none of it.
    from tallystick.verify import verify_case

    accusations = [_accusation(path) for path in args.convictions]
    copy = None if args.replay is None else partial(_entries_in, args.replay)
    with args.bundle.open("rb") as file:
        return verify_case(file, trust, at, accusations, copy)


def _entries_in(folder: Path) -> Iterable[bytes]:
    from tallystick.commands.tile_folder import entries_in

    return entries_in(folder)


def _trust(args: argparse.Namespace) -> Trust:
    try:
        return trust_of(args)
    except UnknownVersion:
        raise
    except MalformedInput as error:
        raise MalformedInput(f"trust file {args.trust}: {error}") from None


def _accusation(path: Path) -> Accusation:
    from tallystick.verify.accusation import MAX_BYTES, decode

    try:
        return decode(read_limited(path, MAX_BYTES))
    except UnknownVersion:
        raise
    except MalformedInput as error:
        raise MalformedInput(f"fork evidence {path}: {error}") from None


def _print(report: Report, args: argparse.Namespace) -> None:
    # Imported here, so that a program that asks for one form does not wait for the other.
    if args.json:
        from tallystick.report.as_json import json_report

        sys.stdout.write(json_report(report))
    else:
        from tallystick.report.as_text import text_report

        sys.stdout.write(text_report(report, args.lang))


def _tell_early(report: Report, lang: str) -> None:
    """Where the examination lies before the export: most often a clock is wrong, and nothing is wrong with the case."""
    exported_at = report.facts.get("exported_at")
    if exported_at is None or parse_time(exported_at) <= report.at:
        return
    at = format_time(report.at)
    if lang == "zh":
        told = f"提示：证据包自称出具于 {exported_at}，晚于验证所据时间 {at}：请核对本机时钟，或用 --at 指定时间"
    else:
        told = (
            f"note: the bundle says it was exported at {exported_at}, after the time of verification, {at}: "
            "compare the clock of this machine, or give another time with --at"
        )
    print(told, file=sys.stderr)


def _print_opinions(report: Report, args: argparse.Namespace, trust: Trust) -> None:
    """Beside the report: it is the same on every machine, and who else is asked is not."""
    from tallystick.commands.second_opinions import second_opinions

    lines = [printable(line) for line in second_opinions(args.bundle, report, trust)]
    if lines:
        print("\n".join(["second opinions, which decide nothing:", *lines]), file=sys.stderr)


def _failed(args: argparse.Namespace, verdict: str, error: Exception) -> int:
    """Nothing was verified: the trust file, a path or the time is at fault."""
    if args.json:
        print(json_text({"verdict": verdict, "claims": [], "error": message(error)}, indent=None))
    elif verdict == "malformed":
        print(untried(error, args.lang), file=sys.stderr)
    else:
        print(f"{'未证明：' if args.lang == 'zh' else 'not proved: '}{message(error)}", file=sys.stderr)
    return EXITS[verdict]
