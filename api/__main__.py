"""``python -m api serve``: the service and its worker. Others: see ``--help``."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api.keyring import ROLES
from api.settings import Settings, read_settings
from tallystick.errors import TallystickError
from tallystick.events.log import Role


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 1 after one sentence that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m api", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="the service, with its worker")
    worker = commands.add_parser("worker", help="the anchor worker alone")
    worker.add_argument("--supervised", action="store_true", help="stop when standard input ends")
    commands.add_parser("token", help="print a new administrator's token")
    rotate = commands.add_parser("rotate", help="replace a key of the log; the service must be stopped")
    rotate.add_argument("role", choices=ROLES)
    _add_chain(commands)
    _add_keys(commands)
    _add_certificates(commands)
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("api").setLevel(logging.INFO)
    try:
        settings = read_settings(os.environ)
        if given.command == "serve":
            _serve(settings)
        elif given.command == "worker":
            _work(settings, given.supervised)
        elif given.command == "chain":
            _chain(settings, given)
        elif given.command == "keys":
            _keys(settings, given)
        elif given.command == "certificates":
            _certificates(settings, given)
        elif given.command == "rotate":
            _rotate(settings, given.role)
        else:
            _token(settings)
    except (TallystickError, Unusable) as error:
        print(f"tallystick: {error}", file=sys.stderr)
        return 1
    return 0


class Unusable(Exception):
    """The machine does not let us; the message says what to do."""


def _serve(settings: Settings) -> None:
    # Nothing that is loaded is garbage; the server lets the collector go on.
    gc.disable()
    from api.tuning import load_framework, share_one_heap

    share_one_heap()
    load_framework()

    from anchors.chains import read_chains
    from api.app import Server, create_app, server_config
    from api.supervisor import Supervisor
    from api.wiring import open_services

    if settings.chains:
        # The worker reads it; what is wrong in it is said here, before anything has begun.
        read_chains(settings.chains)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn handles both while it serves, and raises them again when it has finished.
        signal.signal(number, _leave)
    with listen(settings) as listening, open_services(settings) as services:
        server = Server(server_config(create_app(services)))
        supervisor = Supervisor() if settings.role == "full" else None
        if supervisor:
            supervisor.start()
        try:
            _greet(settings, services.first_token())
            # The exit that a signal raised is lost when it comes while the interpreter clears away what nobody needs.
            if not _leaving.is_set():
                server.run(sockets=[listening])
        finally:
            if supervisor:
                supervisor.stop()


_leaving = threading.Event()


def _leave(*_: object) -> None:
    _leaving.set()
    raise SystemExit(0)


def listen(settings: Settings) -> socket.socket:
    """A listening socket. Raises ``Unusable``."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol by name: asyncio looks for it before it turns Nagle's delays (40 ms an answer) off.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        # From here on clients wait instead of being turned away.
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise Unusable(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror}): another program uses it, "
            "or it is not ours to use; choose another with TALLYSTICK_PORT"
        ) from None
    return listening


def _greet(settings: Settings, token: str | None) -> None:
    if token is not None:
        print(f"administrator's token (shown this once): {token}", flush=True)
    print(f"tallystick listens on {settings.base_url} (documentation: {settings.base_url}/docs)", flush=True)


def _work(settings: Settings, supervised: bool) -> None:
    from api.worker import run_worker

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if supervised:
        threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    run_worker(settings, stop)


def _wait_for_end(stop: threading.Event) -> None:
    """The pipe from the service ends when the service does, even by kill -9."""
    sys.stdin.buffer.read()
    stop.set()


def _rotate(settings: Settings, role: Role) -> None:
    from api.rotation import rotate
    from ledger.log import system_clock

    done = rotate(settings, role, system_clock)
    print(f"position {done.position}: the {role} key {done.old} was replaced by {done.new}; start the service again")


def _add_keys(commands: Any) -> None:
    from api.signing_keys import add_commands

    add_commands(commands)


def _keys(settings: Settings, given: argparse.Namespace) -> None:
    from api.signing_keys import run
    from ledger.log import system_clock

    for line in run(settings, given, system_clock):
        print(line)


def _add_certificates(commands: Any) -> None:
    from api.renewing import add_commands

    add_commands(commands)


def _certificates(settings: Settings, given: argparse.Namespace) -> None:
    from api.renewing import run

    run(settings, given, os.environ.get("TALLYSTICK_TOKEN", ""), lambda line: print(line, flush=True))


def _add_chain(commands: Any) -> None:
    chain = commands.add_parser("chain", help="other chains: keys, contracts, accusations, how they stand")
    steps = chain.add_subparsers(dest="step", required=True)
    steps.add_parser("show", help="how each chain stands")
    for step, what in (
        ("key", "make a key that pays there"),
        ("deploy", "put the contract there, unless it stands"),
        ("convict", "bring fork evidence to a court there, and write the proof that it convicted"),
    ):
        steps.add_parser(step, help=what).add_argument("name", help="the chain, as the file of chains names it")
    convict = steps.choices["convict"]
    convict.add_argument("evidence", type=Path, help="fork evidence, as `tallystick accuse` writes it")
    convict.add_argument("--trust", type=Path, required=True, help="trust file: the keys of the log that is accused")
    convict.add_argument("--out", type=Path, required=True, help="where the conviction proof goes; a new file")


def _chain(settings: Settings, given: argparse.Namespace) -> None:
    from api import chains

    if given.step == "key":
        name = given.name
        print(
            f"{chains.make_key(settings, name)}: give it money on {name}, then run `python -m api chain deploy {name}`"
        )
    elif given.step == "deploy":
        print(f"{chains.deploy(settings, given.name)}: the service names it in the log, then anchors there")
    elif given.step == "convict":
        accusation = chains.Accusation(given.evidence, given.trust, given.out)
        for line in chains.convict(settings, given.name, accusation):
            print(line, flush=True)
    else:
        for line in chains.show(settings):
            print(line)


def _token(settings: Settings) -> None:
    from api.accounts import SCOPES
    from api.founding import read_registrar
    from api.wiring import open_accounts

    registrar = read_registrar(settings)
    token, _ = open_accounts(settings).issue(registrar, SCOPES)
    print(token)


if __name__ == "__main__":
    sys.exit(main())
