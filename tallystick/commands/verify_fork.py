"""``tallystick verify-fork``: did a log sign two histories? Offline, by fork evidence and the log's keys alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.fork import MAX_FORK_BYTES, ForkEvidence, ForkFact, decode, fork_facts, origin_of, verify_fork
from tallystick.printing import json_text, message, printable
from tallystick.trust import MAX_TRUST_BYTES, parse_trust
from tallystick.versions import UnknownVersion

EXIT_NOT_PROVED, EXIT_MALFORMED = 1, 2


def add_parser(subparsers: Any) -> None:
    """Add ``verify-fork`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify-fork",
        help="verify evidence that a log forked, offline",
        description="Exit status: 0 the log signed two histories, 1 not proved, 2 malformed input or usage.",
    )
    verify.add_argument(
        "evidence", type=Path, help="fork evidence: two signed checkpoints, and what contradicts in them"
    )
    verify.add_argument("--trust", type=Path, required=True, help="trust file: the keys of the logs that you know")
    verify.add_argument("--json", action="store_true", help="the result for programs")
    verify.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the answer")
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says whether the fork is proved."""
    try:
        with args.trust.open("rb") as file:
            trust = parse_trust(file.read(MAX_TRUST_BYTES + 1))
        evidence = read_evidence(args.evidence)
        origin = origin_of(evidence)
        if origin not in trust.logs:
            known = ", ".join(trust.logs)
            raise VerificationFailed(f"the evidence is about log {origin}; the trust file names {known}")
        fact = verify_fork(evidence, trust.logs[origin].history)
    except (VerificationFailed, UnknownVersion) as error:
        return _failed(args, "not_proved", EXIT_NOT_PROVED, error)
    except (MalformedInput, OSError) as error:
        return _failed(args, "malformed", EXIT_MALFORMED, error)
    if args.json:
        print(json_text({"verdict": "proved", **fork_facts(fact)}))
    else:
        print("\n".join(map(printable, _lines(fact, args.lang))))
    return 0


def read_evidence(path: Path) -> ForkEvidence:
    """The evidence in a file. Raises ``MalformedInput`` with the path, ``UnknownVersion`` among it, or ``OSError``."""
    with path.open("rb") as file:
        data = file.read(MAX_FORK_BYTES + 1)
    try:
        return decode(data)
    except UnknownVersion:
        raise
    except MalformedInput as error:
        raise MalformedInput(f"fork evidence {path}: {error}") from None


def _lines(fact: ForkFact, language: str) -> Iterator[str]:
    # Imported here, so that `tallystick verify`, which reads evidence too, does not wait for these words.
    from tallystick.report.fork_words import WORDS

    def say(name: str, **values: object) -> str:
        phrase = WORDS[name]
        return (phrase.zh if language == "zh" else phrase.en).format(**values)

    yield say("proved", origin=fact.origin)
    for one in (fact.first, fact.second):
        yield "  " + say("first", size=one.size, root=one.root.hex())
    yield "  " + say("signed", keys=", ".join(fact.signed_by))
    yield "  " + say(fact.kind, opened=(fact.opened or b"").hex(), size=fact.first.size, index=fact.index)
    yield say("means")
    yield "  - " + say("means-word")
    yield say("limits")
    yield "  - " + say("limit-who")
    yield "  - " + say("limit-which")


def _failed(args: argparse.Namespace, verdict: str, status: int, error: Exception) -> int:
    if args.json:
        print(json_text({"verdict": verdict, "error": message(error)}, indent=None))
    elif verdict == "malformed":
        print(f"malformed: {message(error)}", file=sys.stderr)
    else:
        from tallystick.report.fork_words import WORDS

        phrase = WORDS["not-proved"]
        print(f"{phrase.zh if args.lang == 'zh' else phrase.en}: {message(error)}", file=sys.stderr)
    return status
