"""What a service answers that is no answer: problems as errors that carry code, field and hint."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from tallystick import cose
from tallystick.errors import MalformedInput, TallystickError

PROBLEM, CONCISE = "application/problem+json", "application/concise-problem-details+cbor"


class ServiceProblem(TallystickError):
    """The service refused. ``code`` is stable; ``field`` and ``hint`` say where and what to do."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail") or problem.get("title") or "")
        self.field = problem.get("field")
        self.hint = problem.get("hint")
        where = f" [{self.field}]" if self.field else ""
        super().__init__(f"{self.code}{where}: {self.detail}" + (f" ({self.hint})" if self.hint else ""))


class Unreachable(TallystickError):
    """No answer from the service."""


def raise_problem(answer: httpx.Response) -> None:
    """Raise ``ServiceProblem`` unless the service did what was asked."""
    if answer.is_success:
        return
    answer.read()
    problem: Any = None
    if answer.headers.get("content-type", "").startswith(PROBLEM):
        with suppress(ValueError):
            problem = answer.json()
    elif answer.headers.get("content-type") == CONCISE:
        problem = _concise(answer.content)
    if not isinstance(problem, dict):
        problem = {"detail": f"{answer.status_code} {answer.reason_phrase}: {answer.text[:200]}"}
    raise ServiceProblem(answer.status_code, problem)


def _concise(data: bytes) -> dict[str, Any] | None:
    """RFC 9290, as the service writes it: title, detail, and our own members."""
    try:
        found = cose.load(data, 1 << 16)
    except MalformedInput:
        return None
    if not isinstance(found, dict):
        return None
    ours = found.get("urn:tallystick:problem")
    members = ours if isinstance(ours, dict) else {}
    # The detail ends in the hint already.
    return {
        "title": found.get(-1),
        "detail": found.get(-2),
        "code": members.get("code", "unknown"),
        "field": members.get("field"),
    }
