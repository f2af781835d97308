"""``python -m ledger monitor SOURCE DIR --key …``: a log watched, with alarms as JSON lines."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer

from ledger.commands.mirror import SourceName
from ledger.commands.terminal import NOT_TRIED, WRONG, Keys, messages, progress, read_keys, until_stopped
from ledger.copies.auditing import open_hand
from ledger.copies.handing import hand_over
from ledger.copies.monitor import Expectations, Monitor
from ledger.copies.source import open_source
from ledger.errors import Unreachable
from tallystick.identifiers import parse_identifier
from tallystick.witness_policy import parse_policy


class _Stopped(Exception):
    pass


def monitor(
    source: SourceName,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The monitor's folder; made if it is missing.")],
    key: Keys,
    issuer: Annotated[list[str] | None, typer.Option(help="Who may be expected; without it anybody.")] = None,
    watch: Annotated[list[str] | None, typer.Option(help="Tell of every entry that names this identifier.")] = None,
    max_age: Annotated[int | None, typer.Option(help="Alarm when the checkpoint is older, in seconds.")] = None,
    policy: Annotated[Path | None, typer.Option(help="A tlog-policy file: whose cosignatures must be there.")] = None,
    auditor: Annotated[str | None, typer.Option(help="Sign the map's root when it is right, under this name.")] = None,
    hand_over_to: Annotated[
        str | None, typer.Option("--hand-over", help="URL of the log's service, which is given the audits.")
    ] = None,
    passphrase: Annotated[str | None, typer.Option(envvar="MONITOR_PASSPHRASE", hidden=True)] = None,
    every: Annotated[float, typer.Option(help="Seconds between two looks.")] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, for cron.")] = False,
) -> None:
    """Follow a log, verify all of it, decide each admission again, and print alarms as JSON lines.

    An alarm is printed once at least; after a crash it may come twice. After each look that
    succeeded a line {"watched": …} says where the monitor stands, and "ended" if the log has.
    Status 0: no alarm; 1: there were alarms; 2: out of reach, or the monitor not started.
    """
    alarmed, status = False, 0
    with messages(), until_stopped() as stopped, ExitStack() as undo:
        witnesses = parse_policy(policy.read_bytes()) if policy else None
        log = read_keys(key)
        said_by, named = _identifiers(issuer, log.origin), _identifiers(watch, log.origin)
        expected = Expectations(said_by, named, max_age, witnesses)
        hand = open_hand(folder, auditor, passphrase) if auditor else None
        if hand is not None:
            typer.echo(json.dumps({"auditor": hand.auditor.verifier_key}))
        watching = undo.enter_context(closing(Monitor(folder, log, open_source(source), expected, hand)))
        desk = _Desk(hand_over_to)
        while not stopped.is_set():
            status = _look(watching, stopped)
            desk.take(watching.audit() if hand else None)
            alarmed = alarmed or status == WRONG
            if once or stopped.wait(every):
                break
    # An alarm stays one; that the log was out of reach for a time does not count in the end.
    raise typer.Exit(WRONG if alarmed else status)


class _Desk:
    """Tells of each new audit, and hands it over; one that was not taken is handed over again after the next look."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._told: bytes | None = None
        self._given: bytes | None = None

    def take(self, note: bytes | None) -> None:
        if note is None:
            return
        if note != self._told:
            typer.echo(json.dumps({"audit": note.decode()}, ensure_ascii=False))
            self._told = note
        if self._url is not None and note != self._given:
            try:
                hand_over(self._url, note)
                self._given = note
            except Unreachable as error:
                typer.echo(str(error), err=True)


def _identifiers(given: list[str] | None, origin: str) -> frozenset[str]:
    """One that is mistyped would never be seen, and silence would look like peace. Raises ``MalformedInput``."""
    for one in given or ():
        if one != origin:
            parse_identifier(one)
    return frozenset(given or ())


def _look(watching: Monitor, stopped: threading.Event) -> int:
    def unless_stopped(done: int) -> None:
        if stopped.is_set():
            raise _Stopped
        step(done)

    reached = None
    unreachable = False
    with progress("entries copied and scanned") as step:
        try:
            reached = watching.look(int(time.time()), unless_stopped)
        except Unreachable as error:
            typer.echo(str(error), err=True)
            unreachable = True
        except _Stopped:
            pass
    status = NOT_TRIED if unreachable else 0
    for line in watching.alarms():
        typer.echo(line)
        status = WRONG
    if reached:
        head = reached.checkpoint
        said: dict[str, object] = {"watched": head.origin, "size": head.size, "root": head.root.hex()}
        if ended := watching.ended():
            said["ended"] = {"reason": ended.reason, "successor": ended.successor}
        typer.echo(json.dumps(said))
    return status
