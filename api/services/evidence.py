"""Evidence: what is gathered from log, vault, outbox and files becomes a case, and the core writes the bundle."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Literal

from api.accounts import Account
from api.services.anchoring import AnchorDesk
from api.services.enclosing import enclose
from api.services.errors import Forbidden, NotFound, Unavailable
from api.services.gathering import TIME, Gathered, add_files, add_times, files_about, focus_of, gather_case, is_kept_by
from api.services.histories import Histories, add_histories
from api.services.issuing import Issuer
from api.services.maps import MapService
from api.services.originals import Brought, original_material
from api.services.platform import platform_documents
from api.services.privacy import may_read
from api.services.time_marks import cosignatures
from api.services.timestamps import TimestampDesk
from api.services.voices import require_scope
from api.settings import Settings
from ledger.map.roots import MapView
from ledger.store import Reads, Record
from ledger.upkeep.erasing import erasures
from tallystick.admission.standing import concerned
from tallystick.admission.state import LOG, CertificateState, LicenceState, ObjectState
from tallystick.bundle import write_bundle
from tallystick.case import AnchorMaterial, CaseMaterial, Kind, case_members
from tallystick.case.model import MAX_ENTRIES, SUBJECT_LETTERS
from tallystick.errors import MalformedInput
from tallystick.events.adverse import spoken_against
from tallystick.events.credential import CredentialIssue
from tallystick.events.log import TimeMark
from tallystick.evm import proof
from tallystick.identifiers import parse_identifier
from tallystick.key_history import history_of
from tallystick.keys import Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.map.audit import parse_audit
from tallystick.merkle import prove_inclusion
from tallystick.schema import FieldError
from tallystick.statement import parse_statement
from tallystick.times import format_time
from tallystick.tree_head import SignedCheckpoint, signing_time
from tallystick.trust import parse_trust

_SUFFIXES = {"image/png": ".png", "application/pdf": ".pdf", "image/jpeg": ".jpg", "video/mp4": ".mp4"}

_POSITIONS_TOLD = 10

_ATTEMPTS = 3
"""At an export beside which values of its own entries are erased. Only who may erase these makes it begin again."""

_log = logging.getLogger(__name__)

Disclose = Literal["all", "none"] | Mapping[int, Sequence[str]]


@dataclass(frozen=True)
class EvidenceRequest:
    """What to export. ``disclose``: private values to open: all that the asker may, none, or names by position.

    Signed files that the service keeps show private values too: all that the asker may
    see are put in with "all", those whose position is named with a choice, none with
    "none". ``credentials``: signed files that the asker brings, by what the asker calls them; they are always put in.
    ``originals``: what the asker brings of originals. ``report``: enclose a report and forms for people.
    """

    kind: Kind
    subject: str
    disclose: Disclose = "all"
    originals: Brought = field(default_factory=Brought)
    credentials: Sequence[tuple[str, Path]] = ()
    report: bool = True


@dataclass(frozen=True)
class Exported:
    """What became of it.

    left_out: positions of entries about signed files that are not in the bundle, because the files are not here, or
    are not the asker's to show.
    anchored: whether an anchor covers all of it. anchor_wanted: otherwise its last position, for which one was asked.
    witnessed: whether the quorum of this log's witnesses cosigned the checkpoint.
    histories: whether it shows histories by the map; without, a licence, job or dispute is not proved.
    audited: whether an auditor's word, and what is shown after it, reach to the end of the tree; without, what was said
    of making and keeping is not proved. audit_wanted: otherwise, where auditors look at this log, its last position.
    unanswered: addresses of issuers of whose word on revocation nothing is here, where the operator keeps such words.
    seconds: how long it took.
    """

    left_out: tuple[int, ...]
    anchored: bool
    anchor_wanted: int | None
    witnessed: bool
    histories: bool
    audited: bool
    audit_wanted: int | None
    unanswered: tuple[str, ...]
    seconds: float


class _ErasedMeanwhile(Exception):
    """A value of the case was erased since it was read."""


class EvidenceService:
    """Exports cases, signed by the exporter's key."""

    def __init__(
        self,
        issuer: Issuer,
        anchors: AnchorDesk,
        stamps: TimestampDesk,
        exporter: Signer,
        maps: MapService,
        trust: bytes,
        settings: Settings,
    ) -> None:
        """``settings``: of them, the folders of the platform's documents and of revocation data, how long a tail may
        be, and whether whoever submits may have the log anchored at once: who exports may then, too.
        """
        self._issuer = issuer
        self._log = issuer.log
        self._voices = issuer.voices
        self._anchors = anchors
        self._stamps = stamps
        self._exporter = exporter
        self._maps = maps
        self._trust = trust
        self._platform = settings.platform
        self._revocation = settings.revocation
        self._most_behind = settings.evidence_tail
        self._may_want_anchor = "urgent" in settings.anchor_at_once

    async def export(self, account: Account, request: EvidenceRequest, out: Path) -> Exported:
        """Write the bundle to ``out``. Raises ``ServiceError``, ``Refused``, ``FieldError``."""
        require_scope(account, "evidence")
        try:
            parse_identifier(request.subject, SUBJECT_LETTERS[request.kind])
        except MalformedInput as error:
            raise FieldError("request.subject", str(error)) from None
        async with self._issuer.heavy.one(account.party):
            return await asyncio.to_thread(self._export, account, request, out)

    def _export(self, account: Account, request: EvidenceRequest, out: Path) -> Exported:
        begun = time.monotonic()
        for _ in range(_ATTEMPTS):
            try:
                with self._maps.open() as views:
                    exported = self._export_under(views, account, request, out)
                return replace(exported, seconds=time.monotonic() - begun)
            except (_ErasedMeanwhile, FileNotFoundError):
                _log.info("what %s shows was erased while it was exported: it is gathered again", request.subject)
        raise Unavailable("values of this case are being erased", "export again when that is done")

    def _export_under(
        self, views: tuple[MapView, ...], account: Account, request: EvidenceRequest, out: Path
    ) -> Exported:
        head = self._log.published.checkpoint()
        size = head.checkpoint.size
        with self._log.store.snapshot() as reads:
            begin = reads.size()
            found = self._gather(reads, request, size)
            records = files_about(reads, found.focus, size)
            files = self._files(account, request, records, reads)
            found = add_files(reads, found, (one for one in records if one.position in files), size, MAX_ENTRIES)
            found = add_times(reads, found, size, MAX_ENTRIES)
            last, focus = max(found.entries), focus_of(reads, request.subject, size)
            origin = self._voices.origin
            whole = add_histories(reads, found, focus, views, origin, size, MAX_ENTRIES, self._most_behind)
            disclosures = self._disclosures(account, request, whole.case, reads)
        anchors, anchored = self._anchor_material(whole.case, last, size)
        anchor_wanted = None if anchored or not self._may_want_anchor else last
        if anchor_wanted is not None:
            self._anchors.want("evidence", anchor_wanted + 1)
        material = self._material(request, whole, last, disclosures, files, anchors, head)
        material, unanswered = self._with_revocation(material, _typed(records, files))
        info = {
            "Bag-Software-Agent": "tallystick",
            "External-Identifier": request.subject,
            "Source-Organization": self._voices.origin,
        }
        if request.report:
            draft = out.with_name(f"{out.name}.draft")
            try:
                material = enclose(material, self._exporter, info, self._trust, draft)
            finally:
                draft.unlink(missing_ok=True)
        with out.open("wb") as file:
            write_bundle(file, case_members(material), self._exporter, info)
        self._check_unerased(whole.case, begin)
        left_out = tuple(one.position for one in records if one.position not in files)
        witnessed = self._issuer.witnesses.met(head)
        audit_wanted = last if self._maps.is_audited and not whole.to_the_end else None
        histories = (whole.material is not None, whole.to_the_end, audit_wanted)
        return Exported(left_out, anchored, anchor_wanted, witnessed, *histories, unanswered, 0.0)

    def _check_unerased(self, case: Gathered, begin: int) -> None:
        """Nothing leaves that was erased before: as little as the vault, a bundle that was on its way may show it."""
        with self._log.store.snapshot() as reads:
            if any(one.position in case.entries for _, one in erasures(reads, begin - 1)):
                raise _ErasedMeanwhile

    def _gather(self, reads: Reads, request: EvidenceRequest, size: int) -> Gathered:
        if reads.get(request.subject) is None:
            raise NotFound(f"{request.subject} is not registered", "check the identifier", "request.subject")
        found = gather_case(reads, request.subject, size, MAX_ENTRIES)
        if not any(statement.event.subject == request.subject for statement in found.entries.values()):
            hint = "wait for the next checkpoint, then export again"
            raise NotFound(f"{request.subject} is not published yet", hint, "request.subject")
        return found

    def _material(
        self,
        request: EvidenceRequest,
        whole: Histories,
        last: int,
        disclosures: Mapping[int, Sequence[str]],
        files: Mapping[int, tuple[str, Path]],
        anchors: list[tuple[int, AnchorMaterial]],
        head: SignedCheckpoint,
    ) -> CaseMaterial:
        found, histories, size = whole.found, whole.material, head.checkpoint.size
        nodes = self._log.published.nodes(size)
        stamps = self._stamps.material(last, size, _tokens_named(whole.case))
        sizes = {one for one, _ in (*anchors, *stamps) if one != size}
        sizes |= {parse_audit(note)[0].size for note in (histories.audits if histories else ())}
        return CaseMaterial(
            kind=request.kind,
            subject=request.subject,
            log=self._voices.origin,
            # Not the clock: for the same facts the same bytes, whenever they are asked for.
            exported_at=format_time(signing_time(head.note, history_of(self._log.keys()))),
            entries={position: statement.entry for position, statement in found.entries.items()},
            checkpoint=head.note.encode().encode(),
            inclusion={position: prove_inclusion(nodes, position, size) for position in found.entries},
            consistency={(old, size): self._log.published.prove_consistency(old, size) for old in sizes},
            disclosures=disclosures,
            anchors=[material for _, material in anchors],
            timestamps=[material for _, material in stamps],
            originals=original_material(request.kind, request.subject, found, request.originals),
            credentials=files,
            map=histories,
            platform=platform_documents(self._platform, found),
            adverse=[at for at, one in found.entries.items() if spoken_against(one.event) is not None],
        )

    def _with_revocation(
        self, material: CaseMaterial, files: Iterator[tuple[Path, str]]
    ) -> tuple[CaseMaterial, tuple[str, ...]]:
        """With what the operator keeps about those who signed; addresses of those of whom he keeps nothing."""
        if self._revocation is None:
            return material, ()
        from api.services.revocation_folder import take  # not when the service starts

        taken = take(self._revocation, parse_trust(self._trust), material, files)
        return replace(material, revocation=taken.material), taken.unanswered

    def _anchor_material(self, found: Gathered, last: int, size: int) -> tuple[list[tuple[int, AnchorMaterial]], bool]:
        """For each target the first anchor that covers all entries, or the latest there is, and those that an entry
        ``log.time`` names; whether one covers all.
        """
        marks: list[TimeMark] = [entry.event.body for _, entry in found.of_type(TIME)]
        named = {mark.digest for mark in marks}
        sizes = {mark.number for mark in marks if mark.kind == "cosignature"}
        blocks = {bytes.fromhex(mark.digest) for mark in marks if mark.kind == "block"}
        taken = [
            one
            for one in self._anchors.proved_at(sizes, blocks)
            if one.size <= size and named & {*cosignatures(one.note), (one.block_hash or b"").hex()}
        ]
        ids = {one.id for one in taken}
        taken += [one for one in self._anchors.proved(last, size) if one.id not in ids]
        chosen = [
            (one.size, AnchorMaterial(self._with_tokens(one.proof, one.block_hash), one.note))
            for one in taken
            if one.proof is not None
        ]
        return chosen, any(anchored > last for anchored, _ in chosen)

    def _with_tokens(self, packed: bytes, block_hash: bytes | None) -> bytes:
        """The proof with the timestamps over its block that came after it was packed."""
        tokens = self._stamps.tokens_over(block_hash or b"")
        if not tokens:
            return packed
        return proof.encode(proof.with_tokens(proof.decode(packed), tokens[: proof.MAX_TOKENS]))

    # --- private values ---------------------------------------------------------

    def _disclosures(
        self, account: Account, request: EvidenceRequest, found: Gathered, reads: Reads
    ) -> dict[int, list[str]]:
        if isinstance(request.disclose, str):
            readable = [at for at, one in found.entries.items() if may_read(self._voices, account, one)]
            kept = {at: reads.disclosures(at) for at in readable if request.disclose == "all"}
            return {at: [texts[name] for name in sorted(texts)] for at, texts in kept.items() if texts}
        chosen = {at: self._named(account, at, names, found, reads) for at, names in request.disclose.items()}
        return {at: texts for at, texts in chosen.items() if texts}

    def _named(self, account: Account, position: int, names: Sequence[str], found: Gathered, reads: Reads) -> list[str]:
        where = f"request.disclose.{position}"
        statement = found.entries.get(position)
        if statement is None:
            raise FieldError(where, "the case has no entry at this position")
        if names and not may_read(self._voices, account, statement):
            raise Forbidden(
                f"the private values of entry {position} are not yours to disclose",
                "ask the party that said it, or the registrar",
                where,
            )
        kept = reads.disclosures(position) if names else {}
        for name in names:
            if name not in kept:
                raise FieldError(where, f"no value is kept under {name[:40]!r}")
        return [kept[name] for name in sorted(set(names))]

    # --- signed files -----------------------------------------------------------

    def _files(
        self, account: Account, request: EvidenceRequest, records: Sequence[Record], reads: Reads
    ) -> dict[int, tuple[str, Path]]:
        """Name and place of each signed file that goes into the bundle, by the position of its entry."""
        brought = {_sha256(path): (name, path) for name, path in request.credentials}
        log = reads.get(LOG)
        chosen: dict[int, tuple[str, Path]] = {}
        for record in records:
            body: CredentialIssue = parse_statement(record.entry).event.body
            _, path = brought.pop(body.file.sha256, ("", None))
            kept = path is None and is_kept_by(record, log)
            if kept and self._may_show(account, request.disclose, record, reads):
                path = self._issuer.erased.find(reads, record.subject, body.file.sha256)
            if path is not None:
                suffix = _SUFFIXES.get(body.media_type, ".bin")
                chosen[record.position] = (f"{record.position}-{body.purpose}{suffix}", path)
        if brought:
            raise _unrecorded(brought, records)
        return chosen

    def _may_show(self, account: Account, disclose: Disclose, record: Record, reads: Reads) -> bool:
        """A card: licensor, named holder, registrar. A certificate: the object's holder, registrar."""
        if disclose == "none" or (not isinstance(disclose, str) and record.position not in disclose):
            return False
        if "read-private" not in account.scopes:
            return False
        state = reads.get(record.subject)
        parties: tuple[str | None, ...] = ()
        if isinstance(state, LicenceState):
            parties = concerned(reads, state)
        elif isinstance(state, CertificateState):
            certified = reads.get(state.object)
            parties = (certified.holder,) if isinstance(certified, ObjectState) else ()
        return account.party in parties or self._voices.is_registrar(account)


def _unrecorded(brought: Mapping[str, tuple[str, Path]], records: Sequence[Record]) -> FieldError:
    """What was brought and is none of the files that the case records."""
    sha256, (name, _) = min(brought.items())
    positions = [str(record.position) for record in records]
    told = ", ".join(positions[:_POSITIONS_TOLD]) + (" and later" if positions[_POSITIONS_TOLD:] else "")
    return FieldError(
        "credential",
        f"{name} (SHA-256 {sha256}) is no signed file of this case, which records "
        f"{'none' if not told else f'those of positions {told}'}: bring a file with the very bytes that were issued, "
        "or leave it out",
    )


def _typed(records: Sequence[Record], files: Mapping[int, tuple[str, Path]]) -> Iterator[tuple[Path, str]]:
    """The signed files of the case, with their media types."""
    for record in records:
        if record.position in files:
            yield files[record.position][1], parse_statement(record.entry).event.body.media_type


def _tokens_named(found: Gathered) -> list[TimeMark]:
    """The tokens that the case's entries name: what stands after such an entry is later than its token."""
    bodies = (statement.event.body for statement in found.entries.values())
    return [body for body in bodies if isinstance(body, TimeMark) and body.kind == "rfc3161"]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
