"""``python -m tallystick.client.facts``: how an object came about, who keeps it, and documents about the platform."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tallystick.client.commands import Server, Token, TokenFile, connect, read_asset
from tallystick.client.custody import accept_custody, record_custody
from tallystick.content import FileContent
from tallystick.errors import MalformedInput, TallystickError
from tallystick.schema import write
from tallystick.times import format_time

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Object = Annotated[str, typer.Argument(help="Identifier of the object.")]
At = Annotated[str | None, typer.Option(help="When it happened; without it, now.")]
Copy = Annotated[Path, typer.Argument(help="The file or folder as it is now: its digest is recorded.")]
_ADDRESS = "http://127.0.0.1:8000"


@app.command()
def capture(
    object_id: Object,
    record: Annotated[Path, typer.Argument(help="JSON: the fields of capture.record, and `private`: values by name.")],
    server: Server = _ADDRESS,
    token_file: TokenFile = None,
    token: Token = None,
) -> None:
    """Say how an object came about. Values under `private` are salted: the log shows none of them."""
    body = _object_in(record)
    private = body.pop("private", {})
    with connect(server, token_file, token) as client:
        _tell(client.submit("capture.record", body, subject=object_id, private=private))


@app.command()
def attest(
    object_id: Object,
    position: Annotated[int, typer.Argument(help="Of the capture record that you bear out.")],
    role: Annotated[str, typer.Option(help="notary or witness.")],
    statement: Annotated[
        Path | None, typer.Option(help="The document that you signed; its digests are logged.")
    ] = None,
    server: Server = _ADDRESS,
    token_file: TokenFile = None,
    token: Token = None,
) -> None:
    """Bear a capture record out, as the notary that it names. A witness signs itself (``Client.state``): recorded for
    it by the service its word would weaken the record, and is refused.
    """
    body: dict[str, Any] = {"record": position, "role": role}
    if statement is not None:
        body["statement"] = _pair(_file(statement))
    with connect(server, token_file, token) as client:
        _tell(client.submit("capture.attest", body, subject=object_id))


@app.command()
def custody(
    object_id: Object,
    event: Annotated[str, typer.Argument(help="PREMIS: ing, fix, tra, rep, mig, rec or dea.")],
    copy: Copy,
    agent: Annotated[str, typer.Option(help="Program or office that did it; no person's name.")],
    receiver: Annotated[str | None, typer.Option(help="Of a transfer: the party that takes it over.")] = None,
    outcome: Annotated[str, typer.Option(help="suc or fai.")] = "suc",
    at: At = None,
    server: Server = _ADDRESS,
    token_file: TokenFile = None,
    token: Token = None,
) -> None:
    """Record what happened to an object's bytes, after its latest custody entry."""
    more = {} if receiver is None else {"receiver": receiver}
    with connect(server, token_file, token) as client:
        _tell(record_custody(client, object_id, event, _digest(copy), agent, at=_time(at), outcome=outcome, **more))


@app.command()
def accept(
    object_id: Object,
    copy: Copy,
    decline: Annotated[bool, typer.Option(help="Say what arrived, and do not take it over.")] = False,
    at: At = None,
    server: Server = _ADDRESS,
    token_file: TokenFile = None,
    token: Token = None,
) -> None:
    """Take over what a transfer hands to you, or decline it."""
    with connect(server, token_file, token) as client:
        _tell(accept_custody(client, object_id, _digest(copy), _time(at), "fai" if decline else "suc"))


@app.command()
def document(
    path: Annotated[Path, typer.Argument(help="The document.")],
    limb: Annotated[str, typer.Option(help="qualification, independence, system or process.")],
    title_zh: Annotated[str, typer.Option()],
    title_en: Annotated[str, typer.Option()],
    issuer: Annotated[str, typer.Option()],
    start: Annotated[str, typer.Option("--from", help="In force from then on, such as 2026-01-01T00:00:00Z.")],
    until: Annotated[str | None, typer.Option(help="No longer in force from then on.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Copy it to this folder, under its SHA-256.")] = None,
    server: Server = _ADDRESS,
    token_file: TokenFile = None,
    token: Token = None,
) -> None:
    """File a document about the platform (registrar)."""
    found = _file(path)
    title = {"zh": title_zh, "en": title_en}
    body: dict[str, Any] = {"limb": limb, "title": title, "issuer": issuer, "valid_from": start}
    body |= {"document": _pair(found), "size": found.size}
    if until is not None:
        body["valid_until"] = until
    with connect(server, token_file, token) as client:
        _tell(client.submit("platform.file", body))
    if keep is not None:
        shutil.copyfile(path, keep / found.sha256)


def _tell(answer: dict[str, Any]) -> None:
    print(f"{answer['type']} about {answer['subject']} recorded at position {answer['position']}")


def _object_in(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise MalformedInput(f"{path}: {error}") from None
    if not isinstance(value, dict):
        raise MalformedInput(f"{path}: expected an object of JSON")
    return value


def _file(path: Path) -> FileContent:
    content = read_asset(path).content
    if not isinstance(content, FileContent):
        raise MalformedInput(f"{path} is a folder, expected a file")
    return content


def _pair(content: FileContent) -> dict[str, Any]:
    return {"sha256": content.sha256, "sm3": content.sm3}


def _digest(path: Path) -> str:
    record = write(read_asset(path).content)
    return str(record["root" if record["form"] == "folder" else "sha256"])


def _time(text: str | None) -> str:
    return format_time(int(datetime.now(UTC).timestamp())) if text is None else text


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 done, 1 refused or unreachable, 2 malformed input or usage."""
    try:
        app(list(arguments), prog_name="python -m tallystick.client.facts")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    except (MalformedInput, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except TallystickError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
