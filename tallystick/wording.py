"""One sentence in the two languages that everything here is told in."""

from __future__ import annotations

from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Wording:
    """The same sentence in both languages."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        """``zh`` or ``en``."""
        return self.zh if language == "zh" else self.en
