"""``tallystick verify-proof``: does a witnessed log hold this entry? Offline, by a C2SP tlog-proof file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.commands.frame import Answer, add_output, add_time, answer, read_limited, sayer, time_of, trust_of
from tallystick.errors import MalformedInput
from tallystick.merkle import leaf_hash
from tallystick.report.phrases import Language
from tallystick.report.proof_words import WORDS
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.times import format_time
from tallystick.tlog_proof import MAX_BYTES, Logged, TlogProof, parse_proof, verify_proof, verify_proof_by_policy
from tallystick.witness_policy import MAX_POLICY_BYTES, parse_policy


def add_parser(subparsers: Any) -> None:
    """Add ``verify-proof`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify-proof",
        help="verify that an entry is in a witnessed log, offline",
        description="Exit status: 0 the entry is in a log that you believe, 1 not proved, 2 malformed input or usage.",
    )
    verify.add_argument("proof", type=Path, help="a proof file (C2SP tlog-proof), such as 7.tlog-proof")
    verify.add_argument("--entry", type=Path, required=True, help="the exact bytes of the entry")
    whom = verify.add_mutually_exclusive_group(required=True)
    whom.add_argument("--trust", type=Path, help="trust file: all three signatures of a log, and its witnesses")
    whom.add_argument("--policy", type=Path, help="C2SP tlog-policy, for a log of any program")
    add_time(verify)
    add_output(verify)
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says whether it is proved."""
    return answer(args, _verify, WORDS["not-proved"])


def _verify(args: argparse.Namespace) -> Answer:
    at = time_of(args)
    proof = parse_proof(read_limited(args.proof, MAX_BYTES))
    entry = read_limited(args.entry, MAX_ENTRY_BYTES)
    if len(entry) > MAX_ENTRY_BYTES:
        raise MalformedInput(f"{args.entry} has more than the {MAX_ENTRY_BYTES} bytes of an entry")
    if args.trust is not None:
        found = verify_proof(proof, entry, trust_of(args), at)
    else:
        policy = parse_policy(read_limited(args.policy, MAX_POLICY_BYTES))
        found = verify_proof_by_policy(proof, leaf_hash(entry), policy, at)
    return Answer(_facts(found, proof), _lines(found, proof, args.lang))


def _facts(found: Logged, proof: TlogProof) -> dict[str, Any]:
    return {
        "verdict": "proved",
        "origin": found.checkpoint.origin,
        "index": found.index,
        "size": found.checkpoint.size,
        "root": found.checkpoint.root.hex(),
        "signed_at": None if found.signed_at is None else format_time(found.signed_at),
        "witnesses": list(found.witnesses),
        "extra_bytes": len(proof.extra or b""),
    }


def _lines(found: Logged, proof: TlogProof, language: Language) -> Iterator[str]:
    say = sayer(WORDS, language)
    head = found.checkpoint
    yield say("proved")
    yield "  " + say("placed", origin=head.origin, index=found.index, size=head.size, root=head.root.hex())
    if found.signed_at is not None:
        yield "  " + say("signed-at", time=format_time(found.signed_at))
    if found.witnesses:
        yield "  " + say("witnessed", names=", ".join(found.witnesses))
    if proof.extra is not None:
        yield "  " + say("extra", size=len(proof.extra))
    yield say("limits")
    yield "  - " + say("limit-truth")
    yield "  - " + say("limit-since")
    if not found.witnesses:
        yield "  - " + say("limit-view")
