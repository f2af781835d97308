"""RO-Crate 1.2 metadata of a case: derived from its index and member names alone, so that it can say nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from tallystick import canonical

DESCRIPTOR = "data/ro-crate-metadata.json"

_FORMATS = {".json": "application/json", ".cose": "application/cose"}


def crate_of(kind: str, subject: str, exported_at: str, names: Iterable[str]) -> bytes:
    """Canonical ``ro-crate-metadata.json`` for the payload members ``names`` (each begins with ``data/``)."""
    files = sorted(_reference(name) for name in names if name != DESCRIPTOR)
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.2"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "datePublished": exported_at,
            "description": "Entries of a transparency log with the proofs that a verifier needs offline.",
            "hasPart": [{"@id": file} for file in files],
            "license": {"@id": "#use"},
            "name": f"Evidence about {kind} {subject}",
        },
        {
            "@id": "#use",
            "@type": "CreativeWork",
            "name": "Use as evidence",
            "description": "This bundle licenses nothing: rights in the originals stay with their holders.",
        },
        *(_file(file) for file in files),
    ]
    return canonical.encode({"@context": "https://w3id.org/ro/crate/1.2/context", "@graph": graph})


def _reference(name: str) -> str:
    """A member name as a URI reference relative to the crate's root (RFC 3986 §2.1)."""
    return quote(name.removeprefix("data/"))


def _file(reference: str) -> dict[str, str]:
    found = {"@id": reference, "@type": "File"}
    suffix = "" if reference.startswith("originals/") else reference[reference.rfind(".") :]
    if suffix in _FORMATS:
        found["encodingFormat"] = _FORMATS[suffix]
    return found
