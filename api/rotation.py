"""``python -m api rotate ROLE``: a key of the log is replaced while the service is stopped.

The new key is written beside the old one first, then the log has the entry, then the
files change their names: what a crash left undone, the same command finishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from api.folders import data_folder, sync_folder
from api.keyring import ROLES, Keyring, passphrase_of
from api.settings import Settings
from ledger.batch import Clock
from ledger.rotation import rotate_key
from ledger.submission import Receipt
from tallystick.admission import Refused
from tallystick.errors import TallystickError
from tallystick.events.log import Role
from tallystick.keyfile import read_key, write_key
from tallystick.keys import LocalSigner

RETIRED = "retired"
"""Folder of private keys that were replaced: nobody needs them any more; keep them offline, or destroy them."""


class NotRotated(TallystickError):
    """The key stays what it was."""


@dataclass(frozen=True)
class Rotated:
    """``position``: of the entry; ``old``, ``new``: thumbprints (hex)."""

    role: str
    position: int
    old: str
    new: str


def rotate(settings: Settings, role: Role, clock: Clock) -> Rotated:
    """Replace the key of ``role`` by a new one of the same kind, made here.

    Raises ``DataBusy`` while the service runs, ``NotRotated`` where the rules do not have it, what ``read_key`` does.
    """
    folder = settings.keys
    with data_folder(settings.data):
        passphrase = passphrase_of(folder, settings.passphrase, create=False)
        coming = folder / f"{role}.next.pem"
        if not coming.exists():
            write_key(coming, LocalSigner.generate(ROLES[role]), passphrase)
            sync_folder(folder)
        new = read_key(coming, passphrase)
        keyring = Keyring({one: _present(folder, one, role, passphrase) for one in ROLES})
        old = keyring.signers[role].public.kid.hex()
        try:
            receipt = _record(settings, keyring, role, new, clock)
        except Refused as error:
            # Nobody knows it, and a later attempt makes its own.
            coming.unlink()
            raise NotRotated(f"{error.problem}: {error.hint}") from None
        _put_in_place(folder, role, old)
        return Rotated(role, receipt.position, old, new.public.kid.hex())


def _record(settings: Settings, keyring: Keyring, role: Role, new: LocalSigner, clock: Clock) -> Receipt:
    if settings.database:
        # The database's driver is loaded where there is a database.
        from api import sharing

        return sharing.rotate(settings, keyring, role, new, clock)
    return rotate_key(settings.log, keyring.signers, role, new, clock, checkpoints=settings.checkpoints)


def _present(folder: Path, one: str, role: str, passphrase: bytes) -> LocalSigner:
    """The key in force; where a crash came between the two renames, the old one stands among the retired."""
    path = folder / f"{one}.pem"
    if one == role and not path.exists():
        found = sorted((folder / RETIRED).glob(f"{role}-*.pem"), key=lambda name: name.stat().st_mtime_ns)
        if not found:
            raise NotRotated(f"no key file {path}")
        path = found[-1]
    return read_key(path, passphrase)


def _put_in_place(folder: Path, role: str, old: str) -> None:
    retired = folder / RETIRED
    retired.mkdir(mode=0o700, exist_ok=True)
    present = folder / f"{role}.pem"
    if present.exists():
        present.rename(retired / f"{role}-{old[:16]}.pem")
    sync_folder(retired)
    (folder / f"{role}.next.pem").rename(present)
    sync_folder(folder)
