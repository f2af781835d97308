"""How much of what is registered is bound and complete: the minimum traceability set, counted from entries alone.

Written apart from the admission rules, and reads entries leniently: an object that
stands in the log in spite of the rules must be seen, not skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from ledger.store import Reads
from tallystick import cose, layout
from tallystick.errors import MalformedInput
from tallystick.modelsig import fingerprint
from tallystick.statement import MAX_ENTRY_BYTES

_HEX32 = re.compile("[0-9a-f]{64}")
_CHUNK = 1000


@dataclass(frozen=True)
class Incomplete:
    """An object whose traceability set has gaps."""

    position: int
    subject: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Completeness:
    """``complete`` of ``objects`` have the whole set; the others are listed."""

    objects: int
    complete: int
    incomplete: tuple[Incomplete, ...]

    def __str__(self) -> str:
        return f"{self.complete} of {self.objects} objects are bound and complete"


def completeness(reads: Reads) -> Completeness:
    """The figure of a whole log."""
    census = Census()
    for first in range(0, reads.size(), _CHUNK):
        for offset, entry in enumerate(reads.entries(first, first + _CHUNK)):
            census.take(first + offset, entry)
    return census.figure()


class Census:
    """Takes entries in log order."""

    def __init__(self) -> None:
        self._subjects: set[str] = set()
        self._jobs: dict[str, dict[str, Any]] = {}
        self._capabilities: dict[str, tuple[Any, str | None]] = {}
        self._objects = 0
        self._incomplete: list[Incomplete] = []

    def take(self, position: int, entry: bytes) -> None:
        """Count one entry."""
        event = _lenient(entry)
        kind, subject, body = str(event.get("type")), str(event.get("subject")), _dict(event, "body")
        if kind == "object.register":
            self._objects += 1
            missing = tuple(self._missing(body))
            if missing:
                self._incomplete.append(Incomplete(position, subject, missing))
        elif kind == "job.register":
            parameters = _dict(event, "private").get("parameters")
            self._jobs[subject] = {
                "capability": body.get("capability"),
                "parameters": parameters,
                "environment": body.get("environment"),
            }
        elif kind == "capability.file":
            self._capabilities[subject] = (body.get("version"), _fingerprint(body.get("model_signature")))
        self._subjects.add(subject)

    def figure(self) -> Completeness:
        """What was counted so far."""
        return Completeness(self._objects, self._objects - len(self._incomplete), tuple(self._incomplete))

    def _missing(self, body: dict[str, Any]) -> Iterator[str]:
        content = _dict(body, "content")
        digests = ("root",) if content.get("form") == "folder" else ("sha256", "sm3")
        if not all(_is_digest(content.get(name)) for name in digests):
            yield "content digests"
        if not self._is_authorised(body.get("basis")):
            yield "authorisation chain"
        if body.get("origin") == "generated":
            yield from self._missing_generation(_dict(body, "generation"))

    def _is_authorised(self, basis: Any) -> bool:
        """Each link is a declaration or an earlier subject."""
        if not isinstance(basis, list) or not basis:
            return False
        links = [link if isinstance(link, dict) else {} for link in basis]
        return all(bool(link.get("declaration")) or link.get("subject") in self._subjects for link in links)

    def _missing_generation(self, generation: dict[str, Any]) -> Iterator[str]:
        job = self._jobs.get(str(generation.get("job")))
        if job is None:
            yield "job"
        capability = generation.get("capability")
        version, signature = self._capabilities.get(str(capability), (None, None))
        known = job or {}
        if version is None or generation.get("version") != version or known.get("capability") != capability:
            yield "capability version"
        if signature is None or generation.get("model_signature") != signature:
            yield "model signature"
        for name, what in (("parameters", "parameter commitment"), ("environment", "environment digest")):
            said = _dict(generation, name)
            if said != known.get(name) or not all(_is_digest(said.get(part)) for part in ("sha256", "sm3")):
                yield what


def _lenient(entry: bytes) -> dict[str, Any]:
    """The event in an entry, unchecked; empty when there is none."""
    try:
        parts = layout.read(entry)
        payload = parts.payload if parts else cose.parse_sign1(entry, MAX_ENTRY_BYTES).payload
        event = orjson.loads(payload or b"")
    except (MalformedInput, orjson.JSONDecodeError):
        return {}
    return event if isinstance(event, dict) else {}


def _dict(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and bool(_HEX32.fullmatch(value))


def _fingerprint(signature: Any) -> str | None:
    try:
        return fingerprint(signature) if isinstance(signature, str) else None
    except MalformedInput:
        return None
