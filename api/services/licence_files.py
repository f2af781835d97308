"""What a licensee takes home: the licence as a signed card, or signed into the original."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from api.accounts import Account
from api.orders.drawing import Work
from api.services import card_text
from api.services.errors import Forbidden, NotFound
from api.services.issuing import IssuedFile, Issuer
from api.services.licences import content_sha256
from api.services.privacy import speaker_of
from api.services.standings import Standing, Standings
from api.services.status_lists import StatusLists
from api.services.voices import require_scope
from credentials.card import LicenceCard, Said, issue_card
from credentials.errors import SigningFailed, TextNotPrintable
from credentials.manifests import Actor, Stamper
from credentials.sign import TRAINED_ALGORITHMIC_MEDIA, Ingredient, Manifest, sign_asset
from ledger.store import Reads
from tallystick.admission import Refused
from tallystick.admission.standing import concerned, licensor_of, standing_at
from tallystick.admission.state import LicenceState
from tallystick.assets import describe_file
from tallystick.c2pa.containers import EMBEDDED
from tallystick.c2pa.verdict import LICENCE
from tallystick.content import Content, FileContent, FileEntry, check_content, entry_of, folder_content
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.identifiers import Letter, parse_identifier
from tallystick.schema import FieldError
from tallystick.times import format_time
from tallystick.tree_head import SignedCheckpoint

SIDECAR = "application/c2pa"
"""Media type of a manifest store beside its file."""


class LicenceFiles:
    """Cards and signed originals."""

    def __init__(self, issuer: Issuer, statuses: StatusLists) -> None:
        self._issuer = issuer
        self._statuses = statuses

    async def card(self, account: Account, licence: str, disclose: Sequence[str] | None) -> IssuedFile:
        """The licence as a signed picture, kept and logged. Repeated, it makes another card."""
        standing = await self._standing(account, licence, disclose)
        out = self._issuer.files.work_path()
        stamp = self._issuer.stamps.begin()
        with _told():
            await asyncio.to_thread(self._make_card, standing, out, stamp)
        await stamp.passed()
        issued = await self._issuer.record_kept(licence, "card", "image/png", out)
        return replace(issued, dated=stamp.dated)

    async def original(
        self,
        account: Account,
        licence: str,
        upload: Path,
        media_type: str,
        disclose: Sequence[str] | None,
        file_list: Sequence[FileEntry] | None,
        out: Path,
    ) -> IssuedFile:
        """The licensed original with the licence signed into it, at ``out``; nothing of it is kept here.

        A format that carries no credential gets a sidecar (``SIDECAR``) instead, which the log then knows.
        """
        standing = await self._standing(account, licence, disclose)
        async with self._issuer.heavy.one(account.party):
            await asyncio.to_thread(_check_original, standing.object.digest_record, upload, file_list)
            stamp = self._issuer.stamps.begin()
            with _told("file"):
                await asyncio.to_thread(self._sign_original, standing, upload, media_type, out, stamp)
            await stamp.passed()
            made = media_type if media_type in EMBEDDED else SIDECAR
            issued = await self._issuer.record_handed_out(licence, "original", made, out)
            return replace(issued, dated=stamp.dated)

    def card_file(self, account: Account, licence: str) -> Path:
        """The latest card, which shows private terms: for licensor, named holder and registrar alone."""
        require_scope(account, "read-private")
        with self._issuer.log.store.snapshot() as reads:
            state = _licence(reads, licence)
            if account.party not in concerned(reads, state) and not self._issuer.voices.is_registrar(account):
                raise Forbidden(f"the card of {licence} is not yours to read", "ask the licensor for it", "licence")
            return self._issuer.latest(reads, licence, "card").path

    def require_licensor(self, account: Account, licence: str) -> None:
        """Raise unless the account may have files made of this licence, and the licence is in force."""
        require_scope(account, "submit")
        with self._issuer.log.store.snapshot() as reads:
            self._require_licensor(reads, account, licence, self._issuer.when_in(reads))

    def _require_licensor(self, reads: Reads, account: Account, licence: str, when: datetime) -> None:
        state = _licence(reads, licence)
        licensor = licensor_of(reads, state)
        if account.party != licensor and not self._issuer.voices.is_registrar(account):
            raise Forbidden(f"{licensor} is the licensor of {licence}", "use the licensor's token", "licence")
        standing = standing_at(reads, licence, format_time(int(when.timestamp())))
        if standing.status != "valid":
            raise Refused(
                "wrong-state",
                "licence",
                f"{licence} is {standing.status}",
                "files are made of a licence in force; reinstate it, or grant another",
            )
        self._statuses.require_own(state.pointer)

    async def _standing(self, account: Account, licence: str, disclose: Sequence[str] | None) -> Standing:
        await asyncio.to_thread(self.require_licensor, account, licence)
        head = await self._issuer.publish_witnessed()
        return await asyncio.to_thread(self._gather, account, licence, disclose, head)

    def _gather(
        self, account: Account, licence: str, disclose: Sequence[str] | None, head: SignedCheckpoint
    ) -> Standing:
        with self._issuer.log.store.snapshot() as reads:
            return Standings(self._issuer, reads, head).of(account, licence, disclose)

    def card_works(
        self, account: Account, licences: Sequence[str], disclose: Sequence[str] | None, head: SignedCheckpoint
    ) -> list[Work | TallystickError]:
        """The cards of licences that stand under ``head``, to be made by whoever; of each what ``card`` would raise."""
        require_scope(account, "submit")
        found: list[Work | TallystickError] = []
        with self._issuer.log.store.snapshot() as reads:
            standings, when = Standings(self._issuer, reads, head), self._issuer.when_in(reads)
            for licence in licences:
                try:
                    self._require_licensor(reads, account, licence, when)
                    found.append(self._work(standings.of(account, licence, disclose), when))
                except TallystickError as error:
                    found.append(error)
        return found

    def _work(self, standing: Standing, when: datetime) -> Work:
        card, said = _card(standing, self._issuer.voices.origin, when)
        speaker = speaker_of(standing.grant)
        return Work(card, said, speaker if speaker in self._issuer.actors else None, self._issuer.files.work_path())

    def _make_card(self, standing: Standing, out: Path, stamper: Stamper) -> None:
        card, said = _card(standing, self._issuer.voices.origin, self._issuer.when())
        whole = replace(said, identities=self._actors(standing), stamper=stamper)
        issue_card(self._issuer.signer, card, whole, out)

    def _sign_original(self, standing: Standing, upload: Path, media_type: str, out: Path, stamper: Stamper) -> None:
        manifest = Manifest(
            title=f"{standing.licence} {standing.title}",
            assertions={LICENCE: standing.payload},
            when=self._issuer.when(),
            source_type=TRAINED_ALGORITHMIC_MEDIA if standing.object.origin == "generated" else None,
            published=True,
            training=standing.shown.terms.ai_use,
            identities=self._actors(standing),
            stamper=stamper,
        )
        sign_asset(self._issuer.signer, upload, out, manifest, media_type)

    def _actors(self, standing: Standing) -> tuple[Actor, ...]:
        """The licensor, where its identity certificate is kept here."""
        found = self._issuer.actors.get(speaker_of(standing.grant))
        return () if found is None else (found,)


def _card(standing: Standing, origin: str, when: datetime) -> tuple[LicenceCard, Said]:
    """Without those who stand behind it."""
    body, at = standing.body, standing.credential.status
    card = LicenceCard(
        licence=standing.licence,
        asset=body.object,
        title=standing.title,
        licensor=speaker_of(standing.grant),
        licensee=card_text.licensee(standing.shown),
        use=card_text.use(standing.shown),
        media=card_text.media(standing.shown),
        territory=card_text.territory(standing.shown),
        term=card_text.window(standing.shown),
        exclusivity=card_text.exclusivity(standing.shown),
        ai_use=card_text.ai_use(standing.shown),
        status=f"{at.list}#{at.index}",
        issued=standing.grant.event.time,
        log=f"{origin} #{standing.position}",
        qr=f"{standing.licence} {standing.grant.leaf.hex()}",
    )
    ingredient = Ingredient(
        standing.title,
        standing.object.media_type or "application/octet-stream",
        body.object,
        content_sha256(standing.object.digest_record),
    )
    return card, Said(standing.payload, ingredient, when, standing.shown.terms.ai_use)


@contextmanager
def _told(where: str = "") -> Iterator[None]:
    """What cannot be printed or signed is for the client to change."""
    try:
        yield
    except (SigningFailed, TextNotPrintable, MalformedInput) as error:
        raise FieldError(where, str(error)) from None


def _licence(reads: Reads, licence: str) -> LicenceState:
    parse_identifier(licence, Letter.LICENCE)
    state = reads.get(licence)
    if not isinstance(state, LicenceState):
        raise NotFound(f"{licence} is not registered", "grant the licence first", "licence")
    return state


def _check_original(expected: Content, upload: Path, file_list: Sequence[FileEntry] | None) -> None:
    """The upload is the object, or one of the files of the folder that it is. Raises ``Refused``, ``FieldError``."""
    found = describe_file(upload, "file", lambda name, read: None)
    hint = "send the bytes that were registered"
    try:
        if isinstance(expected, FileContent):
            check_content(expected, found)
            return
        if file_list is None:
            raise FieldError("files", "missing: the object is a folder; send its file list with the file")
        check_content(expected, folder_content(file_list))
    except VerificationFailed as error:
        where = "file" if isinstance(expected, FileContent) else "files"
        raise Refused("inconsistent", where, str(error), hint) from None
    if not any(entry == entry_of(entry.path, found) for entry in file_list):
        raise Refused("inconsistent", "file", "it is none of the files of the licensed folder", hint)
