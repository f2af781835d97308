"""The frame of the commands that verify one file: what the reader gives, how the answer is told, the exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.printing import json_text, message, printable, untried
from tallystick.report.phrase import Language, Phrase
from tallystick.times import format_time, parse_time
from tallystick.trust import MAX_TRUST_BYTES, Trust, parse_trust
from tallystick.versions import UnknownVersion

EXIT_NOT_PROVED, EXIT_MALFORMED = 1, 2


@dataclass(frozen=True)
class Answer:
    """What was found. ``value``: for programs; ``lines``: for people, made only when they are shown."""

    value: Mapping[str, Any]
    lines: Iterable[str]
    status: int = 0


def add_trust(parser: argparse.ArgumentParser, what: str, *, required: bool = True) -> None:
    """``--trust``; ``what``: what of the file counts here."""
    parser.add_argument("--trust", type=Path, required=required, help=f"trust file: {what}")


def add_time(parser: argparse.ArgumentParser) -> None:
    """``--at``, read by ``time_of``."""
    parser.add_argument("--at", metavar="TIME", help="instant of verification, as 2026-01-31T12:00:00Z (default: now)")


def add_output(parser: argparse.ArgumentParser) -> None:
    """``--json`` and ``--lang``."""
    parser.add_argument("--json", action="store_true", help="the result for programs")
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the answer")


def time_of(args: argparse.Namespace) -> int:
    """Unix seconds of ``--at``. The one place where verification meets the clock, and it says so."""
    if args.at is None:
        args.at = format_time(int(datetime.now(UTC).timestamp()))
        tell_clock(args.at, getattr(args, "lang", "en"))
    return parse_time(args.at)


def tell_clock(at: str, lang: str) -> None:
    """That the instant was taken from this machine."""
    if lang == "zh":
        print(f"验证所据时间 {at} 取自本机时钟（可用 --at 另行指定）", file=sys.stderr)
    else:
        print(f"as of {at}, by the clock of this machine (--at gives another time)", file=sys.stderr)


def read_limited(path: Path, limit: int) -> bytes:
    """The file, or as much of it as shows the reader that it is longer than ``limit`` bytes."""
    with path.open("rb") as file:
        return file.read(limit + 1)


def trust_of(args: argparse.Namespace) -> Trust:
    """The trust file. Raises ``MalformedInput``, ``UnknownVersion`` among it."""
    return parse_trust(read_limited(args.trust, MAX_TRUST_BYTES))


def sayer(words: Mapping[str, Phrase], language: Language) -> Callable[..., str]:
    """Phrases of ``words`` by name, in one language, with values in them."""

    def say(name: str, **values: object) -> str:
        phrase = words[name]
        return (phrase.zh if language == "zh" else phrase.en).format(**values)

    return say


def answer(
    args: argparse.Namespace,
    verify: Callable[[argparse.Namespace], Answer],
    not_proved: Phrase,
    refused: Mapping[str, Any] | None = None,
) -> int:
    """Verify, print, and return the exit status. ``refused``: members of the JSON answer that are there in any case."""
    try:
        found = verify(args)
    except (VerificationFailed, UnknownVersion) as error:
        head = not_proved.zh if args.lang == "zh" else not_proved.en
        return _failed(args, "not_proved", f"{head}: {message(error)}", error, refused or {})
    except (MalformedInput, OSError) as error:
        return _failed(args, "malformed", untried(error, args.lang), error, refused or {})
    if args.json:
        print(json_text(found.value))
    else:
        print("\n".join(map(printable, found.lines)))
    return found.status


def _failed(args: argparse.Namespace, verdict: str, told: str, error: Exception, refused: Mapping[str, Any]) -> int:
    if args.json:
        print(json_text({"verdict": verdict, **refused, "error": message(error)}, indent=None))
    else:
        print(told, file=sys.stderr)
    return EXIT_MALFORMED if verdict == "malformed" else EXIT_NOT_PROVED
