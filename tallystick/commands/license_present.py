"""``tallystick license present``: show a token to somebody, with only what they need and the holder's key."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tallystick.errors import MalformedInput
from tallystick.keyfile import read_key
from tallystick.keys import LocalSigner
from tallystick.printing import untried
from tallystick.times import parse_time
from tallystick.token.binding import bind
from tallystick.token.licence import MAX_TOKEN_BYTES, parse_licence_token
from tallystick.token.refusal import TokenRefused
from tallystick.token.sdjwt import SdJwt

_MAX_PASSPHRASE = 4096


def add_parser(subparsers: Any) -> None:
    """Add ``present`` to the actions of ``license``; its namespace gets ``run``."""
    present = subparsers.add_parser(
        "present",
        help="show a licence token: some of its terms, with the holder's key",
        description="Writes the presentation. Exit status: 0 written, 2 malformed input or usage.",
    )
    present.add_argument("token", type=Path, help="the licence token, as it was issued")
    present.add_argument(
        "--show", required=True, metavar="TERMS", help="names separated by commas, such as use,territory"
    )
    present.add_argument("--key", type=Path, help="the holder's private key (encrypted PEM); needs the two below")
    present.add_argument("--audience", metavar="TEXT", help="who it is shown to, as they call themselves")
    present.add_argument("--nonce", metavar="TEXT", help="the nonce that they gave you")
    present.add_argument("--passphrase-file", type=Path, help="of the key; without it you are asked")
    present.add_argument("--at", metavar="TIME", help="when it is shown, as 2026-01-31T12:00:00Z (default: now)")
    present.add_argument("--output", "-o", type=Path, help="where it goes (default: standard output)")
    present.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Present and write."""
    try:
        shown = _presentation(args)
        if args.output is None:
            print(shown.text)
        else:
            args.output.write_text(f"{shown.text}\n", encoding="ascii")
    except (MalformedInput, TokenRefused, OSError) as error:
        print(untried(error), file=sys.stderr)
        return 2
    return 0


def _presentation(args: argparse.Namespace) -> SdJwt:
    if len({args.key is None, args.audience is None, args.nonce is None}) > 1:
        raise MalformedInput("--key, --audience and --nonce belong together; without them no key is shown")
    with args.token.open("rb") as stream:
        data = stream.read(MAX_TOKEN_BYTES + 3)
    token = parse_licence_token(data.decode("ascii", "replace").rstrip("\r\n"))
    shown = token.showing([name for name in args.show.split(",") if name])
    if args.key is None:
        return shown
    signer = read_key(args.key, _passphrase(args))
    _require_holder(signer, token.holder.kid)
    now = parse_time(args.at) if args.at else int(datetime.now(UTC).timestamp())
    return bind(shown, signer, args.audience, args.nonce, now)


def _require_holder(signer: LocalSigner, kid: bytes) -> None:
    if signer.public.kid != kid:
        raise MalformedInput(f"the token is bound to key {kid.hex()}, this is {signer.public.kid.hex()}")


def _passphrase(args: argparse.Namespace) -> bytes:
    if args.passphrase_file is None:
        return getpass.getpass("Passphrase of the key: ").encode()
    with args.passphrase_file.open("rb") as stream:
        found: bytes = stream.read(_MAX_PASSPHRASE).rstrip(b"\r\n")
    return found
