"""The audit of a map: each root that a log states is held against all entries, and the newest right one is signed.

A root that is wrong is an alarm that names its entry, and is never signed. The map stands in a file of the monitor's
own; which roots were looked at is remembered with the alarms, so that none is passed over.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from ledger.copies.known import Head
from ledger.copies.watching import Alarm, WatchStore
from ledger.disk import LocalDisk
from ledger.errors import Corrupt
from ledger.map.check import Fetch, compare
from ledger.map.disk import DiskMap
from ledger.tilestore import TileStore
from ledger.upkeep.rebuild import published_entries
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import MapRoot
from tallystick.keyfile import read_key, write_key
from tallystick.keys import LocalSigner, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.map.audit import Auditor, MapAudit, sign_audit, verify_audit
from tallystick.merkle import root_at
from tallystick.note import check_name
from tallystick.tiles import TileReader

AUDIT = "audit"
"""File in the monitor's folder: the note over the newest root that was found right."""
_KEY, _SECRET = "auditor.pem", "auditor.passphrase"


@dataclass(frozen=True)
class Hand:
    """Who signs audits."""

    name: str
    signer: Signer

    @property
    def auditor(self) -> Auditor:
        """The public half, for trust files."""
        return Auditor(self.name, self.signer.public)


class MapWatch:
    """Looks into the map of one log. ``hand``: ``None`` for a monitor that only watches."""

    def __init__(self, folder: Path, origin: str, store: WatchStore, tiles: TileStore, hand: Hand | None) -> None:
        self._folder = folder
        self._origin = origin
        self._store = store
        self._tiles = tiles
        self._hand = hand
        self._map = DiskMap(folder / "map.sqlite")
        self._begun = False

    def look(self, held: Head, now: int) -> None:
        """Hold every root that was scanned against the entries below ``held``."""
        waiting = self._store.roots()
        for number, (position, stated) in enumerate(waiting, 1):
            # At first alone: what is durable may be ahead of what was looked at. Later it is the log's fault.
            if self._map.damaged or (not self._begun and (stated.size < self._map.size or not self._is_signed())):
                self._map.reset()
            self._begun = True
            problem = self._compare(position, stated, partial(self._entries, held.checkpoint.size))
            if problem is None and self._hand is not None and number == len(waiting):
                self._sign(held, stated, self._hand, now)
            # After the note: whoever is cut short between the two signs the same once more.
            self._store.looked_at(position, [] if problem is None else [Alarm("map-root", problem, now, position)])
        if waiting:
            self._map.flush()

    def audit(self) -> bytes | None:
        """The note over the newest root that was found right, if there is one."""
        path = self._folder / AUDIT
        return path.read_bytes() if path.is_file() else None

    def close(self) -> None:
        """Make the map durable."""
        self._map.close()

    def _compare(self, position: int, stated: MapRoot, fetch: Fetch) -> str | None:
        """A map in a damaged file is made anew at once: the next look may be another process's, which does not know."""
        try:
            return compare(self._map, position, stated, fetch)
        except Corrupt:
            if not self._map.damaged:
                raise
            self._map.reset()
            return compare(self._map, position, stated, fetch)

    def _is_signed(self) -> bool:
        """Whether the map that was found is the one audited last: an auditor signs on no other's word than its own.

        Who signs nothing knows it by the roots that it found right: that much stands in a file beside the map.
        """
        if not self._map.size:
            return True
        note = self.audit()
        try:
            if self._hand is None:
                return self._store.found_right(self._map.size, self._map.root().hex())
            audit, _ = verify_audit(note or b"", self._hand.auditor)
            return (audit.origin, audit.size, audit.root) == (self._origin, self._map.size, self._map.root())
        except (MalformedInput, VerificationFailed, Corrupt):
            return False

    def _entries(self, size: int, first: int, end: int) -> Iterator[bytes]:
        """From the tiles of the tree of ``size``: a smaller one's may not be here."""
        return islice(published_entries(self._tiles, first, size), end - first)

    def _sign(self, held: Head, stated: MapRoot, hand: Hand, now: int) -> None:
        tree = root_at(TileReader(held.checkpoint.size, self._tiles.get), stated.size)
        audit = MapAudit(self._origin, stated.size, tree, bytes.fromhex(stated.root))
        path = self._folder / AUDIT
        draft = path.with_name(AUDIT + ".new")
        draft.write_text(sign_audit(audit, hand.name, hand.signer, now), encoding="utf-8")
        disk = LocalDisk()
        disk.sync([draft])
        draft.rename(path)
        disk.sync_folders([self._folder])


def open_hand(folder: Path, name: str, passphrase: str | None) -> Hand:
    """The auditor's key in the monitor's folder, made if there is none. Raises ``MalformedInput``."""
    check_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    key, kept = folder / _KEY, folder / _SECRET
    if not key.exists():
        if passphrase is None:
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
                file.flush()
                os.fsync(descriptor)
        write_key(key, LocalSigner.generate("ed25519"), _secret(kept, passphrase))
    return Hand(name, read_key(key, _secret(kept, passphrase)))


def _secret(kept: Path, given: str | None) -> bytes:
    if given is not None:
        return given.encode()
    try:
        return kept.read_bytes().strip()
    except FileNotFoundError:
        raise MalformedInput(f"no passphrase: set MONITOR_PASSPHRASE, or restore {kept}") from None
