"""Licences: grant, hand out, change the status, and show the status."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import File, Form, Response, UploadFile
from fastapi.responses import FileResponse
from pydantic import Field

from api.routes.base import KnownAccount, Schema, UsedServices, router
from api.routes.events import RecordedSchema, recorded_schema
from api.routes.uploads import MAX_UPLOAD_BYTES, parse_file_list, store, upload_folder
from api.services.drafts import Draft
from api.services.issuing import IssuedFile
from api.services.licences import GrantRequest
from tallystick.licence.staple import STAPLE_TYPE
from tallystick.licence.status_list import MEDIA_TYPE

routes = router("licences")


class PointerSchema(Schema):
    """A Token Status List and an index in it."""

    list: str
    index: int


class GrantSchema(Schema):
    """A licence that the service records for the token's party. ``terms``: values by name, see docs/licences.md."""

    object: str
    terms: dict[str, Any]
    title_chain: list[str] = Field(default_factory=list)
    holder: str | None = Field(None, description="The licensee named openly, so that it may act in this log")
    licence: str | None = None
    event_id: str | None = None

    def request(self) -> GrantRequest:
        """For the service."""
        return GrantRequest(self.object, self.terms, self.title_chain, self.holder, self.licence, self.event_id)


class GrantedSchema(Schema):
    """A licence in the log."""

    licence: str
    position: int
    status: PointerSchema


class CardSchema(Schema):
    """Which terms the card shows; left out: all but payment and contract."""

    disclose: list[str] | None = None


class IssuedSchema(Schema):
    """A signed file and the entry that records it."""

    position: int
    sha256: str
    size: int


class StatusChange(Schema):
    """``grounds`` and ``action`` are words of the event format."""

    action: Literal["suspend", "reinstate", "revoke", "expire"]
    grounds: str
    effective: str | None = None
    event_id: str | None = None


def issued_schema(issued: IssuedFile) -> IssuedSchema:
    """How an issued file is shown."""
    return IssuedSchema(position=issued.recorded.position, sha256=issued.sha256, size=issued.size)


@routes.post("/status-indexes", status_code=201)
async def reserve_status(services: UsedServices, account: KnownAccount) -> PointerSchema:
    """A status index for a licence that the party signs itself."""
    pointer = await services.licences.reserve(account)
    return PointerSchema(list=pointer.list, index=pointer.index)


@routes.post("/licences", status_code=201)
async def grant_licence(grant: GrantSchema, services: UsedServices, account: KnownAccount) -> GrantedSchema:
    """Record a licence of an object that the token's party holds."""
    recorded, pointer = await services.licences.grant(account, grant.request())
    status = PointerSchema(list=pointer.list, index=pointer.index)
    return GrantedSchema(licence=recorded.subject, position=recorded.position, status=status)


@routes.post("/licences/{licence:path}/card", status_code=201)
async def issue_card(licence: str, card: CardSchema, services: UsedServices, account: KnownAccount) -> IssuedSchema:
    """Make the licence card, sign it (C2PA), log its digest."""
    return issued_schema(await services.licences.card(account, licence, card.disclose))


@routes.get("/licences/{licence:path}/card", response_class=FileResponse)
def get_card(licence: str, services: UsedServices, account: KnownAccount) -> FileResponse:
    """The latest card: for the licensor, the registrar, and whoever holds a token of the named holder."""
    return FileResponse(services.licences.card_file(account, licence), media_type="image/png")


@routes.post("/licences/{licence:path}/original", response_class=Response, max_body_size=MAX_UPLOAD_BYTES)
async def sign_original(
    licence: str,
    services: UsedServices,
    account: KnownAccount,
    file: Annotated[UploadFile, File(description="The licensed object, or one file of the folder that it is")],
    files: Annotated[str | None, Form(description="The folder's file list, as JSON")] = None,
    disclose: Annotated[str | None, Form(description="Names of terms, separated by commas")] = None,
) -> Response:
    """Sign the licence into the original and give it back; its digest is logged, no copy is kept."""
    names = None if disclose is None else [name for name in disclose.split(",") if name]
    file_list = None if files is None else parse_file_list(files, "files")
    media_type = file.content_type or "application/octet-stream"
    with upload_folder(services.settings.credentials) as folder:
        upload = await store(file, folder)
        issued = await services.licences.original(account, licence, upload, media_type, names, file_list)
        data = issued.path.read_bytes()
        issued.path.unlink()
    return Response(data, media_type=media_type, headers={"X-Tallystick-Position": str(issued.recorded.position)})


@routes.post("/licences/{licence:path}/status", status_code=201)
async def change_status(
    licence: str, change: StatusChange, services: UsedServices, account: KnownAccount
) -> RecordedSchema:
    """Suspend, reinstate, revoke or expire; by the licensor or the registrar."""
    draft = Draft(
        type="licence.status",
        subject=licence,
        event_id=change.event_id,
        body={
            "action": change.action,
            "grounds": change.grounds,
            "effective": change.effective or services.now(),
        },
    )
    (result,) = await services.submission.submit_drafts(account, [draft])
    if isinstance(result, Exception):
        raise result
    return recorded_schema(result)


@routes.get("/licences/{licence:path}/staple", response_class=Response)
def get_staple(licence: str, services: UsedServices) -> Response:
    """The licence's status for use offline: signed list, checkpoint, inclusion proof."""
    headers = {"Cache-Control": "no-cache"}
    return Response(services.statuses.staple(licence), media_type=STAPLE_TYPE, headers=headers)


@routes.get("/status-lists/{number}", response_class=Response)
def get_status_list(number: int, services: UsedServices) -> Response:
    """A signed Token Status List as of the published checkpoint."""
    headers = {"Cache-Control": "public, max-age=60"}
    return Response(services.statuses.signed(number), media_type=MEDIA_TYPE, headers=headers)
