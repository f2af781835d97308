"""``python -m api rotate ROLE``: a key of the log is replaced while the service is stopped.

The new key is written beside the old one first, then the log has the entry, then a copy of
the old one is put away and the new one takes its place: what a crash left undone, the same
command finishes.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from anchors.outbox import Outbox
from anchors.outbox_rows import HandoverKeys, Target
from anchors.ports import PublishedCheckpoint
from api.folders import data_folder, sync_folder
from api.founding import published_tiles, read_log_keys
from api.keyring import ROLES, Keyring, passphrase_of
from api.settings import Settings
from ledger.batch import Clock
from ledger.reader import PublishedLog
from ledger.rotation import rotate_key
from ledger.submission import Receipt
from tallystick.admission import Refused
from tallystick.errors import TallystickError
from tallystick.events.log import Role
from tallystick.evm.eip712 import rotation_digest
from tallystick.evm.registry import KNOWN_REGISTRIES
from tallystick.evm.secp256k1 import address_of
from tallystick.keyfile import read_key, write_key
from tallystick.keys import LocalSigner
from tallystick.lazy_dataclass import dataclass
from tallystick.tree_head import LocalAuthority, authority_signature, verify_tree_head

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
            _make(coming, role, passphrase)
        new = read_key(coming, passphrase)
        keyring = Keyring({one: read_key(folder / f"{one}.pem", passphrase) for one in ROLES})
        old = keyring.signers[role].public.kid.hex()
        if role == "authority":
            _check_contracts(settings)
        try:
            receipt = _record(settings, keyring, role, new, clock)
        except Refused as error:
            # Nobody knows it, and a later attempt makes its own.
            coming.unlink()
            raise NotRotated(f"{error.problem}: {error.hint}") from None
        if role == "authority":
            _prepare_handovers(settings, keyring.signers[role], new, clock)
        _put_in_place(folder, role, old)
        return Rotated(role, receipt.position, old, new.public.kid.hex())


def _record(settings: Settings, keyring: Keyring, role: Role, new: LocalSigner, clock: Clock) -> Receipt:
    if settings.database:
        # The database's driver is loaded where there is a database.
        from api import sharing

        return sharing.rotate(settings, keyring, role, new, clock)
    return rotate_key(settings.log, keyring.signers, role, new, clock, checkpoints=settings.checkpoints)


def _check_contracts(settings: Settings) -> None:
    """Raises ``NotRotated`` when a contract that knows the log could not follow it."""
    for target in _targets(settings):
        known = KNOWN_REGISTRIES.get(target.spec.code_hash.hex())
        if known is None or not known.rotates:
            name = "unknown code" if known is None else known.name
            raise NotRotated(
                f"the contract of target {target.spec.name!r} is {name}, which cannot hand a log over to another "
                "authority: end this log with log.freeze and begin its successor"
            )


def _prepare_handovers(settings: Settings, old: LocalSigner, new: LocalSigner, clock: Clock) -> None:
    """What the anchor worker brings to each contract: both keys agree on the last checkpoint that the old one signed.

    It is the one published: the next is for the new key to sign. So neither key is needed for this again.
    """
    targets = _targets(settings)
    if not targets:
        return
    keys = read_log_keys(settings)
    note = PublishedLog(published_tiles(settings), keys).note()
    signed = verify_tree_head(note, keys)
    last = PublishedCheckpoint(signed.checkpoint, note, authority_signature(signed.note, keys))
    successor = address_of(new.public.raw)
    with closing(Outbox(settings.outbox)) as outbox:
        for target in targets:
            digest = rotation_digest(target.spec.log_id, last.checkpoint.size, last.checkpoint.root, successor)
            consent, acceptance = (LocalAuthority(key).sign_digest(digest) for key in (old, new))
            agreed = HandoverKeys(address_of(old.public.raw), successor, consent, acceptance)
            outbox.prepare_handover(target.id, last, agreed, clock())


def _targets(settings: Settings) -> list[Target]:
    if not settings.outbox.exists():
        return []
    with closing(Outbox(settings.outbox)) as outbox:
        return outbox.targets()


def _make(path: Path, role: Role, passphrase: bytes) -> None:
    """A new key; under its name it is whole."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    write_key(draft, LocalSigner.generate(ROLES[role]), passphrase)
    draft.rename(path)
    sync_folder(path.parent)


def _put_in_place(folder: Path, role: str, old: str) -> None:
    present, retired = folder / f"{role}.pem", folder / RETIRED
    retired.mkdir(mode=0o700, exist_ok=True)
    kept = retired / f"{role}-{old[:16]}.pem"
    kept.unlink(missing_ok=True)
    kept.touch(mode=0o600)
    kept.write_bytes(present.read_bytes())
    # All of it is on the disk before the old one's place is taken.
    for path in (kept, retired, folder):
        sync_folder(path)
    (folder / f"{role}.next.pem").rename(present)
    sync_folder(folder)
