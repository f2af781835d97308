"""One service, one token: how requests go out, and what an answer that is none becomes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tallystick.client.problems import ServiceProblem, Unreachable, raise_problem

Told = Callable[[str, int, int], None]
"""What became of a block (``sent``, ``received``), its bytes, and the bytes of all of them."""


class Channel:
    """Speaks to one service with one token. Use as a context manager."""

    def __init__(self, base_url: str, token: str | None = None, timeout: float = 60.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.base_url = base_url
        self.has_token = bool(token)
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self._send(method, path, **options)
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ServiceProblem(
                answer.status_code, {"detail": f"{path} did not answer with JSON: {answer.text[:200]}"}
            )
        return found

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        raise_problem(answer)
        return answer

    def _unreachable(self, error: httpx.HTTPError) -> Unreachable:
        return Unreachable(
            f"no answer from {self.base_url}: {error or type(error).__name__}; is the service running there, and is "
            "this its address (--server, TALLYSTICK_SERVER)?"
        )

    def _download(
        self, method: str, path: str, destination: Path, told: Told = lambda stage, count, total: None, **options: Any
    ) -> tuple[httpx.Response, int]:
        """Write the answer to ``destination``, whole or not at all: the answer, and its bytes."""
        draft = destination.with_name(f".{destination.name}.part")
        try:
            with self._http.stream(method, path, **options) as answer:
                raise_problem(answer)
                size = _receive(answer, draft, told)
            draft.replace(destination)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        finally:
            draft.unlink(missing_ok=True)
        return answer, size


def _receive(answer: httpx.Response, draft: Path, told: Told) -> int:
    length = answer.headers.get("content-length", "")
    total, size = int(length) if length.isdigit() else 0, 0
    with draft.open("wb") as out:
        for block in answer.iter_bytes():
            size += out.write(block)
            told("received", len(block), total)
    return size
