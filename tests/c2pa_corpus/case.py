"""One file of the corpus: its bytes, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.c2pa_corpus.forge import PNG, Recipe, bare

SUFFIXES = {
    PNG: "png",
    "image/jpeg": "jpg",
    "audio/wav": "wav",
    "image/webp": "webp",
    "application/octet-stream": "bin",
}


@dataclass(frozen=True)
class Case:
    """`code`: with which it is refused ("malformed" for MalformedInput), or None. `sidecar`: the store beside it."""

    name: str
    data: bytes
    code: str | None
    media_type: str = PNG
    sidecar: bytes | None = None

    @property
    def file(self) -> str:
        return f"{self.name}.{SUFFIXES[self.media_type]}"


def bad(name: str, code: str, recipe: Recipe | None = None, **changes: Any) -> Case:
    """A PNG that is wrong in one way."""
    return Case(name, bare(recipe, **changes), code)
