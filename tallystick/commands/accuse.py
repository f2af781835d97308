"""``tallystick accuse``: makes fork evidence of two checkpoints that a log signed, and judges it. Offline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tallystick.accusing import LARGER, PROOF, SMALLER, of_entries, of_kept, of_notes
from tallystick.commands.frame import Answer, add_output, add_trust, answer, read_limited, trust_of
from tallystick.commands.verify_fork import accused, proved_lines
from tallystick.errors import MalformedInput
from tallystick.fork import MAX_FORK_BYTES, decode, fork_facts, verify_fork
from tallystick.note import MAX_NOTE_BYTES
from tallystick.report.fork_words import WORDS
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.tlog_proof import MAX_BYTES, parse_proof


def add_parser(subparsers: Any) -> None:
    """Add ``accuse`` to the program's subcommands; its namespace gets ``run``."""
    accuse = subparsers.add_parser(
        "accuse",
        help="make evidence that a log forked of what it signed",
        description="Exit status: 0 the evidence holds and is written, 1 it does not hold, 2 malformed input or usage.",
    )
    accuse.add_argument(
        "shown",
        type=Path,
        nargs="+",
        help="two signed checkpoints of one size; or the folder in which a mirror, monitor or witness kept two; or, "
        "with --entry, two proofs (C2SP tlog-proof) of different entries at one index",
    )
    accuse.add_argument(
        "--entry",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the entry of each proof, in their order",
    )
    add_trust(accuse, "the keys of the logs that you know")
    accuse.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the evidence goes; a new file")
    add_output(accuse)
    accuse.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Judge, write and print; the exit status says whether the evidence holds."""
    return answer(args, _accuse, WORDS["not-proved"])


def _accuse(args: argparse.Namespace) -> Answer:
    trust = trust_of(args)
    data = _evidence(args.shown, args.entry)
    if len(data) > MAX_FORK_BYTES:
        raise MalformedInput(f"the evidence would have {len(data)} bytes, at most {MAX_FORK_BYTES} are read")
    evidence = decode(data)
    fact = verify_fork(evidence, accused(evidence, trust).history)
    with args.out.open("xb") as file:
        file.write(data)
    return Answer({"verdict": "proved", **fork_facts(fact)}, proved_lines(fact, args.lang))


def _evidence(shown: list[Path], entries: list[Path]) -> bytes:
    if len(shown) == 1 and not entries:
        (folder,) = shown
        names = [name for name in (SMALLER, LARGER, PROOF) if (folder / name).is_file()]
        return of_kept({name: read_limited(folder / name, MAX_NOTE_BYTES) for name in names})
    if len(shown) != 2 or len(entries) not in (0, 2):
        raise MalformedInput("give two checkpoints, or one folder, or two proofs and --entry twice")
    if not entries:
        first, second = (read_limited(path, MAX_NOTE_BYTES) for path in shown)
        return of_notes(first, second)
    one, two = (parse_proof(read_limited(path, MAX_BYTES)) for path in shown)
    first, second = (read_limited(path, MAX_ENTRY_BYTES) for path in entries)
    return of_entries((one, two), (first, second))
