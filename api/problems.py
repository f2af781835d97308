"""Problems: every error as ``application/problem+json`` (RFC 9457), with a stable code, a field and a hint."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api import concise
from api.services.errors import ServiceError
from ledger.errors import Conflict, DatabaseUnreachable, LogClosed, LogHalted, ObjectsUnreachable, OutcomeUnknown
from tallystick.admission import Refused
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import FieldError

MEDIA_TYPE = "application/problem+json"

# What the rules refuse: because of who asks, because of the state of things, or (all others) because of the content.
_FORBIDDEN = {
    "not-holder", "not-entitled", "no-party", "wrong-issuer", "unknown-signer", "bad-signature", "key-revoked",
    "key-not-in-force", "key-retired",
}  # fmt: skip
_CONFLICTING = {
    "already-registered", "already-used", "wrong-state", "capability-not-approved", "policy-too-old", "log-frozen",
    "no-consent",
}  # fmt: skip
_SERVICE = {
    "unauthenticated": 401, "forbidden": 403, "not-found": 404, "conflict": 409, "too-large": 413,
    "bad-algorithm": 400, "payload-missing": 400, "invalid-locator": 400, "no-such-key": 404, "unsupported-type": 415,
    "too-many-requests": 429, "elsewhere": 421,
}  # fmt: skip
_HTTP = {400: "malformed", 401: "unauthenticated", 403: "forbidden", 404: "not-found", 405: "method-not-allowed"}
_HTTP_HINTS = {
    404: "see /docs for what there is",
    405: "see /docs for the methods of each resource",
}

_log = logging.getLogger(__name__)


class Unreadable(HTTPException):
    """The body is not what a JSON body may be. FastAPI lets no other exception than this kind out of its parser."""

    def __init__(self, problem: str) -> None:
        super().__init__(400, problem)


@dataclass(frozen=True)
class Problem:
    """One problem. ``detail``: what was found; ``hint``: what to do."""

    status: int
    code: str
    detail: str
    field: str | None = None
    hint: str | None = None

    def body(self, instance: str | None = None) -> dict[str, Any]:
        """The members of the problem document; absent ones are left out."""
        members = {
            "type": f"urn:tallystick:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "field": self.field,
            "hint": self.hint,
            "instance": instance,
        }
        return {name: value for name, value in members.items() if value is not None}


TOO_LARGE = Problem(413, "too-large", "the body is larger than this resource takes", hint="send less at a time")


def problem_of(error: Exception) -> Problem:
    """The problem that an error is to a client. What is our own fault is logged and not told."""
    if isinstance(error, Refused):
        status = 403 if error.code in _FORBIDDEN else 409 if error.code in _CONFLICTING else 422
        return Problem(status, error.code, error.problem, error.field, error.hint)
    if isinstance(error, ServiceError):
        return Problem(_SERVICE.get(error.code, 503), error.code, error.problem, error.field, error.hint)
    if isinstance(error, FieldError):
        return Problem(422, "malformed", error.problem, error.field, "correct the field and submit again")
    if isinstance(error, MalformedInput):
        return Problem(422, "malformed", str(error), hint="correct the request and submit again")
    if isinstance(error, VerificationFailed):
        return Problem(422, "bad-disclosure", str(error), "disclosures", "give the disclosures that were hashed")
    if isinstance(error, Conflict):
        hint = "repeat that event exactly, or choose a new event id"
        return Problem(409, "conflict", str(error).partition("; ")[0], "event_id", hint)
    if isinstance(error, LogHalted):
        hint = "nothing was recorded; wait until the operator has decided, and submit the same again"
        return Problem(503, "halted", str(error), hint=hint)
    if isinstance(error, OutcomeUnknown | LogClosed | DatabaseUnreachable | ObjectsUnreachable):
        _log.error("unavailable: %s", error)
        return Problem(503, "unavailable", "the log could not take it just now", hint="submit the same again")
    _log.error("internal error", exc_info=error)
    return Problem(500, "internal", "something went wrong in the service", hint="try again; the operator has a log")


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` with a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    expected = (ServiceError, MalformedInput, VerificationFailed, Conflict, OutcomeUnknown, LogClosed, LogHalted)
    for kind in (*expected, DatabaseUnreachable, ObjectsUnreachable, Exception):
        app.add_exception_handler(kind, _any)


def render(problem: Problem, path: str) -> tuple[int, str, bytes]:
    """Status, media type and body, in the language that the resource at ``path`` speaks."""
    if concise.speaks_cbor(path):
        body = concise.encode(problem.code, problem.detail, problem.field, problem.hint)
        return concise.status_of(problem.status), concise.MEDIA_TYPE, body
    text = json.dumps(problem.body(path), ensure_ascii=False, separators=(",", ":"))
    return problem.status, MEDIA_TYPE, text.encode("utf-8", "backslashreplace")


def respond(problem: Problem, request: Request, headers: dict[str, str] | None = None) -> Response:
    """The answer. Never cached."""
    extra = {"Cache-Control": "no-store", **(headers or {})}
    if problem.status == 401:
        extra["WWW-Authenticate"] = 'Bearer realm="tallystick"'
    if problem.status in (429, 503):
        extra["Retry-After"] = "1"
    status, media_type, body = render(problem, request.url.path)
    return Response(body, status, extra, media_type)


async def _any(request: Request, error: Exception) -> Response:
    return respond(problem_of(error), request)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status == 413:
        return respond(TOO_LARGE, request)
    code = _HTTP.get(status, "unavailable" if status >= 500 else "malformed")
    detail = error.detail if isinstance(error, Unreadable) else f"{request.method} {request.url.path}: {error.detail}"
    return respond(Problem(status, code, detail, hint=_HTTP_HINTS.get(status)), request, dict(error.headers or {}))


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place, *path = first["loc"]
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    where = "body" if place == "body" and not field else field
    hint = f"correct the {place} and submit again; /docs shows what is expected"
    if place == "body" and not field and "json" not in request.headers.get("content-type", ""):
        hint = "send JSON, and say so: Content-Type: application/json"
    return respond(Problem(422, "malformed", f"{first['msg']}", where or None, hint), request)
