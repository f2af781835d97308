"""``python -m api certificates renew``: one more document timestamp on certificates of a service that runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from api.settings import Settings
from tallystick.client.http import Client, ServiceProblem
from tallystick.errors import TallystickError


class Unrenewed(TallystickError):
    """Some were not renewed; each was told with its reason."""


def add_commands(commands: Any) -> None:
    """The subcommands of ``certificates``."""
    steps = commands.add_parser("certificates", help="certificates of registration").add_subparsers(
        dest="step", required=True
    )
    renew = steps.add_parser("renew", help="one more document timestamp and the newest revocation lists")
    renew.add_argument("certificates", nargs="*", help="identifiers; none: every certificate in force")
    renew.add_argument("--server", help="the service, which runs; without it the one of these settings")
    renew.add_argument("--token-file", type=Path, help="a registrar's token; without it TALLYSTICK_TOKEN is read")


def run(settings: Settings, given: argparse.Namespace, token: str, say: Callable[[str], None]) -> None:
    """Renew them one after the other, and tell of each. Raises ``Unrenewed`` at the end, ``TallystickError``."""
    if given.token_file is not None:
        token = given.token_file.read_text().strip()
    with Client(given.server or settings.base_url, token) as service:
        named = given.certificates or list(in_force(service))
        failed = [one for one in named if not _renewed(service, one, say)]
    if failed:
        raise Unrenewed(f"{len(failed)} of {len(named)} certificates were not renewed: {', '.join(failed)}")
    say(f"{len(named)} certificates renewed")


def in_force(service: Client) -> Iterator[str]:
    """Every certificate that was neither withdrawn nor superseded, in log order."""
    asked: dict[str, Any] = {"type": "certificate.issue"}
    while True:
        page = service.events(**asked)
        for event in page["events"]:
            if service.certificate_standing(event["subject"])["state"] == "in-force":
                yield event["subject"]
        if page["next"] is None:
            return
        asked["cursor"] = page["next"]


def _renewed(service: Client, certificate: str, say: Callable[[str], None]) -> bool:
    try:
        done = service.renew_certificate(certificate)
    except ServiceProblem as problem:
        say(f"{certificate}: not renewed: {problem}")
        return False
    say(f"{certificate}: renewed, logged at position {done['position']}")
    return True
