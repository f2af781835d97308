"""``tallystick register``, ``export``, ``prove`` and ``order``: files stay here, digests and proofs travel.

The token comes from a file or the environment and never from the command line, where
every user of the machine could read it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from tallystick.assets import Asset, describe
from tallystick.case import kind_of
from tallystick.checkpoint import parse_body
from tallystick.client.exporting import Bringing, Cut, bring, disclosing, request_of
from tallystick.client.http import MAX_WAIT, Client, Exported
from tallystick.client.registering import Hand, fickle, say_registered
from tallystick.client.server import check_server
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.identifiers import DEFAULT_PREFIX
from tallystick.note import parse_note
from tallystick.printing import message
from tallystick.receipt import parse_inclusion
from tallystick.schema import write
from tallystick.tlog_proof import parse_proof
from tallystick.transparent import split
from tallystick.trust import parse_trust

_LOOK_SECONDS = 0.5
"""Between two looks at an order."""

_TOKEN = re.compile(r"[!-~]{1,512}")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

Server = Annotated[str, typer.Option(envvar="TALLYSTICK_SERVER", help="Address of the service.")]
TokenFile = Annotated[
    Path | None, typer.Option(help="File that holds the token; without it the variable TALLYSTICK_TOKEN is read.")
]
Token = Annotated[str | None, typer.Option(envvar="TALLYSTICK_TOKEN", hidden=True)]


def run(command: str, arguments: Sequence[str]) -> int:
    """Run one command; the exit status: 0 done, 1 refused or unreachable, 2 wrong usage or malformed input."""
    try:
        app([command, *arguments], prog_name="tallystick", standalone_mode=True)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    except (MalformedInput, OSError) as error:
        print(f"tallystick {command}: {message(error)}", file=sys.stderr)
        return 2
    except TallystickError as error:
        print(f"tallystick {command}: {message(error)}", file=sys.stderr)
        return 1
    return 0


@app.command()
def register(
    path: Annotated[Path, typer.Argument(help="A file, or a folder with all that is in it.")],
    kind: Annotated[str, typer.Option(help="image, model-3d, material, video, audio, text, data or composite.")],
    title: Annotated[str | None, typer.Option(help="Committed with a salt; the log does not show it.")] = None,
    declare: Annotated[str, typer.Option(help="On what the holder rests, such as commission.")] = "own-work",
    media_type: Annotated[str | None, typer.Option(help="Such as image/png, for a single file.")] = None,
    key: Annotated[
        Path | None, typer.Option(help="Sign with this key of the party; without it the service records for you.")
    ] = None,
    party: Annotated[str | None, typer.Option(help="The party whose key it is.")] = None,
    passphrase: Annotated[str | None, typer.Option(envvar="TALLYSTICK_KEY_PASSPHRASE", hidden=True)] = None,
    prefix: Annotated[str, typer.Option(help="The log's identifier prefix, where --key is used.")] = DEFAULT_PREFIX,
    event_id: Annotated[str | None, typer.Option(help="Yours: repeated, the event is recorded once.")] = None,
    receipt: Annotated[
        Path | None,
        typer.Option(help="Wait for publication; write the statement with its receipt here, and its .checkpoint."),
    ] = None,
    server: Server = "http://127.0.0.1:8000",
    token_file: TokenFile = None,
    token: Token = None,
) -> None:
    """Register a file or a folder: its digests are logged, its bytes stay here."""
    if (key is None) != (party is None):
        raise MalformedInput("--key and --party belong together")
    asset = read_asset(path)
    if told := fickle(asset):
        _warn(told)
    body = {
        "kind": kind,
        "origin": "authored",
        "content": write(asset.content),
        "basis": [{"kind": "declared", "declaration": declare}],
    }
    if media_type is not None:
        body["media_type"] = media_type
    private = {} if title is None else {"title": title}
    # Whoever signs needs no token; values that the service is to keep do.
    with connect(server, token_file, token, needed=key is None or bool(private)) as client:
        if key is None or party is None:
            more = {} if event_id is None else {"event_id": event_id}
            answer = client.submit("object.register", body, private=private, **more)
        else:
            opened = passphrase if passphrase is not None else typer.prompt("Passphrase of the key", hide_input=True)
            answer = say_registered(client, Hand(party, key, opened, prefix), body, private, event_id, _working)
        _tell_registered(answer, asset)
        if receipt is not None:
            _keep_receipt(client, answer["position"], receipt)


@app.command()
def export(
    subject: Annotated[str, typer.Argument(help="Identifier of an object, licence, job or dispute.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the bundle goes, such as case.zip.")],
    original: Annotated[
        Path | None, typer.Option(help="The object itself, to be put into the bundle: its file or folder.")
    ] = None,
    of: Annotated[
        str | None, typer.Option(help="Which object --original is, where SUBJECT is a licence, job or dispute.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Bytes FROM-TO of the file that go in, by whole MiB; may be repeated.")
    ] = None,
    redact: Annotated[
        list[str] | None,
        typer.Option(help="What stays out: bytes FROM-TO of a file, by whole MiB, or a path in a folder; repeatable."),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why it stays out; stands in the bundle.")] = None,
    credential: Annotated[
        list[Path] | None, typer.Option(help="A signed file that the service keeps no copy of; may be repeated.")
    ] = None,
    disclose: Annotated[str, typer.Option(help="Private values to open: all that you may, or none.")] = "all",
    opened: Annotated[
        list[str] | None, typer.Option("--open", help="Open this value alone, POSITION:NAME; may be repeated.")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait until an anchor covers all of it; the service makes one.")
    ] = 60.0,
    server: Server = "http://127.0.0.1:8000",
    token_file: TokenFile = None,
    token: Token = None,
) -> None:
    """Export everything that a stranger needs to verify SUBJECT offline, as one signed bundle."""
    if kind_of(subject) is None:
        raise MalformedInput(f"{subject} is no object, licence, job or dispute")
    _check_place(output)
    if original is None and (only or redact or of or reason):
        raise MalformedInput("--of, --only, --redact and --reason are about --original: name it")
    request = request_of(subject, disclosing(disclose, opened or []))
    brought = Bringing()
    if original is not None:
        with _reading(original) as told:
            cut = Cut(only or (), redact or (), reason)
            brought = bring(subject, of, original, cut, lambda path: describe(path, told), told)
    lists, parts = json.dumps(brought.lists), json.dumps(brought.parts)
    with connect(server, token_file, token) as client, _transfer("the service gathers and signs") as told_of:
        exported = client.export(request, lists, brought.files, credential or [], output, parts, told_of, wait)
    _tell_exported(exported, output)


@app.command()
def prove(
    position: Annotated[int, typer.Argument(min=0, help="Position of a published entry.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the proof goes, such as 7.tlog-proof.")],
    entry: Annotated[Path | None, typer.Option(help="Where the entry's bytes go, such as 7.cose.")] = None,
    server: Server = "http://127.0.0.1:8000",
) -> None:
    """Fetch the proof that an entry is in the log, for `tallystick verify-proof`, which needs no network."""
    _check_place(output)
    with Client(check_server(server)) as client:
        proof = client.tlog_proof(position)
        bytes_of = None if entry is None else client.entry(position)
    found = parse_proof(proof)
    if found.index != position:
        raise MalformedInput(f"the service gave a proof for position {found.index}, not {position}")
    output.write_bytes(proof)
    if entry is not None and bytes_of is not None:
        entry.write_bytes(bytes_of)
    size = parse_body(found.note.text).size
    print(f"{output}: position {position} in a tree of {size}, {len(found.note.signatures)} signature lines")


@app.command()
def order(
    path: Annotated[Path, typer.Argument(metavar="GRANTS", help="JSON: order, grants and disclose.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the cards go, such as cards.zip.")],
    server: Server = "http://127.0.0.1:8000",
    token_file: TokenFile = None,
    token: Token = None,
) -> None:
    """Order many licences at once, wait until each has its card, fetch the cards. Repeated, it is the same order."""
    _check_place(output)
    try:
        asked = json.loads(path.read_bytes())
        name = str(asked["order"])
    except (ValueError, LookupError, TypeError):
        raise MalformedInput(f"{path} is no order: expected JSON with the members order and grants") from None
    with connect(server, token_file, token) as client:
        found = client.order_licences(asked)
        with _counting(found["total"]) as tell:
            while found["state"] != "done":
                tell(found)
                time.sleep(_LOOK_SECONDS)
                found = client.order(name)
        size = client.order_cards(name, output)
        print(f"{output}: {size} bytes, {found['issued']} cards of {found['total']} licences ordered")
        for item in client.order_items(name) if found["refused"] else ():
            if item["state"] == "refused":
                _warn(f"{item['licence'] or item['n']}: {item['problem']['code']}: {item['problem']['detail']}")
    if found["refused"]:
        raise typer.Exit(1)


# --- parts ----------------------------------------------------------------------


def _keep_receipt(client: Client, position: int, out: Path) -> None:
    with _working("waiting for the receipt"):
        whole, note = client.confirmed(position, MAX_WAIT)
    beside = out.with_name(f"{out.name}.checkpoint")
    out.write_bytes(whole)
    beside.write_bytes(note)
    print(f"{out}, {beside.name}: check them with tallystick verify-receipt")
    log = parse_trust(client.fetch("/v1/trust")).logs.get(parse_inclusion(split(whole)[1][0]).origin)
    try:
        if log is not None:
            log.require_quorum(parse_note(note))
    except VerificationFailed as error:
        _warn(
            f"{beside.name} is below the operator's quorum of witnesses ({error}): a verifier who demands them "
            "will not call the receipt proved; fetch both again later"
        )


def _tell_registered(answer: dict[str, Any], asset: Asset) -> None:
    print(f"{answer['subject']} registered at position {answer['position']}, event id {answer['event_id']}")
    for name, value in write(asset.content).items():
        if name != "v":
            print(f"  {name:<7}{value}")
    print("The log knows these digests alone: keep the bytes.")


def _tell_exported(exported: Exported, output: Path) -> None:
    print(f"{output}: {exported.size} bytes in {exported.seconds:.3f} s, SHA-256 {_sha256(output)}")
    if exported.left_out:
        positions = ", ".join(map(str, exported.left_out))
        _warn(f"signed files recorded at {positions} are not in it: give those that you have with --credential")
    if not exported.histories:
        _warn("no histories by the map are in it: a licence, job or dispute is not proved without; export again later")
    if not exported.witnessed:
        _warn("the checkpoint is below its quorum of witnesses: a verifier who demands them will not call it proved")
    if exported.unanswered:
        places = ", ".join(exported.unanswered)
        _warn(f"whether those who signed were revoked is told at {places}: nothing of that is in it, ask the operator")
    if exported.audit_wanted is not None:
        _warn(
            f"no auditor's word reaches position {exported.audit_wanted} yet: a verifier who demands one will not call "
            "it proved; export again when an auditor has looked"
        )
    if not exported.anchored:
        _warn(
            "no anchor covers all of it yet: until then a verifier may not call it proved; export again later, or "
            "wait longer (--wait)"
        )


def read_asset(path: Path) -> Asset:
    """Describe a file or folder, showing progress."""
    with _reading(path) as told:
        return describe(path, told)


@contextmanager
def _reading(path: Path) -> Iterator[Callable[[str, int], None]]:
    total = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else None
    if path.is_file():
        total = path.stat().st_size
    with _progress(*_bytes_columns()) as progress:
        task = progress.add_task("reading", total=total)
        yield lambda name, read: progress.advance(task, read)


def _progress(*columns: ProgressColumn) -> Progress:
    """Shown on a terminal, and gone at the end; elsewhere nothing."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _bytes_columns() -> tuple[ProgressColumn, ...]:
    return (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())


@contextmanager
def _transfer(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Bytes sent, then a wait of unknown length, then bytes received."""
    with _progress(SpinnerColumn(), *_bytes_columns()) as progress:
        task = progress.add_task(what, total=None)
        shown = ""

        def told(stage: str, count: int, total: int) -> None:
            nonlocal shown
            if stage != shown:
                shown = stage
                progress.reset(task, total=total or None, description=stage)
            progress.advance(task, count)
            if stage == "sent" and progress.tasks[0].completed >= total:
                progress.reset(task, total=None, description=what)

        yield told


@contextmanager
def _working(what: str) -> Iterator[None]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with _progress(*columns) as progress:
        progress.add_task(what)
        yield


@contextmanager
def _counting(total: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A line that tells how far an order is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _progress(*columns) as progress:
        task = progress.add_task("ordered", total=total)

        def tell(found: dict[str, Any]) -> None:
            said = f"waits: {found['trouble']}" if found["trouble"] else f"{found['granted']} granted, cards"
            progress.update(task, completed=found["issued"] + found["refused"], description=said)

        yield tell


def connect(server: str, token_file: Path | None, token: str | None, needed: bool = True) -> Client:
    """The client of that service, with the token from the file, or as given."""
    given = (token if token_file is None else token_file.read_text(encoding="utf-8", errors="replace")) or ""
    found = given.strip()
    if needed and not found:
        raise MalformedInput("no token: name its file with --token-file, or set TALLYSTICK_TOKEN")
    if found and not _TOKEN.fullmatch(found):
        # Not shown: it may be a private key.
        where = "TALLYSTICK_TOKEN" if token_file is None else token_file
        raise MalformedInput(f"{where} holds no token: expected one word, such as ts_…, and nothing else")
    return Client(check_server(server), found or None, timeout=600.0)


def _check_place(output: Path) -> None:
    """Before anything is asked for: who waited for a bundle must not learn then that there is no such folder."""
    if not output.parent.is_dir():
        raise MalformedInput(f"there is no folder {output.parent}: make it, or write {output.name} elsewhere")
    if output.is_dir():
        raise MalformedInput(f"{output} is a folder: name the file to be written")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _warn(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)
