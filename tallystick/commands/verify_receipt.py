"""``tallystick verify-receipt``: does a trusted log say that it holds this statement? Offline."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tallystick.commands.frame import (
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
from tallystick.keys import PublicKey
from tallystick.note import MAX_NOTE_BYTES
from tallystick.receipt import MAX_RECEIPT_BYTES
from tallystick.report.phrases import Language
from tallystick.report.receipt_words import WORDS
from tallystick.statement import Statement, parse_statement
from tallystick.transparent import MAX_TRANSPARENT_BYTES, Proved, split, verify_receipts
from tallystick.trust import LogTrust, Trust
from tallystick.versions import UnknownVersion


def add_parser(subparsers: Any) -> None:
    """Add ``verify-receipt`` to the program's subcommands; its namespace gets ``run``."""
    verify = subparsers.add_parser(
        "verify-receipt",
        help="verify a statement's receipt, offline",
        description="Exit status: 0 a trusted log says that it holds the statement, 1 not proved, "
        "2 malformed input or usage.",
    )
    verify.add_argument("statement", type=Path, help="a transparent statement, or with --receipt a bare one")
    add_trust(verify, "the logs that you believe")
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
    add_time(verify)
    add_output(verify)
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and print; the exit status says whether it is proved."""
    return answer(args, _verify, WORDS["not-proved"], {"included": []})


def _verify(args: argparse.Namespace) -> Answer:
    trust = trust_of(args)
    entry, receipts = _statement(args)
    notes = [read_limited(path, MAX_NOTE_BYTES) for path in args.checkpoint]
    # Of what is given only a checkpoint tells a time: without one the clock is nobody's business.
    proved = verify_receipts(entry, receipts, trust, notes, time_of(args) if notes else 0)
    statement = _parsed(entry)
    signer = None if statement is None else _known_signer(statement, trust, proved)
    return Answer(_facts(proved, statement, signer), _lines(proved, statement, signer, args.lang))


def _statement(args: argparse.Namespace) -> tuple[bytes, tuple[bytes, ...]]:
    data = read_limited(args.statement, MAX_TRANSPARENT_BYTES)
    if not args.receipt:
        return split(data)
    return data, tuple(read_limited(path, MAX_RECEIPT_BYTES) for path in args.receipt)


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
    say = sayer(WORDS, language)
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
