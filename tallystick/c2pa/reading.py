"""Reading a file's Content Credential: our own walk of container and manifest, c2pa-python for the file's hashes.

The manifest store that our walk found is the one that c2pa-python is given to validate, so both look at the same
bytes. Nothing is fetched, and no certificate is judged by the wall clock here: that is `tallystick.c2pa.verdict`.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

from tallystick.c2pa.chain import SIGNING_PURPOSES
from tallystick.c2pa.claim import ActiveManifest, Assertion
from tallystick.c2pa.containers import BMFF_C2PA, EMBEDDED, Container, locate
from tallystick.c2pa.jumbf import parse_store
from tallystick.c2pa.refusal import CredentialRefused, NoCredential
from tallystick.c2pa.updates import BMFF_HASHES, binding_of, read_manifests
from tallystick.canonical import check_nesting
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

MAX_ASSET = 1 << 40
"""Bytes of the largest file that is read; it is streamed, never held."""
MAX_ENGINE_REPORT = 64 * 1024 * 1024

# The mandatory exclusions of annex A.5, and the free space that c2pa-python's writer leaves out too.
_BMFF_FREE = ("/ftyp", "/mfra", "/free", "/skip")

STRICT_SETTINGS: dict[str, Any] = {
    "version": 1,
    "core": {"allowed_network_hosts": [], "backing_store_memory_threshold_in_mb": 64},
    "verify": {
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
        "verify_trust": True,
        "verify_timestamp_trust": True,
        "verify_after_sign": False,
    },
    "builder": {"thumbnail": {"enabled": False}},
    # No anchors: c2pa-python must trust nobody. The list only says which purposes it accepts as a signer's.
    "trust": {"trust_config": "\n".join(sorted(oid.dotted_string for oid in SIGNING_PURPOSES)) + "\n"},
}
"""Settings of every c2pa Context of ours: no network, no thumbnails, no trust."""


@dataclass(frozen=True, slots=True)
class Status:
    """One line of c2pa-python's validation: the specification's code, the box it concerns, its words."""

    code: str
    url: str
    explanation: str


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What c2pa-python found on hashes and signatures. Its opinion on trust and time is not used."""

    state: str
    success: tuple[Status, ...]
    informational: tuple[Status, ...]
    failure: tuple[Status, ...]
    ingredient_failure: tuple[Status, ...]
    signed_at: str | None
    """Time of a timestamp that it could read, as text; it rests on no authority that the caller named."""


@dataclass(frozen=True, slots=True)
class C2paReading:
    """The facts of one file's active manifest, and of those that it updates. Nothing is trusted before `judge`.

    manifests: the active one first; the last one binds the file's bytes, and is the only one where nothing was updated.
    """

    media_type: str
    size: int
    container: Container
    embedded: bool
    manifests: tuple[ActiveManifest, ...]
    engine: EngineReport

    @property
    def manifest(self) -> ActiveManifest:
        """The manifest that binds the file: what was said when it was signed, whatever was added since."""
        return self.manifests[-1]


def read(source: bytes | Path, media_type: str, sidecar: bytes | None = None) -> C2paReading:
    """Read the Content Credential of a file, or of a file and its sidecar manifest store.

    Raises MalformedInput on bytes that have not the form of `media_type`, NoCredential where there is none, and
    CredentialRefused where the claim's signature or an assertion's hash does not hold.
    """
    with opened(source) as (stream, size):
        container = _container(stream, size, media_type, sidecar)
        if container.store is None:
            raise NoCredential(media_type)
        manifests = read_manifests(parse_store(container.store))
        _require_json(manifests)
        _require_tight_exclusions(binding_of(manifests[-1]), container)
        report = _engine_report(stream, media_type, container.store, manifests[0].label)
    return C2paReading(media_type, size, container, sidecar is None, manifests, report)


def _container(stream: BinaryIO, size: int, media_type: str, sidecar: bytes | None) -> Container:
    """The store of a file is its own or stands beside it: with both, one reader judges the one, another the other."""
    if sidecar is None:
        return locate(stream, size, media_type)
    if media_type not in EMBEDDED:
        return Container(sidecar, (0, 0))
    found = locate(stream, size, media_type)
    if found.store is not None:
        raise CredentialRefused("claim.ambiguous", "the file has a manifest store of its own besides the sidecar")
    return Container(sidecar, (0, 0), found.leading, found.trailing, loose=found.loose, brands=found.brands)


def _require_json(manifests: tuple[ActiveManifest, ...]) -> None:
    """What is said to be JSON is (RFC 8259). c2pa-python leaves out a manifest where it is not."""
    for assertion in (one for manifest in manifests for one in manifest.assertions if one.kind == "json"):
        try:
            # However far the process lets Python recurse, and whatever else it has loaded.
            check_nesting(assertion.content)
            json.loads(assertion.content.decode("utf-8"))
        except ValueError as error:
            raise MalformedInput(f"assertion {assertion.label} is no JSON: {error}") from None


@contextmanager
def opened(source: bytes | Path) -> Iterator[tuple[BinaryIO, int]]:
    """A stream over `source` and its size in bytes, which is capped."""
    if isinstance(source, bytes):
        yield io.BytesIO(source), len(source)
        return
    with source.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > MAX_ASSET:
            raise MalformedInput(f"file of {size} bytes is over the limit of {MAX_ASSET}")
        yield stream, size


def _require_tight_exclusions(binding: Assertion, container: Container) -> None:
    """A hard binding may leave out the embedded store and free space: what it leaves out, anybody can change."""
    value = binding.value()
    excluded = value.get("exclusions", []) if isinstance(value, dict) else None
    if not isinstance(excluded, list) or not all(isinstance(item, dict) for item in excluded):
        raise MalformedInput(f"assertion {binding.label} is not a map with a list of exclusions")
    end = 0
    for item in excluded:
        if binding.name in BMFF_HASHES:
            _require_free_box(item)
        else:
            end = _require_inside_store(item, container, end)


def _require_inside_store(item: dict[str, Any], container: Container, before: int) -> int:
    """Where the exclusion ends; `before`: where the one before it did."""
    start, length, span = item.get("start"), item.get("length"), container.span
    if not _is_count(start) or not _is_count(length):
        raise MalformedInput("an exclusion of the data hash has no start and length")
    if start < before:
        raise CredentialRefused("assertion.dataHash.malformed", "the exclusions overlap, or are not in their order")
    if (start, start + length) in container.lengths and not container.trailing:
        return start + length
    if length and not span[0] <= start <= start + length <= span[1]:
        detail = f"bytes {start} to {start + length} are not hashed, but the store is at {span[0]} to {span[1]}"
        raise CredentialRefused("binding.exclusion", detail)
    return int(start + length)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _require_free_box(item: dict[str, Any]) -> None:
    xpath = item.get("xpath")
    if xpath == "/uuid" and item.get("data") == [{"offset": 8, "value": BMFF_C2PA}]:
        return
    if xpath not in _BMFF_FREE:
        raise CredentialRefused("binding.exclusion", f"the BMFF hash leaves out boxes {xpath!r}")


_context: tuple[int, Any] | None = None


def strict_context() -> Any:
    """The c2pa Context of this process, built once (one inherited through a fork is invalid)."""
    import c2pa  # 40 ms and 23 MB of native code: only who reads a credential pays

    global _context
    if _context is None or _context[0] != os.getpid():
        _context = (os.getpid(), c2pa.Context.from_dict(STRICT_SETTINGS))
    return _context[1]


def _engine_report(stream: BinaryIO, media_type: str, store: bytes, label: str) -> EngineReport:
    import c2pa

    stream.seek(0)
    known = media_type if media_type in EMBEDDED else "application/octet-stream"
    try:
        with c2pa.Reader(known, stream, store, context=strict_context()) as reader:
            text = reader.json()
    except c2pa.C2paError as error:
        raise MalformedInput(f"c2pa-python cannot read the credential: {error}") from None
    if len(text) > MAX_ENGINE_REPORT:
        raise MalformedInput("c2pa-python's report is over its limit")
    try:
        report = json.loads(text)
        if report.get("active_manifest") != label:
            raise CredentialRefused("claim.ambiguous", "two readers see two different active manifests")
        return _parse_report(report, label)
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError):
        # It leaves out what it cannot show: a manifest with an assertion of no JSON, for one.
        raise CredentialRefused("engine.unknown", "c2pa-python's report has not the form that is known") from None


def _parse_report(report: dict[str, Any], label: str) -> EngineReport:
    """Fail closed: a section that this version does not know could hold a failure."""
    results = report.get("validation_results", {})
    unknown = set(results) - {"activeManifest", "ingredientDeltas", "specVersion"}
    if unknown or "activeManifest" not in results:
        raise CredentialRefused("engine.unknown", f"c2pa-python reports {sorted(unknown) or 'no validation'}")
    active = results["activeManifest"]
    deltas = [delta.get("validationDeltas", {}) for delta in results.get("ingredientDeltas") or []]
    return EngineReport(
        state=str(report.get("validation_state")),
        success=_statuses(active, "success"),
        informational=_statuses(active, "informational"),
        failure=_statuses(active, "failure"),
        ingredient_failure=tuple(status for delta in deltas for status in _statuses(delta, "failure")),
        signed_at=report["manifests"][label].get("signature_info", {}).get("time"),
    )


def _statuses(section: dict[str, Any], name: str) -> tuple[Status, ...]:
    return tuple(
        Status(str(line["code"]), str(line.get("url", "")), str(line.get("explanation", ""))) for line in section[name]
    )
