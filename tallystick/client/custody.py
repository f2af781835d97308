"""Custody of an object by the client: who keeps its bytes, what happened to them, who takes them over."""

from __future__ import annotations

import json
from typing import Any

from tallystick.client.http import Client


def custody_of(client: Client, object_id: str) -> dict[str, Any]:
    """Who keeps an object's bytes: custodian, digest, last, waiting, ended."""
    found: dict[str, Any] = json.loads(client.fetch(f"/v1/custody/{object_id}"))
    return found


def record_custody(client: Client, object_id: str, event: str, after: str, agent: str, **fields: Any) -> dict[str, Any]:
    """Record what happened to an object's bytes, after its latest custody entry.

    event: a term of PREMIS (``ing`` ``fix`` ``tra`` ``rep`` ``mig`` ``rec`` ``dea``). after: digest now.
    ``fields``: at, which is demanded, outcome, receiver; before, if it is not what the latest entry says.
    """
    held = custody_of(client, object_id)
    body = {"event": event, "before": held["digest"], "after": after, "outcome": "suc", "agent": agent, **fields}
    if held["last"] is not None:
        body["previous"] = held["last"]
    return client.submit("custody.record", body, subject=object_id)


def accept_custody(client: Client, object_id: str, digest: str, at: str, outcome: str = "suc") -> dict[str, Any]:
    """Accept (``suc``) or decline (``fai``) the transfer that waits for this token's party."""
    body = {"record": custody_of(client, object_id)["last"], "at": at, "digest": digest, "outcome": outcome}
    return client.submit("custody.accept", body, subject=object_id)
