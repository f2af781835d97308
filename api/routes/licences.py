"""Licences: grant, hand out, change the status, and show the status."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.routes.base import KnownAccount, MaybeAccount, Schema, UsedServices, router
from api.routes.downloads import send_once
from api.routes.events import RecordedSchema, recorded_schema
from api.routes.licence_tokens import MAX_SIDECAR_BYTES
from api.routes.uploads import (
    MAX_LISTS_BYTES,
    MAX_UPLOAD_BYTES,
    multipart,
    parse_file_list,
    parse_json,
    receive,
    upload_folder,
)
from api.services.claim_stamps import Dated
from api.services.issuing import IssuedFile
from api.services.licence_files import SIDECAR
from api.services.licences import GrantRequest, StatusRequest, TransferRequest
from tallystick.c2pa import EMBEDDED
from tallystick.licence.staple import STAPLE_TYPE
from tallystick.schema import FieldError

routes = router("licences")


class PointerSchema(Schema):
    """A Token Status List and an index in it."""

    list: str
    index: int


class GrantSchema(Schema):
    """A licence that the service records for the token's party. ``terms``: values by name, see docs/licence.md."""

    object: str
    terms: dict[str, Any]
    title_chain: list[str] = Field(default_factory=list)
    holder: str | None = Field(None, description="The licensee named openly, so that it may act in this log")
    licence: str | None = None
    event_id: str | None = None
    parent: str | None = Field(None, description="The licence of which this is a sublicence: the party must hold it")
    sublicences: int | None = Field(None, description="How many licences deep this log admits sublicences of it")
    transfer: Literal["free", "with-consent"] | None = Field(
        None, description="Whether its holder may transfer it without consent; left out: not"
    )

    def request(self) -> GrantRequest:
        """For the service."""
        return GrantRequest(
            self.object,
            self.terms,
            self.title_chain,
            self.holder,
            self.licence,
            self.event_id,
            self.parent,
            self.sublicences,
            self.transfer,
        )


class GrantedSchema(Schema):
    """A licence in the log."""

    licence: str
    position: int
    status: PointerSchema


class CardSchema(Schema):
    """Which terms the card shows, and whether the object's title; left out: all but payment and contract."""

    disclose: Annotated[list[str], Field(max_length=64)] | None = None


class DatedSchema(Schema):
    """The timestamp over the claim signature: whose and of when; or why there is none, to be added later."""

    authority: str | None
    time: str | None
    missing: str | None


class IssuedSchema(Schema):
    """A signed file and the entry that records it. ``dated``: of a claim signed just now (C2PA)."""

    position: int
    sha256: str
    size: int
    dated: DatedSchema | None = None


class StatusChange(Schema):
    """``grounds`` is a word of the event format; ``effective``: since when it counts, before or after now (default).

    ``change``: with ``withdraw``, the position of the change that shall not take effect.
    """

    action: Literal["suspend", "reinstate", "revoke", "expire", "withdraw", "commence"]
    grounds: str
    effective: str | None = None
    event_id: str | None = None
    change: int | None = None


class ConsentSchema(Schema):
    """The licensor consents to a transfer to ``to``, recorded before ``until`` (left out: until it is used)."""

    to: str
    until: str | None = None
    event_id: str | None = None


class TransferSchema(Schema):
    """``to``: the new holder; ``holder_kid``: thumbprint (hex) of the key by which it shows that it is."""

    to: str
    holder_kid: str
    grounds: Literal["agreement", "succession", "merger", "court-order", "error"]
    effective: str | None = None
    event_id: str | None = None


def issued_schema(issued: IssuedFile) -> IssuedSchema:
    """How an issued file is shown."""
    dated = None if issued.dated is None else DatedSchema(**asdict(issued.dated))
    return IssuedSchema(position=issued.position, sha256=issued.sha256, size=issued.size, dated=dated)


def dated_header(dated: Dated | None) -> dict[str, str]:
    """For answers that are files: by whom and of when the signature is dated, or that it is not."""
    if dated is None:
        return {}
    told = f"{dated.time} {dated.authority}" if dated.time else f"none: {dated.missing}"
    return {"X-Tallystick-Dated": "".join(one if " " <= one <= "~" else "?" for one in told)[:500]}


@routes.post("/status-indexes", status_code=201)
async def reserve_status(services: UsedServices, account: KnownAccount) -> PointerSchema:
    """A status index for a licence that the party signs itself."""
    pointer = await services.licences.reserve(account)
    return PointerSchema(list=pointer.list, index=pointer.index)


@routes.post("/licences", status_code=201, responses={200: {"model": GrantedSchema}})
async def grant_licence(
    grant: GrantSchema, services: UsedServices, account: KnownAccount, response: Response
) -> GrantedSchema:
    """Record a licence of an object that the token's party holds: 201, or 200 where it stood already."""
    recorded, pointer = await services.licences.grant(account, grant.request())
    response.status_code = 200 if recorded.duplicate else 201
    status = PointerSchema(list=pointer.list, index=pointer.index)
    return GrantedSchema(licence=recorded.subject, position=recorded.position, status=status)


@routes.post("/licences/{licence:path}/card", status_code=201)
async def issue_card(licence: str, card: CardSchema, services: UsedServices, account: KnownAccount) -> IssuedSchema:
    """Make the licence card, sign it (C2PA), log its digest."""
    return issued_schema(await services.licence_files.card(account, licence, card.disclose))


@routes.get("/licences/{licence:path}/card", response_class=FileResponse)
def get_card(licence: str, services: UsedServices, account: KnownAccount) -> FileResponse:
    """The latest card: for the licensor, the registrar, and whoever holds a token of the named holder."""
    return FileResponse(services.licence_files.card_file(account, licence), media_type="image/png")


_ORIGINAL_FORM = multipart(
    "The licensed object, or one file of the folder that it is",
    {"files": "JSON: the folder's file list", "disclose": "Names of terms, separated by commas"},
    {"file*": "One file, with its media type"},
)


@routes.post(
    "/licences/{licence:path}/original",
    response_class=Response,
    max_body_size=MAX_UPLOAD_BYTES,
    openapi_extra=_ORIGINAL_FORM,
)
async def sign_original(licence: str, request: Request, services: UsedServices, account: KnownAccount) -> Response:
    """Sign the licence into the original and give it back; its digest is logged, no copy is kept.

    A format that carries no credential gets its manifest store (`application/c2pa`), to be kept beside the file.
    """
    await run_in_threadpool(services.licence_files.require_licensor, account, licence)
    with upload_folder(request, services, account) as folder:
        form = await receive(request, folder, {"files": MAX_LISTS_BYTES, "disclose": 4096}, {"file": 1})
        if "file" not in form.files:
            raise FieldError("file", "missing")
        (upload,) = form.files["file"]
        disclose, files = form.texts.get("disclose"), form.texts.get("files")
        issued = await services.licence_files.original(
            account,
            licence,
            upload.path,
            upload.media_type,
            None if disclose is None else [name for name in disclose.split(",") if name],
            None if files is None else parse_file_list(parse_json(files, MAX_LISTS_BYTES, "files"), "files"),
            folder / "signed",
        )
        made = upload.media_type if upload.media_type in EMBEDDED else SIDECAR
        return send_once(
            issued.path, made, {"X-Tallystick-Position": str(issued.position), **dated_header(issued.dated)}
        )


_SIGNED_FORM = multipart(
    "A signed file as it was issued, or updated before", {}, {"file*": "With its media type", "sidecar": "Its store"}
)


@routes.post(
    "/signed-files/receipt", response_class=Response, max_body_size=MAX_UPLOAD_BYTES, openapi_extra=_SIGNED_FORM
)
async def add_receipt(request: Request, services: UsedServices, account: KnownAccount) -> Response:
    """The file (or its sidecar) with the log's receipt in one more update manifest; repeat it for a later anchor."""
    with upload_folder(request, services, account) as folder:
        form = await receive(request, folder, {}, {"file": 1, "sidecar": 1})
        if "file" not in form.files:
            raise FieldError("file", "missing")
        (upload,) = form.files["file"]
        sidecar = None
        if "sidecar" in form.files:
            beside = form.files["sidecar"][0].path
            if beside.stat().st_size > MAX_SIDECAR_BYTES:
                raise FieldError("sidecar", f"it has more than {MAX_SIDECAR_BYTES} bytes")
            sidecar = beside.read_bytes()
        made, dated = await services.file_receipts.add(
            account.party, upload.path, upload.media_type, sidecar, folder / "updated"
        )
        return send_once(made, upload.media_type if sidecar is None else SIDECAR, dated_header(dated))


@routes.post("/licences/{licence:path}/status", status_code=201, responses={200: {"model": RecordedSchema}})
async def change_status(
    licence: str, change: StatusChange, services: UsedServices, account: KnownAccount, response: Response
) -> RecordedSchema:
    """Suspend, reinstate, revoke or expire; by who stands above the licence, or the registrar."""
    request = StatusRequest(change.action, change.grounds, change.effective, change.event_id, change.change)
    recorded = await services.licences.change_status(account, licence, request, services.now())
    response.status_code = 200 if recorded.duplicate else 201
    return recorded_schema(recorded)


@routes.get("/licences/{licence:path}/odrl", response_class=JSONResponse)
def get_odrl(licence: str, services: UsedServices, account: KnownAccount) -> JSONResponse:
    """The licence as an ODRL 2.2 Agreement (JSON-LD), for its licensor, its holder and the registrar."""
    found = services.licences.odrl(account, licence)
    return JSONResponse(found, media_type="application/ld+json", headers={"Cache-Control": "no-store"})


@routes.post("/licences/{licence:path}/consent", status_code=201, responses={200: {"model": RecordedSchema}})
async def consent_to_transfer(
    licence: str, consent: ConsentSchema, services: UsedServices, account: KnownAccount, response: Response
) -> RecordedSchema:
    """Agree to a transfer beforehand; by who stands above the licence, or the registrar."""
    recorded = await services.licences.consent(account, licence, consent.to, consent.until, consent.event_id)
    response.status_code = 200 if recorded.duplicate else 201
    return recorded_schema(recorded)


@routes.post("/licences/{licence:path}/transfer", status_code=201, responses={200: {"model": GrantedSchema}})
async def transfer_licence(
    licence: str, transfer: TransferSchema, services: UsedServices, account: KnownAccount, response: Response
) -> GrantedSchema:
    """Transfer a licence that the token's party holds. Its status moves to a new index: files of before end."""
    request = TransferRequest(transfer.to, transfer.holder_kid, transfer.grounds, transfer.effective, transfer.event_id)
    recorded, pointer = await services.licences.transfer(account, licence, request, services.now())
    response.status_code = 200 if recorded.duplicate else 201
    status = PointerSchema(list=pointer.list, index=pointer.index)
    return GrantedSchema(licence=recorded.subject, position=recorded.position, status=status)


@routes.get("/licences/{licence:path}/staple", response_class=Response)
def get_staple(
    licence: str, services: UsedServices, account: MaybeAccount, version: Literal["1", "2"] = "1"
) -> Response:
    """The licence's status for use offline: signed list, checkpoint, inclusion proof; version 2: with the entries."""
    found = services.statuses.staple(licence) if version == "1" else services.licence_tokens.evidence(licence, account)
    return Response(
        found, media_type=STAPLE_TYPE, headers={"Cache-Control": "no-cache" if account is None else "private, no-cache"}
    )
