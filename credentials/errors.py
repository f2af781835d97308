"""What can go wrong while a credential is made."""

from __future__ import annotations

from tallystick.errors import TallystickError


class KeyUnreadable(TallystickError):
    """A private key on disk does not open: wrong passphrase, or not a key of ours."""


class SigningFailed(TallystickError):
    """The file was not signed. The message says why, and nothing was left at the destination."""


class TextNotPrintable(TallystickError):
    """A text holds characters that the embedded fonts lack; a blank box on a certificate would be a silent loss."""
