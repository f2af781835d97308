"""What a document is refused for."""

from __future__ import annotations

from tallystick.errors import VerificationFailed


class DocumentRefused(VerificationFailed):
    """A document of which something does not hold. ``code``: see docs/evidence/credentials.md."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
