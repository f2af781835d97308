"""What a licensee takes home: the licence as a signed card, or signed into the original."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.accounts import Account
from api.orders.drawing import Work
from api.services import card_text
from api.services.errors import Forbidden, NotFound, TooLarge
from api.services.gathering import Gathered, gather_grant
from api.services.issuing import IssuedFile, Issuer
from api.services.licences import content_sha256, registered_object, require_agreement
from api.services.privacy import may_read, speaker_of
from api.services.status_lists import StatusLists
from api.services.voices import require_scope
from credentials.card import LicenceCard, Said, issue_card
from credentials.errors import SigningFailed, TextNotPrintable
from credentials.manifests import Actor, Stamper
from credentials.sign import TRAINED_ALGORITHMIC_MEDIA, Ingredient, Manifest, sign_asset
from credentials.text import require_printable
from ledger.store import Reads
from tallystick.admission import Refused
from tallystick.admission.standing import concerned, licensor_of, lineage, standing_at
from tallystick.admission.state import LicenceState
from tallystick.assets import describe_file
from tallystick.base64s import to_base64
from tallystick.c2pa.containers import EMBEDDED
from tallystick.c2pa.verdict import LICENCE, MAX_PAYLOAD
from tallystick.commitments import parse_disclosure
from tallystick.content import Content, FileContent, FileEntry, check_content, entry_of, folder_content
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.licence import LICENSEE, LicenceGrant
from tallystick.events.objects import ObjectRegistration
from tallystick.identifiers import Letter, parse_identifier
from tallystick.licence.credential import MAX_ENTRIES, LicenceCredential, ShownEntry, encode_credential
from tallystick.licence.terms import NAMES, DisclosedTerms, disclosed_terms
from tallystick.schema import FieldError
from tallystick.statement import Statement
from tallystick.times import format_time
from tallystick.tree_head import SignedCheckpoint

CONFIDENTIAL = frozenset({"payment", "contract"})
"""Terms that a file leaves out unless they are asked for."""
LIMITING = (
    *("use", "territory", "window", "windows", "media", "sublicensing", "ai_use"),
    *("holdback", "format", "language", "derivatives"),
)
"""Terms of the licences above a sublicence that a file of it shows: those that an answer may need."""
TITLE = "title"
"""A private value of the licensed object that a file may show beside the terms."""
SIDECAR = "application/c2pa"
"""Media type of a manifest store beside its file."""
_TITLE_ROOM = 40
_REMEMBERED = 2048


@dataclass(frozen=True)
class _Standing:
    """A licence with all that a file about it needs. ``title``: the object's, if it is to be shown."""

    licence: str
    position: int
    grant: Statement
    shown: DisclosedTerms
    object: ObjectRegistration
    title: str
    credential: LicenceCredential
    payload: dict[str, Any]
    """The credential as it stands in a file."""

    @property
    def body(self) -> LicenceGrant:
        """What the grant says."""
        body: LicenceGrant = self.grant.event.body
        return body


class LicenceFiles:
    """Cards and signed originals."""

    def __init__(self, issuer: Issuer, statuses: StatusLists) -> None:
        self._issuer = issuer
        self._statuses = statuses
        self._proofs: dict[tuple[int, int], tuple[str, ...]] = {}

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
        async with self._issuer.heavy:
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
            state = _licence(reads, licence)
            licensor = licensor_of(reads, state)
            standing = standing_at(reads, licence, format_time(int(self._issuer.when().timestamp())))
        if account.party != licensor and not self._issuer.voices.is_registrar(account):
            raise Forbidden(f"{licensor} is the licensor of {licence}", "use the licensor's token", "licence")
        if standing.status != "valid":
            raise Refused(
                "wrong-state",
                "licence",
                f"{licence} is {standing.status}",
                "files are made of a licence in force; reinstate it, or grant another",
            )
        self._statuses.require_own(state.pointer)

    async def _standing(self, account: Account, licence: str, disclose: Sequence[str] | None) -> _Standing:
        await asyncio.to_thread(self.require_licensor, account, licence)
        head = await self._issuer.publish_witnessed()
        return await asyncio.to_thread(self._gather, account, licence, disclose, head)

    def _gather(
        self, account: Account, licence: str, disclose: Sequence[str] | None, head: SignedCheckpoint
    ) -> _Standing:
        with self._issuer.log.store.snapshot() as reads:
            found = gather_grant(reads, licence, head.checkpoint.size, MAX_ENTRIES)
            grants = found.of_type("licence.grant")
            position, grant = next(one for one in grants if one[1].event.subject == licence)
            body: LicenceGrant = grant.event.body
            registered = registered_object(reads, body.object)
            moved = _last_transfer(found, licence)
            kept = {TITLE: reads.disclosures(registered.position).get(TITLE)} | reads.disclosures(position)
            if moved is not None:
                kept = {**kept, LICENSEE: reads.disclosures(moved[0]).get(LICENSEE)}
            above = self._above(account, reads, found, licence)
        texts = _chosen(kept, disclose)
        title = texts.pop(TITLE, None)
        opened = {name: parse_disclosure(text).value for name, text in texts.items()}
        shown = disclosed_terms(grant.event.commitments.keys(), opened)
        holder = body.holder if moved is None else moved[1].event.body.to
        require_agreement(shown.terms, body.object, registered.body.digest_record, holder)
        disclosures = above
        if moved is not None and LICENSEE in texts:
            disclosures[str(moved[0])] = (texts.pop(LICENSEE),)
        if texts:
            disclosures[str(position)] = tuple(texts.values())
        if title is not None:
            disclosures[str(registered.position)] = (title,)
        credential, payload = self._credential(licence, position, found, disclosures, head)
        return _Standing(
            licence=licence,
            position=position,
            grant=grant,
            shown=shown,
            object=registered.body,
            title=_readable(title) or body.object,
            credential=credential,
            payload=payload,
        )

    def _above(self, account: Account, reads: Reads, found: Gathered, licence: str) -> dict[str, tuple[str, ...]]:
        """By entry, the terms of the licences above it that limit it, as far as the account may read them."""
        shown = {}
        names = {name for name, _ in lineage(reads, licence)} - {licence}
        for position, grant in found.of_type("licence.grant"):
            if grant.event.subject in names and may_read(self._issuer.voices, account, grant):
                kept = reads.disclosures(position)
                if texts := tuple(kept[name] for name in LIMITING if name in kept):
                    shown[str(position)] = texts
        return shown

    def _credential(
        self,
        licence: str,
        position: int,
        found: Gathered,
        disclosures: Mapping[str, tuple[str, ...]],
        head: SignedCheckpoint,
    ) -> tuple[LicenceCredential, dict[str, Any]]:
        """The credential, and as it stands in a file."""
        size = head.checkpoint.size
        shown = tuple(
            ShownEntry(
                at,
                to_base64(entry.entry),
                self._proof(at, size),
            )
            for at, entry in found.entries.items()
        )
        moved = _last_transfer(found, licence)
        pointer = found.entries[position].event.body.status if moved is None else moved[1].event.body.status
        made = LicenceCredential(1, licence, position, head.note.encode(), shown, dict(disclosures), pointer)
        try:
            return made, encode_credential(made)
        except MalformedInput as error:
            raise TooLarge(
                f"the licence rests on {len(shown)} entries, more than a file carries ({MAX_PAYLOAD} bytes): {error}",
                "disclose fewer terms",
            ) from None

    def _proof(self, position: int, size: int) -> tuple[str, ...]:
        """Licences of one order rest on the same few entries under the same checkpoint."""
        known = self._proofs.get((position, size))
        if known is None:
            known = tuple(map(to_base64, self._issuer.log.published.prove_inclusion(position, size)))
            if len(self._proofs) >= _REMEMBERED:
                self._proofs.clear()
            self._proofs[position, size] = known
        return known

    def card_work(
        self, account: Account, licence: str, disclose: Sequence[str] | None, head: SignedCheckpoint, out: Path
    ) -> Work:
        """The card of a licence that stands under ``head``, to be made at ``out`` by whoever.

        Raises as ``card`` does, ``Refused`` among them where the licence is not in force.
        """
        self.require_licensor(account, licence)
        standing = self._gather(account, licence, disclose, head)
        card, said = self._card(standing)
        speaker = speaker_of(standing.grant)
        return Work(card, said, speaker if speaker in self._issuer.actors else None, out)

    def _make_card(self, standing: _Standing, out: Path, stamper: Stamper) -> None:
        card, said = self._card(standing)
        whole = replace(said, identities=self._actors(standing), stamper=stamper)
        issue_card(self._issuer.signer, card, whole, out)

    def _card(self, standing: _Standing) -> tuple[LicenceCard, Said]:
        """Without those who stand behind it."""
        body, at = standing.body, standing.credential.status
        card = LicenceCard(
            licence=standing.licence,
            asset=body.object,
            title=standing.title,
            licensor=speaker_of(standing.grant),
            licensee=card_text.licensee(standing.shown),
            territory=card_text.territory(standing.shown),
            term=card_text.window(standing.shown),
            media=card_text.media(standing.shown),
            exclusivity=card_text.exclusivity(standing.shown),
            ai_use=card_text.ai_use(standing.shown),
            status=f"{at.list}#{at.index}",
            issued=standing.grant.event.time,
            log=f"{self._issuer.voices.origin} #{standing.position}",
            qr=f"{standing.licence} {standing.grant.leaf.hex()}",
        )
        ingredient = Ingredient(
            standing.title,
            standing.object.media_type or "application/octet-stream",
            body.object,
            content_sha256(standing.object.digest_record),
        )
        return card, Said(standing.payload, ingredient, self._issuer.when(), standing.shown.terms.ai_use)

    def _sign_original(self, standing: _Standing, upload: Path, media_type: str, out: Path, stamper: Stamper) -> None:
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

    def _actors(self, standing: _Standing) -> tuple[Actor, ...]:
        """The licensor, where its identity certificate is kept here."""
        found = self._issuer.actors.get(speaker_of(standing.grant))
        return () if found is None else (found,)


@contextmanager
def _told(where: str = "") -> Iterator[None]:
    """What cannot be printed or signed is for the client to change."""
    try:
        yield
    except (SigningFailed, TextNotPrintable, MalformedInput) as error:
        raise FieldError(where, str(error)) from None


def _last_transfer(found: Gathered, licence: str) -> tuple[int, Statement] | None:
    """Position and statement of the licence's last transfer among these entries."""
    moved = [one for one in found.of_type("licence.transfer") if one[1].event.subject == licence]
    return max(moved, key=lambda one: one[0], default=None)


def _licence(reads: Reads, licence: str) -> LicenceState:
    parse_identifier(licence, Letter.LICENCE)
    state = reads.get(licence)
    if not isinstance(state, LicenceState):
        raise NotFound(f"{licence} is not registered", "grant the licence first", "licence")
    return state


def _chosen(kept: Mapping[str, str | None], disclose: Sequence[str] | None) -> dict[str, str]:
    if disclose is None:
        disclose = [name for name in (TITLE, *NAMES) if name not in CONFIDENTIAL and kept.get(name) is not None]
    chosen: dict[str, str] = {}
    for name in disclose:
        text = kept.get(name)
        if text is None:
            names = ", ".join(name for name, held in kept.items() if held is not None)
            raise FieldError("disclose", f"no value is kept for the term {name[:40]!r}; kept: {names or 'none'}")
        chosen[name] = text
    return chosen


def _readable(disclosure: str | None) -> str | None:
    """A title as far as there is room for it and type to print it: a name to know the work by, not a term."""
    value = parse_disclosure(disclosure).value if disclosure is not None else None
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        require_printable([value])
    except TextNotPrintable:
        return None
    return value if len(value) <= _TITLE_ROOM else f"{value[: _TITLE_ROOM - 1]}…"


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
