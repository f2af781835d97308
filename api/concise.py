"""Concise problem details (RFC 9290): how errors are told where the SCITT APIs are spoken."""

from __future__ import annotations

from tallystick import cose

MEDIA_TYPE = "application/concise-problem-details+cbor"

_PATHS = ("/entries", "/.well-known/scitt-keys")
_TITLE, _DETAIL = -1, -2
_OURS = "urn:tallystick:problem"
"""Key of our own members (RFC 9290 §3.2)."""

# draft-ietf-scitt-scrapi names these titles; what the rules refuse is all "Rejected", with status 400.
_TITLES = {
    "bad-algorithm": "Bad Signature Algorithm",
    "forbidden": "Rejected",
    "halted": "Service Unavailable",
    "internal": "Internal Error",
    "invalid-locator": "Invalid locator",
    "malformed": "Malformed request",
    "method-not-allowed": "Method Not Allowed",
    "not-found": "Not Found",
    "no-such-key": "No such key",
    "payload-missing": "Payload Missing",
    "too-large": "Content Too Large",
    "too-many-requests": "Too Many Requests",
    "unauthenticated": "Unauthorized",
    "unavailable": "Service Unavailable",
    "unsupported-type": "Unsupported Media Type",
}
_REJECTED = frozenset({403, 409, 422})


def speaks_cbor(path: str) -> bool:
    """Whether errors of this resource are concise problem details."""
    return any(path == one or path.startswith(f"{one}/") for one in _PATHS)


def status_of(status: int) -> int:
    """The status for one that our JSON resources would give."""
    return 400 if status in _REJECTED else status


def encode(code: str, detail: str, field: str | None, hint: str | None) -> bytes:
    """The problem in CBOR. Its code, field and hint stand under a key of ours, for programs."""
    members = {"code": code, "field": field, "hint": hint}
    ours = {name: _utf8(text) for name, text in members.items() if text is not None}
    detail = detail if hint is None else f"{detail}; {hint}"
    return cose.dump({_TITLE: _TITLES.get(code, "Rejected"), _DETAIL: _utf8(detail), _OURS: ours})


def _utf8(text: str) -> str:
    """What is quoted may hold a lone surrogate, for which there is no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
