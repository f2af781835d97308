"""An auditor's note handed to the service of the log that it is about."""

from __future__ import annotations

import http.client
from contextlib import closing
from urllib.parse import urlsplit

from ledger.errors import NoLog, Unreachable
from serving.deadline import within

PATH = "/v1/map/audits"
_TIMEOUT = 30.0
"""Seconds for the whole of it: the service may be that of a log that would rather not be watched."""
_MOST = 4096


def hand_over(url: str, note: bytes) -> None:
    """POST the note to the service at ``url``. Raises ``NoLog``, or ``Unreachable`` where it is not taken."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise NoLog(f"{url} is no URL of a service: expected http(s)://host[:port]")
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        with (
            closing(make(parts.hostname, parts.port, timeout=_TIMEOUT)) as connection,
            within(connection, _TIMEOUT),
        ):
            connection.request("POST", parts.path.rstrip("/") + PATH, note, {"Content-Type": "text/plain"})
            answer = connection.getresponse()
            said = answer.read(_MOST).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{url}: {error}; the audit will be handed over later") from None
    if answer.status != 200:
        raise Unreachable(f"{url} did not take the audit, status {answer.status}: {said[:400]}")
