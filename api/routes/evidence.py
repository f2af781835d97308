"""Evidence bundles, and the trust file by which a reader may judge them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import File, Form, Response, UploadFile
from fastapi.responses import FileResponse
from pydantic import TypeAdapter, ValidationError
from starlette.background import BackgroundTask

from api.routes.base import KnownAccount, Schema, UsedServices, router
from api.routes.uploads import MAX_UPLOAD_BYTES, store, upload_folder
from api.services.evidence import EvidenceRequest
from tallystick import canonical
from tallystick.content import FileEntry
from tallystick.schema import FieldError, read

routes = router("evidence")

_MAX_REQUEST_BYTES = 1 << 20
_MAX_LISTS_BYTES = 64 << 20


class EvidenceSchema(Schema):
    """What to export. ``disclose``: all private values that the token may read, none, or names by position."""

    kind: Literal["object", "licence", "job", "dispute"]
    subject: str
    disclose: Literal["all", "none"] | dict[str, list[str]] = "all"


@routes.post("/evidence", response_class=FileResponse, max_body_size=MAX_UPLOAD_BYTES)
async def export_evidence(
    services: UsedServices,
    account: KnownAccount,
    request: Annotated[str, Form(description="JSON: kind, subject, disclose")],
    original: Annotated[list[UploadFile] | None, File(description="Files of the subject, named by path")] = None,
    files: Annotated[str | None, Form(description="JSON: file lists of folder objects, by identifier")] = None,
    credential: Annotated[
        list[UploadFile] | None, File(description="Signed files that the service keeps no copy of")
    ] = None,
) -> Response:
    """Gather everything and write one signed bundle."""
    asked = _parse(request)
    with upload_folder(services.settings.credentials) as folder:
        originals = {_name(one): await store(one, folder / "originals") for one in original or []}
        signed = [await store(one, folder / "credentials" / str(at)) for at, one in enumerate(credential or [])]
        wanted = EvidenceRequest(
            kind=asked.kind,
            subject=asked.subject,
            disclose=_positions(asked.disclose),
            originals={asked.subject: originals} if originals else {},
            file_lists=_file_lists(files),
            credentials=signed,
        )
        out = services.settings.credentials / f"{folder.name}.zip"
        try:
            await services.evidence.export(account, wanted, out)
        except BaseException:
            out.unlink(missing_ok=True)
            raise
    name = f"{asked.subject.rpartition('/')[2]}.zip"
    return FileResponse(out, media_type="application/zip", filename=name, background=BackgroundTask(out.unlink))


@routes.get("/trust", response_class=Response)
def get_trust(services: UsedServices) -> Response:
    """What a reader of this log's bundles would have to believe; compare its fingerprint by another channel."""
    return Response(services.trust, media_type="application/json")


def _parse(text: str) -> EvidenceSchema:
    value = canonical.decode_relaxed(text.encode(), _MAX_REQUEST_BYTES)
    try:
        return TypeAdapter(EvidenceSchema).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise FieldError(".".join(("request", *map(str, first["loc"]))), str(first["msg"])) from None


def _positions(disclose: Literal["all", "none"] | dict[str, list[str]]) -> Any:
    if isinstance(disclose, str):
        return disclose
    if not all(position.isascii() and position.isdigit() for position in disclose):
        raise FieldError("request.disclose", "expected positions of entries")
    return {int(position): names for position, names in disclose.items()}


def _file_lists(text: str | None) -> dict[str, tuple[FileEntry, ...]]:
    value = {} if text is None else canonical.decode_relaxed(text.encode(), _MAX_LISTS_BYTES)
    if not isinstance(value, dict) or not all(isinstance(items, list) for items in value.values()):
        raise FieldError("files", "expected file lists by object")
    return {
        of: tuple(read(FileEntry, item, f"files.{of}[{at}]") for at, item in enumerate(items))
        for of, items in value.items()
    }


def _name(upload: UploadFile) -> str:
    return Path(upload.filename or "file").as_posix()
