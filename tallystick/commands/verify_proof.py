"""``tallystick verify-proof``: does a witnessed log hold this entry? Offline, by a C2SP tlog-proof file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.merkle import leaf_hash
from tallystick.printing import json_text, message, printable
from tallystick.report.phrases import Language
from tallystick.report.proof_words import WORDS
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.times import format_time, parse_time
from tallystick.tlog_proof import MAX_BYTES, Logged, TlogProof, parse_proof, verify_proof, verify_proof_by_policy
from tallystick.trust import MAX_TRUST_BYTES, parse_trust
from tallystick.versions import UnknownVersion
from tallystick.witness_policy import MAX_POLICY_BYTES, parse_policy

EXIT_NOT_PROVED, EXIT_MALFORMED = 1, 2


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
    verify.add_argument("--at", metavar="TIME", help="instant of verification, as 2026-01-31T12:00:00Z (default: now)")
    verify.add_argument("--json", action="store_true", help="the result for programs")
    verify.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the answer")
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says whether it is proved."""
    if args.at is None:
        args.at = format_time(int(datetime.now(UTC).timestamp()))
        print(f"as of {args.at}, by the clock of this machine (--at gives another time)", file=sys.stderr)
    try:
        proof = parse_proof(_read(args.proof, MAX_BYTES))
        found = _verify(args, proof)
    except (VerificationFailed, UnknownVersion) as error:
        return _failed(args, "not_proved", EXIT_NOT_PROVED, error)
    except (MalformedInput, OSError) as error:
        return _failed(args, "malformed", EXIT_MALFORMED, error)
    if args.json:
        sys.stdout.write(json_text(_facts(found, proof)) + "\n")
    else:
        print("\n".join(map(printable, _lines(found, proof, args.lang))))
    return 0


def _verify(args: argparse.Namespace, proof: TlogProof) -> Logged:
    at = parse_time(args.at)
    entry = _read(args.entry, MAX_ENTRY_BYTES)
    if len(entry) > MAX_ENTRY_BYTES:
        raise MalformedInput(f"{args.entry} has more than the {MAX_ENTRY_BYTES} bytes of an entry")
    if args.trust is not None:
        return verify_proof(proof, entry, parse_trust(_read(args.trust, MAX_TRUST_BYTES)), at)
    policy = parse_policy(_read(args.policy, MAX_POLICY_BYTES))
    return verify_proof_by_policy(proof, leaf_hash(entry), policy, at)


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit + 1)


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
    def say(name: str, **values: object) -> str:
        phrase = WORDS[name]
        return (phrase.zh if language == "zh" else phrase.en).format(**values)

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


def _failed(args: argparse.Namespace, verdict: str, status: int, error: Exception) -> int:
    if args.json:
        print(json_text({"verdict": verdict, "error": message(error)}, indent=None))
    elif verdict == "malformed":
        print(f"malformed: {message(error)}", file=sys.stderr)
    else:
        phrase = WORDS["not-proved"]
        print(f"{phrase.zh if args.lang == 'zh' else phrase.en}: {message(error)}", file=sys.stderr)
    return status
