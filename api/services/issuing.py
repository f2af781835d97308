"""What licences and certificates have in common: log, publish, sign the file, log the signed file's digest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from api.services.claim_stamps import ClaimStamps, Dated
from api.services.credential_files import CredentialFiles
from api.services.drafts import Draft
from api.services.erasures import ErasedFiles
from api.services.errors import NotFound, Unavailable
from api.services.gathering import kept_records
from api.services.submission import SubmissionService
from api.services.turns import Turns
from api.services.voices import Voices
from api.services.witnesses import WitnessService
from credentials.manifests import Actor
from credentials.signer import ClaimSigner
from ledger.log import Log
from ledger.store import Reads, Search
from ledger.upkeep.erasing import ERASURE
from tallystick.digests import DigestPair, PairHasher
from tallystick.events.credential import CredentialIssue
from tallystick.identifiers import Letter, letter_of, parse_identifier
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import write
from tallystick.statement import parse_statement
from tallystick.tree_head import SignedCheckpoint

_BLOCK = 1 << 20


@dataclass(frozen=True)
class IssuedFile:
    """A signed file and the position of the entry that records it. ``path``: where it stands now.

    ``dated``: of a claim that was signed just now.
    """

    position: int
    path: Path
    sha256: str
    size: int
    dated: Dated | None = None


class Issuer:
    """The operator's claim signer with the log around it. ``actors``: parties whose identity keys are kept here."""

    def __init__(
        self,
        log: Log,
        submission: SubmissionService,
        voices: Voices,
        files: CredentialFiles,
        signer: ClaimSigner,
        clock: Callable[[], int],
        witnesses: WitnessService,
        stamps: ClaimStamps,
        actors: Mapping[str, Actor] | None = None,
    ) -> None:
        self.log = log
        self.submission = submission
        self.voices = voices
        self.files = files
        self.erased = ErasedFiles(log, files)
        self.signer = signer
        self.stamps = stamps
        self.actors = actors or {}
        self.heavy = Turns()
        self.witnesses = witnesses
        self._clock = clock

    def when(self) -> datetime:
        """Now, and not before the last batch: no file may say that it was made before what it is made of was logged.

        Nor after the batch that logs the file itself, since the log's time never falls.
        """
        with self.log.store.snapshot() as reads:
            return self.when_in(reads)

    def when_in(self, reads: Reads) -> datetime:
        """As ``when``, for what is made of this snapshot."""
        last = reads.last_batch()
        return datetime.fromtimestamp(max(self._clock(), last.admitted_at if last else 0), UTC)

    async def publish(self) -> SignedCheckpoint:
        """Publish what is committed, so that it can be proved."""
        return await asyncio.to_thread(self.log.publish_now)

    async def publish_witnessed(self) -> SignedCheckpoint:
        """As ``publish``, for files that stand under this checkpoint for good. Raises ``Unavailable`` below quorum."""
        head = await self.publish()
        if not self.witnesses.met(head):
            raise Unavailable(
                f"the checkpoint of size {head.checkpoint.size} is below its quorum of witnesses",
                "a file that is made now would never be believed; try again when /v1/status says that it is met",
            )
        return head

    async def record_kept(
        self, subject: str, purpose: str, media_type: str, made: Path, form: str = "c2pa"
    ) -> IssuedFile:
        """Keep the signed file and log its digests.

        In this order: a file without its entry harms nobody, an entry without its file cannot be shown. If a value that
        it shows was erased meanwhile, the file is gone when this returns.
        """
        pair, size = await asyncio.to_thread(digest_of_file, made)
        path = await asyncio.to_thread(self.files.keep, made, pair.sha256)
        issued = await self._record(subject, purpose, media_type, path, pair, size, form)
        await asyncio.to_thread(self.erased.remove_shown, [(subject, pair.sha256)])
        return issued

    async def record_handed_out(self, subject: str, purpose: str, media_type: str, made: Path) -> IssuedFile:
        """Log the digests of a signed file that the caller hands out; nothing is kept."""
        pair, size = await asyncio.to_thread(digest_of_file, made)
        return await self._record(subject, purpose, media_type, made, pair, size)

    async def _record(
        self,
        subject: str,
        purpose: str,
        media_type: str,
        path: Path,
        pair: DigestPair,
        size: int,
        form: str = "c2pa",
    ) -> IssuedFile:
        body = {"form": form, "purpose": purpose, "media_type": media_type, "file": write(pair), "size": size}
        draft = Draft(type="credential.issue", subject=subject, body=body)
        certified = letter_of(parse_identifier(subject)) is Letter.CERTIFICATE
        voice = self.voices.of_registrar() if certified else self.voices.of_service()
        recorded = await self.submission.record_one(voice, draft)
        return IssuedFile(recorded.position, path, pair.sha256, size)

    def find_latest(self, reads: Reads, subject: str, purpose: str) -> IssuedFile | None:
        """The latest kept file of a purpose that the log records under ``subject``."""
        for record in reversed(kept_records(reads, subject)):
            body: CredentialIssue = parse_statement(record.entry).event.body
            path = self.erased.find(reads, subject, body.file.sha256) if body.purpose == purpose else None
            if path is not None:
                return IssuedFile(record.position, path, body.file.sha256, body.size)
        return None

    def latest(self, reads: Reads, subject: str, purpose: str) -> IssuedFile:
        """As ``find_latest``. Raises ``NotFound``."""
        found = self.find_latest(reads, subject, purpose)
        if found is None:
            raise self._missing(reads, subject, purpose)
        return found

    def _missing(self, reads: Reads, subject: str, purpose: str) -> NotFound:
        """Never issued; or issued and gone, as after the erasure of a value that it showed."""
        records = kept_records(reads, subject)
        issued = [one.position for one in records if parse_statement(one.entry).event.body.purpose == purpose]
        if not issued:
            return NotFound(f"no {purpose} of {subject} was issued", f"have the {purpose} issued first")
        gone = f"the {purpose} of {subject} that was issued (position {issued[-1]}) is not kept here any more"
        if letter_of(parse_identifier(subject)) is Letter.CERTIFICATE and reads.search(
            Search(subject=subject, type=ERASURE, limit=1)
        ):
            return NotFound(
                f"{gone}: a value that it shows was erased",
                "ask the registrar for another under a new number, which supersedes this one",
            )
        return NotFound(
            f"{gone}: it was removed because a value that it shows was erased, or it is lost",
            f"have the {purpose} made again, by the request that made it",
        )


def digest_of_file(path: Path) -> tuple[DigestPair, int]:
    """The digests and the size of a file, read in pieces."""
    hasher, size = PairHasher(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
            size += len(block)
    return hasher.pair(), size
