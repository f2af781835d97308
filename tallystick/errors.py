"""The three kinds of failure: malformed input, failed verification, and (any other exception) our bug."""

from __future__ import annotations


class TallystickError(Exception):
    """Base of every error that this package raises on purpose."""


class MalformedInput(TallystickError):
    """The bytes do not have the form that the specification demands; nothing was verified."""


class VerificationFailed(TallystickError):
    """The bytes are well formed, and what they claim does not hold."""
