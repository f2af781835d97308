"""How much of what is registered is bound and complete: the minimum traceability set, counted from entries alone.

Written apart from the admission rules, and reads entries leniently: an object that
stands in the log in spite of the rules must be seen, not skipped.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
import orjson

from ledger.store import Reads, Record, Search
from ledger.store.protocol import MAX_SEARCH
from tallystick import cose, layout
from tallystick.canonical import MAX_DEPTH
from tallystick.errors import MalformedInput
from tallystick.identifiers import has_form
from tallystick.lazy_dataclass import dataclass
from tallystick.modelsig import fingerprint
from tallystick.statement import MAX_ENTRY_BYTES

LISTED = 1000
"""Incomplete objects that are named, the first of them: what is counted has no bound, what is held in memory has."""
REMEMBERED = 10_000
"""Subjects, jobs and capabilities that are held in memory; the others are looked up in the store."""

_HEX32 = re.compile("[0-9a-f]{64}")
_CHUNK = 1000

T = TypeVar("T")


@dataclass(frozen=True)
class Incomplete:
    """An object whose traceability set has gaps."""

    position: int
    subject: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Completeness:
    """``complete`` of ``objects`` have the whole set; of the others the first ``LISTED`` are listed."""

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
            census.take(first + offset, entry, reads)
    return census.figure()


class Census:
    """Takes entries in log order. Its memory does not grow with the log."""

    def __init__(self) -> None:
        self._subjects = _Recent[bool]()
        self._jobs = _Recent[dict[str, Any]]()
        self._capabilities = _Recent[tuple[Any, str | None]]()
        self._objects = 0
        self._gaps = 0
        self._incomplete: list[Incomplete] = []

    def take(self, position: int, entry: bytes, reads: Reads) -> None:
        """Count one entry. ``reads``: where those before it stand."""
        payload = _payload(entry)
        sound = _resting_on_itself(payload)
        if sound is not None:
            self._objects += 1
            self._subjects.keep(sound, True)
            return
        event = _lenient(payload)
        kind, subject, body = str(event.get("type")), str(event.get("subject")), _dict(event, "body")
        if kind == "object.register":
            self._objects += 1
            if missing := tuple(self._missing(body, _Before(reads, position))):
                self._gaps += 1
                if len(self._incomplete) < LISTED:
                    self._incomplete.append(Incomplete(position, subject, missing))
        elif kind == "job.register":
            self._jobs.keep(subject, _job(event))
        elif kind == "capability.file":
            self._capabilities.keep(subject, _capability(event))
        self._subjects.keep(subject, True)

    def figure(self) -> Completeness:
        """What was counted so far."""
        return Completeness(self._objects, self._objects - self._gaps, tuple(self._incomplete))

    def _missing(self, body: dict[str, Any], before: _Before) -> Iterator[str]:
        content = _dict(body, "content")
        digests = ("root",) if content.get("form") == "folder" else ("sha256", "sm3")
        if not all(_is_digest(content.get(name)) for name in digests):
            yield "content digests"
        if not self._is_authorised(body.get("basis"), before):
            yield "authorisation chain"
        if body.get("origin") == "generated":
            yield from self._missing_generation(_dict(body, "generation"), before)

    def _is_authorised(self, basis: Any, before: _Before) -> bool:
        """Each link is a declaration or an earlier subject."""
        if not isinstance(basis, list) or not basis:
            return False
        links = [link if isinstance(link, dict) else {} for link in basis]
        return all(bool(link.get("declaration")) or self._is_known(link.get("subject"), before) for link in links)

    def _is_known(self, subject: Any, before: _Before) -> bool:
        if not isinstance(subject, str) or not has_form(subject):
            return False
        return bool(self._subjects.find(subject, lambda: before.has(subject) or None))

    def _missing_generation(self, generation: dict[str, Any], before: _Before) -> Iterator[str]:
        job_id, capability = str(generation.get("job")), generation.get("capability")
        job = self._jobs.find(job_id, lambda: before.last("job.register", job_id, _job))
        if job is None:
            yield "job"
        version, signature = self._capabilities.find(
            str(capability), lambda: before.last("capability.file", str(capability), _capability)
        ) or (None, None)
        known = job or {}
        if version is None or generation.get("version") != version or known.get("capability") != capability:
            yield "capability version"
        if signature is None or generation.get("model_signature") != signature:
            yield "model signature"
        for name, what in (("parameters", "parameter commitment"), ("environment", "environment digest")):
            said = _dict(generation, name)
            if said != known.get(name) or not all(_is_digest(said.get(part)) for part in ("sha256", "sm3")):
                yield what


class _Link(msgspec.Struct, gc=False):
    declaration: Any = None


class _File(msgspec.Struct, gc=False):
    sha256: str
    sm3: str
    form: Any = None


class _Body(msgspec.Struct, gc=False):
    content: _File
    basis: list[_Link]
    origin: Any = None


class _Object(msgspec.Struct, gc=False):
    """What is looked at of an object's event; all else in it is skipped."""

    type: Literal["object.register"]
    subject: str
    body: _Body


_object = msgspec.json.Decoder(_Object).decode
_DECLARATION = attrgetter("declaration")


def _resting_on_itself(payload: bytes) -> str | None:
    """The subject of an event that registers a file which was not generated and whose basis is declared.

    Most are such, and nothing else need be looked for. ``None``: of any other, or what is read here in no other way.
    """
    # Text that needs reading for itself is left to the reader that looks at all of it; so is what nests without end.
    if b"\\" in payload or not payload.isascii() or payload.count(b"{") + payload.count(b"[") > MAX_DEPTH:
        return None
    try:
        event = _object(payload)
    except msgspec.DecodeError:
        return None
    content, basis = event.body.content, event.body.basis
    sound = (
        content.form != "folder"
        and event.body.origin != "generated"
        and _is_digest(content.sha256)
        and _is_digest(content.sm3)
        and bool(basis)
        and all(map(_DECLARATION, basis))
    )
    return event.subject if sound else None


class _Recent(OrderedDict[str, T]):
    """The ``REMEMBERED`` values that were kept or found last."""

    def keep(self, key: str, value: T) -> None:
        self[key] = value
        if len(self) > REMEMBERED:
            self.popitem(last=False)

    def find(self, key: str, look_up: Callable[[], T | None]) -> T | None:
        if key in self:
            self.move_to_end(key)
            return self[key]
        found = look_up()
        if found is not None:
            self.keep(key, found)
        return found


class _Before(NamedTuple):
    """The entries before ``position``."""

    reads: Reads
    position: int

    def has(self, subject: str) -> bool:
        """Whether one of them is about ``subject``: nearly always the first that names it."""
        return any(True for _ in self._about(subject, None, 1))

    def last(self, kind: str, subject: str, read: Callable[[dict[str, Any]], T]) -> T | None:
        """What ``read`` makes of the last of them of this type about ``subject``."""
        found = list(self._about(subject, kind, MAX_SEARCH))[-1:]
        return read(_lenient(_payload(found[0].entry))) if found else None

    def _about(self, subject: str, kind: str | None, limit: int) -> Iterator[Record]:
        after = -1
        while page := self.reads.search(Search(subject=subject, type=kind, after=after, limit=limit)):
            for record in page:
                if record.position >= self.position:
                    return
                if record.subject == subject:
                    yield record
            after, limit = page[-1].position, MAX_SEARCH


def _job(event: dict[str, Any]) -> dict[str, Any]:
    """What outputs must repeat of their job."""
    body = _dict(event, "body")
    return {
        "capability": body.get("capability"),
        "parameters": _dict(event, "private").get("parameters"),
        "environment": body.get("environment"),
    }


def _capability(event: dict[str, Any]) -> tuple[Any, str | None]:
    """Version and model signature."""
    body = _dict(event, "body")
    return body.get("version"), _fingerprint(body.get("model_signature"))


def _payload(entry: bytes) -> bytes:
    """Of an entry, unchecked; empty when there is none."""
    try:
        return layout.payload(entry) or cose.parse_sign1(entry, MAX_ENTRY_BYTES).payload or b""
    except MalformedInput:
        return b""


def _lenient(payload: bytes) -> dict[str, Any]:
    """The event in a payload, unchecked; empty when there is none."""
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
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
