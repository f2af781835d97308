"""Licence tokens, the check of what is shown, status lists, and the type of the tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.routes.base import MAX_BODY_BYTES, KnownAccount, Schema, UsedServices, as_schema, read_json, router
from api.routes.uploads import Form, multipart, receive, upload_folder
from api.services.licence_tokens import LIFETIME, MAX_LIFETIME
from tallystick.errors import MalformedInput
from tallystick.keys import PublicKey
from tallystick.licence.status_list import MEDIA_TYPE
from tallystick.schema import FieldError
from tallystick.token import metadata
from tallystick.token.binding import MAX_AGE, Expected
from tallystick.token.jose import read_jwk
from tallystick.token.licence import MAX_TOKEN_BYTES
from tallystick.token.licence import MEDIA_TYPE as TOKEN_TYPE
from tallystick.token.status_jwt import MEDIA_TYPE as JWT_TYPE
from tallystick.token.vc import MEDIA_TYPE as VC_TYPE
from tallystick.token.vc import Purpose

routes = router("licences")
_FRESH = "public, max-age=60"
MAX_CHECKED_BYTES = 256 << 20
MAX_SIDECAR_BYTES = 64 << 20


class TokenSchema(Schema):
    """What the token shows (left out: all that is kept), and the licensee's key where this log has none of it."""

    disclose: Annotated[list[str], Field(max_length=64)] | None = None
    holder_key: dict[str, str] | None = Field(None, description="A JWK with its required members alone")
    lifetime: int = Field(LIFETIME, ge=60, le=MAX_LIFETIME, description="Seconds")


class CheckSchema(Schema):
    """What is asked, and of what: a token, or the identifier of a licence that is the account's own."""

    question: str
    token: Annotated[str, Field(max_length=MAX_TOKEN_BYTES)] | None = None
    licence: str | None = None
    audience: str | None = None
    nonce: str | None = None
    presented_within: int = Field(MAX_AGE, ge=0, le=86_400, description="Seconds")


@routes.post("/licences/{licence:path}/token", response_class=Response)
async def issue_token(licence: str, token: TokenSchema, services: UsedServices, account: KnownAccount) -> Response:
    """A licence token (SD-JWT VC) bound to the licensee's key; asked for again, it is reissued."""
    key = None if token.holder_key is None else _key(token.holder_key)
    made = await services.licence_tokens.issue(account, licence, token.disclose, key, token.lifetime)
    return Response(made, media_type=TOKEN_TYPE, headers={"Cache-Control": "no-store"})


class ExportSchema(Schema):
    """What the credential says in clear; left out: all that is kept but payment and contract."""

    disclose: Annotated[list[str], Field(max_length=64)] | None = None
    lifetime: int = Field(LIFETIME, ge=60, le=MAX_LIFETIME, description="Seconds")


@routes.post("/licences/{licence:path}/vc", response_class=Response)
async def export_licence(licence: str, asked: ExportSchema, services: UsedServices, account: KnownAccount) -> Response:
    """The licence as W3C Verifiable Credential 2.0 (JOSE): an export for software that reads no SD-JWT."""
    made = await services.licence_tokens.export(account, licence, asked.disclose, asked.lifetime)
    return Response(made, media_type=VC_TYPE, headers={"Cache-Control": "no-store"})


_CHECK_FORM = multipart(
    "The signed file, with the question about it",
    {"question": "Such as: play in DE on streaming", "audience": "With nonce", "nonce": "With audience"},
    {"file*": "The file, with its name", "sidecar*": "Its manifest store, where it cannot carry one"},
)


@routes.post("/licences/check", max_body_size=MAX_CHECKED_BYTES, openapi_extra=_CHECK_FORM)
async def check_licence(request: Request, services: UsedServices, account: KnownAccount) -> dict[str, Any]:
    """The answer of the offline check, as of now: of a file (multipart), or of a token or an own licence (JSON)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        asked = as_schema(CheckSchema, await read_json(request, MAX_BODY_BYTES))
        return await run_in_threadpool(_check_json, asked, services, account)
    with upload_folder(request, services, account) as folder:
        texts = {"question": 1600, "audience": 4000, "nonce": 4000}
        form = await receive(request, folder, texts, {"file": 1, "sidecar": 1})
        return await run_in_threadpool(_check_form, form, services, account)


def _check_json(asked: CheckSchema, services: UsedServices, account: KnownAccount) -> dict[str, Any]:
    if (asked.token is None) == (asked.licence is None):
        raise FieldError("token", "expected a token or a licence, and not both")
    expected = _expected(asked.audience, asked.nonce, asked.presented_within)
    request = services.licence_checks.request(asked.question, services.now(), expected)
    if asked.token is not None:
        return services.licence_checks.check_token(account, asked.token, request)
    return services.licence_checks.check_licence(account, asked.licence or "", request)


def _check_form(form: Form, services: UsedServices, account: KnownAccount) -> dict[str, Any]:
    if not form.files.get("file"):
        raise FieldError("file", "missing")
    (upload,) = form.files["file"]
    expected = _expected(form.texts.get("audience"), form.texts.get("nonce"), MAX_AGE)
    request = services.licence_checks.request(form.text("question"), services.now(), expected)
    sidecar = form.files["sidecar"][0].path if form.files.get("sidecar") else None
    if sidecar is not None and sidecar.stat().st_size > MAX_SIDECAR_BYTES:
        raise FieldError("sidecar", f"it has more than {MAX_SIDECAR_BYTES} bytes")
    named = upload.path.with_name("checked" + _suffix(upload.name))
    upload.path.rename(named)
    return services.licence_checks.check_file(
        account, named, request, None if sidecar is None else sidecar.read_bytes()
    )


def _suffix(name: str) -> str:
    """What its name says it is; the rest of a stranger's file name stays off the disk."""
    ending = name.rpartition(".")[2]
    return f".{ending}" if ending.isascii() and ending.isalnum() and len(ending) <= 10 else ""


def _expected(audience: str | None, nonce: str | None, within: int) -> Expected | None:
    if (audience is None) != (nonce is None):
        raise FieldError("nonce", "audience and nonce belong together")
    return None if audience is None or nonce is None else Expected(audience, nonce, within)


def _key(jwk: dict[str, str]) -> PublicKey:
    try:
        return read_jwk(jwk)
    except MalformedInput as error:
        raise FieldError("holder_key", str(error)) from None


@routes.get("/licences/{licence:path}/qr", response_class=Response)
def get_code(licence: str, services: UsedServices) -> Response:
    """The licence's QR code, for paper: a link and, after its #, the entry that grants it."""
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(services.licence_tokens.code(licence), media_type="image/png", headers=headers)


@routes.get("/vct/licence", response_class=Response)
def get_type() -> Response:
    """Type metadata of licence tokens, as ``vct#integrity`` hashes it."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(metadata.DOCUMENT, media_type=metadata.METADATA_TYPE, headers=headers)


@routes.get("/status-lists")
def get_status_lists(services: UsedServices, response: Response) -> dict[str, list[str]]:
    """Status list aggregation: every list of this log."""
    response.headers["Cache-Control"] = _FRESH
    return {"status_lists": services.statuses.uris()}


@routes.get("/status-lists/{number}", response_class=Response)
def get_status_list(number: int, request: Request, services: UsedServices) -> Response:
    """A signed Token Status List as of the published checkpoint: CWT, or JWT for who accepts that and no CWT."""
    headers = {"Cache-Control": _FRESH, "Vary": "Accept", "Access-Control-Allow-Origin": "*"}
    accepted = request.headers.get("accept", "")
    if JWT_TYPE in accepted and MEDIA_TYPE not in accepted:
        return Response(services.statuses.signed_jwt(number), media_type=JWT_TYPE, headers=headers)
    return Response(services.statuses.signed(number), media_type=MEDIA_TYPE, headers=headers)


@routes.get("/status-lists/{number}/{purpose}", response_class=Response)
def get_status_credential(number: int, purpose: Purpose, services: UsedServices) -> Response:
    """The same list as W3C Bitstring Status List: a signed credential for one purpose."""
    headers = {"Cache-Control": _FRESH, "Access-Control-Allow-Origin": "*"}
    return Response(services.licence_tokens.status_credential(number, purpose), media_type=VC_TYPE, headers=headers)
