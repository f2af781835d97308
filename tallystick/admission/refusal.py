"""Why a statement may not enter."""

from __future__ import annotations

from tallystick.errors import VerificationFailed


class Refused(VerificationFailed):
    """A statement that the rules refuse: a stable ``code``, the ``field`` at fault, what was found, and a ``hint``."""

    def __init__(self, code: str, field: str, problem: str, hint: str) -> None:
        super().__init__(f"{problem} ({field})")
        self.code = code
        self.field = field
        self.problem = problem
        self.hint = hint
