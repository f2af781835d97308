"""``tallystick verify-receipt``: does a trusted log say that it holds this statement? Offline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey
from tallystick.note import MAX_NOTE_BYTES
from tallystick.printing import json_text, message, printable
from tallystick.receipt import MAX_RECEIPT_BYTES
from tallystick.report.phrases import Language
from tallystick.report.receipt_words import WORDS
from tallystick.statement import Statement, parse_statement
from tallystick.transparent import MAX_TRANSPARENT_BYTES, Proved, split, verify_receipts
from tallystick.trust import MAX_TRUST_BYTES, LogTrust, Trust, parse_trust
from tallystick.versions import UnknownVersion

EXIT_NOT_PROVED, EXIT_MALFORMED = 1, 2


def add_parser(subparsers: Any) -> None:
    """Add ``verify-receipt`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify-receipt",
        help="verify a statement's receipt, offline",
        description="Exit status: 0 a trusted log says that it holds the statement, 1 not proved, "
        "2 malformed input or usage.",
    )
    verify.add_argument("statement", type=Path, help="a transparent statement, or with --receipt a bare one")
    verify.add_argument("--trust", type=Path, required=True, help="trust file: the logs that you believe")
    verify.add_argument(
        "--receipt", type=Path, action="append", default=[], metavar="FILE", help="a receipt that came apart from it"
    )
    verify.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a checkpoint of the receipt's tree, with the witnesses' cosignatures",
    )
    verify.add_argument("--json", action="store_true", help="the result for programs")
    verify.add_argument("--lang", choices=("en", "zh"), default="en", help="language of the answer")
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says whether it is proved."""
    try:
        trust = parse_trust(_read(args.trust, MAX_TRUST_BYTES))
        entry, receipts = _statement(args)
        notes = [_read(path, MAX_NOTE_BYTES) for path in args.checkpoint]
        proved = verify_receipts(entry, receipts, trust, notes)
        statement = _parsed(entry)
        signer = None if statement is None else _known_signer(statement, trust, proved)
    except (VerificationFailed, UnknownVersion) as error:
        return _failed(args, "not_proved", EXIT_NOT_PROVED, error)
    except (MalformedInput, OSError) as error:
        return _failed(args, "malformed", EXIT_MALFORMED, error)
    if args.json:
        sys.stdout.write(json_text(_facts(proved, statement, signer)) + "\n")
    else:
        print("\n".join(map(printable, _lines(proved, statement, signer, args.lang))))
    return 0


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit + 1)


def _statement(args: argparse.Namespace) -> tuple[bytes, tuple[bytes, ...]]:
    data = _read(args.statement, MAX_TRANSPARENT_BYTES)
    if not args.receipt:
        return split(data)
    return data, tuple(_read(path, MAX_RECEIPT_BYTES) for path in args.receipt)


def _parsed(entry: bytes) -> Statement | None:
    """``None`` for a statement of a later version: that the log holds it is proved all the same."""
    try:
        return parse_statement(entry)
    except UnknownVersion:
        return None


def _known_signer(statement: Statement, trust: Trust, proved: Proved) -> str | None:
    """Whose key signed the statement, of those that the trust file names. Raises ``VerificationFailed``."""
    for one in proved.included:
        for role, key in _keys(trust.logs[one.origin], one.index):
            if key.kid == statement.kid:
                statement.verify(key)
                return role
    return None


def _keys(log: LogTrust, position: int) -> Iterator[tuple[str, PublicKey]]:
    """Those in force at the statement's position, as far as the trust file knows of rotations."""
    yield "log", log.history.key_of("log", position) or log.keys.ed25519
    yield "registrar", log.history.key_of("registrar", position) or log.registrar


def _facts(proved: Proved, statement: Statement | None, signer: str | None) -> dict[str, Any]:
    said = None
    if statement is not None:
        event = statement.event
        said = {
            "issuer": statement.issuer,
            "recorded_for": event.recorded_for.party if event.recorded_for else None,
            "type": event.type,
            "subject": event.subject,
            "event_id": event.event_id,
            "statement_id": statement.statement_id.hex(),
            "signature_verified_with": signer,
        }
    places = [
        {"origin": one.origin, "position": one.index, "size": one.size, "root": one.root.hex(), "kid": one.kid.hex()}
        for one in proved.included
    ]
    confirmed = [
        {"origin": one.included.origin, "size": one.included.size, "witnesses": list(one.witnesses)}
        for one in proved.confirmed
    ]
    return {
        "verdict": "proved",
        "statement": said,
        "included": places,
        "confirmed": confirmed,
        "unread": list(proved.unread),
    }


def _lines(proved: Proved, statement: Statement | None, signer: str | None, language: Language) -> Iterator[str]:
    def say(name: str, **values: object) -> str:
        phrase = WORDS[name]
        return (phrase.zh if language == "zh" else phrase.en).format(**values)

    yield say("proved")
    if statement is None:
        yield f"  {say('later')}"
    else:
        event = statement.event
        yield "  " + say(
            "statement", issuer=statement.issuer, type=event.type, subject=event.subject, event_id=event.event_id
        )
        if event.recorded_for:
            yield "  " + say("recorded-for", party=event.recorded_for.party)
    for one in proved.included:
        values = {"index": one.index, "size": one.size, "root": one.root.hex(), "kid": one.kid.hex()}
        yield "  " + say("included", origin=one.origin, **values)
    for confirmed in proved.confirmed:
        yield "  " + say("confirmed")
        if confirmed.witnesses:
            yield "  " + say("witnessed", names=", ".join(confirmed.witnesses))
    if signer is not None:
        yield "  " + say("signed", role=say(signer))
    for detail in proved.unread:
        yield "  " + say("unread", detail=detail)
    yield say("limits")
    if statement is not None and signer is None:
        yield "  - " + say("limit-signer", issuer=statement.issuer)
    if statement is not None:
        yield "  - " + say("limit-time", time=statement.event.time)
    yield "  - " + say("limit-truth")
    yield "  - " + say("limit-since")
    if not any(one.witnesses for one in proved.confirmed):
        yield "  - " + say("limit-view")


def _failed(args: argparse.Namespace, verdict: str, status: int, error: Exception) -> int:
    if args.json:
        print(json_text({"verdict": verdict, "included": [], "error": message(error)}, indent=None))
    elif verdict == "malformed":
        print(f"malformed: {message(error)}", file=sys.stderr)
    else:
        phrase = WORDS["not-proved"]
        print(f"{phrase.zh if args.lang == 'zh' else phrase.en}: {message(error)}", file=sys.stderr)
    return status
