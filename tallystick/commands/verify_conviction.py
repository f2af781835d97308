"""``tallystick verify-conviction``: does a log's authority stand convicted of a fork in a court on a chain? Offline."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.commands.frame import (
    EXIT_NOT_PROVED,
    Answer,
    add_output,
    add_time,
    add_trust,
    answer,
    read_limited,
    sayer,
    time_of,
    trust_of,
)
from tallystick.commands.verify_fork import accused, fork_lines
from tallystick.evm.conviction_proof import MAX_CONVICTION_BYTES, decode
from tallystick.fork import verify_fork
from tallystick.report.anchor_words import HEADS, LABELS
from tallystick.report.fork_words import WORDS
from tallystick.report.lines import sentence
from tallystick.report.phrase import Language
from tallystick.trust import Trust
from tallystick.verify.accusation import Judged, Standing, judged_facts, standing_of
from tallystick.verify.outcome import say, time_text


def add_parser(subparsers: Any) -> None:
    """Add ``verify-conviction`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify-conviction",
        help="verify that a log stands convicted of a fork on a chain, offline",
        description="Exit status: 0 it stands convicted, 1 not proved, contradicted or in need of an external fact, "
        "2 malformed input or usage.",
    )
    verify.add_argument("proof", type=Path, help="a conviction proof, as `python -m api chain convict` writes it")
    add_trust(verify, "logs, blocks and chains you believe")
    add_time(verify)
    add_output(verify)
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says whether it is proved."""
    return answer(args, _verify, HEADS["not_proved"])


def _verify(args: argparse.Namespace) -> Answer:
    at, trust = time_of(args), trust_of(args)
    proof = decode(read_limited(args.proof, MAX_CONVICTION_BYTES))
    keys = accused(proof.evidence, trust).history
    judged = Judged(verify_fork(proof.evidence, keys), standing := standing_of(proof, keys, trust, at))
    proved = standing.outcome == "proved"
    value = {
        "verdict": "proved" if proved else "not_proved",
        "outcome": standing.outcome,
        "why": sentence(say(f"conviction.{standing.why}", **standing.values), "en"),
        "fork": judged_facts(judged),
        "trust_fingerprint": trust.fingerprint,
    }
    return Answer(value, _lines(judged, standing, trust, args.lang), 0 if proved else EXIT_NOT_PROVED)


def _lines(judged: Judged, standing: Standing, trust: Trust, language: Language) -> Iterator[str]:
    head, word, label = (sayer(words, language) for words in (HEADS, WORDS, LABELS))
    colon = "：" if language == "zh" else ": "
    yield head(standing.outcome) + colon + sentence(say(f"conviction.{standing.why}", **standing.values), language)
    yield f"  {label('log')}{colon}{judged.fork.origin}"
    yield from fork_lines(judged.fork, language)
    fact = standing.fact
    if fact is not None:
        yield "  " + fact.line.text(language)
        yield f"  {label('registry')}{colon}{fact.court} {fact.contract.hex()}"
        where = f"{fact.block_number}, {time_text(fact.block_time)}, 0x{fact.block_hash.hex()}, {fact.chain_id}"
        yield f"  {label('block')}{colon}{where}"
        yield f"  {label('finality')}{colon}{fact.finality}"
    yield f"  {label('trust')}{colon}{trust.fingerprint}"
    yield word("limits")
    yield "  - " + word("limit-who")
    yield "  - " + word("limit-which")
