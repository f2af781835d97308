"""Evidence bundles, and the trust file by which a reader may judge them."""

from __future__ import annotations

import re
from typing import Any, Literal

from fastapi import Request, Response
from pydantic import TypeAdapter, ValidationError

from api.routes.base import KnownAccount, Schema, UsedServices, router
from api.routes.downloads import send_once
from api.routes.uploads import (
    MAX_LISTS_BYTES,
    MAX_UPLOAD_BYTES,
    MAX_UPLOADS,
    Form,
    multipart,
    parse_file_list,
    parse_json,
    receive,
)
from api.services.evidence import EvidenceRequest
from api.services.voices import require_scope
from tallystick.content import FileEntry
from tallystick.schema import FieldError

routes = router("evidence")

_MAX_REQUEST_BYTES = 1 << 20
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_FORM = multipart(
    "What to export, and what the service does not keep",
    {
        "request*": "JSON: kind (object, licence, job, dispute), subject, disclose (all, none, or names by position)",
        "files": "JSON: file lists of folder objects, by identifier",
    },
    {
        "original": "Files of the subject, each named by its path in the file list",
        "credential": "Signed files that the service keeps no copy of, or that nothing else puts into the bundle",
    },
)


class EvidenceSchema(Schema):
    """What to export. ``disclose``: all private values that the token may read, none, or names by position."""

    kind: Literal["object", "licence", "job", "dispute"]
    subject: str
    disclose: Literal["all", "none"] | dict[str, list[str]] = "all"


@routes.post("/evidence", response_class=Response, max_body_size=MAX_UPLOAD_BYTES, openapi_extra=_FORM)
async def export_evidence(request: Request, services: UsedServices, account: KnownAccount) -> Response:
    """Gather everything and write one signed bundle.

    ``X-Tallystick-Anchored`` says whether an anchor covers all of it, ``X-Tallystick-Witnessed`` whether the
    checkpoint has its quorum of witnesses, ``X-Tallystick-Left-Out`` names the positions of entries about signed
    files that are not in it.
    """
    require_scope(account, "evidence")
    with services.files.work_folder() as folder:
        form = await receive(
            request,
            folder,
            {"request": _MAX_REQUEST_BYTES, "files": MAX_LISTS_BYTES},
            {"original": MAX_UPLOADS, "credential": MAX_UPLOADS},
        )
        wanted, out = _wanted(form), folder / "case.zip"
        exported = await services.evidence.export(account, wanted, out)
        headers = {
            "Content-Disposition": f'attachment; filename="{wanted.subject.rpartition("/")[2]}.zip"',
            "X-Tallystick-Anchored": "yes" if exported.anchored else "no",
            "X-Tallystick-Witnessed": "yes" if exported.witnessed else "no",
            "X-Tallystick-Left-Out": ",".join(map(str, exported.left_out)),
        }
        return send_once(out, "application/zip", headers)


@routes.get("/trust", response_class=Response)
def get_trust(services: UsedServices) -> Response:
    """What a reader of this log's bundles would have to believe; compare its fingerprint by another channel."""
    return Response(services.trust, media_type="application/json")


def _wanted(form: Form) -> EvidenceRequest:
    asked = _parse(form.text("request"))
    return EvidenceRequest(
        kind=asked.kind,
        subject=asked.subject,
        disclose=_positions(asked.disclose),
        originals=form.by_name("original"),
        file_lists=_file_lists(form.texts.get("files")),
        credentials=[upload.path for upload in form.files.get("credential", [])],
    )


def _parse(text: str) -> EvidenceSchema:
    value = parse_json(text, _MAX_REQUEST_BYTES, "request")
    try:
        return TypeAdapter(EvidenceSchema).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise FieldError(".".join(("request", *map(str, first["loc"]))), str(first["msg"])) from None


def _positions(disclose: Literal["all", "none"] | dict[str, list[str]]) -> Any:
    if isinstance(disclose, str):
        return disclose
    found = {int(position): names for position, names in disclose.items() if _NUMBER.fullmatch(position)}
    if len(found) != len(disclose):
        raise FieldError("request.disclose", "expected positions of entries, as decimal numbers")
    return found


def _file_lists(text: str | None) -> dict[str, tuple[FileEntry, ...]]:
    value = {} if text is None else parse_json(text, MAX_LISTS_BYTES, "files")
    if not isinstance(value, dict):
        raise FieldError("files", "expected file lists by object")
    return {of: parse_file_list(items, f"files.{of}") for of, items in value.items()}
