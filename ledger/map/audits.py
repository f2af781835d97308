"""What auditors said of this log's map: the newest note of each, one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ledger.disk import LocalDisk
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.map.audit import MAX_AUDIT_BYTES, Auditor, parse_audit, verify_audit

Stated = Callable[[int], tuple[bytes, bytes] | None]
"""The roots of the tree of a size, and of its map as the log states it; ``None``: it states none."""


class Audits:
    """A folder of notes, by auditor."""

    def __init__(self, folder: Path, auditors: tuple[Auditor, ...]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._auditors = auditors

    def take(self, note: bytes, origin: str, stated: Stated) -> int:
        """Keep a note; its size. Raises ``MalformedInput``, ``VerificationFailed``."""
        audit, parsed = parse_audit(note)
        signers = {(line.name, line.key_id) for line in parsed.signatures}
        auditor = next((one for one in self._auditors if (one.name, one.key_id) in signers), None)
        if auditor is None:
            raise VerificationFailed("no auditor that this log knows signed it: name its key in TALLYSTICK_AUDITORS")
        verify_audit(note, auditor)
        found = stated(audit.size)
        if audit.origin != origin or found is None:
            raise VerificationFailed(f"this log states no map root of {audit.size} entries, or is not {audit.origin!r}")
        if (audit.tree, audit.root) != found:
            raise VerificationFailed(
                f"the audit of {audit.size} entries is of tree {audit.tree.hex()} and map {audit.root.hex()}; "
                f"this log has {found[0].hex()} and {found[1].hex()}"
            )
        held = self._held(auditor)
        if held is None or parse_audit(held)[0].size <= audit.size:
            path = self._path(auditor)
            draft = path.with_name(path.name + ".new")
            draft.write_bytes(note)
            disk = LocalDisk()
            disk.sync([draft])
            draft.rename(path)
            disk.sync_folders([self._folder])
        return audit.size

    def of(self, size: int, root: bytes) -> tuple[bytes, ...]:
        """The notes about this root."""
        found = [held for held in map(self._held, self._auditors) if held is not None]
        return tuple(note for note in found if (parse_audit(note)[0].size, parse_audit(note)[0].root) == (size, root))

    def newest(self) -> int | None:
        """The largest size of which somebody said something."""
        held = [note for note in map(self._held, self._auditors) if note is not None]
        return max((parse_audit(note)[0].size for note in held), default=None)

    def _path(self, auditor: Auditor) -> Path:
        return self._folder / f"{auditor.key_id.hex()}.note"

    def _held(self, auditor: Auditor) -> bytes | None:
        try:
            data = self._path(auditor).read_bytes()[: MAX_AUDIT_BYTES + 1]
            verify_audit(data, auditor)
        except (FileNotFoundError, MalformedInput, VerificationFailed):
            return None
        return data
