"""The file that names timestamp authorities: one table of TOML for each, read whole and strictly.

[observatory]
url = "https://timestamps.observatory.example/"
roots = "observatory.pem"           # beside this file: PEM, one or more
certificates = "between.pem"        # where its tokens do not carry those between
policy = "1.2.3.4"                  # asked for, and demanded of the token
user = "log"                        # with password-file
password-file = "observatory.password"
timeout-seconds = 10
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchors.errors import AnchorError
from anchors.tables import read_toml
from anchors.timestamps.service import Service, check_url
from tallystick.errors import MalformedInput

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_POLICY = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,38})){1,30}", re.ASCII)
_KNOWN = {"url", "roots", "certificates", "policy", "user", "password-file", "timeout-seconds"}


class BadAuthorities(AnchorError):
    """The file of authorities is not as it should be; the message names the table and the member."""


def read_authorities(path: Path) -> tuple[Service, ...]:
    """Every authority that the file names, in its order. Raises ``BadAuthorities``."""
    document = read_toml(path, "TALLYSTICK_TIMESTAMPS", BadAuthorities)
    return tuple(_service(path, name, table) for name, table in document.items())


def _service(path: Path, name: str, table: object) -> Service:
    where = f"{path}, [{name[:40]}]"
    if not _NAME.fullmatch(name) or not isinstance(table, dict):
        raise BadAuthorities(f"{where}: an authority is a table named by 1 to 32 of a-z, 0-9 and hyphens")
    unknown = sorted(set(table) - _KNOWN)
    if unknown:
        raise BadAuthorities(f"{where}: unknown member {unknown[0][:40]!r}; known are {', '.join(sorted(_KNOWN))}")
    seconds = table.get("timeout-seconds", 10)
    if type(seconds) is not int or not 1 <= seconds <= 120:
        raise BadAuthorities(f"{where}: timeout-seconds is a whole number from 1 to 120")
    url, policy = _text(where, table, "url", needed=True), _text(where, table, "policy")
    if policy is not None and not _POLICY.fullmatch(policy):
        raise BadAuthorities(f"{where}: policy is an object identifier such as 1.2.3.4")
    user, kept = _text(where, table, "user"), _text(where, table, "password-file")
    if (user is None) != (kept is None):
        raise BadAuthorities(f"{where}: user and password-file come together")
    try:
        check_url(url or "")
    except MalformedInput as error:
        raise BadAuthorities(f"{where}: {error}") from None
    return Service(
        name=name,
        url=url or "",
        roots=_certificates(where, path.parent / (_text(where, table, "roots", needed=True) or "")),
        certificates=_certificates(where, path.parent / more) if (more := _text(where, table, "certificates")) else (),
        policy=policy,
        user=user,
        password=_read(where, path.parent / kept).decode("utf-8", "replace").strip() if kept else None,
        seconds=seconds,
    )


def _text(where: str, table: dict[str, Any], name: str, *, needed: bool = False) -> str | None:
    found = table.get(name)
    if (found is None and not needed) or (isinstance(found, str) and found and found.isprintable()):
        return found
    raise BadAuthorities(f"{where}: {name} is a text that is not empty")


def _certificates(where: str, path: Path) -> tuple[bytes, ...]:
    try:
        found = x509.load_pem_x509_certificates(_read(where, path))
    except (ValueError, x509.InvalidVersion):
        raise BadAuthorities(f"{where}: {path} holds no PEM certificates") from None
    return tuple(one.public_bytes(Encoding.DER) for one in found)


def _read(where: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadAuthorities(f"{where}: {path}: {error.strerror}") from None
