"""``tallystick verify-fork``: did a log sign two histories? Offline, by fork evidence and the log's keys alone."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.commands.frame import Answer, add_output, add_trust, answer, read_limited, sayer, trust_of
from tallystick.errors import VerificationFailed
from tallystick.fork import ForkEvidence, ForkFact, fork_facts, origin_of, verify_fork
from tallystick.report.fork_words import WORDS
from tallystick.report.phrase import Language
from tallystick.trust import LogTrust, Trust
from tallystick.verify.accusation import MAX_BYTES, decode, evidence_of


def add_parser(subparsers: Any) -> None:
    """Add ``verify-fork`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify-fork",
        help="verify evidence that a log forked, offline",
        description="Exit status: 0 the log signed two histories, 1 not proved, 2 malformed input or usage.",
    )
    verify.add_argument("evidence", type=Path, help="fork evidence, or a conviction proof for the evidence in it")
    add_trust(verify, "the keys of the logs that you know")
    add_output(verify)
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says whether the fork is proved."""
    return answer(args, _verify, WORDS["not-proved"])


def _verify(args: argparse.Namespace) -> Answer:
    trust = trust_of(args)
    evidence = evidence_of(decode(read_limited(args.evidence, MAX_BYTES)))
    fact = verify_fork(evidence, accused(evidence, trust).history)
    return Answer({"verdict": "proved", **fork_facts(fact)}, proved_lines(fact, args.lang))


def accused(evidence: ForkEvidence, trust: Trust) -> LogTrust:
    """The log that the evidence is about. Raises ``VerificationFailed`` where the trust file does not name it."""
    origin = origin_of(evidence)
    if origin not in trust.logs:
        raise VerificationFailed(f"the evidence is about log {origin}; the trust file names {', '.join(trust.logs)}")
    return trust.logs[origin]


def fork_lines(fact: ForkFact, language: Language) -> Iterator[str]:
    """What was signed, and why it cannot both be true."""
    say = sayer(WORDS, language)
    for one in (fact.first, fact.second):
        yield "  " + say("first", size=one.size, root=one.root.hex())
    yield "  " + say("signed", keys=", ".join(fact.signed_by))
    yield "  " + say(fact.kind, opened=(fact.opened or b"").hex(), size=fact.first.size, index=fact.index)


def proved_lines(fact: ForkFact, language: Language) -> Iterator[str]:
    """That the log forked, how, and what follows."""
    say = sayer(WORDS, language)
    yield say("proved", origin=fact.origin)
    yield from fork_lines(fact, language)
    yield say("means")
    yield "  - " + say("means-word")
    yield say("limits")
    yield "  - " + say("limit-who")
    yield "  - " + say("limit-which")
