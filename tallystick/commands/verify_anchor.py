"""``tallystick verify-anchor``: did a contract on a chain hold this checkpoint of a log? Offline."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.anchor_check import AnchorCheck, check_anchor, named_target
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
from tallystick.errors import MalformedInput
from tallystick.events.log import AnchorTarget
from tallystick.evm.anchor import AnchorFact
from tallystick.evm.proof import MAX_PROOF_BYTES, AnchorProof, decode
from tallystick.report.anchor_words import HEADS, LABELS, LIMITS, WHYS
from tallystick.report.phrase import Language
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.tlog_proof import MAX_BYTES, parse_proof
from tallystick.trust import Trust
from tallystick.verify.outcome import time_text


def add_parser(subparsers: Any) -> None:
    """Add ``verify-anchor`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify-anchor",
        help="verify the proof of an anchor on a chain, offline",
        description="Exit status: 0 proved, 1 not proved, contradicted or in need of an external fact, "
        "2 malformed input or usage.",
    )
    verify.add_argument("proof", type=Path, help="the proof, such as anchors/0/proof.json of a bundle")
    add_trust(verify, "contracts, logs and blocks you believe")
    verify.add_argument("--entry", type=Path, help="entry by which a log of the trust file names the contract")
    verify.add_argument("--entry-proof", type=Path, metavar="PROOF", help="that it is in the log (C2SP tlog-proof)")
    add_time(verify)
    add_output(verify)
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says whether it is proved."""
    return answer(args, _verify, HEADS["not_proved"])


def _verify(args: argparse.Namespace) -> Answer:
    at, trust = time_of(args), trust_of(args)
    proof = decode(read_limited(args.proof, MAX_PROOF_BYTES))
    found = check_anchor(proof, trust, at, _named(args, trust, at))
    status = 0 if found.outcome == "proved" else EXIT_NOT_PROVED
    return Answer(_facts(found, proof, trust), _lines(found, proof, trust, args.lang), status)


def _named(args: argparse.Namespace, trust: Trust, at: int) -> tuple[AnchorTarget, ...]:
    if (args.entry is None) != (args.entry_proof is None):
        raise MalformedInput("--entry and --entry-proof belong together")
    if args.entry is None:
        return ()
    entry, proof = read_limited(args.entry, MAX_ENTRY_BYTES), parse_proof(read_limited(args.entry_proof, MAX_BYTES))
    return (named_target(entry, proof, trust, at),)


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


def _lines(found: AnchorCheck, proof: AnchorProof, trust: Trust, language: Language) -> Iterator[str]:
    head, why, label = (sayer(words, language) for words in (HEADS, WHYS, LABELS))
    colon = "：" if language == "zh" else ": "
    yield head(found.outcome) + colon + why(found.why, **found.values)
    fact = found.fact
    if fact is not None:
        yield "  " + fact.line.text(language)
        yield f"  {label('log')}{colon}{found.origin or fact.origin_hash.hex()}"
        yield f"  {label('registry')}{colon}{fact.registry} {proof.target.contract}"
        where = f"{fact.block_number}, {time_text(fact.block_time)}, 0x{fact.block_hash.hex()}, {fact.chain_id}"
        yield f"  {label('block')}{colon}{where}"
        yield f"  {label('finality')}{colon}{fact.finality}"
        for one in found.stamps.known:
            yield f"  {label('stamped')}{colon}{one.fact.authority}, <= {time_text(one.fact.not_after)}"
        for detail in found.stamps.unknown:
            yield f"  {label('unknown-stamp')}{colon}{detail}"
    yield f"  {label('trust')}{colon}{trust.fingerprint}"
    yield LIMITS.zh if language == "zh" else LIMITS.en
