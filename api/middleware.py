"""The outermost layer: what every answer bears, whichever part of the stack gave it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import TOO_LARGE, render

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# The page of fastapi-offline starts Swagger UI from an inline script.
DOCS = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A route that knows better says so.
    "Cache-Control": "no-store",
}


def _raw(policy: str) -> list[tuple[bytes, bytes]]:
    headers = {**_HEADERS, "Content-Security-Policy": policy}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_ON_DOCS, _ELSEWHERE = _raw(DOCS), _raw(NOTHING)


class Edge:
    """Adds what the answer does not bear already: what browsers may do with it, and whether it may be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope["path"], send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            # The framework raises once more what it has already answered with a problem and logged.
            if not answer.complete:
                raise


class _Answer:
    def __init__(self, path: str, send: Send) -> None:
        self._path = path
        self._send = send
        self._body: Callable[[Message], Message] = lambda message: message
        self.complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            # The framework's own limit of bodies knows no problems.
            if message["status"] == 413:
                self._replace(headers)
            self._add(headers.raw)
        elif message["type"] == "http.response.body":
            message = self._body(message)
            self.complete = not message.get("more_body", False)
        await self._send(message)

    def _replace(self, headers: MutableHeaders) -> None:
        _, media_type, body = render(TOO_LARGE, self._path)
        if headers.get("content-type") == media_type:
            return
        headers["content-type"], headers["content-length"] = media_type, str(len(body))
        self._body = lambda message: {"type": "http.response.body", "body": body}

    def _add(self, headers: list[tuple[bytes, bytes]]) -> None:
        borne = {name for name, _ in headers}
        ours = _ON_DOCS if self._path.startswith("/docs") else _ELSEWHERE
        headers += [pair for pair in ours if pair[0] not in borne]
