"""Why a service refuses, apart from the admission rules: a stable code, and what to do next."""

from __future__ import annotations

from typing import Literal, TypeAlias

from tallystick.errors import TallystickError

Code: TypeAlias = Literal[
    "unauthenticated", "forbidden", "not-found", "conflict", "too-large", "unavailable", "bad-algorithm",
    "payload-missing", "invalid-locator", "no-such-key", "unsupported-type", "too-many-requests",
    "elsewhere",
]  # fmt: skip


class ServiceError(TallystickError):
    """``field``: the part of the request at fault, where there is one."""

    def __init__(self, code: Code, problem: str, hint: str, field: str | None = None) -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem
        self.hint = hint
        self.field = field


class Forbidden(ServiceError):
    """The token is good, but not for this."""

    def __init__(self, problem: str, hint: str, field: str | None = None) -> None:
        super().__init__("forbidden", problem, hint, field)


class NotFound(ServiceError):
    """There is nothing of this name."""

    def __init__(self, problem: str, hint: str, field: str | None = None) -> None:
        super().__init__("not-found", problem, hint, field)


class TooLarge(ServiceError):
    """More than is taken, or given, at a time."""

    def __init__(self, problem: str, hint: str, field: str | None = None) -> None:
        super().__init__("too-large", problem, hint, field)


class Unavailable(ServiceError):
    """Not now; later, perhaps."""

    def __init__(self, problem: str, hint: str = "try again a little later") -> None:
        super().__init__("unavailable", problem, hint)


class Elsewhere(ServiceError):
    """Another of the services that share the log keeps this."""

    def __init__(self) -> None:
        super().__init__(
            "elsewhere",
            "this service records and reads; anchors, credential files and evidence are kept by another one",
            "ask the service of this log that runs with the role full",
        )


class TooMany(ServiceError):
    """Too fast, from one client or from all of them."""

    def __init__(
        self, problem: str, hint: str = "wait as long as Retry-After says, then submit the same again"
    ) -> None:
        super().__init__("too-many-requests", problem, hint)
