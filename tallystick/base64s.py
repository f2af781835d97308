"""Strict base64 (RFC 4648 §4 and §5): one text per byte string, so stray bits and spaces are malformed."""

from __future__ import annotations

import base64
import binascii

from tallystick.errors import MalformedInput


def to_base64(data: bytes) -> str:
    """Standard alphabet, padded."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def from_base64(text: str) -> bytes:
    """Inverse of ``to_base64``; raises ``MalformedInput`` for any other text."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise MalformedInput(f"{text[:24]!r}… is not base64") from None
    # What strict mode lets through can only differ in the bits of its last four characters that stand for nothing.
    if to_base64(data[-(len(data) % 3 or 3) :]) != text[-4:]:
        raise MalformedInput(f"{text[:24]!r}… is not canonical base64")
    return data


def to_base64url(data: bytes) -> str:
    """URL-safe alphabet, no padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Inverse of ``to_base64url``; raises ``MalformedInput`` for any other text."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise MalformedInput(f"{text[:24]!r}… is not base64url") from None
    if to_base64url(data) != text:
        raise MalformedInput(f"{text[:24]!r}… is not canonical base64url")
    return data
