"""Licences: granted in the log, and their status changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from api.accounts import Account
from api.services.drafts import Draft
from api.services.errors import Forbidden, NotFound
from api.services.issuing import Issuer
from api.services.status_lists import StatusLists
from api.services.sublicences import require_within, terms_kept
from api.services.submission import Recorded, Result
from api.services.voices import Voice, require_scope
from ledger.store import Reads
from tallystick.admission import LOG, Refused
from tallystick.admission.licensing import EFFECTIVE
from tallystick.admission.standing import licensor_of
from tallystick.admission.state import LicenceState, LogState, ObjectState
from tallystick.content import Content, FileContent
from tallystick.errors import TallystickError
from tallystick.events.licence import LICENSEE, LicenceGrant, LicenceStatus, LicenceTransfer, StatusPointer
from tallystick.events.objects import ObjectRegistration
from tallystick.identifiers import Letter, parse_identifier
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.clauses import Licensee
from tallystick.licence.odrl import agreement
from tallystick.licence.terms import DisclosedTerms, Terms, decode_terms
from tallystick.schema import FieldError, read, write
from tallystick.statement import parse_statement

B = TypeVar("B")


@dataclass(frozen=True)
class GrantRequest:
    """A licence that the service records for its licensor."""

    object: str
    terms: Mapping[str, Any]
    title_chain: Sequence[str] = ()
    holder: str | None = None
    licence: str | None = None
    event_id: str | None = None
    parent: str | None = None
    sublicences: int | None = None
    transfer: str | None = None


@dataclass(frozen=True)
class StatusRequest:
    """A change of status. ``effective``: since when it counts, before now or after; left out: now."""

    action: str
    grounds: str
    effective: str | None = None
    event_id: str | None = None
    change: int | None = None


@dataclass(frozen=True)
class TransferRequest:
    """A licence goes to ``to``, whose key ``holder_kid`` (thumbprint, hex) names."""

    to: str
    holder_kid: str
    grounds: str
    effective: str | None = None
    event_id: str | None = None


@dataclass(frozen=True)
class RegisteredObject:
    """How an object was registered, where and when (Unix seconds)."""

    position: int
    admitted_at: int
    body: ObjectRegistration


class LicenceService:
    """Grants and changes of status, for accounts."""

    def __init__(self, issuer: Issuer, statuses: StatusLists) -> None:
        self._issuer = issuer
        self._statuses = statuses

    async def reserve(self, account: Account) -> StatusPointer:
        """A status index for a licence that the party signs itself."""
        require_scope(account, "submit")
        return await asyncio.to_thread(self._statuses.reserve)

    async def grant(self, account: Account, request: GrantRequest) -> tuple[Recorded, StatusPointer]:
        """Record a grant for the account's party. Raises ``NotFound``, ``Refused``, ``FieldError``, ``Conflict``."""
        require_scope(account, "submit")
        voice = self._issuer.voices.of_account(account)
        pointer = await asyncio.to_thread(self._prepare, voice, request)
        return await self._issuer.submission.record_one(voice, _draft(request, pointer)), pointer

    async def grant_all(self, account: Account, requests: Sequence[GrantRequest]) -> list[Result]:
        """As ``grant``, of many in one batch: of each what became of it."""
        require_scope(account, "submit")
        voice = self._issuer.voices.of_account(account)
        prepared = await asyncio.to_thread(self._prepare_all, voice, requests)
        paired = zip(requests, prepared, strict=True)
        drafts = [_draft(request, one) for request, one in paired if isinstance(one, StatusPointer)]
        recorded = iter(await self._issuer.submission.record(voice, drafts) if drafts else [])
        return [one if isinstance(one, Exception) else next(recorded) for one in prepared]

    async def change_status(self, account: Account, licence: str, request: StatusRequest, now: str) -> Recorded:
        """Record a ``licence.status``. Under rules before version 3 it takes effect when it is recorded, not later."""
        require_scope(account, "submit")
        voice = self._issuer.voices.of_account(account)
        effective = await asyncio.to_thread(self._effective, voice, request, now)
        body: dict[str, Any] = {"action": request.action, "grounds": request.grounds, "effective": effective}
        if request.change is not None:
            body["change"] = request.change
        draft = Draft(type="licence.status", subject=licence, event_id=request.event_id, body=body)
        return await self._issuer.submission.record_one(voice, draft)

    async def consent(
        self, account: Account, licence: str, to: str, until: str | None, event_id: str | None
    ) -> Recorded:
        """Record a ``licence.consent``: the account's party, who stands above the licence, agrees to its transfer."""
        require_scope(account, "submit")
        body = {"to": to} if until is None else {"to": to, "until": until}
        draft = Draft(type="licence.consent", subject=licence, event_id=event_id, body=body)
        return await self._issuer.submission.record_one(self._issuer.voices.of_account(account), draft)

    async def transfer(
        self, account: Account, licence: str, request: TransferRequest, now: str
    ) -> tuple[Recorded, StatusPointer]:
        """Record a ``licence.transfer`` by the account's party; the licence's status moves to the index given back."""
        require_scope(account, "submit")
        voice = self._issuer.voices.of_account(account)
        licensee = {"party": request.to, "holder_kid": request.holder_kid}
        read(Licensee, licensee, "")
        before = await asyncio.to_thread(self._said_before, voice, request.event_id, LicenceTransfer)
        pointer = before.status if before is not None else await asyncio.to_thread(self._statuses.reserve)
        effective = request.effective or (before.effective if before is not None else now)
        body = {"to": request.to, "grounds": request.grounds, "effective": effective, "status": write(pointer)}
        draft = Draft(
            type="licence.transfer",
            subject=licence,
            event_id=request.event_id,
            body=body,
            private={LICENSEE: licensee},
        )
        return await self._issuer.submission.record_one(voice, draft), pointer

    def odrl(self, account: Account, licence: str) -> dict[str, Any]:
        """The licence as an ODRL 2.2 Agreement, for whoever may read its terms.

        Raises ``NotFound``, ``Forbidden``, ``MalformedInput`` that names a term which is not kept here.
        """
        require_scope(account, "read-private")
        parse_identifier(licence, Letter.LICENCE)
        with self._issuer.log.store.snapshot() as reads:
            state = reads.get(licence)
            licensor = (licensor_of(reads, state) or state.licensor) if isinstance(state, LicenceState) else None
            agreed = account.party == licensor or self._issuer.voices.is_registrar(account)
            shown = terms_kept(reads, licence, agreed)
            if not isinstance(state, LicenceState) or licensor is None or shown is None:
                raise NotFound(f"{licence} is not registered", "grant the licence first", "licence")
        if account.party != state.holder and not agreed:
            raise Forbidden(f"the terms of {licence} are not yours to read", "ask the licensor for them", "licence")
        return agreement(licence, licensor, shown, state.parent)

    def _effective(self, voice: Voice, request: StatusRequest, now: str) -> str:
        """As asked; left out it is now, or what a request that is repeated was recorded with."""
        if request.effective is None:
            before = self._said_before(voice, request.event_id, LicenceStatus)
            return now if before is None else before.effective
        if request.effective > now and self._version() < EFFECTIVE:
            problem = f"{request.effective} has not come yet, at {now}: record the change when it has, or"
            raise FieldError("effective", f"{problem} have the registrar record a log.policy of version {EFFECTIVE}")
        return request.effective

    def _version(self) -> int:
        with self._issuer.log.store.snapshot() as reads:
            state = reads.get(LOG)
        return state.version if isinstance(state, LogState) else 1

    def _said_before(self, voice: Voice, event_id: str | None, kind: type[B]) -> B | None:
        """The body of the event that the party recorded under this id, if it is of this kind."""
        with self._issuer.log.store.snapshot() as reads:
            position = None if event_id is None else reads.position_of_event(voice.party, event_id)
            record = None if position is None else reads.record(position)
        body = None if record is None else parse_statement(record.entry).event.body
        return body if isinstance(body, kind) else None

    def _prepare(self, voice: Voice, request: GrantRequest) -> StatusPointer:
        """Check that the terms are about the object that is licensed; the status index of the licence."""
        with self._issuer.log.store.snapshot() as reads:
            _check_grant(reads, voice.party, request)
        # A repeated request must ask for the same index, or it would be another event.
        again = self._said_before(voice, request.event_id, LicenceGrant)
        return self._statuses.reserve() if again is None else again.status

    def _prepare_all(self, voice: Voice, requests: Sequence[GrantRequest]) -> list[StatusPointer | TallystickError]:
        """As ``_prepare``, of many; what is wrong with one is its own trouble."""
        spare = iter(self._statuses.reserve_many(len(requests)))
        found: list[StatusPointer | TallystickError] = []
        with self._issuer.log.store.snapshot() as reads:
            asked = [(voice.party, one.event_id) for one in requests if one.event_id is not None]
            known = reads.positions_of_events(asked)
            for request in requests:
                try:
                    _check_grant(reads, voice.party, request)
                    before = known.get((voice.party, request.event_id or ""))
                    record = None if before is None else reads.record(before)
                    body = None if record is None else parse_statement(record.entry).event.body
                    found.append(body.status if isinstance(body, LicenceGrant) else next(spare))
                except TallystickError as error:
                    found.append(error)
        return found


def _check_grant(reads: Reads, party: str, request: GrantRequest) -> None:
    terms = decode_terms(dict(request.terms))
    registered = registered_object(reads, request.object)
    require_agreement(terms, request.object, registered.body.digest_record, request.holder)
    _require_depth(terms, request.sublicences)
    if request.parent is not None:
        require_within(reads, party, request.parent, DisclosedTerms(terms, frozenset()), "terms")


def _draft(request: GrantRequest, pointer: StatusPointer) -> Draft:
    body: dict[str, Any] = {
        "object": request.object,
        "title_chain": list(request.title_chain) or [request.object, *([request.parent] if request.parent else [])],
        "status": write(pointer),
    }
    for name in ("holder", "parent", "sublicences", "transfer"):
        if getattr(request, name) is not None:
            body[name] = getattr(request, name)
    return Draft(
        type="licence.grant",
        body=body,
        subject=request.licence,
        event_id=request.event_id,
        private=request.terms,
    )


def registered_object(reads: Reads, object_id: str) -> RegisteredObject:
    """Raises ``NotFound``."""
    state = reads.get(object_id)
    record = reads.record(state.position) if isinstance(state, ObjectState) else None
    if record is None:
        raise NotFound(f"{object_id[:60]} is not a registered object", "register the object first", "object")
    return RegisteredObject(record.position, record.admitted_at, parse_statement(record.entry).event.body)


def content_sha256(content: Content) -> str:
    """The SHA-256 of a file, the tree root of a folder: what the term ``asset`` names."""
    return content.sha256 if isinstance(content, FileContent) else content.root


def require_agreement(terms: Terms, object_id: str, content: Content, holder: str | None) -> None:
    """Raise ``Refused`` where a term says something else than the log: no such licence could ever be proved."""
    found = [
        ("asset.object", terms.asset and terms.asset.object, object_id),
        ("asset.sha256", terms.asset and terms.asset.sha256, content_sha256(content)),
        ("licensee.party", terms.licensee and terms.licensee.party, holder),
    ]
    for name, said, known in found:
        if said is not None and known is not None and said != known:
            raise Refused(
                "inconsistent", f"terms.{name}", f"the log has {known}, the term says {said}", "let both name the same"
            )


def _require_depth(terms: Terms, sublicences: int | None) -> None:
    """What is stated openly may not exceed the term."""
    allowed = terms.sublicensing.max_depth if terms.sublicensing is not None else 0
    if (sublicences or 0) > allowed:
        raise Refused(
            "inconsistent",
            "sublicences",
            f"the term sublicensing allows sublicences {allowed} deep, the grant would admit {sublicences}",
            f"state at most {allowed}, or leave it out for none",
        )
