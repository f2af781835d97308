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
    upload_folder,
)
from api.services.evidence import EvidenceRequest
from api.services.originals import Brought
from api.services.voices import require_scope
from tallystick.case import Kind
from tallystick.case.model import kind_of
from tallystick.case.parts import PartsMap
from tallystick.content import FileEntry
from tallystick.errors import MalformedInput
from tallystick.schema import FieldError, read

routes = router("evidence")

_MAX_REQUEST_BYTES = 1 << 20
_MAX_ADDRESSES = 16
"""Of up to 300 characters each, in one header."""
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_FORM = multipart(
    "What to export, and what the service does not keep",
    {
        "request*": "JSON: subject, disclose (all, none, or names by position); kind, if given, is that of the "
        "subject; report: whether a report and forms for people are enclosed, yes unless false",
        "files": "JSON: file lists of folder objects, by identifier",
        "parts": "JSON: maps of parts, by identifier, of objects that are brought in parts (docs/evidence-format.md)",
    },
    {
        "original": "Files of the subject, each named by its path in the file list, or by its run in a map of parts; "
        "in a case that is not of kind object the object's part of the identifier after the slash, a slash, and that",
        "credential": "Signed files that the service keeps no copy of, or that nothing else puts into the bundle",
    },
)


class EvidenceSchema(Schema):
    """What to export: an object, licence, job or dispute, by its identifier. ``disclose``: all private values that the
    token may read, none, or names by position.

    ``report``: enclose a report and unsigned forms, for people.
    """

    subject: str
    kind: Literal["object", "licence", "job", "dispute"] | None = None
    disclose: Literal["all", "none"] | dict[str, list[str]] = "all"
    report: bool = True


@routes.post("/evidence", response_class=Response, max_body_size=MAX_UPLOAD_BYTES, openapi_extra=_FORM)
async def export_evidence(request: Request, services: UsedServices, account: KnownAccount) -> Response:
    """Gather everything and write one signed bundle.

    ``X-Tallystick-Anchored`` says whether an anchor covers all of it. Where none does and this log anchors what is
    wished for, one was asked for, of the position that ``X-Tallystick-Anchor-Wanted`` names: once there is one at
    ``/v1/events/{position}/anchors``, the bundle is exported again. ``X-Tallystick-Witnessed`` says whether the
    checkpoint has its quorum of witnesses, ``X-Tallystick-Left-Out`` names the positions of entries about signed files
    that are not in it. ``X-Tallystick-Histories`` says whether histories are shown by the map,
    ``X-Tallystick-Audited`` whether an auditor's word reaches to the end of the tree; where it does not and auditors
    look at this log, ``X-Tallystick-Audit-Wanted`` names the position up to which it should
    (``/v1/map/{id}?audited=true&covers={position}``); ``X-Tallystick-Unanswered`` tells
    (addresses, divided by spaces) where issuers tell of revocation of whose word nothing is here,
    ``X-Tallystick-Seconds`` how long it took.
    """
    require_scope(account, "evidence")
    with upload_folder(request, services, account) as folder:
        form = await receive(
            request,
            folder,
            {"request": _MAX_REQUEST_BYTES, "files": MAX_LISTS_BYTES, "parts": MAX_LISTS_BYTES},
            {"original": MAX_UPLOADS, "credential": MAX_UPLOADS},
        )
        wanted, out = _wanted(form), folder / "case.zip"
        exported = await services.evidence.export(account, wanted, out)
        headers = {
            "Content-Disposition": f'attachment; filename="{wanted.subject.rpartition("/")[2]}.zip"',
            "X-Tallystick-Anchored": "yes" if exported.anchored else "no",
            "X-Tallystick-Witnessed": "yes" if exported.witnessed else "no",
            "X-Tallystick-Histories": "yes" if exported.histories else "no",
            "X-Tallystick-Audited": "yes" if exported.audited else "no",
            "X-Tallystick-Left-Out": ",".join(map(str, exported.left_out)),
            "X-Tallystick-Unanswered": " ".join(exported.unanswered[:_MAX_ADDRESSES]),
            "X-Tallystick-Seconds": f"{exported.seconds:.3f}",
        }
        lacking = {"Anchor": exported.anchor_wanted, "Audit": exported.audit_wanted}
        headers |= {f"X-Tallystick-{what}-Wanted": str(at) for what, at in lacking.items() if at is not None}
        return send_once(out, "application/zip", headers)


@routes.get("/trust", response_class=Response)
def get_trust(services: UsedServices) -> Response:
    """What a reader of this log's bundles would have to believe; compare its fingerprint by another channel."""
    return Response(services.trust, media_type="application/json")


def _wanted(form: Form) -> EvidenceRequest:
    asked = _parse(form.text("request"))
    return EvidenceRequest(
        kind=asked.kind or _kind_of(asked.subject),
        subject=asked.subject,
        disclose=_positions(asked.disclose),
        report=asked.report,
        originals=Brought(
            form.by_name("original"), _file_lists(form.texts.get("files")), _parts(form.texts.get("parts"))
        ),
        credentials=[(upload.name, upload.path) for upload in form.files.get("credential", [])],
    )


def _kind_of(subject: str) -> Kind:
    try:
        kind = kind_of(subject)
    except MalformedInput as error:
        raise FieldError("request.subject", str(error)) from None
    if kind is None:
        raise FieldError("request.subject", f"{subject} is no object, licence, job or dispute")
    return kind


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


def _parts(text: str | None) -> dict[str, PartsMap]:
    value = {} if text is None else parse_json(text, MAX_LISTS_BYTES, "parts")
    if not isinstance(value, dict):
        raise FieldError("parts", "expected maps of parts by object")
    return {of: read(PartsMap, one, f"parts.{of}") for of, one in value.items()}


def _file_lists(text: str | None) -> dict[str, tuple[FileEntry, ...]]:
    value = {} if text is None else parse_json(text, MAX_LISTS_BYTES, "files")
    if not isinstance(value, dict):
        raise FieldError("files", "expected file lists by object")
    return {of: parse_file_list(items, f"files.{of}") for of, items in value.items()}
