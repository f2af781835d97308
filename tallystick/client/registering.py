"""What ``tallystick register`` says of an object: signed by the party's own key, once however often it is said."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tallystick.assets import Asset
from tallystick.client.http import Client, ServiceProblem
from tallystick.commitments import disclose
from tallystick.events import Event, parse_event
from tallystick.identifiers import RANDOM_BYTES, Identifier, Letter, new_identifier
from tallystick.keyfile import read_key
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import write
from tallystick.statement import sign_statement
from tallystick.times import format_time

_FICKLE = {".ds_store", "thumbs.db", "desktop.ini"}
"""Names of files that systems write by themselves."""


@dataclass(frozen=True)
class Hand:
    """The party that signs, with the file of its key. ``prefix``: of the log's identifiers."""

    party: str
    key: Path
    passphrase: str
    prefix: str


def say_registered(
    client: Client,
    hand: Hand,
    body: Mapping[str, Any],
    private: Mapping[str, Any],
    event_id: str | None,
    waiting: Callable[[str], AbstractContextManager[None]],
) -> dict[str, Any]:
    """Sign the registration and submit it: its subject, event id and position.

    With an ``event_id`` the object's identifier follows from it and the key file, so that what was said before under
    the same id is found, and is the answer where it is the same. Raises ``ServiceProblem``, ``MalformedInput``.
    """
    opened = [disclose(name, value, secrets.token_bytes(16)) for name, value in private.items()]
    event: dict[str, Any] = {
        "v": 1,
        "type": "object.register",
        "event_id": event_id or secrets.token_hex(16),
        "subject": _subject(hand, event_id),
        "time": format_time(int(datetime.now(UTC).timestamp())),
        "body": dict(body),
    }
    if opened:
        event["private"] = {one.name: write(one.commitment) for one in opened}
    checked: Event = parse_event(event)
    statement = sign_statement(read_key(hand.key, hand.passphrase.encode()), hand.party, checked)
    try:
        if client.has_token:
            return client.state(statement, opened)
        with waiting("waiting for the receipt"):
            position = client.register(statement).position
    except ServiceProblem as problem:
        found = _said_before(client, hand.party, checked, private) if problem.code == "conflict" and event_id else None
        if found is None:
            raise
        return found
    return {"subject": checked.subject, "event_id": checked.event_id, "position": position}


def fickle(asset: Asset) -> str | None:
    """What to tell of files that systems write by themselves: with them the folder will not stay the registered one."""
    names = [one.path for one in asset.entries]
    found = [name for name in names if name.rpartition("/")[2].casefold() in _FICKLE]
    if not found or len(names) == 1:
        return None
    more = f" and {len(found) - 1} more" if found[1:] else ""
    return (
        f"{found[0]}{more}: systems write such files by themselves, and then this folder is not the registered one "
        "any more; unless they are meant, remove them and register again"
    )


def _subject(hand: Hand, event_id: str | None) -> Identifier:
    if event_id is None:
        chosen = secrets.token_bytes(RANDOM_BYTES)
    else:
        # With the key file in it nobody else can guess the identifier, and take it first.
        told = f"tallystick register\n{hand.party}\n{event_id}\n".encode() + hand.key.read_bytes()
        chosen = hashlib.sha256(told).digest()[:RANDOM_BYTES]
    return new_identifier(Letter.OBJECT, chosen, hand.prefix)


def _said_before(client: Client, party: str, said: Event, private: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where the party said just this under this id; what it commits to has to be the same too."""
    for one in client.events(subject=said.subject, type=said.type)["events"]:
        same = (one["party"], one["event_id"], one["subject"]) == (party, said.event_id, said.subject)
        kept = {name: shown["value"] for name, shown in one["disclosures"].items()}
        if same and one["body"] == write(said.body) and kept == dict(private) and set(one["private"]) == set(private):
            return {name: one[name] for name in ("subject", "event_id", "position")}
    return None
