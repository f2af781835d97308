"""One sentence of a report, in English and Chinese."""

from __future__ import annotations

from typing import Literal, TypeAlias

from tallystick.lazy_dataclass import dataclass

Language: TypeAlias = Literal["zh", "en"]


@dataclass(frozen=True)
class Phrase:
    """A sentence in both languages; ``next_en`` and ``next_zh``: what to do, for a line that reports a fault."""

    en: str
    zh: str
    next_en: str = ""
    next_zh: str = ""


KEEP = (
    "treat the bundle as altered, keep it as it is, and ask where it came from",
    "请将此证据包视为已被改动，原样留存，并追查其来源",
)
"""What to do with a bundle in which something was found to be false."""

ADD = ("export the case again with the missing entries", "请补齐缺失的条目后重新导出")
