"""Licences: granted in the log, and their status changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.accounts import Account
from api.services.drafts import Draft
from api.services.errors import NotFound
from api.services.issuing import Issuer
from api.services.status_lists import StatusLists
from api.services.submission import Recorded
from api.services.voices import Voice, require_scope
from ledger.store import Reads
from tallystick.admission import Refused
from tallystick.admission.state import ObjectState
from tallystick.content import Content, FileContent
from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.events.objects import ObjectRegistration
from tallystick.licence.terms import Terms, decode_terms
from tallystick.schema import FieldError, write
from tallystick.statement import parse_statement


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
class StatusRequest:
    """A change of status. ``effective``: an instant that has come; left out: now."""

    action: str
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
        return await self._issuer.submission.record_one(voice, draft), pointer

    async def change_status(self, account: Account, licence: str, request: StatusRequest, now: str) -> Recorded:
        """Record a ``licence.status``. It takes effect when it is recorded, so it cannot be meant for later."""
        require_scope(account, "submit")
        effective = now if request.effective is None else request.effective
        if effective > now:
            raise FieldError("effective", f"{effective} has not come yet, at {now}: record the change when it has")
        body = {"action": request.action, "grounds": request.grounds, "effective": effective}
        draft = Draft(type="licence.status", subject=licence, event_id=request.event_id, body=body)
        return await self._issuer.submission.record_one(self._issuer.voices.of_account(account), draft)

    def _prepare(self, voice: Voice, request: GrantRequest) -> StatusPointer:
        """Check that the terms are about the object that is licensed; the status index of the licence."""
        terms = decode_terms(dict(request.terms))
        with self._issuer.log.store.snapshot() as reads:
            registered = registered_object(reads, request.object)
            again = _said_before(reads, voice, request.event_id)
        require_agreement(terms, request.object, registered.body.digest_record, request.holder)
        # A repeated request must ask for the same index, or it would be another event.
        return again or self._statuses.reserve()


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


def _said_before(reads: Reads, voice: Voice, event_id: str | None) -> StatusPointer | None:
    """The status index of the grant that the party recorded under this event id."""
    position = None if event_id is None else reads.position_of_event(voice.party, event_id)
    record = None if position is None else reads.record(position)
    body = None if record is None else parse_statement(record.entry).event.body
    return body.status if isinstance(body, LicenceGrant) else None
