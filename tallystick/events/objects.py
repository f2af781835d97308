"""Objects: the identity of an asset with its minimum traceability set."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from tallystick.content import Content, FileContent, read_content
from tallystick.digests import DigestPair
from tallystick.identifiers import Letter
from tallystick.schema import HEX32, Rule, identifier, is_good, items, record, text

CONTENT = Rule("a digest record", lambda value: read_content(value, ""), partial(is_good, FileContent))


@record
class Basis:
    """A link of the authorisation chain: a declared basis, or the subject of an earlier event.

    ``declared``: ``declaration`` says on what the holder rests; details are private commitments.
    ``object``, ``licence`` and ``job``: ``subject`` names it.
    """

    kind: Literal["declared", "object", "licence", "job"]
    declaration: Literal["own-work", "work-for-hire", "commission", "assignment", "public-domain", "statute"] | None = (
        None
    )
    subject: Annotated[str, identifier()] | None = None


@record
class Generation:
    """How a generated object came about; equal to what its job and capability say, checked at admission."""

    job: Annotated[str, identifier(Letter.JOB)]
    capability: Annotated[str, identifier(Letter.CAPABILITY)]
    version: Annotated[str, text(80)]
    model_signature: Annotated[str, HEX32]
    parameters: DigestPair
    environment: DigestPair


@record
class ObjectRegistration:
    """An object enters. ``content`` is a digest record of ``tallystick.content``; the holder is who says it."""

    kind: Literal["image", "model-3d", "material", "video", "audio", "text", "data", "composite"]
    origin: Literal["captured", "authored", "generated", "composed"]
    content: Annotated[Any, CONTENT]
    basis: Annotated[tuple[Basis, ...], items(16, 1)]
    generation: Generation | None = None
    media_type: Annotated[str, text(120)] | None = None

    @property
    def digest_record(self) -> Content:
        """The typed digest record."""
        return read_content(self.content)

    @property
    def digest(self) -> str:
        """What custody follows (hex): of a file its SHA-256, of a folder the root of its file list."""
        content = self.digest_record
        return content.sha256 if isinstance(content, FileContent) else content.root
