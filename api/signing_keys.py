"""``python -m api keys …``: who signs files. The service must be stopped; start it again afterwards."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.folders import data_folder
from api.keyring import passphrase_of
from api.settings import Settings
from credentials.errors import KeyUnreadable
from credentials.keeping import (
    actors,
    claim_keys,
    identity_roots,
    import_chain,
    import_identity,
    read_private_key,
    replace_keys,
)
from ledger.batch import Clock
from tallystick.identifiers import Letter, parse_identifier

_REPLACED = {"signer": ("signer",), "issuing": ("signer", "issuing"), "begin": ("signer", "issuing", "root")}
KEY_PASSPHRASE = "TALLYSTICK_IMPORT_PASSPHRASE"
"""Environment variable: the passphrase of a private key that is imported, where it has one."""


def add_commands(commands: Any) -> None:
    """The subcommands of ``keys``."""
    keys = commands.add_parser("keys", help="who signs files: show, replace, import; the service must be stopped")
    steps = keys.add_subparsers(dest="step", required=True)
    steps.add_parser("show", help="the signer, its roots, the identities that are kept")
    replace = steps.add_parser("replace", help="a new signer, or a new issuing authority and a new signer")
    replace.add_argument("what", choices=("signer", "issuing"))
    steps.add_parser("begin", help="a new root, issuing authority and signer; old files stay good")
    for step, what in (("import", "a signer of another authority"), ("identity", "a licensor's own certificate")):
        one = steps.add_parser(step, help=what)
        if step == "identity":
            one.add_argument("party")
        one.add_argument("chain", type=Path, help="PEM, leaf first, without the root")
        one.add_argument("key", type=Path, help=f"PEM; its passphrase, if any, in {KEY_PASSPHRASE}")
        needed, why = step == "import", "PEM of the root above the chain; the trust file then names it"
        one.add_argument("--root", type=Path, required=needed, help=why)


def run(settings: Settings, given: argparse.Namespace, clock: Clock) -> list[str]:
    """Do one step; returns lines to print. Raises ``DataBusy``, ``KeyUnreadable``, ``SigningFailed``."""
    keys, now = settings.keys, datetime.fromtimestamp(clock(), UTC)
    if not keys.exists():
        raise KeyUnreadable(f"there are no keys in {keys}: start the service first")
    with data_folder(settings.data):
        passphrase = passphrase_of(keys, settings.passphrase, create=False)
        if given.step == "import":
            key = _key(given.key)
            import_chain(keys, passphrase, given.chain.read_bytes(), given.root.read_bytes(), key, now)
        elif given.step == "identity":
            parse_identifier(given.party, Letter.PARTY)
            above = (given.root.read_bytes(), now) if given.root else None
            import_identity(keys, passphrase, given.party, given.chain.read_bytes(), _key(given.key), above)
        elif given.step != "show":
            replace_keys(keys, _REPLACED[given.what if given.step == "replace" else given.step])
        found = claim_keys(keys, passphrase, settings.origin, now, begin=given.step == "begin")
        leaf = found.signer.chain[0]
        lines = [
            f"signer: {leaf.subject.rfc4514_string()}, {found.signer.algorithm}, until {leaf.not_valid_after_utc:%F}"
        ]
        lines += [f"root: {root.subject.rfc4514_string()}, until {root.not_valid_after_utc:%F}" for root in found.roots]
        lines += [f"root of identities: {root.subject.rfc4514_string()}" for root in identity_roots(keys)]
        for party, actor in actors(keys, passphrase).items():
            lines.append(f"identity: {party}, {actor.signer.chain[0].subject.rfc4514_string()}")
        return lines


def _key(path: Path) -> Any:
    given = os.environ.get(KEY_PASSPHRASE)
    return read_private_key(path.read_bytes(), given.encode() if given else None)
