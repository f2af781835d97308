"""Why a contract refused: the reason inside a revert's return data."""

from __future__ import annotations

_ERROR_STRING = bytes.fromhex("08c379a0")
"""Selector of ``Error(string)``, which a contract returns with a reason."""


def revert_reason(data: bytes) -> str | None:
    """The text in ``Error(string)`` return data, or None when the data is something else."""
    if data[:4] != _ERROR_STRING or len(data) < 68:
        return None
    length = int.from_bytes(data[36:68], "big")
    text = data[68 : 68 + length]
    return text.decode(errors="replace") if len(text) == length else None
