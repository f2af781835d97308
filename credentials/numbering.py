"""Pages of a PDF that know how many they are: a reader must see whether one is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reportlab.pdfgen.canvas import Canvas


def numbered(draw: Callable[[Canvas, int], None]) -> type[Canvas]:
    """A canvas that holds pages back until their number is known; ``draw(canvas, pages)`` is called on each."""

    class Numbered(Canvas):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._held: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self._held.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for page in self._held:
                self.__dict__.update(page)
                draw(self, len(self._held))
                super().showPage()
            super().save()

    return Numbered
