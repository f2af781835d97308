"""Where the commands of the client join ``tallystick`` (entry-point group ``tallystick.commands``)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

_NEEDS = ("httpx", "rich", "typer")


def register(arguments: Sequence[str]) -> int:
    """``tallystick register``."""
    return _run("register", arguments)


def export(arguments: Sequence[str]) -> int:
    """``tallystick export``."""
    return _run("export", arguments)


def prove(arguments: Sequence[str]) -> int:
    """``tallystick prove``."""
    return _run("prove", arguments)


def order(arguments: Sequence[str]) -> int:
    """``tallystick order``."""
    return _run("order", arguments)


def _run(command: str, arguments: Sequence[str]) -> int:
    try:
        module: Any = importlib.import_module("tallystick.client.commands")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _NEEDS:
            raise
        print(
            f"tallystick {command} needs the extra 'client' ({error.name} is missing): "
            "install the same package again as tallystick[client]",
            file=sys.stderr,
        )
        return 2
    status: int = module.run(command, arguments)
    return status
