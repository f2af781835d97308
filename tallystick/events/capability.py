"""Capabilities: a model version is described, signed, tested, graded, approved, suspended, revoked."""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.digests import DigestPair
from tallystick.schema import COUNT, HEX32, TIME, WORD, base64_bytes, items, matching, record, text


@record
class Weights:
    """What identifies the model's weights."""

    sha256: Annotated[str, HEX32]
    sm3: Annotated[str, HEX32]
    size: Annotated[int, COUNT]


@record
class CapabilityFiling:
    """A capability version. ``model_signature``: base64 of the provider's signature (``tallystick.modelsig``)."""

    name: Annotated[str, text(120)]
    version: Annotated[str, text(80)]
    generative: bool
    consumes: Annotated[tuple[Annotated[str, WORD], ...], items(16, 1)]
    produces: Annotated[tuple[Annotated[str, WORD], ...], items(16, 1)]
    weights: Weights
    model_signature: Annotated[str, base64_bytes(4096)]


@record
class CapabilityTest:
    """A test result. ``suite`` and ``report`` are digests of documents kept by the tester."""

    suite: DigestPair
    report: DigestPair
    result: Literal["pass", "fail"]
    score: Annotated[str, matching(r"[0-9]{1,6}(\.[0-9]{1,6})?", "a decimal number")] | None = None


@record
class CapabilityGrade:
    """The registrar's grade under a named scheme."""

    grade: Literal["A", "B", "C", "D"]
    scheme: Annotated[str, text(80)]


@record
class CapabilityDecision:
    """The registrar approves, suspends, reinstates or revokes. In force from its position in the log."""

    grounds: Literal["requirements-met", "test-failed", "security", "law", "request", "expiry", "error"]
    effective: Annotated[str, TIME] | None = None
