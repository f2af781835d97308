"""Why a token is not believed: a code for programs, a sentence for people."""

from __future__ import annotations

from tallystick.errors import VerificationFailed


class TokenRefused(VerificationFailed):
    """The token has its form, and something about it does not hold. ``code``: see docs/evidence/tokens.md."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
