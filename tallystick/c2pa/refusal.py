"""Why a Content Credential was refused: a stable code for programs, a sentence for people."""

from __future__ import annotations

from tallystick.errors import VerificationFailed


class CredentialRefused(VerificationFailed):
    """The file is well formed, and its credential does not hold.

    `code` is stable: either one of ours (``signer.*``, ``claim.*``, ``binding.*``, ``time.*``) or the status code of
    the C2PA specification (for example ``assertion.dataHash.mismatch``).
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class NoCredential(CredentialRefused):
    """The file is well formed and carries no C2PA manifest store at all."""

    def __init__(self, media_type: str) -> None:
        super().__init__("credential.absent", f"this {media_type} file holds no C2PA manifest store")
