"""Jobs: a node of a workflow graph, inputs → capability → outputs. Prompts and parameters are private commitments."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.digests import DigestPair
from tallystick.identifiers import Letter
from tallystick.schema import WORD, identifier, items, record

PARAMETERS = "parameters"
"""Name of the private commitment that every job must carry."""


@record
class Input:
    """An object that a job reads, and as what."""

    object: Annotated[str, identifier(Letter.OBJECT)]
    role: Annotated[str, WORD]


@record
class JobRegistration:
    """A job is admitted. ``environment``: digest pair of the environment's description (image, drivers, libraries)."""

    capability: Annotated[str, identifier(Letter.CAPABILITY)]
    inputs: Annotated[tuple[Input, ...], items(256)]
    environment: DigestPair
    workflow: Annotated[str, identifier(Letter.WORKFLOW)] | None = None


@record
class JobCompletion:
    """A job ends; its outputs are registered objects that name it."""

    result: Literal["done", "failed"]
    outputs: Annotated[tuple[Annotated[str, identifier(Letter.OBJECT)], ...], items(256)]
