"""Where a token may be sent: over TLS, or to this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from tallystick.errors import MalformedInput


def check_server(server: str) -> str:
    """The address of a service, without a slash at its end. Raises ``MalformedInput``."""
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise MalformedInput(f"{server!r} is no address of a service: expected https://name or http://127.0.0.1:8000")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise MalformedInput("an address of a service has no user, query or fragment")
    if parts.scheme == "http" and not _is_local(parts.hostname):
        raise MalformedInput(f"{server}: over http anybody on the way could read the token; use https")
    return server.rstrip("/")


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
