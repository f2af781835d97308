"""Evidence: what is gathered from log, vault, outbox and files becomes a case, and the core writes the bundle."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from api.accounts import Account
from api.services.anchoring import AnchorDesk
from api.services.credential_files import CredentialFiles
from api.services.errors import Forbidden, NotFound
from api.services.gathering import Gathered, gather
from api.services.voices import Voices, require_scope
from ledger.log import Log
from ledger.store import Reads
from tallystick.bundle import write_bundle
from tallystick.case import AnchorMaterial, CaseMaterial, Kind, OriginalMaterial, case_members
from tallystick.content import FileEntry
from tallystick.identifiers import parse_identifier
from tallystick.keys import Signer
from tallystick.schema import FieldError
from tallystick.statement import Statement
from tallystick.times import format_time
from tallystick.tree_head import SignedCheckpoint

_SUFFIXES = {"image/png": ".png", "application/pdf": ".pdf", "image/jpeg": ".jpg", "video/mp4": ".mp4"}
_BLOCK = 1 << 20


@dataclass(frozen=True)
class EvidenceRequest:
    """What to export. ``disclose``: private values to open: all that the asker may, none, or by position.

    ``originals``: uploaded files by object and path in its file list (or the file's name); ``file_lists``: of
    folder objects. ``credentials``: uploaded signed files that the service does not keep.
    """

    kind: Kind
    subject: str
    disclose: Literal["all", "none"] | Mapping[int, Sequence[str]] = "all"
    originals: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    file_lists: Mapping[str, tuple[FileEntry, ...]] = field(default_factory=dict)
    credentials: Sequence[Path] = ()


class EvidenceService:
    """Exports cases, signed by the exporter's key."""

    def __init__(
        self,
        log: Log,
        anchors: AnchorDesk,
        files: CredentialFiles,
        voices: Voices,
        exporter: Signer,
        clock: Callable[[], int],
    ) -> None:
        self._log = log
        self._anchors = anchors
        self._files = files
        self._voices = voices
        self._exporter = exporter
        self._clock = clock

    async def export(self, account: Account, request: EvidenceRequest, out: Path) -> None:
        """Write the bundle to ``out``. Raises ``NotFound``, ``Forbidden``, ``MalformedInput``."""
        require_scope(account, "evidence")
        parse_identifier(request.subject)
        await asyncio.to_thread(self._export, account, request, out)

    def _export(self, account: Account, request: EvidenceRequest, out: Path) -> None:
        head = self._log.published.checkpoint()
        with self._log.store.snapshot() as reads:
            if reads.get(request.subject) is None:
                raise NotFound(f"{request.subject} is not registered", "check the identifier", "subject")
            found = gather(reads, [request.subject], head.checkpoint.size, later_events=True)
            if not any(statement.event.subject == request.subject for statement in found.entries.values()):
                raise NotFound(f"{request.subject} is not published yet", "publish, then export again", "subject")
            disclosures = self._disclosures(account, request, found, reads)
        material = self._material(request, found, disclosures, head)
        info = {
            "Bag-Software-Agent": "tallystick",
            "External-Identifier": request.subject,
            "Source-Organization": self._voices.origin,
        }
        with out.open("wb") as file:
            write_bundle(file, case_members(material), self._exporter, info)

    def _material(
        self,
        request: EvidenceRequest,
        found: Gathered,
        disclosures: Mapping[int, Sequence[str]],
        head: SignedCheckpoint,
    ) -> CaseMaterial:
        size = head.checkpoint.size
        anchors = self._anchor_material(max(found.entries), size)
        sizes = {anchored for anchored, _ in anchors if anchored != size}
        return CaseMaterial(
            kind=request.kind,
            subject=request.subject,
            log=self._voices.origin,
            exported_at=format_time(self._clock()),
            entries={position: statement.entry for position, statement in found.entries.items()},
            checkpoint=head.note.encode().encode(),
            inclusion={position: self._log.published.prove_inclusion(position, size) for position in found.entries},
            consistency={(old, size): self._log.published.prove_consistency(old, size) for old in sizes},
            disclosures=disclosures,
            anchors=[material for _, material in anchors],
            originals=_originals(request, found),
            credentials=self._credentials(request, found),
        )

    def _anchor_material(self, last: int, size: int) -> list[tuple[int, AnchorMaterial]]:
        """For each target the first anchor that covers all entries, or the latest there is."""
        by_target: dict[int, list[tuple[int, AnchorMaterial]]] = {}
        for view in self._anchors.anchors():
            anchor = view.anchor
            if anchor.proof is not None and anchor.size <= size:
                found = AnchorMaterial(anchor.proof, anchor.note)
                by_target.setdefault(view.target.id, []).append((anchor.size, found))
        chosen = []
        for anchors in by_target.values():
            anchors.sort(key=lambda pair: pair[0])
            chosen.append(next((pair for pair in anchors if pair[0] > last), anchors[-1]))
        return chosen

    def _disclosures(
        self, account: Account, request: EvidenceRequest, found: Gathered, reads: Reads
    ) -> dict[int, list[str]]:
        if request.disclose == "none":
            return {}
        named = None if request.disclose == "all" else request.disclose
        chosen: dict[int, list[str]] = {}
        for position, statement in found.entries.items():
            if named is not None and position not in named:
                continue
            allowed = self._may_read(account, statement)
            if named is not None and not allowed:
                raise Forbidden(
                    f"the private values of entry {position} are not yours to disclose",
                    "ask the party that said it, or the registrar",
                    f"disclose.{position}",
                )
            kept = reads.disclosures(position) if allowed else {}
            names = kept.keys() if named is None else named[position]
            for name in names:
                if name not in kept:
                    raise FieldError(f"disclose.{position}", f"no value is kept under {name[:40]!r}")
            if names:
                chosen[position] = [kept[name] for name in sorted(names)]
        return chosen

    def _may_read(self, account: Account, statement: Statement) -> bool:
        recorded = statement.event.recorded_for
        speaker = recorded.party if recorded else statement.issuer
        about_itself = statement.event.type == "party.register" and statement.event.subject == account.party
        return self._voices.is_registrar(account) or speaker == account.party or about_itself

    def _credentials(self, request: EvidenceRequest, found: Gathered) -> dict[int, tuple[str, Path]]:
        uploaded = {_sha256(path): path for path in request.credentials}
        chosen: dict[int, tuple[str, Path]] = {}
        for position, statement in found.of_type("credential.issue"):
            body = statement.event.body
            path = uploaded.get(body.file.sha256) or self._files.find(body.file.sha256)
            if path is not None:
                chosen[position] = (f"{position}-{body.purpose}{_SUFFIXES.get(body.media_type, '.bin')}", path)
        return chosen


def _originals(request: EvidenceRequest, found: Gathered) -> list[OriginalMaterial]:
    """The subject's object and every object uploaded; the others are their registrations alone."""
    registered = {statement.event.subject for _, statement in found.of_type("object.register")}
    for object_id in request.originals:
        if object_id not in registered:
            raise FieldError(f"originals.{object_id}", "the case holds no registration of this object")
    chosen = set(request.originals) | ({request.subject} & registered)
    return [
        OriginalMaterial(
            object=object_id,
            files=dict(request.originals.get(object_id, {})),
            file_list=request.file_lists.get(object_id) if object_id in request.originals else None,
        )
        for object_id in sorted(chosen)
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
