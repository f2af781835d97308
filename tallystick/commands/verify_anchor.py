"""``tallystick verify-anchor``: did a contract on a chain hold this checkpoint of a log? Offline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tallystick.anchor_check import AnchorCheck, check_anchor, named_target
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import AnchorTarget
from tallystick.evm.anchor import AnchorFact
from tallystick.evm.proof import MAX_PROOF_BYTES, AnchorProof, decode
from tallystick.printing import json_text, message, printable
from tallystick.report.anchor_words import HEADS, LABELS, LIMITS, WHYS
from tallystick.report.phrases import Phrase
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.times import format_time, parse_time
from tallystick.tlog_proof import MAX_BYTES, parse_proof
from tallystick.trust import MAX_TRUST_BYTES, Trust, parse_trust
from tallystick.verify.outcome import time_text
from tallystick.versions import UnknownVersion

EXIT_NOT_PROVED, EXIT_MALFORMED = 1, 2


def add_parser(subparsers: Any) -> None:
    """Add ``verify-anchor`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify-anchor",
        help="verify the proof of an anchor on a chain, offline",
        description="Exit status: 0 proved, 1 not proved, contradicted or in need of an external fact, "
        "2 malformed input or usage.",
    )
    verify.add_argument("proof", type=Path, help="the proof, such as anchors/0/proof.json of a bundle")
    verify.add_argument("--trust", type=Path, required=True, help="trust file: contracts, logs and blocks you believe")
    verify.add_argument("--entry", type=Path, help="entry by which a log of the trust file names the contract")
    verify.add_argument("--entry-proof", type=Path, metavar="PROOF", help="that it is in the log (C2SP tlog-proof)")
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
        at = parse_time(args.at)
        trust = parse_trust(_read(args.trust, MAX_TRUST_BYTES))
        proof = decode(_read(args.proof, MAX_PROOF_BYTES))
        found = check_anchor(proof, trust, at, _named(args, trust, at))
    except (VerificationFailed, UnknownVersion) as error:
        return _failed(args, "not_proved", EXIT_NOT_PROVED, error)
    except (MalformedInput, OSError) as error:
        return _failed(args, "malformed", EXIT_MALFORMED, error)
    if args.json:
        sys.stdout.write(json_text(_facts(found, proof, trust)) + "\n")
    else:
        print("\n".join(map(printable, _lines(found, proof, trust, args.lang))))
    return 0 if found.outcome == "proved" else EXIT_NOT_PROVED


def _named(args: argparse.Namespace, trust: Trust, at: int) -> tuple[AnchorTarget, ...]:
    if (args.entry is None) != (args.entry_proof is None):
        raise MalformedInput("--entry and --entry-proof belong together")
    if args.entry is None:
        return ()
    entry, proof = _read(args.entry, MAX_ENTRY_BYTES), parse_proof(_read(args.entry_proof, MAX_BYTES))
    return (named_target(entry, proof, trust, at),)


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit + 1)


# --- what is printed ----------------------------------------------------------------


def _facts(found: AnchorCheck, proof: AnchorProof, trust: Trust) -> dict[str, Any]:
    return {
        "verdict": "proved" if found.outcome == "proved" else "not_proved",
        "outcome": found.outcome,
        "why": WHYS[found.why].en.format(**found.values),
        "origin": found.origin,
        "contract": proof.target.contract,
        "fact": None if found.fact is None else _fact(found.fact),
        "timestamps": [
            {
                "authority": one.fact.authority,
                "independent": one.fact.independent,
                "not_before": time_text(one.fact.not_before),
                "not_after": time_text(one.fact.not_after),
                "token_sha256": one.token_sha256.hex(),
            }
            for one in found.stamps.known
        ],
        "trust_fingerprint": trust.fingerprint,
    }


def _fact(fact: AnchorFact) -> dict[str, Any]:
    return {
        "origin_hash": fact.origin_hash.hex(),
        "authority": fact.authority.hex(),
        "first_authority": fact.first_authority.hex(),
        "size": fact.size,
        "root": fact.root.hex(),
        "registry": fact.registry,
        "chain_id": fact.chain_id,
        "block": fact.block_number,
        "block_hash": fact.block_hash.hex(),
        "block_time": time_text(fact.block_time),
        "vouched_by": fact.vouched_by,
        "finality": fact.finality,
        "trust_line": {"en": fact.line.text("en"), "zh": fact.line.text("zh")},
    }


def _lines(found: AnchorCheck, proof: AnchorProof, trust: Trust, language: str) -> Iterator[str]:
    def say(phrase: Phrase, **values: object) -> str:
        return (phrase.zh if language == "zh" else phrase.en).format(**values)

    colon = "：" if language == "zh" else ": "
    yield say(HEADS[found.outcome]) + colon + say(WHYS[found.why], **found.values)
    fact = found.fact
    if fact is not None:
        yield "  " + fact.line.text(language)
        yield f"  {say(LABELS['log'])}{colon}{found.origin or fact.origin_hash.hex()}"
        yield f"  {say(LABELS['registry'])}{colon}{fact.registry} {proof.target.contract}"
        where = f"{fact.block_number}, {time_text(fact.block_time)}, 0x{fact.block_hash.hex()}, {fact.chain_id}"
        yield f"  {say(LABELS['block'])}{colon}{where}"
        yield f"  {say(LABELS['finality'])}{colon}{fact.finality}"
        for one in found.stamps.known:
            yield f"  {say(LABELS['stamped'])}{colon}{one.fact.authority}, <= {time_text(one.fact.not_after)}"
        for detail in found.stamps.unknown:
            yield f"  {say(LABELS['unknown-stamp'])}{colon}{detail}"
    yield f"  {say(LABELS['trust'])}{colon}{trust.fingerprint}"
    yield say(LIMITS)


def _failed(args: argparse.Namespace, verdict: str, status: int, error: Exception) -> int:
    if args.json:
        print(json_text({"verdict": verdict, "error": message(error)}, indent=None))
    elif verdict == "malformed":
        print(f"malformed: {message(error)}", file=sys.stderr)
    else:
        phrase = HEADS["not_proved"]
        print(f"{phrase.zh if args.lang == 'zh' else phrase.en}: {message(error)}", file=sys.stderr)
    return status
