"""Many files made together: each step is done for all before the next, and what is wrong with one is its own trouble.

The same code over and over stays in the processor's caches, which drawing, signing and reading back do not share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from credentials.errors import SigningFailed, TextNotPrintable
from tallystick.errors import MalformedInput, TallystickError

A = TypeVar("A")
B = TypeVar("B")

REFUSED = (SigningFailed, TextNotPrintable, MalformedInput)
"""Why there is no file: words for whoever asked for it."""


def each(make: Callable[[A], B], items: Sequence[A | TallystickError]) -> list[B | TallystickError]:
    """What is made of each item, or why nothing is; what was refused already stays it. Other errors are raised."""
    found: list[B | TallystickError] = []
    for item in items:
        try:
            found.append(item if isinstance(item, TallystickError) else make(item))
        except REFUSED as error:
            found.append(error)
    return found
