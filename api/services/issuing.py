"""What licences and certificates have in common: log, publish, sign the file, log the signed file's digest."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from api.services.credential_files import CredentialFiles
from api.services.drafts import Draft
from api.services.submission import Recorded, SubmissionService
from api.services.voices import Voices
from credentials.sign import ClaimSigner
from ledger.log import Log
from tallystick.digests import DigestPair, PairHasher
from tallystick.schema import write
from tallystick.tree_head import SignedCheckpoint

_BLOCK = 1 << 20


@dataclass(frozen=True)
class IssuedFile:
    """A signed file and the entry that records it. ``path``: where it stands now."""

    recorded: Recorded
    path: Path
    sha256: str
    size: int


class Issuer:
    """The operator's claim signer with the log around it."""

    def __init__(
        self,
        log: Log,
        submission: SubmissionService,
        voices: Voices,
        files: CredentialFiles,
        signer: ClaimSigner,
        clock: Callable[[], int],
    ) -> None:
        self.log = log
        self.voices = voices
        self.files = files
        self.signer = signer
        self._submission = submission
        self._clock = clock

    @property
    def submission(self) -> SubmissionService:
        """Where statements go."""
        return self._submission

    def when(self) -> datetime:
        """Now, in whole seconds: no credential may claim to be made after the batch that logs it."""
        return datetime.fromtimestamp(self._clock(), UTC)

    async def publish(self) -> SignedCheckpoint:
        """Publish what is committed, so that it can be proved."""
        return await asyncio.to_thread(self.log.publish_now)

    def work_path(self, suffix: str) -> Path:
        """A place for a file in the making."""
        return self.files.work_path(f"{secrets.token_hex(12)}{suffix}")

    async def record(self, subject: str, purpose: str, media_type: str, made: Path, *, keep: bool) -> IssuedFile:
        """Log the signed file's digests; ``keep``: then move it among the kept files."""
        pair, size = await asyncio.to_thread(_digest, made)
        body = {"form": "c2pa", "purpose": purpose, "media_type": media_type, "file": write(pair), "size": size}
        draft = Draft(type="credential.issue", subject=subject, body=body)
        # Kept before it is logged: a file without its entry harms nobody, an entry without its file cannot be shown.
        path = await asyncio.to_thread(self.files.keep, made, pair.sha256) if keep else made
        recorded = await self._submission.record_one(self.voices.of_service(), draft)
        return IssuedFile(recorded, path, pair.sha256, size)


def _digest(path: Path) -> tuple[DigestPair, int]:
    hasher, size = PairHasher(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
            size += len(block)
    return hasher.pair(), size
