"""Licences: granted in the log, handed out as a signed card or signed into the original."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.accounts import Account
from api.services import card_text
from api.services.drafts import Draft
from api.services.errors import Forbidden, NotFound
from api.services.gathering import gather
from api.services.issuing import IssuedFile, Issuer
from api.services.status_lists import StatusLists
from api.services.submission import Recorded
from api.services.voices import require_scope
from credentials.card import LicenceCard, issue_card
from credentials.sign import TRAINED_ALGORITHMIC_MEDIA, Ingredient, Manifest, sign_asset
from ledger.store import Reads
from tallystick.admission.state import LicenceState, ObjectState
from tallystick.assets import describe_file
from tallystick.base64s import to_base64
from tallystick.c2pa.verdict import LICENCE
from tallystick.commitments import parse_disclosure
from tallystick.content import FileContent, FileEntry, check_content, entry_of, folder_content
from tallystick.errors import VerificationFailed
from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.events.objects import ObjectRegistration
from tallystick.identifiers import Letter, parse_identifier
from tallystick.licence.credential import LicenceCredential, ShownEntry, encode_credential
from tallystick.licence.terms import NAMES, DisclosedTerms, disclosed_terms
from tallystick.schema import FieldError, write
from tallystick.statement import Statement
from tallystick.tree_head import SignedCheckpoint

CONFIDENTIAL = frozenset({"payment", "contract"})
"""Terms that a card leaves out unless they are asked for."""


@dataclass(frozen=True)
class GrantRequest:
    """A licence that the service records for its licensor."""

    object: str
    terms: Mapping[str, Any]
    title_chain: Sequence[str] = ()
    holder: str | None = None
    licence: str | None = None
    event_id: str | None = None


@dataclass(frozen=True)
class _Standing:
    """A licence with all that a file about it needs."""

    licence: str
    position: int
    grant: Statement
    shown: DisclosedTerms
    object: ObjectRegistration
    generated: bool
    title: str
    credential: LicenceCredential


class LicenceService:
    """Grants, cards and signed originals."""

    def __init__(self, issuer: Issuer, statuses: StatusLists) -> None:
        self._issuer = issuer
        self._statuses = statuses

    async def reserve(self, account: Account) -> StatusPointer:
        """A status index for a licence that the party signs itself."""
        require_scope(account, "submit")
        return await asyncio.to_thread(self._statuses.reserve)

    async def grant(self, account: Account, request: GrantRequest) -> tuple[Recorded, StatusPointer]:
        """Record a grant for the account's party."""
        require_scope(account, "submit")
        pointer = await asyncio.to_thread(self._statuses.reserve)
        body: dict[str, Any] = {
            "object": request.object,
            "title_chain": list(request.title_chain) or [request.object],
            "status": write(pointer),
        }
        if request.holder is not None:
            body["holder"] = request.holder
        draft = Draft(
            type="licence.grant",
            body=body,
            subject=request.licence,
            event_id=request.event_id,
            private=request.terms,
        )
        voice = self._issuer.voices.of_account(account)
        return await self._issuer.submission.record_one(voice, draft), pointer

    async def card(self, account: Account, licence: str, disclose: Sequence[str] | None) -> IssuedFile:
        """The licence as a signed picture, kept and logged."""
        standing = await self._standing(account, licence, disclose)
        out = self._issuer.work_path(".png")
        await asyncio.to_thread(self._make_card, standing, out)
        return await self._issuer.record(licence, "card", "image/png", out, keep=True)

    async def original(
        self,
        account: Account,
        licence: str,
        upload: Path,
        media_type: str,
        disclose: Sequence[str] | None,
        file_list: Sequence[FileEntry] | None,
    ) -> IssuedFile:
        """The licensed original with the licence signed into it; nothing of it is kept here."""
        standing = await self._standing(account, licence, disclose)
        await asyncio.to_thread(_check_original, standing.object, upload, file_list)
        out = self._issuer.work_path(upload.suffix)
        await asyncio.to_thread(self._sign_original, standing, upload, media_type, out)
        return await self._issuer.record(licence, "original", media_type, out, keep=False)

    def card_file(self, account: Account, licence: str) -> Path:
        """The latest card, which shows private terms: for licensor, named holder and registrar alone."""
        parse_identifier(licence, Letter.LICENCE)
        with self._issuer.log.store.snapshot() as reads:
            state = reads.get(licence)
        if not isinstance(state, LicenceState):
            raise NotFound(f"{licence} is not registered", "grant the licence first", "licence")
        if account.party not in (state.licensor, state.holder) and not self._issuer.voices.is_registrar(account):
            raise Forbidden(f"the card of {licence} is not yours to read", "ask the licensor for it", "licence")
        return latest_file(self._issuer, licence, "card")

    async def _standing(self, account: Account, licence: str, disclose: Sequence[str] | None) -> _Standing:
        require_scope(account, "submit")
        parse_identifier(licence, Letter.LICENCE)
        head = await self._issuer.publish()
        return await asyncio.to_thread(self._gather, account, licence, disclose, head)

    def _gather(
        self, account: Account, licence: str, disclose: Sequence[str] | None, head: SignedCheckpoint
    ) -> _Standing:
        with self._issuer.log.store.snapshot() as reads:
            state = reads.get(licence)
            if not isinstance(state, LicenceState):
                raise NotFound(f"{licence} is not registered", "grant the licence first", "licence")
            if account.party != state.licensor and not self._issuer.voices.is_registrar(account):
                raise Forbidden(f"{licence} was granted by {state.licensor}", "use the licensor's token", "licence")
            found = gather(reads, [licence], head.checkpoint.size, later_events=False)
            position, grant = next(
                (at, one) for at, one in found.of_type("licence.grant") if one.event.subject == licence
            )
            texts = _chosen(reads.disclosures(position), disclose)
            opened = {name: parse_disclosure(text).value for name, text in texts.items()}
            body: LicenceGrant = grant.event.body
            registration = next(
                (at, one) for at, one in found.of_type("object.register") if one.event.subject == body.object
            )
            holding = reads.get(body.object)
            return _Standing(
                licence=licence,
                position=position,
                grant=grant,
                shown=disclosed_terms(grant.event.commitments.keys(), opened),
                object=registration[1].event.body,
                generated=isinstance(holding, ObjectState) and holding.origin == "generated",
                title=_title(reads, registration[0]) or body.object,
                credential=self._credential(licence, position, found.entries, texts, body, head),
            )

    def _credential(
        self,
        licence: str,
        position: int,
        entries: Mapping[int, Statement],
        texts: Mapping[str, str],
        body: LicenceGrant,
        head: SignedCheckpoint,
    ) -> LicenceCredential:
        size = head.checkpoint.size
        shown = tuple(
            ShownEntry(
                at,
                to_base64(entry.entry),
                tuple(to_base64(node) for node in self._issuer.log.published.prove_inclusion(at, size)),
            )
            for at, entry in entries.items()
            if entry.event.type != "log.anchor-target"
        )
        disclosures = {str(position): tuple(texts.values())} if texts else {}
        return LicenceCredential(1, licence, position, head.note.encode(), shown, disclosures, body.status)

    def _make_card(self, standing: _Standing, out: Path) -> None:
        body: LicenceGrant = standing.grant.event.body
        licensor = (
            standing.grant.event.recorded_for.party if standing.grant.event.recorded_for else standing.grant.issuer
        )
        card = LicenceCard(
            licence=standing.licence,
            asset=body.object,
            title=standing.title,
            licensor=licensor,
            licensee=card_text.licensee(standing.shown),
            territory=card_text.territory(standing.shown),
            term=card_text.window(standing.shown),
            media=card_text.media(standing.shown),
            exclusivity=card_text.exclusivity(standing.shown),
            ai_use=card_text.ai_use(standing.shown),
            status=f"{body.status.list}#{body.status.index}",
            issued=standing.grant.event.time,
            log=f"{self._issuer.voices.origin} #{standing.position}",
            qr=f"{standing.licence} {standing.grant.leaf.hex()}",
        )
        issue_card(
            self._issuer.signer,
            card,
            encode_credential(standing.credential),
            _ingredient(standing, standing.title),
            self._issuer.when(),
            out,
        )

    def _sign_original(self, standing: _Standing, upload: Path, media_type: str, out: Path) -> None:
        manifest = Manifest(
            title=f"{standing.licence} {standing.title}",
            assertions={LICENCE: encode_credential(standing.credential)},
            when=self._issuer.when(),
            source_type=TRAINED_ALGORITHMIC_MEDIA if standing.generated else None,
            published=True,
        )
        sign_asset(self._issuer.signer, upload, out, manifest, media_type)


def latest_file(issuer: Issuer, subject: str, purpose: str) -> Path:
    """The latest kept file of a purpose that the log records under ``subject``. Raises ``NotFound``."""
    with issuer.log.store.snapshot() as reads:
        found = gather(reads, [subject], reads.size(), later_events=False)
    for _, statement in reversed(list(found.of_type("credential.issue"))):
        if statement.event.subject == subject and statement.event.body.purpose == purpose:
            path = issuer.files.find(statement.event.body.file.sha256)
            if path is not None:
                return path
    raise NotFound(f"no {purpose} of {subject} is kept here", f"have the {purpose} issued first")


def _chosen(kept: Mapping[str, str], disclose: Sequence[str] | None) -> dict[str, str]:
    names = [name for name in NAMES if name in kept and name not in CONFIDENTIAL] if disclose is None else disclose
    for name in names:
        if name not in kept:
            raise FieldError(
                "disclose", f"no value is kept for the term {name[:40]!r}; kept: {', '.join(kept) or 'none'}"
            )
    return {name: kept[name] for name in names}


def _title(reads: Reads, position: int) -> str | None:
    text = reads.disclosures(position).get("title")
    value = parse_disclosure(text).value if text else None
    return value if isinstance(value, str) else None


def _ingredient(standing: _Standing, title: str) -> Ingredient:
    content = standing.object.digest_record
    sha256 = content.sha256 if isinstance(content, FileContent) else content.root
    body: LicenceGrant = standing.grant.event.body
    return Ingredient(title, standing.object.media_type or "application/octet-stream", body.object, sha256)


def _check_original(registered: ObjectRegistration, upload: Path, file_list: Sequence[FileEntry] | None) -> None:
    """The upload is the object, or one of the files of the folder that it is. Raises ``VerificationFailed``."""
    found = describe_file(upload, upload.name, lambda name, read: None)
    expected = registered.digest_record
    if isinstance(expected, FileContent):
        check_content(expected, found)
        return
    if file_list is None:
        raise FieldError("files", "missing: the object is a folder; send its file list with the file")
    check_content(expected, folder_content(file_list))
    if not any(entry == entry_of(entry.path, found) for entry in file_list):
        raise VerificationFailed("the uploaded file is none of the files of the licensed folder")
